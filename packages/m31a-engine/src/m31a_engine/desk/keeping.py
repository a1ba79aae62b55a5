"""Sessions put away, brought back, deleted."""

import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import anyio.to_thread

from m31a_engine.desk.opened import opened, refusing
from m31a_engine.errors import NothingToResume, Refused
from m31a_engine.session.home import ProjectHome, SessionFolder
from m31a_engine.session.locks import SessionLock
from m31a_engine.session.stream import utc_now
from m31a_engine.shelf import stored

_ID = re.compile(r"[\w-]+")


@dataclass(frozen=True, slots=True)
class Keeping:
    """Moves and removes the folders of one project's sessions; a running one is left alone."""

    project: Path
    home: ProjectHome

    async def archive(self, session_id: str) -> Path:
        """Take a session out of the list; everything of it is kept. Where it is now.

        Raises:
            NothingToResume: there is no such session.
            Busy: it runs.
        """
        return await _move(self.home, self.home.archive, session_id)

    async def unarchive(self, session_id: str) -> Path:
        """Bring an archived session back into the list. Where it is now.

        Raises:
            NothingToResume: there is no such session in the archive.
        """
        return await _move(self.home.archive, self.home, session_id)

    async def delete(self, session_id: str) -> str | None:
        """Remove a session's folder, work trees and branch.

        Returns:
            The reference that keeps the branch's last commit; None when there was none.

        Raises:
            NothingToResume: there is no such session.
            Busy: it runs.
            Refused: the repository cannot be used.
        """
        async with _at_rest(self.home, session_id) as folder:
            session = stored(folder)
            branch = f"refs/heads/{session.branch}" if session and session.branch else ""
            kept = None
            if (self.project / ".git").exists():
                repository = await opened(self.project)
                with refusing():
                    for tree in folder.worktrees.glob("*"):
                        await repository.remove_worktree(tree)
                    head = await repository.read_ref(branch) if branch else None
                    if head is not None:
                        kept = f"refs/m31a/backup/{session_id}"
                        await repository.update_ref(kept, head)
                        await repository.delete_ref(branch, head)
            await anyio.to_thread.run_sync(_remove, folder)
            return kept


async def _move(origin: ProjectHome, target: ProjectHome, session_id: str) -> Path:
    async with _at_rest(origin, session_id) as folder:
        place = target.session(session_id).root
        if place.exists():
            raise Refused(f"there is a session {session_id} at {place} already")
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder.root.rename(place)
        return place


@asynccontextmanager
async def _at_rest(home: ProjectHome, session_id: str) -> AsyncIterator[SessionFolder]:
    """The folder of a session that does not run."""
    folder = home.session(session_id)
    if not _ID.fullmatch(session_id) or not folder.root.is_dir():
        raise NothingToResume(
            f"there is no session {session_id} there",
            remedy="`m31a sessions list` shows those there are, --archived the others",
        )
    lock = SessionLock(folder.lock, session_id, utc_now())
    try:
        yield folder
    finally:
        lock.close()


def _remove(folder: SessionFolder) -> None:
    shutil.rmtree(folder.worktrees, ignore_errors=True)
    shutil.rmtree(folder.root)
