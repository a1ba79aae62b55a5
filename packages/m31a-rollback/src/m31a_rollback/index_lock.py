"""Turns among processes, and the index lock of git, recognised when we died holding it.

Git leaves an index alone while `index.lock` exists. Ours says whether it was taken to move the
work tree, or holds the landing it was taken for. Who lands or moves also holds a `flock`, which
the kernel gives back when the holder dies, so an `index.lock` of ours that is found under a free
`flock` was left by a killed process.
"""

import fcntl
import json
import os
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

import anyio.to_thread

from m31a_rollback.checkout import Checkout
from m31a_rollback.errors import Locked

_LANDING, _MOVE = "m31a-landing", "m31a-move"


@contextmanager
def landing_turn(checkout: Checkout) -> Iterator[None]:
    """The sole right to land in this checkout or to move it, given back even by a kill.

    Raises:
        Locked: another process does so right now.
    """
    path = checkout.git_dir / "m31a" / "landing.flock"
    with open_lock_file(path) as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            holder = os.pread(handle, 32, 0).decode("ascii", "replace").strip()
            raise Locked(path, holder or None) from exc
        os.ftruncate(handle, 0)
        os.pwrite(handle, str(os.getpid()).encode("ascii"), 0)
        yield


@asynccontextmanager
async def worktree_turn(checkout: Checkout) -> AsyncIterator[None]:
    """The sole right to make or list work trees, waited for.

    Git lists all work trees when it makes one and fails on a record another process has half made.
    """
    with open_lock_file(checkout.common_dir / "m31a" / "worktrees.flock") as handle:
        await anyio.to_thread.run_sync(fcntl.flock, handle, fcntl.LOCK_EX, abandon_on_cancel=True)
        yield


@contextmanager
def open_lock_file(path: Path) -> Iterator[int]:
    """A file to lock with `flock`; closing it gives the lock back."""
    path.parent.mkdir(exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        yield handle
    finally:
        os.close(handle)


def lock_path(checkout: Checkout) -> Path:
    """The file whose existence locks the index."""
    return checkout.git_dir / "index.lock"


def take_index_lock(checkout: Checkout, landing_json: str) -> None:
    """Lock the index for a landing; the lock says from its first moment whose it is.

    Raises:
        Locked: it is locked already.
    """
    _take_lock(checkout, {"kind": _LANDING, "pid": os.getpid(), "landing": landing_json})


@contextmanager
def index_locked_to_move(checkout: Checkout) -> Iterator[None]:
    """The index locked while the work tree moves.

    Raises:
        Locked: it is locked already.
    """
    _take_lock(checkout, {"kind": _MOVE, "pid": os.getpid()})
    try:
        yield
    finally:
        lock_path(checkout).unlink(missing_ok=True)


def drop_move_lock(checkout: Checkout) -> None:
    """Unlock the index if it was locked for a move by a process that has died since."""
    if _note_in_lock(checkout).get("kind") == _MOVE:
        lock_path(checkout).unlink(missing_ok=True)


def _take_lock(checkout: Checkout, note: dict[str, str | int]) -> None:
    draft = checkout.private_path("lock")
    try:
        draft.write_text(json.dumps(note), encoding="ascii")
        _take_lock_as(checkout, draft)
    finally:
        draft.unlink(missing_ok=True)


def _take_lock_as(checkout: Checkout, draft: Path) -> None:
    path = lock_path(checkout)
    try:
        path.hardlink_to(draft)
    except FileExistsError as exc:
        raise Locked(path) from exc
    except OSError:  # a file system without hard links
        _copy_lock(path, draft)


def _copy_lock(path: Path, draft: Path) -> None:
    try:
        with path.open("xb") as lock:
            lock.write(draft.read_bytes())
    except FileExistsError as exc:
        raise Locked(path) from exc
    shutil.copystat(draft, path)


def own_lock(checkout: Checkout) -> str | None:
    """The landing that a lock of ours was taken for; None when there is no lock or not ours."""
    note = _note_in_lock(checkout)
    return str(note.get("landing", "")) if note.get("kind") == _LANDING else None


def _note_in_lock(checkout: Checkout) -> dict[str, object]:
    """What a lock of ours says of itself; nothing when there is none, or it is git's."""
    try:
        note = json.loads(lock_path(checkout).read_bytes())
    except (FileNotFoundError, ValueError):
        return {}
    return note if isinstance(note, dict) else {}


def release_index_lock(checkout: Checkout) -> None:
    """Unlock the index, if it was locked for a landing."""
    if own_lock(checkout) is not None:
        with suppress(FileNotFoundError):
            lock_path(checkout).unlink()
