"""The branch that a session's commits stand on, moved by compare-and-swap alone."""

from dataclasses import dataclass, replace
from pathlib import Path

from m31a_engine.errors import Refused
from m31a_rollback import GitFailed, RefMoved, Repository


@dataclass(frozen=True, slots=True)
class SessionBranch:
    """One branch of our own, `m31a/ID`."""

    repository: Repository
    name: str

    @property
    def ref(self) -> str:
        """Its full name."""
        return f"refs/heads/{self.name}"

    async def stand_at(self, commit: str) -> None:
        """Make it at a commit, unless it is there.

        Raises:
            Refused: another branch has the name of its folder.
        """
        if await self.repository.read_ref(self.ref) is not None:
            return
        try:
            await self.repository.create_branch(self.name, commit)
        except GitFailed as exc:
            folder = str(Path(self.name).parent)
            if await self.repository.read_ref(f"refs/heads/{folder}") is None:
                raise
            raise Refused(
                f"a branch called {folder} is in the way: runs work on {self.name}",
                remedy=f"rename it (git branch -m {folder} OTHER), then resume the session",
            ) from exc

    async def move(self, commit: str, old: str) -> str:
        """Move it from a commit to another; the commit it is at then.

        Being there already is well, also at the same commit with another signature: a kill came
        between the move and its record.

        Raises:
            RefMoved: somebody else moved the branch.
        """
        try:
            await self.repository.update_ref(self.ref, commit, old)
        except RefMoved as exc:
            if exc.found == commit:
                return commit
            if exc.found is None or not await self._are_twins(exc.found, commit):
                raise
            return exc.found
        return commit

    async def _are_twins(self, one: str, other: str) -> bool:
        """Whether two commits differ in their signatures alone."""
        (first,), (second,) = [await self.repository.log(each, limit=1) for each in (one, other)]
        return replace(first, id=second.id) == second
