"""Landing: a commit made elsewhere comes onto the user's branch, into index and work tree.

Whatever the user has not committed stays byte for byte. Either every changed path is still as
the base has it and all of the landing happens, or nothing does. Files come first, then the index,
then the branch, all under git's own lock; a kill at any moment is finished or undone by
`recover_landing`.
"""

import os
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

import anyio
import anyio.to_thread

from m31a_rollback.checkout import Checkout
from m31a_rollback.errors import GitFailed, Locked, RefMoved
from m31a_rollback.index_lock import (
    landing_turn,
    own_lock,
    release_index_lock,
    take_index_lock,
)
from m31a_rollback.landing_check import find_obstacle, head_is, index_entry, matching, read_index
from m31a_rollback.landing_files import (
    Placement,
    Stage,
    Stamp,
    Touched,
    place,
    restore,
    stamp,
    sweep,
)
from m31a_rollback.landing_plan import (
    CannotLand,
    Entry,
    Intend,
    Landed,
    Landing,
    LandingPath,
    Obstacle,
    head_and_branch,
    merge_command,
)
from m31a_rollback.private_index import next_index
from m31a_rollback.refs import drop_stale_locks, is_ancestor, update_ref
from m31a_rollback.staging import check_out
from m31a_rollback.trees import ls_tree

Recovered = Literal["finished", "undone", "not_started"]


async def land(checkout: Checkout, landing: Landing, *, intend: Intend) -> Landed | CannotLand:
    """The landing done, or the reason why nothing was touched.

    Args:
        intend: awaited when all checks have passed and before the first change; it stores the
            landing, so that `recover_landing` can be called with it after a kill.

    Cancellation waits until the landing is through. An earlier landing that a kill cut short is
    finished or undone first.
    """
    try:
        with landing_turn(checkout), anyio.CancelScope(shield=True):
            await _settle(checkout)
            take_index_lock(checkout, landing.to_json())
            outcome = await _land_locked(checkout, landing, intend)
    except Locked as exc:
        return _refusal(landing, Obstacle.LOCKED, detail=str(exc))
    return outcome


async def recover_landing(checkout: Checkout, landing: Landing) -> Recovered:
    """Finish or undo what a killed process has left of the landing; again is fine.

    `finished`: the commit is on the branch and its files are there. `undone`: the files are as
    they were, for the user has gone on in between. `not_started`: nothing had been touched.

    Raises:
        Locked: a landing or another git process is at work right now.
    """
    outcome: Recovered = "not_started"
    with landing_turn(checkout), anyio.CancelScope(shield=True):
        if _left_behind(checkout) != landing:
            await _settle(checkout)
            take_index_lock(checkout, landing.to_json())
        outcome = await _recover_locked(checkout, landing)
    return outcome  # noqa: RET504 - to mypy the scope above could swallow an error


async def settle_landing(checkout: Checkout) -> Landing | None:
    """The landing that a kill has cut short, now finished or undone; None when there is none.

    Raises:
        Locked: another process lands right now.
    """
    if _left_behind(checkout) is None:
        return None
    landing = None
    with landing_turn(checkout), anyio.CancelScope(shield=True):
        landing = await _settle(checkout)
    return landing  # noqa: RET504 - to mypy the scope above could swallow an error


async def _settle(checkout: Checkout) -> Landing | None:
    landing = _left_behind(checkout)
    if landing is not None:
        await _recover_locked(checkout, landing)
    return landing


def _left_behind(checkout: Checkout) -> Landing | None:
    """The landing that the index lock was taken for, if the lock is ours and makes sense."""
    text = own_lock(checkout)
    try:
        return Landing.from_json(text) if text is not None else None
    except ValueError:
        return None


