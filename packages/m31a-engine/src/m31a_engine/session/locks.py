"""One foreground session a project: a lock that dies with its holder.

The lock is the kernel's (flock), so a killed holder never blocks; the file says who holds
it, for the message. The file is never removed: removing it would let two processes hold
locks on two files of one name.
"""

import fcntl
import os
from pathlib import Path

import msgspec

from m31a_engine.errors import Busy


class Holder(msgspec.Struct, frozen=True, kw_only=True):
    """Who holds a lock."""

    pid: int
    started: str
    session: str


class SessionLock:
    """Holds a project for one foreground session until closed."""

    def __init__(self, file: Path, session: str, started: str) -> None:
        """Take the lock.

        Raises:
            Busy: a living process holds it; it is named.
        """
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as exc:
            who = _holder(os.pread(self._descriptor, 4096, 0))
            os.close(self._descriptor)
            raise Busy(
                f"another M31A session works in this project ({who})",
                remedy="wait for it or end it; `m31a ghost` can run beside it",
            ) from exc
        holder = Holder(pid=os.getpid(), started=started, session=session)
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, msgspec.json.encode(holder), 0)

    def close(self) -> None:
        """Give the project free."""
        os.close(self._descriptor)


def _holder(data: bytes) -> str:
    try:
        holder = msgspec.json.decode(data, type=Holder)
    except msgspec.DecodeError:
        return "its process is not known"
    return f"session {holder.session}, process {holder.pid}, since {holder.started}"
