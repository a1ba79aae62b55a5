"""What killed processes and finished sessions left behind, taken away; what can go on stays."""

import re
from collections.abc import Iterable
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from m31a_engine.errors import Busy
from m31a_engine.session.home import ProjectHome
from m31a_engine.session.locks import SessionLock
from m31a_engine.session.scratch import PREFIX, clear, held
from m31a_engine.session.stream import utc_now
from m31a_engine.session.workbench import KEPT
from m31a_engine.shelf import ENDED, report_in
from m31a_rollback import RefMoved, Repository

BACKUP = "refs/m31a/backup"
"""Where the last commit of a discarded or deleted session stays; a user's snapshots, too."""
_SESSION = re.compile(r"(\d{8}-\d{6})-[0-9a-f]{4}")


@dataclass(frozen=True, slots=True)
class Sweep:
    """One project's folders and refs of our own, looked through."""

    repository: Repository
    home: ProjectHome
    kept_days: int

    async def run(self) -> None:
        """Take away scratch folders of the dead, work trees of ended sessions, and old refs."""
        if self.home.worktrees.is_dir():
            for folder in sorted(self.home.worktrees.iterdir()):
                if folder.name.startswith(PREFIX):
                    await self._scratch(folder)
                elif _SESSION.fullmatch(folder.name):
                    await self._work_trees(folder)
        await self._refs(datetime.now(UTC) - timedelta(days=self.kept_days))

    async def _scratch(self, folder: Path) -> None:
        with held(folder) as ours:
            if ours:
                await clear(self.repository, folder)

    async def _work_trees(self, folder: Path) -> None:
        """A session that has ended needs none; a kill may have come before they were removed."""
        session = self.home.session(folder.name)
        report = report_in(session)
        if report is None or report.outcome not in ENDED:
            return
        with suppress(Busy), closing(SessionLock(session.lock, folder.name, utc_now())):
            await clear(self.repository, folder)

    async def _refs(self, before: datetime) -> None:
        for prefix in (KEPT, BACKUP):
            refs = await self.repository.list_refs(f"{prefix}/")
            for ref in out_of_date(refs, prefix, before):
                (commit,) = await self.repository.log(refs[ref], limit=1)
                if commit.at < before:
                    with suppress(RefMoved):  # another run does the same
                        await self.repository.delete_ref(ref, refs[ref])


def out_of_date(refs: Iterable[str], prefix: str, before: datetime) -> tuple[str, ...]:
    """The refs named after a session (`prefix/ID` or `prefix/ID/…`) that began before a moment."""
    named = ((ref, ref.removeprefix(f"{prefix}/").partition("/")[0]) for ref in refs)
    return tuple(ref for ref, session in named if _is_older(session, before))


def _is_older(session: str, before: datetime) -> bool:
    match = _SESSION.fullmatch(session)
    if match is None:
        return False
    try:
        began = datetime.strptime(match[1], "%Y%m%d-%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return False
    return began < before
