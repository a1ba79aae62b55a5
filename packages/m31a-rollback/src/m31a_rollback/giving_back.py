"""The work tree moved to another commit, and what was uncommitted brought back onto it."""

import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from stat import S_IMODE, S_ISREG

import anyio.to_thread

from m31a_rollback.checkout import Checkout
from m31a_rollback.errors import Conflict, Locked, RefMoved
from m31a_rollback.index_lock import lock_path, take_lock_as
from m31a_rollback.landing_files import folder_in_the_way
from m31a_rollback.refs import update_ref
from m31a_rollback.snapshot import INTENDED, Snapshot, file_ids
from m31a_rollback.staging import check_out
from m31a_rollback.status import MOVE_NOTE, read_status
from m31a_rollback.trees import (
    LINK_MODE,
    Merged,
    RawChange,
    ls_tree,
    merge_trees,
    read_blobs,
    write_tree,
)

Entries = dict[str, tuple[str, str]]
_FILES_AT_ONCE = 50


@dataclass(frozen=True, slots=True)
class Weighed:
    """Whether a snapshot fits onto a commit."""

    clashes: tuple[str, ...]
    """Paths that both change, so that nothing can be given back."""
    tree: str | None
    """The tree in which `merged` are merged; None when no file needs it."""
    merged: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class File:
    """A file to be written."""

    path: str
    is_link: bool
    permissions: int
    data: bytes


async def weigh(checkout: Checkout, snapshot: Snapshot, to: str) -> Weighed:
    """Whether the uncommitted work fits onto `to`; nothing is touched.

    Work on a path that both commits have alike fits. A changed text that the commits have
    differently is merged if it is not staged; all else clashes.
    """
    if to == snapshot.head:
        return Weighed(clashes=(), tree=None, merged=())
    before = await _entries(checkout, snapshot.head)
    after = await _entries(checkout, to)
    staying = after.keys() - set(snapshot.deleted)
    folders = {parent for path in staying for parent in _parents(path)}
    moved = {path for path in snapshot.paths if before.get(path) != after.get(path)}
    clashes = {
        path
        for path in snapshot.files
        if path not in before and (path in folders or not staying.isdisjoint(_parents(path)))
    }
    mergeable = {
        path
        for path in moved - clashes
        if path in snapshot.files
        and path not in snapshot.staged
        and path in before
        and path in after
        and LINK_MODE not in {snapshot.files[path].mode, before[path][0], after[path][0]}
    }
    clashes |= moved - mergeable
    if clashes or not mergeable:
        return Weighed(clashes=tuple(sorted(clashes)), tree=None, merged=())
    theirs = dict(before)
    for path in mergeable:
        theirs[path] = (snapshot.files[path].mode, await _filtered(checkout, snapshot, path))
    side = await write_tree(checkout, theirs)
    outcome = await merge_trees(checkout, to, side, base=snapshot.head)
    if isinstance(outcome, Merged):
        return Weighed(clashes=(), tree=outcome.tree, merged=tuple(sorted(mergeable)))
    return Weighed(clashes=outcome.paths, tree=None, merged=())


async def move(
    checkout: Checkout, give: Snapshot, weighed: Weighed, *, before: Snapshot, old: str, to: str
) -> None:
    """Bring branch, tree and index to `to` and give the snapshot back, unless it clashes.

    Args:
        before: the state to go back to after a kill; noted while all this happens, so that
            `interrupted_move` finds it.
        old: where HEAD is now.

    Raises:
        Locked: another git process is at work; nothing was changed.
        RefMoved: HEAD is not where it was; nothing was changed.
        GitFailed: the tree could not be changed, and is to be brought back with `before`.
    """
    if lock_path(checkout).exists():
        raise Locked(lock_path(checkout))
    with anyio.CancelScope(shield=True), _noted(checkout, before, give):
        await update_ref(checkout, "HEAD", to, old, message="m31a: reset")
        await checkout.git("read-tree", "--reset", "-u", to, converts=True, deadline_s=600)
        if not weighed.clashes:
            await _give_back(checkout, give, weighed, to)


