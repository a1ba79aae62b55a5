"""Whether the user's index and tree are still as a landing expects them. Nothing is touched."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from m31a_rollback.checkout import Checkout
from m31a_rollback.landing_files import files_below, folder_in_the_way, stamp
from m31a_rollback.landing_plan import (
    CannotLand,
    Entry,
    Landing,
    Obstacle,
    head_and_branch,
    merge_command,
)
from m31a_rollback.trees import SUBMODULE_MODE


@dataclass(frozen=True, slots=True)
class IndexEntry:
    """One entry of an index."""

    mode: str
    blob: str
    stage: int
    flag: str
    """git's letter: H, S for skip-worktree, lower case for assume-unchanged."""


async def find_obstacle(checkout: Checkout, landing: Landing) -> CannotLand | None:
    """What stands against the landing; None when nothing does."""

    def refuse(reason: Obstacle, paths: Iterable[str] = ()) -> CannotLand:
        return CannotLand(
            reason=reason, paths=tuple(sorted(set(paths))), merge_command=merge_command(landing)
        )

    if not await head_is(checkout, landing, landing.base):
        return refuse(Obstacle.HEAD_MOVED)
    modules = [item.path for item in landing.paths if _is_submodule(item.old, item.new)]
    if modules:
        return refuse(Obstacle.SUBMODULE, modules)
    index = await read_index(checkout)
    staged = _staged_otherwise(index, landing)
    if staged:
        return refuse(Obstacle.INDEX_CHANGED, staged)
    blocked = _in_the_way(checkout, landing)
    if blocked:
        return refuse(Obstacle.IN_THE_WAY, blocked)
    same = await matching(checkout, {item.path: item.old for item in landing.paths})
    changed = [item.path for item in landing.paths if item.path not in same]
    if changed:
        return refuse(Obstacle.TREE_CHANGED, changed)
    return None


async def head_is(checkout: Checkout, landing: Landing, commit: str) -> bool:
    """Whether HEAD is on the landing's branch at `commit`, or as unborn as it was."""
    head, branch = await head_and_branch(checkout)
    expected = None if landing.unborn and commit == landing.base else commit
    return branch == landing.branch and head == expected


async def read_index(checkout: Checkout) -> dict[str, list[IndexEntry]]:
    """The entries of the user's index by path; more than one for a path with a conflict."""
    output = await checkout.git("ls-files", "--stage", "-v", "-z")
    entries: dict[str, list[IndexEntry]] = {}
    for item in output.items():
        facts, _, path = item.partition("\t")
        flag, mode, blob, stage = facts.split(" ")
        entry = IndexEntry(mode=mode, blob=blob, stage=int(stage), flag=flag)
        entries.setdefault(path, []).append(entry)
    return entries


def index_entry(index: Mapping[str, list[IndexEntry]], path: str) -> Entry:
    """The plain entry of a path; None when the index has none, a conflict matches nothing."""
    match index.get(path):
        case None:
            return None
        case [IndexEntry(mode=mode, blob=blob, stage=0)]:
            return (mode, blob)
        case _:
            return ("unmerged", path)


async def matching(checkout: Checkout, wanted: Mapping[str, Entry]) -> set[str]:
    """The paths whose file in the work tree is what git would check out for the wanted entry.

    Git compares, with its own rules for line ends, filters and modes, in an index that holds
    these paths alone and no times, so every content is read.
    """
    root = checkout.root
    index = checkout.private_path("compare")
    there = {path: entry for path, entry in wanted.items() if entry is not None}
    gone = {path for path in wanted if path not in there and stamp(root / path) is None}
    there = {path: entry for path, entry in there.items() if not folder_in_the_way(root, path)}
    if not there:
        return gone
    lines = b"".join(
        os.fsencode(f"{mode} {blob} 0\t{path}") + b"\0" for path, (mode, blob) in there.items()
    )
    try:
        await checkout.git("update-index", "-z", "--index-info", index=index, input=lines)
        await checkout.git(
            "update-index", "-q", "--refresh", index=index, converts=True, check=False
        )
        output = await checkout.git(
            "diff-files", "-z", "--name-only", "--no-ext-diff", index=index, converts=True
        )
    finally:
        index.unlink(missing_ok=True)
    return gone | (there.keys() - set(output.items()))


def _is_submodule(*entries: Entry) -> bool:
    return any(entry is not None and entry[0] == SUBMODULE_MODE for entry in entries)


def _staged_otherwise(index: Mapping[str, list[IndexEntry]], landing: Landing) -> list[str]:
    """Paths whose index entry is not the base's, is marked, or stands in the way as a folder."""
    found = []
    for item in landing.paths:
        marked = any(entry.flag != "H" for entry in index.get(item.path, ()))
        if marked or index_entry(index, item.path) != item.old:
            found.append(item.path)
    leaving = {item.path for item in landing.paths if item.new is None}
    coming = {item.path for item in landing.paths if item.new is not None}
    parents = {parent for path in coming for parent in _parents(path)}
    return found + [
        path
        for path in index
        if path not in leaving and (path in parents or not coming.isdisjoint(_parents(path)))
    ]


def _in_the_way(checkout: Checkout, landing: Landing) -> list[str]:
    """Files git does not know, at a place where the run makes one."""
    root = checkout.root
    leaving = {item.path for item in landing.paths if item.new is None}
    found = []
    for item in landing.paths:
        if item.new is None:
            continue
        target = root / item.path
        blocked = folder_in_the_way(root, item.path)
        if blocked is not None and blocked not in leaving:
            found.append(blocked)
        elif blocked is None and target.is_dir() and not target.is_symlink():
            below = {os.path.relpath(path, root) for path in files_below(target)}
            found += sorted(below - leaving)
        elif blocked is None and item.old is None and stamp(target) is not None:
            found.append(item.path)
    return found


def _parents(path: str) -> list[str]:
    parts = path.split("/")
    return ["/".join(parts[:count]) for count in range(1, len(parts))]
