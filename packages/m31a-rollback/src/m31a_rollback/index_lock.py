"""Turns among processes, and the index lock of git, recognised when we died holding it.

Git leaves an index alone while `index.lock` exists. Ours holds the landing it was taken for. Who
lands also holds a `flock`, which the kernel gives back when the holder dies, so an `index.lock`
of ours that is found under a free `flock` was left by a killed process.
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

_MARK = "m31a-landing"


@contextmanager
def landing_turn(checkout: Checkout) -> Iterator[None]:
    """The sole right to land in this checkout, given back even by a kill.

    Raises:
        Locked: another process lands right now.
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
    """Lock the index; the lock says from its first moment whose it is.

    Raises:
        Locked: it is locked already.
    """
    text = json.dumps({"kind": _MARK, "pid": os.getpid(), "landing": landing_json})
    draft = checkout.private_path("lock")
    try:
        draft.write_text(text, encoding="ascii")
        take_lock_as(checkout, draft)
    finally:
        draft.unlink(missing_ok=True)


def take_lock_as(checkout: Checkout, draft: Path) -> None:
    """Lock the index with a lock that has the contents and times of `draft` from the first.

    Raises:
        Locked: it is locked already.
    """
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
    try:
        text = lock_path(checkout).read_bytes()
    except FileNotFoundError:
        return None
    try:
        note = json.loads(text)
    except ValueError:
        return None
    if not isinstance(note, dict) or note.get("kind") != _MARK:
        return None
    return str(note.get("landing", ""))


def release_index_lock(checkout: Checkout) -> None:
    """Unlock the index, if the lock is ours."""
    if own_lock(checkout) is not None:
        with suppress(FileNotFoundError):
            lock_path(checkout).unlink()
