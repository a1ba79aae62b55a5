"""A small JSON file of our own, changed by one process at a time and never half."""

import fcntl
import os
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

import msgspec

from m31a_engine.errors import ConfigError
from m31a_engine.regular_file import NotRegular, read_regular
from m31a_tools import write_atomic

T = TypeVar("T")
MAX_BYTES = 4 * 1024 * 1024


class Kept(Generic[T]):
    """One value in one file; a missing file holds `empty`."""

    def __init__(self, path: Path, empty: T) -> None:
        """Nothing is read or made before it is asked for."""
        self.path = path
        self._empty = empty

    def read(self) -> T:
        """What the file holds.

        Raises:
            ConfigError: the file is not one to rely on.
        """
        try:
            file = read_regular(self.path, max_bytes=MAX_BYTES, follow_links=True)
        except (FileNotFoundError, NotADirectoryError):
            return self._empty
        except NotRegular as exc:
            raise self._broken("is not a regular file") from exc
        except OSError as exc:
            raise self._broken(f"cannot be read: {exc.strerror}") from exc
        if file.status.st_mode & 0o022 or file.status.st_uid not in {os.geteuid(), 0}:
            raise self._broken("can be written by others")
        try:
            return msgspec.json.decode(file.data, type=type(self._empty))
        except (ValueError, RecursionError) as exc:
            raise self._broken(f"cannot be understood: {exc}") from exc

    def change(self, change: Callable[[T], T]) -> T:
        """Put what `change` makes of the value in its place; an equal value is not written.

        Raises:
            ConfigError: as with `read`; the file stays as it is.
        """
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = self.path.with_name(self.path.name + ".lock")
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            before = self.read()
            after = change(before)
            if after != before:
                write_atomic(self.path, msgspec.json.encode(after) + b"\n", mode=0o600)
            return after
        finally:
            os.close(descriptor)

    def _broken(self, reason: str) -> ConfigError:
        return ConfigError(reason, file=str(self.path), remedy="move the file away")
