"""Whole files or none: the one way this package puts bytes on disk."""

import contextlib
import os
import stat
from pathlib import Path

from m31a_tools.errors import FileChanged

TEMPORARY_PREFIX = ".m31a-write-"
"""Begins the names of files that a kill may leave behind; they may be removed at any time."""


def write_atomic(path: Path, data: bytes, *, mode: int | None = None, synced: bool = True) -> None:
    """`path` holds `data`, on disk; killed in between, it holds what it held before.

    Without `synced` the disk is not waited for: a power cut may lose the file, a kill does not.
    Mode, owner and extended attributes of an existing file are kept (`mode` overrides), and a
    symbolic link stays one: its target is written. The folder must exist. Raises OSError.
    """
    real = Path(os.path.realpath(path))
    folder_fd = os.open(real.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        replace_file(folder_fd, real.name, data, mode=mode, synced=synced)
    finally:
        os.close(folder_fd)


def identity(status: os.stat_result) -> tuple[int, int, int, int]:
    """What differs when a file was written or replaced."""
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def replace_file(
    folder_fd: int,
    name: str,
    data: bytes,
    *,
    mode: int | None = None,
    expect: os.stat_result | None = None,
    synced: bool = True,
) -> None:
    """`name` in the open folder holds `data`; `name` must not be a link.

    Raises FileChanged when `expect` is given and the file is another by the time it is replaced.
    """
    before = status_of(folder_fd, name)
    if before is not None and not stat.S_ISREG(before.st_mode):
        raise IsADirectoryError(f"{name} is not a regular file")
    like = None if before is None else (folder_fd, name, before)
    temporary = stage_file(folder_fd, data, mode=mode, like=like, synced=synced)
    try:
        if expect is not None:
            now = status_of(folder_fd, name)
            if now is None or identity(now) != identity(expect):
                raise FileChanged(name)
        os.rename(temporary, name, src_dir_fd=folder_fd, dst_dir_fd=folder_fd)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary, dir_fd=folder_fd)
        raise
    if synced:
        os.fsync(folder_fd)


def stage_file(
    folder_fd: int,
    data: bytes,
    *,
    mode: int | None = None,
    like: tuple[int, str, os.stat_result] | None = None,
    synced: bool = True,
) -> str:
    """The temporary name of a new file in the open folder that holds `data`, on disk if `synced`.

    It takes owner, attributes and mode (`mode` overrides) of the file `like`: an open folder,
    a name in it, its state. Raises OSError, and leaves nothing then.
    """
    fd, temporary = _temporary(folder_fd, 0o666 if like is None and mode is None else 0o600)
    try:
        _write_all(fd, data)
        if like is not None:
            like_folder_fd, like_name, status = like
            _take_over(fd, status, like_folder_fd, like_name)
        if mode is not None:
            os.fchmod(fd, mode)
        if synced:
            os.fsync(fd)
        return _name(folder_fd, fd) if temporary is None else temporary
    except BaseException:
        if temporary is not None:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary, dir_fd=folder_fd)
        raise
    finally:
        os.close(fd)


def status_of(folder_fd: int, name: str) -> os.stat_result | None:
    """The state of `name` itself, None when there is nothing."""
    try:
        return os.stat(name, dir_fd=folder_fd, follow_symlinks=False)
    except FileNotFoundError:
        return None


def _temporary(folder_fd: int, mode: int) -> tuple[int, str | None]:
    """An open new file, without a name where the system can: a kill then leaves nothing."""
    unnamed = getattr(os, "O_TMPFILE", 0)
    if unnamed and Path("/proc/self/fd").is_dir():
        with contextlib.suppress(OSError):
            return os.open(".", unnamed | os.O_WRONLY | os.O_CLOEXEC, mode, dir_fd=folder_fd), None
    name = temporary_name()
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    return os.open(name, flags, mode, dir_fd=folder_fd), name


def _name(folder_fd: int, fd: int) -> str:
    name = temporary_name()
    # follow_symlinks makes this linkat(AT_SYMLINK_FOLLOW): the /proc entry is a link to the file.
    os.link(f"/proc/self/fd/{fd}", name, dst_dir_fd=folder_fd, follow_symlinks=True)
    return name


def temporary_name() -> str:
    """A name nobody has yet."""
    return f"{TEMPORARY_PREFIX}{os.urandom(8).hex()}.tmp"


def _write_all(fd: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(fd, rest) :]


def _take_over(fd: int, before: os.stat_result, folder_fd: int, name: str) -> None:
    """Give the new file the owner, attributes and mode of the old one, as far as allowed."""
    if (before.st_uid, before.st_gid) != (os.geteuid(), os.getegid()):
        with contextlib.suppress(PermissionError):
            os.fchown(fd, before.st_uid, before.st_gid)
    if hasattr(os, "listxattr"):
        with contextlib.suppress(OSError):
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            old = os.open(name, flags, dir_fd=folder_fd)
            try:
                for key in os.listxattr(old):
                    os.setxattr(fd, key, os.getxattr(old, key))
            finally:
                os.close(old)
    os.fchmod(fd, stat.S_IMODE(before.st_mode))
