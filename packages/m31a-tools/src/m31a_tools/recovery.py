"""What a set of changes left unfinished by a kill is undone from: its journal and its steps."""

import contextlib
import fcntl
import os
import stat
from collections.abc import Iterator, Sequence

import msgspec

from m31a_tools.atomic import TEMPORARY_PREFIX, status_of
from m31a_tools.errors import CallFailed
from m31a_tools.workspace import Workspace

JOURNAL = f"{TEMPORARY_PREFIX}journal"
"""The journal's name in the root of the workspace."""

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_JOURNAL = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_MAX_JOURNAL_BYTES = 1 << 20
_NOT_OURS = f"{JOURNAL} is no journal of a patch; remove it."


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One change as the journal has it; the names stand in `folder`."""

    folder: str
    """The nearest folder that is there: real path, `.` for the root."""
    made: tuple[str, ...]
    """Folders to make below it, on the way to the target."""
    name: str
    new: str
    """Temporary name of the new content, "" when the file goes."""
    new_inode: int
    old: str
    """Second name of the old file, "" when there was none."""
    old_inode: int


class Journal(msgspec.Struct, frozen=True, kw_only=True):
    """What stands in the file; the steps in the order in which they are made."""

    version: int
    steps: tuple[Step, ...]


def recover(workspace: Workspace) -> bool:
    """Whether a set of changes that a kill had cut off was there; its files are the old ones now.

    Raises CallFailed when another process is in the middle of one, or the journal is not ours.
    """
    with opened(workspace, ".") as root_fd:
        try:
            # Without O_NONBLOCK a FIFO that a command left there would hold us for ever.
            fd = os.open(JOURNAL, _JOURNAL, dir_fd=root_fd)
        except FileNotFoundError:
            return False
        except OSError as exc:
            raise CallFailed(_NOT_OURS) from exc
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            os.close(fd)
            raise CallFailed(_NOT_OURS)
        with os.fdopen(fd, "rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as exc:
                raise CallFailed(
                    "Another patch is being made in this folder. Try again when it is done."
                ) from exc
            now = status_of(root_fd, JOURNAL)
            if now is None or now.st_ino != os.fstat(fd).st_ino:
                # Its maker committed between the opening and the lock.
                return False
            steps = _read(workspace, file.read(_MAX_JOURNAL_BYTES))
            undo(workspace, steps)
            remove(root_fd, JOURNAL)
        os.fsync(root_fd)
    return True


def _read(workspace: Workspace, data: bytes) -> tuple[Step, ...]:
    """The steps of a journal; one that could lead out of its folders is not ours."""
    try:
        steps = msgspec.json.decode(data, type=Journal).steps
    except msgspec.MsgspecError as exc:
        raise CallFailed(_NOT_OURS) from exc
    if not all(_is_ours(workspace, step) for step in steps):
        raise CallFailed(_NOT_OURS)
    return steps


def _is_ours(workspace: Workspace, step: Step) -> bool:
    targets = (*step.made, step.name)
    temporary = tuple(name for name in (step.new, step.old) if name)
    return (
        all(name.startswith(TEMPORARY_PREFIX) for name in temporary)
        and not any("/" in name or name in ("", ".", "..") for name in (*targets, *temporary))
        and not any(workspace.is_protected(name) for name in targets)
    )


def remove_leftovers(workspace: Workspace) -> int:
    """The number of temporary files that kills had left below the root, now removed.

    For a folder that nobody else works in; call `recover` before.
    """
    removed = 0
    with opened(workspace, ".") as root_fd:
        for _, folders, files, fd in os.fwalk(dir_fd=root_fd):
            folders[:] = [name for name in folders if not workspace.is_protected(name)]
            for name in files:
                if name.startswith(TEMPORARY_PREFIX) and name != JOURNAL:
                    remove(fd, name)
                    removed += 1
    return removed


def undo(workspace: Workspace, steps: Sequence[Step]) -> None:
    """Every target that a step changed is the old file again; doing it twice does no harm."""
    for step in reversed(steps):
        with opened(workspace, step.folder) as folder_fd:
            with (
                contextlib.suppress(FileNotFoundError, NotADirectoryError),
                opened(workspace, step.folder, step.made) as target_fd,
            ):
                _give_back(folder_fd, target_fd, step)
                os.fsync(target_fd)
            remove(folder_fd, step.new)
            for depth in range(len(step.made), 0, -1):
                with contextlib.suppress(OSError):
                    os.rmdir("/".join(step.made[:depth]), dir_fd=folder_fd)
            os.fsync(folder_fd)


def _give_back(folder_fd: int, target_fd: int, step: Step) -> None:
    now = status_of(target_fd, step.name)
    ours = now is not None and bool(step.new) and now.st_ino == step.new_inode
    if not step.old:
        if ours:
            os.unlink(step.name, dir_fd=target_fd)
    elif now is not None and now.st_ino == step.old_inode:
        remove(folder_fd, step.old)
    elif (now is None or ours) and status_of(folder_fd, step.old) is not None:
        os.rename(step.old, step.name, src_dir_fd=folder_fd, dst_dir_fd=target_fd)
    # Else somebody wrote a file of their own there: theirs is the newer, and the old one keeps
    # its second name.


@contextlib.contextmanager
def opened(
    workspace: Workspace, folder: str, below: Sequence[str] = (), *, make: bool = False
) -> Iterator[int]:
    """The folder open for changing names, links not followed; `below` it may be made."""
    with workspace.place(folder) as place:
        fd = os.open(place.name, _FOLDER, dir_fd=place.folder_fd)
    try:
        for name in below:
            if make:
                with contextlib.suppress(FileExistsError):
                    os.mkdir(name, dir_fd=fd)
                    os.fsync(fd)
            inner = os.open(name, _FOLDER, dir_fd=fd)
            os.close(fd)
            fd = inner
        yield fd
    finally:
        os.close(fd)


def remove(folder_fd: int, name: str) -> None:
    """The name is gone from the open folder, if there is one and it was there."""
    if name:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name, dir_fd=folder_fd)