async def _land_locked(checkout: Checkout, landing: Landing, intend: Intend) -> Landed | CannotLand:
    """The landing under the lock. Lock and stage outlive a failed undo, for a later recovery."""
    stage = _stage(checkout, landing)
    stamps = {item.path: stamp(checkout.root / item.path) for item in landing.paths}
    try:
        obstacle = await find_obstacle(checkout, landing)
    except BaseException:
        release_index_lock(checkout)
        raise
    if obstacle is not None:
        release_index_lock(checkout)
        return obstacle
    try:
        await check_out(checkout, landing.commit, stage.incoming, _coming(landing))
        await intend(landing)
    except BaseException:
        await _clean(checkout, landing)
        raise
    outcome = await _apply_or_undo(checkout, landing, stage, stamps)
    await _clean(checkout, landing)
    return outcome


async def _apply_or_undo(
    checkout: Checkout, landing: Landing, stage: Stage, stamps: Mapping[str, Stamp]
) -> Landed | CannotLand:
    placed: dict[str, Stamp] = {}
    try:
        await _apply(checkout, landing, stage, placements(landing.paths), stamps, placed)
    except Touched as exc:
        refusal = _refusal(landing, Obstacle.TREE_CHANGED, (exc.path,))
    except RefMoved:
        refusal = _refusal(landing, Obstacle.HEAD_MOVED)
    except (OSError, GitFailed) as exc:
        refusal = _refusal(landing, Obstacle.FAILED, detail=str(exc))
    else:
        return Landed(commit=landing.commit)
    mine = [
        item
        for item in placements(landing.paths)
        if item.path in placed and stamp(checkout.root / item.path) == placed[item.path]
    ]
    await anyio.to_thread.run_sync(restore, checkout.root, stage, mine, stage.former)
    if stage.index_before.exists():
        stage.index_before.replace(checkout.git_dir / "index")
    await _replace_index(checkout, stage, {}, [item.path for item in mine if stamps[item.path]])
    return refusal


async def _apply(
    checkout: Checkout,
    landing: Landing,
    stage: Stage,
    work: Sequence[Placement],
    stamps: Mapping[str, Stamp],
    placed: dict[str, Stamp],
) -> None:
    """Files, index, branch, in this order."""
    await anyio.to_thread.run_sync(place, checkout.root, stage, work, stamps, placed)
    entries = {item.path: item.new for item in landing.paths}
    await _replace_index(checkout, stage, entries, _coming(landing))
    await update_ref(
        checkout,
        f"refs/heads/{landing.branch}" if landing.branch else "HEAD",
        landing.commit,
        checkout.zero if landing.unborn else landing.base,
        message="m31a: land",
        deref=False,
    )


async def _recover_locked(checkout: Checkout, landing: Landing) -> Recovered:
    await drop_stale_locks(checkout, landing.branch)
    outcome = await _recover(checkout, landing, _stage(checkout, landing))
    await _clean(checkout, landing)
    return outcome


async def _recover(checkout: Checkout, landing: Landing, stage: Stage) -> Recovered:
    if await _is_on_branch(checkout, landing):
        return "finished"
    found = await _look(checkout, landing)
    if not found.arrived and not found.staged:
        return "not_started"
    if found.is_known and await head_is(checkout, landing, landing.base):
        rest = [item for item in placements(landing.paths) if item.path not in found.there]
        stamps = {item.path: stamp(checkout.root / item.path) for item in rest}
        await check_out(checkout, landing.commit, stage.incoming, _coming(landing))
        with suppress(Touched, RefMoved):
            await _apply(checkout, landing, stage, rest, stamps, {})
            return "finished"
        # a git that outlived its parent may have moved the branch at the last moment
        if await _is_on_branch(checkout, landing):
            return "finished"
        found = await _look(checkout, landing)
    await _take_back(checkout, landing, stage, found)
    return "undone"


@dataclass(frozen=True, slots=True)
class _Found:
    """How much of a landing stands in the user's tree and index."""

    there: frozenset[str]
    """Paths whose file is as the landing makes it."""
    arrived: frozenset[str]
    """Those of them that are not also as they were before."""
    staged: frozenset[str]
    """Paths whose index entry is as the landing makes it."""
    is_known: bool
    """Whether every path is, in tree and index, as before or as the landing makes it."""