@contextmanager
def _noted(checkout: Checkout, before: Snapshot, give: Snapshot) -> Iterator[None]:
    """Leave a note of the state before, unless all goes well or nothing was done."""
    note = checkout.git_dir / MOVE_NOTE
    draft = checkout.private_path("moving")
    draft.write_text(f"{before.ref}\n{give.commit}\n", encoding="ascii")
    draft.replace(note)
    try:
        yield
    except RefMoved:
        note.unlink()
        raise
    note.unlink()


async def interrupted_move(checkout: Checkout) -> str | None:
    """The snapshot of the state before a move that a kill or a failure cut short.

    Drafts the move has left among the user's files are taken away, and a lock of its own.
    """
    try:
        before, give = (checkout.git_dir / MOVE_NOTE).read_text(encoding="ascii").split()
    except FileNotFoundError:
        return None
    lock = lock_path(checkout)
    if lock.exists():
        raw = (await read_blobs(checkout, give, ["index"]))["index"]
        if raw == lock.read_bytes():
            lock.unlink()
    status = await read_status(checkout, every_file=True)
    for entry in status.entries:
        if Path(entry.path).name == _draft_name(give):
            (checkout.root / entry.path).unlink()
    return before


def _draft_name(token: str) -> str:
    return f".m31a-{token[:12]}"


async def put_files(
    checkout: Checkout, tree: str, changes: Sequence[RawChange], *, before: Snapshot
) -> None:
    """Bring the old side of the changes into the work tree: its files, or that there is none."""
    there = [change.path for change in changes if change.old_mode is not None]
    new = [change.path for change in changes if change.old_mode is None]
    folder = checkout.private_path("files")
    try:
        await check_out(checkout, tree, folder, there)
        files = [_read(folder, path) for path in there]
        with anyio.CancelScope(shield=True), _noted(checkout, before, before):
            await anyio.to_thread.run_sync(remove_files, checkout.root, new)
            draft = _draft_name(before.commit)
            await anyio.to_thread.run_sync(write_files, checkout.root, files, draft)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def _give_back(checkout: Checkout, snapshot: Snapshot, weighed: Weighed, to: str) -> None:
    draft = _draft_name(snapshot.commit)
    await anyio.to_thread.run_sync(remove_files, checkout.root, snapshot.deleted)
    wanted = await _outdated(checkout, snapshot, set(snapshot.files) - set(weighed.merged))
    for start in range(0, len(wanted), _FILES_AT_ONCE):
        some = await _kept(checkout, snapshot, wanted[start : start + _FILES_AT_ONCE])
        await anyio.to_thread.run_sync(write_files, checkout.root, some, draft)
    if weighed.tree is not None:
        folder = checkout.private_path("merged")
        try:
            await check_out(checkout, weighed.tree, folder, weighed.merged)
            merged = [
                _read(folder, path, snapshot.files[path].permissions) for path in weighed.merged
            ]
            await anyio.to_thread.run_sync(write_files, checkout.root, merged, draft)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    if to == snapshot.head:
        await _restore_index(checkout, snapshot)
    else:
        await _restage(checkout, snapshot)


async def _outdated(checkout: Checkout, snapshot: Snapshot, paths: set[str]) -> list[str]:
    """The paths whose file on disk is not, byte for byte, what the snapshot holds."""
    regular = []
    for path in paths:
        target = checkout.root / path
        if target.is_file() and not target.is_symlink():
            regular.append(path)
    now = await file_ids(checkout, regular)
    same = {
        path
        for path in regular
        if now[path] == snapshot.files[path].blob
        and snapshot.files[path].mode != LINK_MODE
        and S_IMODE((checkout.root / path).stat().st_mode) == snapshot.files[path].permissions
    }
    return sorted(paths - same)


async def _kept(checkout: Checkout, snapshot: Snapshot, paths: Sequence[str]) -> list[File]:
    contents = await read_blobs(checkout, snapshot.commit, [f"files/{path}" for path in paths])
    return [
        File(
            path=path,
            is_link=snapshot.files[path].mode == LINK_MODE,
            permissions=snapshot.files[path].permissions,
            data=contents[f"files/{path}"] or b"",
        )
        for path in paths
    ]


def _read(folder: Path, path: str, permissions: int | None = None) -> File:
    source = folder / path
    if source.is_symlink():
        return File(path, is_link=True, permissions=0o777, data=os.fsencode(source.readlink()))
    mode = S_IMODE(source.stat().st_mode) if permissions is None else permissions
    return File(path, is_link=False, permissions=mode, data=source.read_bytes())


