"""Which files a goal is about, known some time after a run has begun."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import anyio
import anyio.to_thread

from m31a_engine.paths import is_text
from m31a_engine.project.tree import disk_reader
from m31a_engine.shipping.secrets import redact
from m31a_rollback import Repository

REFRESH_S = 20.0
"""What reading a large project for the first time may take; the rest is read by later runs."""
SMALL_PROJECT = 20
"""Where there are fewer files of program text, their names are told already."""
_ORDINARY = frozenset({"100644", "100755"})


@dataclass(slots=True)
class Compass:
    """The index of a session's project: made beside the first request, never waited for."""

    repository: Repository
    cache: Path
    _map: "_Map | None" = None
    _using: anyio.Lock = field(default_factory=anyio.Lock)

    async def prepare(self, commit: str, root: Path) -> None:
        """Read what changed since an earlier run; `root` holds the files of `commit`."""
        entries = await self.repository.ls_tree(commit)
        blobs = {
            entry.path: entry.blob
            for entry in entries
            if entry.mode in _ORDINARY and is_text(entry.path)
        }
        if len(blobs) < SMALL_PROJECT:
            return
        files = disk_reader(root)
        # A run that ends meanwhile does not wait: the cache holds what was read until then.
        self._map = await anyio.to_thread.run_sync(
            _read_project, self.cache, blobs, files, abandon_on_cancel=True
        )

    async def orientation(self, goal: str, budget_tokens: int, named: Collection[str] = ()) -> str:
        """The files that may matter and their map; "" while nothing is known."""
        project = self._map
        if project is None:
            return ""
        async with self._using:
            return await anyio.to_thread.run_sync(project.orientation, goal, named, budget_tokens)

    async def quotation(self, goal: str) -> str:
        """Excerpts of the files that a goal names; "" when it names none or nothing is known."""
        project = self._map
        if project is None:
            return ""
        async with self._using:
            return redact(await anyio.to_thread.run_sync(project.quotation, goal))

    async def edited(self, paths: Collection[str], root: Path) -> None:
        """Look again at files that a task has changed."""
        project = self._map
        if project is not None:
            async with self._using:
                await anyio.to_thread.run_sync(project.edited, paths, disk_reader(root))

    def close(self) -> None:
        """Close the cache."""
        if self._map is not None:
            self._map.close()
            self._map = None


@dataclass(frozen=True, slots=True)
class _Map:
    """An index that has been brought up to date; all that needs its machinery."""

    orientation: Callable[[str, Collection[str], int], str]
    quotation: Callable[[str], str]
    edited: Callable[[Collection[str], Callable[[str], bytes | None]], object]
    close: Callable[[], None]


def _read_project(
    cache: Path, blobs: Mapping[str, str], read: Callable[[str], bytes | None]
) -> _Map:
    # SQLite and the readers of languages: not before the first request.
    from m31a_autodream import estimate_tokens
    from m31a_engine.code.index import CodeIndex
    from m31a_engine.code.orientation import orientation, quotation

    index = CodeIndex.open(cache)
    try:
        index.refresh(blobs, read, budget_s=REFRESH_S)
    except BaseException:
        index.close()
        raise

    def look(goal: str, named: Collection[str], budget_tokens: int) -> str:
        return orientation(
            index, goal, named=named, budget_tokens=budget_tokens, estimate=estimate_tokens
        )

    return _Map(
        orientation=look,
        quotation=lambda goal: quotation(index, goal, read),
        edited=index.edited,
        close=index.close,
    )
