"""The lock between writers of one ledger: the kernel's, so that a killed holder stops nobody.

On POSIX it is flock, taken right here: filelock, which takes the same lock, brings asyncio and
SQLite along. Elsewhere filelock takes it.
"""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

_POLL_S = 0.01

if sys.platform == "win32":

    @contextmanager
    def locked(file: str, timeout_s: float) -> Iterator[None]:
        """Hold the lock on a file, which is made and left behind; TimeoutError when it is taken."""
        from filelock import FileLock, Timeout

        # Never the soft lock: it is a file that a killed process leaves behind.
        lock = FileLock(file, mode=0o600, poll_interval=_POLL_S, fallback_to_soft=False)
        try:
            lock.acquire(timeout=timeout_s)
        except Timeout as exc:
            raise TimeoutError(file) from exc
        try:
            yield
        finally:
            lock.release()

else:
    import fcntl

    @contextmanager
    def locked(file: str, timeout_s: float) -> Iterator[None]:
        """Hold the lock on a file, which is made and left behind; TimeoutError when it is taken."""
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(file, flags, 0o600)
        try:
            give_up_at = time.monotonic() + timeout_s
            while True:
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError as exc:
                    if time.monotonic() >= give_up_at:
                        raise TimeoutError(file) from exc
                    time.sleep(_POLL_S)
            yield
        finally:
            os.close(descriptor)
