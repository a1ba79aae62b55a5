"""Going back to an earlier commit, with a way forward again. None of it uses the stash."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count
from os import getpid

from m31a_rollback.chain import SESSION_TRAILER, Chain
from m31a_rollback.checkout import Checkout
from m31a_rollback.errors import (
    BadName,
    NotADescendant,
    NothingToUndo,
    NotOfThisRun,
    OnUpstream,
    RefMoved,
    UnbornBranch,
)
from m31a_rollback.giving_back import interrupted_move, move, put_files, remove_arrivals
from m31a_rollback.index_lock import landing_turn
from m31a_rollback.refs import branch_ref, read_ref, update_ref
from m31a_rollback.repository import Repository
from m31a_rollback.restoring import RESTORE, ResetResult, ready
from m31a_rollback.snapshot import Snapshot, list_snapshots, load_snapshot, take_snapshot
from m31a_rollback.trees import raw_changes
from m31a_rollback.weighing import weigh

SOFT, HARD, SAFE, FILES = "soft", "hard", "safe", "files"
_COUNTER = count(1)


async def soft_reset(repository: Repository, to: str) -> ResetResult:
    """The branch at `to`; index and work tree stay as they are.

    Raises:
        UnknownCommit, UnbornBranch, OperationInProgress, RefMoved: nothing was changed.
    """
    checkout = repository.checkout
    head, to = await ready(checkout, to)
    undone = await _undone(repository, head, to)
    kept = await take_snapshot(checkout, reason=SOFT, target=to)
    await update_ref(checkout, "HEAD", to, head, message="m31a: soft reset")
    return ResetResult(previous=head, head=to, undone=undone, snapshot=kept.ref)


async def hard_reset(repository: Repository, to: str) -> ResetResult:
    """Branch, index and work tree at `to`, the uncommitted work given back onto it.

    A branch `m31a/rollback-backup-<time>` keeps the commits, a snapshot the uncommitted work.
    Where the work clashes with the target it stays in the snapshot; see `ResetResult.remedy`.

    Raises:
        UnknownCommit, UnbornBranch, OperationInProgress, Locked, RefMoved: nothing was changed.
    """
    with landing_turn(repository.checkout):
        head, to = await ready(repository.checkout, to)
        result = await _reset(repository, head, to, HARD)
    return result  # noqa: RET504 - to mypy the turn above could swallow an error


async def safe_reset(repository: Repository, to: str, *, chain: Chain | None = None) -> ResetResult:
    """As `hard_reset`, but only when nobody else can miss what is undone.

    Args:
        chain: the commits of the run; None means every commit with a session trailer.

    Raises:
        NotADescendant: `to` does not come before HEAD.
        NotOfThisRun: a commit to be undone was made otherwise.
        OnUpstream: a commit to be undone is on a remote branch. Use `revert_commits`.
        UnknownCommit, UnbornBranch, OperationInProgress, Locked, RefMoved: as with `hard_reset`.
    """
    with landing_turn(repository.checkout):
        head, to = await ready(repository.checkout, to)
        await _check_safe(repository, head, to, chain)
        result = await _reset(repository, head, to, SAFE)
    return result  # noqa: RET504 - to mypy the turn above could swallow an error


async def _check_safe(repository: Repository, head: str, to: str, chain: Chain | None) -> None:
    if not await repository.is_ancestor(to, head):
        raise NotADescendant(head, to)
    undone = await _undone(repository, head, to)
    if chain is not None:
        strange = tuple(commit for commit in undone if commit not in chain.ids)
    else:
        strange = tuple([commit for commit in undone if not await _is_of_a_run(repository, commit)])
    if strange:
        raise NotOfThisRun(strange)
    local = await _listed(repository.checkout, f"{to}..{head}", "--not", "--remotes")
    published = tuple(commit for commit in undone if commit not in local)
    if published:
        raise OnUpstream(published)


async def revert_files(
    repository: Repository, commit: str, paths: Sequence[str] = ()
) -> ResetResult:
    """Files of the work tree as they were before `commit`; index and branch stay.

    Args:
        paths: files the commit changed; none means all of them.

    Raises:
        UnknownCommit: there is no such commit.
        BadName: the commit did not change one of the paths.
        UnbornBranch, OperationInProgress, Locked: nothing was changed.
    """
    checkout = repository.checkout
    with landing_turn(checkout):
        head, _ = await ready(checkout, "HEAD")
        found = (await repository.log(await repository.resolve(commit), limit=1))[0]
        before = found.parents[0] if found.parents else repository.empty_tree
        changes = {change.path: change for change in await raw_changes(checkout, before, found.id)}
        for path in paths:
            if path not in changes:
                raise BadName(path)
        chosen = list(paths) or list(changes)
        kept = await take_snapshot(checkout, reason=FILES, target=before if chosen else None)
        await put_files(checkout, before, [changes[path] for path in chosen], before=kept)
    return ResetResult(previous=head, head=head, undone=(), snapshot=kept.ref)


async def undo(repository: Repository) -> ResetResult:
    """The state before the last reset, restore, file revert or undo.

    Also brings back what one of them has left half done when it was killed. Uncommitted work
    done since a reset comes along, if it fits; whatever does not is in the snapshot.

    Raises:
        NothingToUndo: there was none.
        RefMoved: HEAD has moved since; nothing was changed.
        Locked, OperationInProgress: nothing was changed.
    """
    checkout = repository.checkout
    with landing_turn(checkout):
        half_done = await interrupted_move(checkout)
        if half_done is None:
            await ready(checkout, "HEAD")
        result = await _undo(checkout, half_done)
    return result  # noqa: RET504 - to mypy the turn above could swallow an error


async def _undo(checkout: Checkout, half_done: Snapshot | None) -> ResetResult:
    last = half_done or await _last(checkout)
    head = await read_ref(checkout, "HEAD")
    if last.head is None or head is None:
        raise UnbornBranch
    is_reset = last.reason in {SOFT, HARD, SAFE}
    if half_done is None and head not in {last.head, last.target if is_reset else last.head}:
        raise RefMoved(ref="HEAD", expected=last.target if is_reset else last.head, found=head)
    reason = last.reason if is_reset else RESTORE
    now = await take_snapshot(
        checkout, reason="snapshot" if half_done else reason, target=last.head
    )
    if half_done:
        await remove_arrivals(checkout, half_done)
    result = ResetResult(previous=head, head=last.head, undone=(), snapshot=now.ref)
    if reason == SOFT and half_done is None:
        await update_ref(checkout, "HEAD", last.head, head, message="m31a: undo soft reset")
        return result
    give = last if half_done or reason == RESTORE or _is_within(now, last) else now
    weighed = await weigh(checkout, give, last.head)
    before = last if half_done else now
    await move(checkout, give, weighed, before=before, old=head, to=last.head)
    return replace(result, clashes=weighed.clashes)


async def _reset(repository: Repository, head: str, to: str, reason: str) -> ResetResult:
    checkout = repository.checkout
    undone = await _undone(repository, head, to)
    kept = await take_snapshot(checkout, reason=reason, target=to)
    weighed = await weigh(checkout, kept, to)
    stamp = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{getpid()}-{next(_COUNTER)}"
    backup = f"m31a/rollback-backup-{stamp}"
    await update_ref(checkout, branch_ref(backup), head, checkout.zero)
    await move(checkout, kept, weighed, before=kept, old=head, to=to)
    return ResetResult(
        previous=head,
        head=to,
        undone=undone,
        backup_branch=backup,
        snapshot=kept.ref,
        clashes=weighed.clashes,
    )


async def _undone(repository: Repository, head: str, to: str) -> tuple[str, ...]:
    return await _listed(repository.checkout, f"{to}..{head}")


async def _listed(checkout: Checkout, *what: str) -> tuple[str, ...]:
    output = await checkout.git("rev-list", "--topo-order", *what)
    return tuple(output.stdout.decode("ascii").split())


async def _is_of_a_run(repository: Repository, commit: str) -> bool:
    return any(key == SESSION_TRAILER for key, _ in await repository.trailers(commit))


async def _last(checkout: Checkout) -> Snapshot:
    for ref in await list_snapshots(checkout):
        snapshot = await load_snapshot(checkout, ref)
        if snapshot.reason != "snapshot":
            return snapshot
    raise NothingToUndo


def _is_within(now: Snapshot, last: Snapshot) -> bool:
    """Whether nothing is uncommitted now that the earlier snapshot does not hold as well."""
    return (
        now.files.items() <= last.files.items()
        and set(now.deleted) <= set(last.deleted)
        and now.staged.items() <= last.staged.items()
    )