async def _filtered(checkout: Checkout, snapshot: Snapshot, path: str) -> str:
    """The blob git would make of the kept file."""
    file = (await _kept(checkout, snapshot, [path]))[0]
    output = await checkout.git(
        "hash-object", "-w", "--stdin", f"--path={path}", input=file.data, converts=True
    )
    return output.line()


async def _restore_index(checkout: Checkout, snapshot: Snapshot) -> None:
    """Put the index file of the snapshot back, by git's own lock and rename."""
    raw = (await read_blobs(checkout, snapshot.commit, ["index"]))["index"]
    if raw is None:
        (checkout.git_dir / "index").unlink(missing_ok=True)
        return
    draft = checkout.private_path("restored")
    try:
        with draft.open("xb") as handle:
            handle.write(raw)
            handle.flush()
            os.fsync(handle.fileno())
        os.utime(draft, ns=(snapshot.index_time_ns, snapshot.index_time_ns))
        take_lock_as(checkout, draft)
        lock_path(checkout).replace(checkout.git_dir / "index")
    finally:
        draft.unlink(missing_ok=True)


async def _restage(checkout: Checkout, snapshot: Snapshot) -> None:
    """Stage what was staged, on top of the index of another commit."""
    lines = []
    for path, entries in snapshot.staged.items():
        lines.append(f"0 {checkout.zero}\t{path}")
        lines += [
            f"{entry.mode} {entry.blob} {entry.stage}\t{path}"
            for entry in entries
            if entry.flag != INTENDED
        ]
    if not lines:
        return
    await checkout.git("update-index", "-z", "--index-info", input=_joined(lines))
    for flag in {entry.flag for entries in snapshot.staged.values() for entry in entries}:
        paths = _joined(
            path
            for path, entries in snapshot.staged.items()
            if any(entry.flag == flag for entry in entries)
        )
        if flag == INTENDED:
            await checkout.git(
                "add",
                "--intent-to-add",
                "--pathspec-from-file=-",
                "--pathspec-file-nul",
                input=paths,
                env={"GIT_LITERAL_PATHSPECS": "1"},
                converts=True,
            )
        elif flag.islower():
            await checkout.git("update-index", "-z", "--assume-unchanged", "--stdin", input=paths)


def write_files(root: Path, files: Sequence[File], draft_name: str) -> None:
    """Write every file under `draft_name` beside its place and rename it there; blocks.

    Raises:
        Conflict: something that is no folder, or a folder with files, has come in between.
    """
    for file in files:
        target = root / file.path
        blocked = folder_in_the_way(root, file.path)
        if blocked or (target.is_dir() and not target.is_symlink() and any(target.iterdir())):
            raise Conflict((blocked or file.path,))
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = target.with_name(draft_name)
        if file.is_link:
            draft.symlink_to(os.fsdecode(file.data))
        else:
            handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "wb") as stream:
                stream.write(file.data)
                os.fchmod(stream.fileno(), file.permissions & 0o777)
        if target.is_dir() and not target.is_symlink():
            target.rmdir()
        draft.replace(target)


def remove_files(root: Path, paths: Iterable[str]) -> None:
    """Take the files away, and the folders that become empty; blocks."""
    for path in paths:
        target = root / path
        if folder_in_the_way(root, path):
            continue
        try:
            if not S_ISREG(target.lstat().st_mode) and not target.is_symlink():
                continue
            target.unlink()
        except (FileNotFoundError, NotADirectoryError):
            continue
        for parent in target.parents:
            if parent == root:
                break
            try:
                parent.rmdir()
            except OSError:
                break


async def _entries(checkout: Checkout, commit: str | None) -> Entries:
    tree = await ls_tree(checkout, commit) if commit else ()
    return {entry.path: (entry.mode, entry.blob) for entry in tree}


def _parents(path: str) -> list[str]:
    parts = path.split("/")
    return ["/".join(parts[:size]) for size in range(1, len(parts))]


def _joined(words: Iterable[str]) -> bytes:
    return b"".join(os.fsencode(word) + b"\0" for word in words)