async def _look(checkout: Checkout, landing: Landing) -> _Found:
    index = await read_index(checkout)
    entries = {item.path: index_entry(index, item.path) for item in landing.paths}
    staged = {item.path for item in landing.paths if entries[item.path] == item.new}
    unstaged = {item.path for item in landing.paths if entries[item.path] == item.old}
    there = await matching(checkout, {item.path: item.new for item in landing.paths})
    as_before = await matching(checkout, {item.path: item.old for item in landing.paths})
    return _Found(
        there=frozenset(there),
        arrived=frozenset(there - as_before),
        staged=frozenset(staged),
        is_known=there | as_before == entries.keys() == staged | unstaged,
    )


async def _take_back(checkout: Checkout, landing: Landing, stage: Stage, found: _Found) -> None:
    """Undo what arrived, save where the user's HEAD has something else than the base by now."""
    head, _ = await head_and_branch(checkout)
    tree = await ls_tree(checkout, head) if head else ()
    now: dict[str, Entry] = {entry.path: (entry.mode, entry.blob) for entry in tree}
    own = [item for item in landing.paths if now.get(item.path) == item.old]
    files = {item.path for item in own} & found.arrived
    back = [item.path for item in own if item.path in files and item.old is not None]
    await check_out(checkout, landing.base, stage.former, back)
    work = [item for item in placements(landing.paths) if item.path in files]
    await anyio.to_thread.run_sync(restore, checkout.root, stage, work, stage.former)
    former = {item.path: item.old for item in own if item.path in found.staged}
    await _replace_index(checkout, stage, former, back)


async def _is_on_branch(checkout: Checkout, landing: Landing) -> bool:
    """Whether the commit is part of HEAD, or of the branch it was to land on."""
    tips = ["HEAD", *([f"refs/heads/{landing.branch}"] if landing.branch else [])]
    for tip in tips:
        if await is_ancestor(checkout, landing.commit, tip):
            return True
    return False


async def _replace_index(
    checkout: Checkout, stage: Stage, entries: Mapping[str, Entry], written: Sequence[str]
) -> None:
    """Put the entries into the user's index; all others stay as they are.

    `written` are files that were put in their places: their times are noted, so that git need
    not read them again.
    """
    gone = [f"0 {checkout.zero}\t{path}" for path, entry in entries.items() if entry is None]
    there = [
        f"{entry[0]} {entry[1]}\t{path}" for path, entry in entries.items() if entry is not None
    ]
    async with next_index(checkout) as index:
        if index.exists():
            shutil.copy2(index, stage.index_before)
        await checkout.git(
            "update-index", "-z", "--index-info", index=index, input=_joined(gone + there)
        )
        await checkout.git(
            "add",
            "--refresh",
            "--pathspec-from-file=-",
            "--pathspec-file-nul",
            index=index,
            input=_joined(written),
            env={"GIT_LITERAL_PATHSPECS": "1"},
            converts=True,
            check=False,
        )


async def _clean(checkout: Checkout, landing: Landing) -> None:
    """Take away what the landing needed, and give the lock back."""
    stage, work = _stage(checkout, landing), placements(landing.paths)
    await anyio.to_thread.run_sync(sweep, checkout.root, stage, work)
    release_index_lock(checkout)


def placements(paths: Sequence[LandingPath]) -> list[Placement]:
    """The work a landing has, numbered by the order of its paths."""
    return [
        Placement(path=item.path, number=number, removes=item.new is None)
        for number, item in enumerate(paths)
    ]


def _coming(landing: Landing) -> list[str]:
    return [item.path for item in landing.paths if item.new is not None]


def _joined(words: Sequence[str]) -> bytes:
    return b"".join(os.fsencode(word) + b"\0" for word in words)


def _stage(checkout: Checkout, landing: Landing) -> Stage:
    token = landing.commit[:12]
    return Stage(folder=checkout.git_dir / "m31a" / f"landing-{token}", token=token)


def _refusal(
    landing: Landing, reason: Obstacle, paths: tuple[str, ...] = (), detail: str = ""
) -> CannotLand:
    command = merge_command(landing)
    return CannotLand(reason=reason, paths=paths, merge_command=command, detail=detail)
