"""Back to an earlier commit and forward again, for the user's own branch and tree."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import msgspec

from m31a_engine.desk.opened import held, opened, refusing
from m31a_engine.paths import shown_path
from m31a_engine.session.home import ProjectHome
from m31a_engine.shipping.trailers import read_trailers
from m31a_rollback import (
    Repository,
    ResetResult,
    hard_reset,
    revert_files,
    safe_reset,
    soft_reset,
    undo,
)

BRANCHES = "refs/heads/m31a/"
BACKUP = "m31a/rollback-backup-"
DEED = "rollback"


class Reset(StrEnum):
    """How far a reset goes."""

    SOFT = "soft"
    """The branch alone; files and index stay."""
    HARD = "hard"
    """Branch, index and files; uncommitted work is given back onto the target."""
    SAFE = "safe"
    """As hard, when only runs' own, unpublished commits are undone."""


class ShippedCommit(msgspec.Struct, frozen=True, kw_only=True):
    """A commit of a run on the user's branch."""

    commit: str
    parent: str
    """What to reset to, to be rid of it."""
    subject: str
    at: str
    session: str
    verdict: str


class WentBack(msgspec.Struct, frozen=True, kw_only=True):
    """What a reset, a file rollback or an undo has done."""

    previous: str
    head: str
    undone: tuple[str, ...]
    """The commits that are no longer on the branch, the newest first."""
    snapshot: str
    """The reference that keeps what was uncommitted before."""
    backup_branch: str | None
    clashes: tuple[str, ...]
    """Paths whose uncommitted work did not fit and stayed in the snapshot."""
    remedy: str

    @classmethod
    def of(cls, result: ResetResult) -> "WentBack":
        """The same, with paths that any reader can take."""
        return cls(
            previous=result.previous,
            head=result.head,
            undone=result.undone,
            snapshot=result.snapshot,
            backup_branch=result.backup_branch,
            clashes=tuple(map(shown_path, result.clashes)),
            remedy=shown_path(result.remedy or ""),
        )


class WaysBack(msgspec.Struct, frozen=True, kw_only=True):
    """What can be gone back behind, and what keeps the way forward."""

    commits: tuple[ShippedCommit, ...]
    backups: dict[str, str]
    """Branch that a reset left → its commit."""
    snapshots: tuple[str, ...]
    """References that keep uncommitted work, the newest first."""


@dataclass(frozen=True, slots=True)
class Undoing:
    """Resets of one project's branch; uncommitted work is kept in a snapshot each time."""

    project: Path
    home: ProjectHome

    async def list(self, limit: int = 20) -> WaysBack:
        """The runs' commits among the newest `limit` of HEAD's, backups and snapshots.

        Raises:
            Refused: there is no repository, or it cannot be read.
        """
        repository = await opened(self.project)
        with refusing():
            refs = await repository.list_refs(BRANCHES)
            branches = {ref.removeprefix("refs/heads/"): head for ref, head in refs.items()}
            return WaysBack(
                commits=await _shipped(repository, limit),
                backups={name: head for name, head in branches.items() if name.startswith(BACKUP)},
                snapshots=await repository.snapshots(),
            )

    async def reset(self, how: Reset, to: str) -> WentBack:
        """The branch at `to`.

        Raises:
            Refused: git's state forbids it, or `safe` does; nothing was changed.
        """
        async with held(self.project, self.home, DEED) as repository:
            match how:
                case Reset.SOFT:
                    return WentBack.of(await soft_reset(repository, to))
                case Reset.HARD:
                    return WentBack.of(await hard_reset(repository, to))
                case Reset.SAFE:
                    return WentBack.of(await safe_reset(repository, to))

    async def files(self, commit: str, paths: Sequence[str] = ()) -> WentBack:
        """Files as they were before `commit`; none named means all that it changed.

        Raises:
            Refused: the commit did not change one of them; nothing was changed.
        """
        async with held(self.project, self.home, DEED) as repository:
            return WentBack.of(await revert_files(repository, commit, paths))

    async def undo(self) -> WentBack:
        """The state before the last reset, file rollback or undo.

        Raises:
            Refused: there was none, or HEAD has moved since.
        """
        async with held(self.project, self.home, DEED) as repository:
            return WentBack.of(await undo(repository))


async def _shipped(repository: Repository, limit: int) -> tuple[ShippedCommit, ...]:
    found = []
    for commit in await repository.log("HEAD", limit):
        lines = (line.partition(": ") for line in commit.body.splitlines())
        proof = read_trailers((key, value) for key, colon, value in lines if colon)
        if proof.session:
            shipped = ShippedCommit(
                commit=commit.id,
                parent=commit.parents[0] if commit.parents else "",
                subject=commit.subject,
                at=commit.at.isoformat(),
                session=proof.session,
                verdict=proof.verdict.value if proof.verdict else "",
            )
            found.append(shipped)
    return tuple(found)
