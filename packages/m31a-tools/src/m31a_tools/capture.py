"""Keeping the two ends of a long output in memory and, if wanted, all of it on disk."""

import os
from pathlib import Path
from typing import BinaryIO

HEAD_SHARE = 0.6
SPILL_BYTES = 256 * 1024 * 1024
"""A file takes no more than this, so that a flood cannot fill the disk."""


def cap_text(text: str, limit: int, *, kept_at: str = "") -> str:
    """`text`, or its head and tail around a notice when it is longer than `limit` characters.

    `kept_at` is where all of it can be read.
    """
    if len(text) <= limit:
        return text
    head = int(limit * HEAD_SHARE)
    tail = limit - head
    return f"{text[:head]}{_notice(len(text) - limit, 'characters', kept_at)}{text[-tail:]}"


def _notice(cut: int, unit: str, kept_at: str) -> str:
    where = f"; all of it: {kept_at}" if kept_at else ""
    return f"\n[... {cut:,} {unit} cut{where} ...]\n"


class Capture:
    """Collects bytes in constant memory, as long as its `with` lasts."""

    def __init__(self, limit_chars: int, spill: Path | None = None) -> None:
        """Keep `limit_chars`; when there are more, `spill` gets everything."""
        self.total_bytes = 0
        self._limit_chars = limit_chars
        # A character has up to four bytes.
        self._head_bytes = max(1, int(limit_chars * HEAD_SHARE)) * 4
        self._tail_bytes = max(1, limit_chars - int(limit_chars * HEAD_SHARE)) * 4
        self._head = bytearray()
        self._tail = bytearray()
        self._spill_path = spill
        self._spill: BinaryIO | None = None
        self._spilled = False

    def __enter__(self) -> "Capture":
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        self.close()

    def feed(self, data: bytes) -> None:
        """Take the next bytes."""
        self.total_bytes += len(data)
        if self._spill is not None:
            self._write(data)
        room = self._head_bytes - len(self._head)
        self._head += data[:room]
        self._tail += data[room:] if room < len(data) else b""
        if len(self._tail) > 2 * self._tail_bytes:
            self._begin_spill()
            del self._tail[: -self._tail_bytes]

    def close(self) -> None:
        """Close the file on disk, if there is one."""
        if self._spill is not None:
            self._spill.close()
            self._spill = None

    def text(self) -> tuple[str, bool]:
        """What was captured, cut to the limit, and whether something was cut."""
        kept = len(self._head) + len(self._tail)
        if kept == self.total_bytes:
            text = (self._head + self._tail).decode("utf-8", "replace")
            if len(text) <= self._limit_chars:
                return text, False
            self._begin_spill()
            return cap_text(text, self._limit_chars, kept_at=self._kept_at), True
        head = self._head.decode("utf-8", "replace")[: int(self._limit_chars * HEAD_SHARE)]
        rest = self._limit_chars - len(head)
        tail = self._tail.decode("utf-8", "replace")[-rest:]
        cut = self.total_bytes - len(head.encode()) - len(tail.encode())
        return f"{head}{_notice(cut, 'bytes', self._kept_at)}{tail}", True

    @property
    def _kept_at(self) -> str:
        return str(self._spill_path) if self._spilled else ""

    def _begin_spill(self) -> None:
        """Open the file, as long as everything so far is still in memory."""
        if self._spill_path is None or self._spilled:
            return
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            self._spill = os.fdopen(os.open(self._spill_path, flags, 0o600), "wb", buffering=0)
        except OSError:
            self._spill_path = None
            return
        self._spilled = True
        self._write(bytes(self._head + self._tail))

    def _write(self, data: bytes) -> None:
        assert self._spill is not None
        if self._spill.tell() + len(data) > SPILL_BYTES:
            self.close()
            return
        try:
            self._spill.write(data)
        except OSError:
            # A full disk costs the copy, not the command.
            self.close()
