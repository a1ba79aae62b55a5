"""Snapshots: everything uncommitted kept under a private reference, index and stash untouched.

A snapshot is a commit whose parent is HEAD. Its tree holds `files/` (changed and untracked files,
byte for byte, no filter in between), `staged/` (what the index points at), `index` (the index
file itself) and `facts` (what git has no place for). Ignored files are not in it.
"""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import count
from stat import S_IMODE, S_ISLNK, S_ISREG

from m31a_rollback.checkout import Checkout
from m31a_rollback.commits import private_commit
from m31a_rollback.errors import BadName, RefMoved, UnknownCommit
from m31a_rollback.landing_check import IndexEntry, read_index
from m31a_rollback.landing_files import files_below, folder_in_the_way, is_inside
from m31a_rollback.landing_plan import head_and_branch
from m31a_rollback.refs import list_refs, resolve, update_ref
from m31a_rollback.status import read_status
from m31a_rollback.trees import (
    EXECUTABLE_MODE,
    LINK_MODE,
    SUBMODULE_MODE,
    ls_tree,
    read_blobs,
    write_tree,
)

BACKUPS = "refs/m31a/backup/"
INTENDED = "I"
"""The flag of an entry added with intent-to-add alone; git shows it as any other."""

_FILE_MODE = "100644"
_PATHS_AT_ONCE = 400
_COUNTER = count(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptFile:
    """One changed or untracked file, as it stood in the work tree."""

    mode: str
    blob: str
    """Its bytes, unfiltered; of a link, the target."""
    permissions: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Everything uncommitted at one moment."""

    ref: str
    commit: str
    head: str | None
    branch: str | None
    reason: str
    """What was about to happen: snapshot, soft, hard, safe, files, restore."""
    target: str | None
    """Where a reset was to go."""
    files: Mapping[str, KeptFile]
    deleted: tuple[str, ...]
    """Paths git knows, without a file."""
    index_time_ns: int
    """When the index was written, 0 when there was none: git trusts no file changed since."""
    staged: Mapping[str, tuple[IndexEntry, ...]]
    """The index entries of every path that is not staged as HEAD has it, or is marked."""

    @property
    def paths(self) -> set[str]:
        """Every path with something uncommitted."""
        return {*self.files, *self.deleted, *self.staged}


async def take_snapshot(
    checkout: Checkout, *, reason: str = "snapshot", target: str | None = None
) -> Snapshot:
    """Everything uncommitted, kept under a new reference below `refs/m31a/backup/`.

    With a `target`, that also means the ignored files which checking out that commit would
    overwrite.

    Raises:
        GitFailed: a file cannot be read.
    """
    head, branch = await head_and_branch(checkout)
    index = await read_index(checkout)
    status = await read_status(checkout, every_file=True)
    intended = {
        entry.path for entry in status.entries if entry.staged == "." and entry.unstaged == "A"
    }
    staged = await _staged(checkout, head, index, intended)
    marked = {path for path, entries in index.items() if entries[0].flag != "H"}
    ignored = await _in_the_way(checkout, index, target) if target else set()
    files, deleted = await _keep_files(
        checkout, sorted({entry.path for entry in status.entries} | marked | ignored), index
    )
    raw_index = checkout.git_dir / "index"
    index_time_ns = raw_index.stat().st_mtime_ns if raw_index.exists() else 0
    facts = {
        "index_time_ns": index_time_ns,
        "head": head,
        "branch": branch,
        "reason": reason,
        "target": target,
        "deleted": deleted,
        "permissions": {path: file.permissions for path, file in files.items()},
        "staged": {
            path: [[entry.mode, entry.blob, entry.stage, entry.flag] for entry in entries]
            for path, entries in staged.items()
        },
    }
    tree = {f"files/{path}": (file.mode, file.blob) for path, file in files.items()}
    for entry in (entry for entries in staged.values() for entry in entries):
        if entry.mode != SUBMODULE_MODE:
            tree[f"staged/{entry.blob}"] = (_FILE_MODE, entry.blob)
    tree["facts"] = (_FILE_MODE, await _store(checkout, json.dumps(facts).encode("ascii")))
    if index_time_ns:
        tree["index"] = (_FILE_MODE, await _store(checkout, raw_index.read_bytes()))
    now = datetime.now(UTC)
    commit = await private_commit(
        checkout,
        await write_tree(checkout, tree),
        [head] if head else [],
        f"m31a: uncommitted work before {reason}",
        seconds=int(now.timestamp()),
    )
    return Snapshot(
        ref=await _name(checkout, commit, now),
        commit=commit,
        head=head,
        branch=branch,
        reason=reason,
        target=target,
        files=files,
        deleted=deleted,
        index_time_ns=index_time_ns,
        staged=staged,
    )


async def load_snapshot(checkout: Checkout, name: str) -> Snapshot:
    """The snapshot kept under a reference or as a commit.

    Raises:
        UnknownCommit: there is none.
        BadName: it names files outside the work tree.
    """
    commit = await resolve(checkout, name)
    text = (await read_blobs(checkout, commit, ["facts"]))["facts"]
    if text is None:
        raise UnknownCommit(name)
    facts = json.loads(text)
    permissions = facts["permissions"]
    for path in (*facts["deleted"], *permissions):
        if not is_inside(path):
            raise BadName(path)
    kept = {
        entry.path.removeprefix("files/"): entry
        for entry in await ls_tree(checkout, commit)
        if entry.path.startswith("files/") and entry.path.removeprefix("files/") in permissions
    }
    return Snapshot(
        ref=name,
        commit=commit,
        head=facts["head"],
        branch=facts["branch"],
        reason=facts["reason"],
        target=facts["target"],
        files={
            path: KeptFile(mode=entry.mode, blob=entry.blob, permissions=permissions[path])
            for path, entry in kept.items()
        },
        deleted=tuple(facts["deleted"]),
        index_time_ns=facts["index_time_ns"],
        staged={
            path: tuple(
                IndexEntry(mode=mode, blob=blob, stage=stage, flag=flag)
                for mode, blob, stage, flag in entries
            )
            for path, entries in facts["staged"].items()
        },
    )


async def list_snapshots(checkout: Checkout) -> tuple[str, ...]:
    """The references of all snapshots, the newest first."""
    return tuple(reversed(await list_refs(checkout, BACKUPS)))


async def file_ids(checkout: Checkout, paths: Sequence[str]) -> dict[str, str]:
    """The blobs that regular files would be, unfiltered; they are written."""
    found: dict[str, str] = {}
    for start in range(0, len(paths), _PATHS_AT_ONCE):
        some = paths[start : start + _PATHS_AT_ONCE]
        output = await checkout.git(
            "hash-object", "-w", "--no-filters", "--", *some, deadline_s=600
        )
        found |= zip(some, output.stdout.decode("ascii").split(), strict=True)
    return found


async def _in_the_way(
    checkout: Checkout, index: Mapping[str, list[IndexEntry]], target: str
) -> set[str]:
    """Files git does not know, at places where the target has files or folders."""
    found = set()
    for path in {entry.path for entry in await ls_tree(checkout, target)} - index.keys():
        blocked = folder_in_the_way(checkout.root, path)
        place = checkout.root / path
        if blocked is not None:
            found.add(blocked)
        elif place.is_dir() and not place.is_symlink():
            found |= {os.path.relpath(below, checkout.root) for below in files_below(place)}
        elif os.path.lexists(place):
            found.add(path)
    return found - index.keys()


async def _keep_files(
    checkout: Checkout, paths: Sequence[str], index: Mapping[str, list[IndexEntry]]
) -> tuple[dict[str, KeptFile], tuple[str, ...]]:
    """What stands at the paths, and which of them git knows but have no file."""
    regular: dict[str, int] = {}
    files: dict[str, KeptFile] = {}
    deleted = []
    for path in paths:
        try:
            mode = (checkout.root / path).lstat().st_mode
        except (FileNotFoundError, NotADirectoryError):
            deleted.append(path)
            continue
        if S_ISREG(mode):
            regular[path] = S_IMODE(mode)
        elif S_ISLNK(mode):
            target = os.fsencode((checkout.root / path).readlink())
            blob = await _store(checkout, target)
            files[path] = KeptFile(mode=LINK_MODE, blob=blob, permissions=0o777)
        elif not path.endswith("/") and not _is_submodule(index, path):
            deleted.append(path)
    for path, blob in (await file_ids(checkout, list(regular))).items():
        git_mode = EXECUTABLE_MODE if regular[path] & 0o100 else _FILE_MODE
        files[path] = KeptFile(mode=git_mode, blob=blob, permissions=regular[path])
    skipped = {path for path in deleted if path in index and index[path][0].flag == "S"}
    return files, tuple(path for path in deleted if path not in skipped)


def _is_submodule(index: Mapping[str, list[IndexEntry]], path: str) -> bool:
    return path in index and index[path][0].mode == SUBMODULE_MODE


async def _staged(
    checkout: Checkout,
    head: str | None,
    index: Mapping[str, list[IndexEntry]],
    intended: set[str],
) -> dict[str, tuple[IndexEntry, ...]]:
    tree = await ls_tree(checkout, head) if head else ()
    committed = {entry.path: (entry.mode, entry.blob) for entry in tree}
    found = {}
    for path, entries in index.items():
        plain = [(entry.mode, entry.blob) for entry in entries if entry.stage == 0]
        if plain != [committed.get(path)] or entries[0].flag not in "HS":
            found[path] = tuple(
                replace(entry, flag=INTENDED) if path in intended else entry for entry in entries
            )
    return found | {path: () for path in committed if path not in index}


async def _store(checkout: Checkout, data: bytes) -> str:
    output = await checkout.git("hash-object", "-w", "--stdin", input=data)
    return output.line()


async def _name(checkout: Checkout, commit: str, now: datetime) -> str:
    """A new reference for the snapshot; names sort by age."""
    while True:
        ref = f"{BACKUPS}{now:%Y%m%dT%H%M%S.%fZ}-{os.getpid()}-{next(_COUNTER)}"
        try:
            await update_ref(checkout, ref, commit, checkout.zero)
        except RefMoved:
            continue
        return ref
