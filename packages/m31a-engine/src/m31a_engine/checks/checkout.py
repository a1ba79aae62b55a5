"""A clean checkout of exactly one commit, for checks to run in."""

import hashlib
import os
import shutil
import stat
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, Protocol

import anyio
import anyio.to_thread

from m31a_engine.checks.dependencies import Family, WayBack, families_of, family_of
from m31a_rollback import Repository, WorkTree
from m31a_tools import Confined, Launch

_SUBMODULE_MODE = "160000"


class Mounting(Protocol):
    """How a checkout comes by the project's dependencies, and where commands see it."""

    async def prepare(self, checkout: "Checkout") -> None:
        """Make the dependency folders reachable from the checkout; again is fine."""

    def place(self, checkout: "Checkout") -> Path:
        """Where commands see the checkout: its own path, or the project's."""

    async def launch(
        self, checkout: "Checkout", argv: Sequence[str], env: Mapping[str, str]
    ) -> Launch:
        """How to run `argv` where the checkout stands."""
        ...

    def blocked(self, command: str) -> str:
        """Why this command may not run, for it would reach the user's own files; else ""."""


@dataclass(slots=True)
class Checkout:
    """A folder with the files of one commit, and nothing a former check left behind."""

    tree: WorkTree
    commit: str
    project: Path
    caches: Path
    """Private to this checkout: temporary files, what XDG_CACHE_HOME is for."""
    _seen: Mapping[str, "_State"] = field(default_factory=dict)

    @property
    def path(self) -> Path:
        """Where it stands."""
        return self.tree.path

    async def remember(self) -> None:
        """Take the tracked files as they are now for the ones to compare with."""
        self._seen = await anyio.to_thread.run_sync(_states, self.path, tuple(self._seen))

    async def changes(self) -> "Changes":
        """The tracked files that are not as they were made; whatever else is there is left out.

        Files are read, not asked of git: nothing a check does to the index can hide a change.
        """
        now = await anyio.to_thread.run_sync(_states, self.path, tuple(self._seen))
        touched = {path for path, state in self._seen.items() if now[path] != state}
        changed = {path for path in touched if now[path].content != self._seen[path].content}
        return Changes(tuple(sorted(changed)), tuple(sorted(touched - changed)))


class Changes(NamedTuple):
    """What a command did to the files of a checkout."""

    changed: tuple[str, ...]
    put_back: tuple[str, ...]
    """Written to, and as they were again in the end."""


class _State(NamedTuple):
    content: str
    """Kind, executable bit and contents; "" when it is not there."""
    at_ns: int
    """When it last changed, by the kernel's clock, which a program cannot set."""


_ABSENT = _State("", 0)


Around = Callable[[Checkout], Awaitable[Confined | None]]
"""How commands on a checkout are confined; None where nothing confines them."""


async def unconfined(_: Checkout) -> None:
    """With the rights of this process."""


@dataclass(frozen=True, slots=True)
class Covering:
    """The checkout mounted over the project's own folder, its dependencies read-only in place.

    Virtual environments, editable installs and workspace links lead into the checkout then.
    """

    around: Around

    async def prepare(self, checkout: Checkout) -> None:
        """Nothing: what is mounted is mounted for each command."""

    def place(self, checkout: Checkout) -> Path:
        """The project's path."""
        return checkout.project

    async def launch(
        self, checkout: Checkout, argv: Sequence[str], env: Mapping[str, str]
    ) -> Launch:
        """In a mount namespace of its own."""
        confined = await self.around(checkout)
        if confined is None:
            raise AssertionError("a checkout is mounted by a sandbox")
        return confined.launch(argv, cwd=checkout.path, env=env)

    def blocked(self, command: str) -> str:  # noqa: ARG002 - the protocol's
        """Nothing: no command reaches the user's own files."""
        return ""


@dataclass(frozen=True, slots=True)
class Linking:
    """Dependency folders by symbolic link, where none of them leads back into the project."""

    folders: Sequence[str]
    ways_back: Sequence[WayBack]
    around: Around = unconfined

    async def prepare(self, checkout: Checkout) -> None:
        """Link each folder that is there, is not part of the commit, and leads nowhere back."""
        leading = {way.folder for way in self.ways_back}
        for name in self.folders:
            source, target = checkout.project / name, checkout.path / name
            if name in leading or not source.is_dir() or os.path.lexists(target):
                continue
            if target.parent.is_dir():
                target.symlink_to(source.resolve(), target_is_directory=True)

    def place(self, checkout: Checkout) -> Path:
        """The checkout's own path."""
        return checkout.path

    async def launch(
        self, checkout: Checkout, argv: Sequence[str], env: Mapping[str, str]
    ) -> Launch:
        """In the checkout; confined to it where something confines."""
        confined = await self.around(checkout)
        if confined is None:
            return Launch(argv=tuple(argv), cwd=checkout.path, env=env, watcher=False)
        return confined.launch(argv, cwd=checkout.path, env=env)

    def blocked(self, command: str) -> str:
        """Which dependency the command needs that leads back into the project; "" when none."""
        families = families_of(command)
        for way in self.ways_back:
            if way.family in families or (way.family is Family.OTHER and not _known(way.folder)):
                return f"{way.folder} leads back into the project ({way.why})"
        return ""


@asynccontextmanager
async def clean_checkout(
    repository: Repository, commit: str, folder: Path, mounting: Mounting
) -> AsyncIterator[Checkout]:
    """A checkout of `commit` in the new folder `folder`; gone afterwards, whatever happened.

    What an interrupted check left at that place is removed first.
    """
    await repository.remove_worktree(folder)
    await anyio.to_thread.run_sync(_delete, folder)
    caches = folder.with_name(f"{folder.name}.caches")
    await anyio.to_thread.run_sync(_empty, caches)
    tree = await repository.worktree(folder, commit)
    try:
        entries = await repository.ls_tree(commit)
        files = {entry.path: _ABSENT for entry in entries if entry.mode != _SUBMODULE_MODE}
        checkout = Checkout(
            tree=tree, commit=commit, project=repository.root, caches=caches, _seen=files
        )
        await checkout.remember()
        await mounting.prepare(checkout)
        yield checkout
    finally:
        with anyio.CancelScope(shield=True):
            await tree.remove()
            await anyio.to_thread.run_sync(_delete, caches)


def _known(folder: str) -> bool:
    return family_of(folder) is not None


def _empty(folder: Path) -> None:
    _delete(folder)
    for name in ("tmp", "xdg"):
        (folder / name).mkdir(parents=True, mode=0o700)


def _delete(folder: Path) -> None:
    """Remove it, folders that a check made read-only included."""
    for here, names, _ in os.walk(folder):
        for name in names:
            path = Path(here, name)
            if not path.is_symlink():
                path.chmod(0o700)
    shutil.rmtree(folder, ignore_errors=True)


def _states(root: Path, paths: Sequence[str]) -> dict[str, _State]:
    return {path: _state(root / path) for path in paths}


def _state(path: Path) -> _State:
    try:
        found = path.lstat()
        return _State(_content(path, found.st_mode), found.st_ctime_ns)
    except OSError:
        return _ABSENT


def _content(path: Path, mode: int) -> str:
    if stat.S_ISLNK(mode):
        return f"link {path.readlink()}"
    if not stat.S_ISREG(mode):
        return "no file"
    with path.open("rb") as file:
        return f"{mode & 0o100:o} {hashlib.file_digest(file, 'sha256').hexdigest()}"
