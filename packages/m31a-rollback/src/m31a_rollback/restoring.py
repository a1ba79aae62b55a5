"""A snapshot brought back into the work tree, and what every way back tells its caller."""

from dataclasses import dataclass

from m31a_rollback.checkout import Checkout
from m31a_rollback.errors import Conflict, Locked, OperationInProgress, UnbornBranch
from m31a_rollback.giving_back import move
from m31a_rollback.index_lock import landing_turn, lock_path
from m31a_rollback.refs import read_ref, resolve
from m31a_rollback.snapshot import Snapshot, load_snapshot, take_snapshot
from m31a_rollback.status import operation_in_progress
from m31a_rollback.weighing import weigh

RESTORE = "restore"


@dataclass(frozen=True, slots=True, kw_only=True)
class ResetResult:
    """What a reset, an undo or a restore has done."""

    previous: str
    head: str
    undone: tuple[str, ...]
    """The commits that are no longer on the branch, newest first."""
    snapshot: str
    """The reference that keeps everything uncommitted as it was before."""
    backup_branch: str | None = None
    """A branch at `previous`, made by hard and safe resets."""
    clashes: tuple[str, ...] = ()
    """Paths for which the uncommitted work did not fit and stayed, all of it, in the snapshot."""

    @property
    def remedy(self) -> str | None:
        """How to get at work that was not given back; None when it was."""
        if not self.clashes:
            return None
        return (
            f"your uncommitted work is in {self.snapshot}: "
            f"git show {self.snapshot}:files/{self.clashes[0]} prints a file, undo restores it all"
        )


async def restore(checkout: Checkout, snapshot: Snapshot | str) -> ResetResult:
    """Everything uncommitted as the snapshot has it; what is there now goes into one of its own.

    Untracked files that the snapshot does not know stay.

    Raises:
        Conflict: HEAD has something else at places the snapshot changes; nothing was changed.
        UnknownCommit, UnbornBranch, OperationInProgress, Locked, RefMoved: nothing was changed.
    """
    with landing_turn(checkout):
        head, _ = await ready(checkout, "HEAD")
        name = snapshot if isinstance(snapshot, str) else snapshot.ref
        give = await load_snapshot(checkout, name)
        weighed = await weigh(checkout, give, head)
        if weighed.clashes:
            raise Conflict(weighed.clashes)
        now = await take_snapshot(checkout, reason=RESTORE, target=head)
        await move(checkout, give, weighed, before=now, old=head, to=head)
    return ResetResult(previous=head, head=head, undone=(), snapshot=now.ref)


async def ready(checkout: Checkout, to: str) -> tuple[str, str]:
    """HEAD's commit and the target's, when the repository is in a state to be reset."""
    operation = operation_in_progress(checkout.git_dir)
    if operation is not None:
        raise OperationInProgress(operation)
    if lock_path(checkout).exists():
        raise Locked(lock_path(checkout))
    head = await read_ref(checkout, "HEAD")
    if head is None:
        raise UnbornBranch
    return head, await resolve(checkout, to)
