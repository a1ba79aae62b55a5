"""Which sessions a ledger holds, answered without reading the ledger.

A file beside the ledger with a hash table of session digests and the state of the ledger (inode,
size, time of change) it was made for. It is a cache: when the states differ, because someone
edited the ledger or a process was killed between the row and the index, it is made anew from the
ledger. A crash of the machine can lose parts of a file that was never synced, so an index is
believed only during the boot it was written in.
"""

import hashlib
import os
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import Final, Self

_HEADER: Final = struct.Struct("<8s16sQQQQQ")
_MAGIC: Final = b"M31ALGX1"
_DIGEST_BYTES: Final = 16
_NO_DIGEST: Final = bytes(_DIGEST_BYTES)
_FEWEST_SLOTS: Final = 256
_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, slots=True)
class Stamp:
    """The state of a ledger file that an index was made for."""

    inode: int
    size: int
    changed_ns: int

    @classmethod
    def of(cls, status: os.stat_result) -> Self:
        """The stamp of a file with this status."""
        return cls(status.st_ino, status.st_size, status.st_mtime_ns)


class SessionIndex:
    """An open index; use it under the ledger's lock and close it."""

    def __init__(self, path: Path, file: FileIO, slots: int, used: int) -> None:
        """Take over the open file; `open_index` makes it."""
        self._path = path
        self._file = file
        self._slots = slots
        self._used = used

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the file."""
        self._file.close()

    def __contains__(self, session: str) -> bool:
        """Whether the ledger has an entry of this session."""
        return self._find(_digest(session))[1]

    def add(self, session: str, stamp: Stamp) -> None:
        """Note a session new to the ledger, which now has this stamp."""
        digest = _digest(session)
        if 2 * (self._used + 1) > self._slots:
            self._grow(digest, stamp)
            return
        slot, _ = self._find(digest)
        self._file.seek(_HEADER.size + slot * _DIGEST_BYTES)
        self._file.write(digest)
        self._used += 1
        self._file.seek(0)
        self._file.write(_header(stamp, self._slots, self._used))

    def _find(self, digest: bytes) -> tuple[int, bool]:
        slot = _home(digest, self._slots)
        while True:
            self._file.seek(_HEADER.size + slot * _DIGEST_BYTES)
            there = self._file.read(_DIGEST_BYTES)
            if there == digest:
                return slot, True
            if there == _NO_DIGEST:
                return slot, False
            slot = (slot + 1) % self._slots

    def _grow(self, digest: bytes, stamp: Stamp) -> None:
        self._file.seek(_HEADER.size)
        body = self._file.read()
        digests = [body[i : i + _DIGEST_BYTES] for i in range(0, len(body), _DIGEST_BYTES)]
        _write(self._path, [digest, *(d for d in digests if d != _NO_DIGEST)], stamp)


def open_index(path: Path, stamp: Stamp) -> SessionIndex | None:
    """The index at `path` if it was made for exactly this state of the ledger."""
    try:
        file = FileIO(path, "r+b")
    except OSError:
        return None
    try:
        head = file.read(_HEADER.size)
        length = os.fstat(file.fileno()).st_size
    except OSError:
        head, length = b"", 0
    if len(head) == _HEADER.size:
        slots, used = _HEADER.unpack(head)[-2:]
        is_sound = length == _HEADER.size + slots * _DIGEST_BYTES and 0 <= 2 * used <= slots
        if is_sound and head == _header(stamp, slots, used):
            return SessionIndex(path, file, slots, used)
    file.close()
    return None


def build_index(path: Path, sessions: Iterable[str], stamp: Stamp) -> None:
    """Write a new index of these sessions for a ledger in this state.

    Raises:
        OSError: the index cannot be written; the ledger works without, only slower.
    """
    _write(path, [_digest(session) for session in sessions], stamp)


def _write(path: Path, digests: list[bytes], stamp: Stamp) -> None:
    slots = _FEWEST_SLOTS
    while slots < 4 * len(digests):
        slots *= 2
    table = bytearray(slots * _DIGEST_BYTES)
    for digest in digests:
        place = _home(digest, slots) * _DIGEST_BYTES
        while (there := table[place : place + _DIGEST_BYTES]) != _NO_DIGEST and there != digest:
            place = (place + _DIGEST_BYTES) % len(table)
        table[place : place + _DIGEST_BYTES] = digest
    temporary = path.with_name(f"{path.name}.new")
    temporary.unlink(missing_ok=True)
    with temporary.open("xb") as file:
        temporary.chmod(0o600)
        file.write(_header(stamp, slots, len(digests)) + table)
    temporary.replace(path)


def _header(stamp: Stamp, slots: int, used: int) -> bytes:
    return _HEADER.pack(_MAGIC, _boot(), stamp.inode, stamp.size, stamp.changed_ns, slots, used)


def _boot() -> bytes:
    """What differs from boot to boot; where that cannot be told, from process to process."""
    try:
        text = _BOOT_ID.read_text()
    except OSError:
        text = f"process {os.getpid()}"
    return hashlib.blake2b(text.encode(), digest_size=16).digest()


def _digest(session: str) -> bytes:
    """Wide enough that two sessions never meet, not even if someone tries."""
    return hashlib.blake2b(
        session.encode("utf-8", "surrogatepass"), digest_size=_DIGEST_BYTES
    ).digest()


def _home(digest: bytes, slots: int) -> int:
    return int.from_bytes(digest[:8], "little") % slots
