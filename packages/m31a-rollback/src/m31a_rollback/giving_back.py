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
from m31a_rollback.index_lock import drop_move_lock, index_locked_to_move
from m31a_rollback.landing_files import folder_in_the_way
from m31a_rollback.private_index import next_index
from m31a_rollback.refs import drop_stale_locks, update_ref
from m31a_rollback.snapshot import INTENDED, Snapshot, file_ids, load_snapshot
from m31a_rollback.staging import check_out
from m31a_rollback.status import MOVE_NOTE, read_status
from m31a_rollback.trees import LINK_MODE, RawChange, read_blobs
from m31a_rollback.weighing import Weighed, entries_of

_FILES_AT_ONCE = 50


@dataclass(frozen=True, slots=True)
class File:
    """A file to be written."""

    path: str
    is_link: bool
    permissions: int
    data: bytes


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
    with (
        anyio.CancelScope(shield=True),
        _noted(checkout, before, give),
        index_locked_to_move(checkout),
    ):
        await update_ref(checkout, "HEAD", to, old, message="m31a: reset")
        async with next_index(checkout) as index:
            words = ("read-tree", "--reset", "-u", to)
            await checkout.git(*words, index=index, converts=True, deadline_s=600)
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
    except (Locked, RefMoved):
        note.unlink()
        raise
    note.unlink()


async def interrupted_move(checkout: Checkout) -> Snapshot | None:
    """The state before a move that a kill or a failure cut short; for who has the turn to move.

    Drafts the move has left among the user's files are taken away, and its locks.
    """
    try:
        ref, give = (checkout.git_dir / MOVE_NOTE).read_text(encoding="ascii").split()
    except FileNotFoundError:
        return None
    before = await load_snapshot(checkout, ref)
    drop_move_lock(checkout)
    await drop_stale_locks(checkout, before.branch)
    status = await read_status(checkout, every_file=True)
    for entry in status.entries:
        if Path(entry.path).name == _draft_name(give):
            (checkout.root / entry.path).unlink()
    return before


async def remove_arrivals(checkout: Checkout, before: Snapshot) -> None:
    """Take away files of a cut-short move's target where no file was before.

    Git notes what it has put in place only when it has put all of it there.
    """
    if before.target is None:
        return
    target = await entries_of(checkout, before.target)
    there = {*await entries_of(checkout, before.head), *before.files, *before.staged}
    await anyio.to_thread.run_sync(remove_files, checkout.root, sorted(target.keys() - there))


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


async def _restore_index(checkout: Checkout, snapshot: Snapshot) -> None:
    """Put the index file of the snapshot back, with its time, by a rename."""
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
        draft.replace(checkout.git_dir / "index")
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
    flags = {entry.flag for entries in snapshot.staged.values() for entry in entries}
    async with next_index(checkout) as index:
        await checkout.git("update-index", "-z", "--index-info", index=index, input=_joined(lines))
        for flag in flags:
            await _mark(checkout, index, snapshot, flag)


async def _mark(checkout: Checkout, index: Path, snapshot: Snapshot, flag: str) -> None:
    """Give the entries in the index the flag they had."""
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
            index=index,
            input=paths,
            env={"GIT_LITERAL_PATHSPECS": "1"},
            converts=True,
        )
    elif flag.islower():
        words = ("update-index", "-z", "--assume-unchanged", "--stdin")
        await checkout.git(*words, index=index, input=paths)


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


def _joined(words: Iterable[str]) -> bytes:
    return b"".join(os.fsencode(word) + b"\0" for word in words)
