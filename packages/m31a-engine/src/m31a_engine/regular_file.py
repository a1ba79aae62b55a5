"""Reading files that somebody else may have put there: no pipe hangs, no device is read."""

import os
import stat
from dataclasses import dataclass
from pathlib import Path


class NotRegular(OSError):
    """What stands there is a folder, a pipe, a device, or (where it matters) a link."""


@dataclass(frozen=True, slots=True)
class Content:
    """The beginning of a file, and what the file was when it was opened."""

    data: bytes
    whole: bool
    status: os.stat_result


def read_regular(path: Path, *, max_bytes: int, follow_links: bool) -> Content:
    """At most `max_bytes` of a file.

    Raises: NotRegular; OSError when there is none or it cannot be read.
    """
    # O_NONBLOCK: opening a pipe must not wait for somebody to write into it.
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC
    if not follow_links:
        if path.is_symlink():
            raise NotRegular(f"{path} is a symbolic link")
        flags |= os.O_NOFOLLOW
    descriptor = os.open(path, flags)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise NotRegular(f"{path} is not a regular file")
        data = _read(descriptor, max_bytes + 1)
    finally:
        os.close(descriptor)
    return Content(data=data[:max_bytes], whole=len(data) <= max_bytes, status=status)


def _read(descriptor: int, count: int) -> bytes:
    pieces = []
    while count > 0 and (piece := os.read(descriptor, min(count, 1 << 20))):
        pieces.append(piece)
        count -= len(piece)
    return b"".join(pieces)
