"""The bytes of an answer, read under the time limits and within bounds."""

import zlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import anyio

from m31a_providers.failures import Source
from m31a_providers.retry import Timeouts

MOST_EVENT_BYTES = 16 * 2**20
MOST_REPLY_BYTES = 512 * 2**20
_TAIL_S = 5.0
_GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS
_BOM = b"\xef\xbb\xbf"


@dataclass(slots=True)
class Limits:
    """How long the next piece may take, which depends on what has come before it."""

    timeouts: Timeouts
    total_at: float
    first_at: float = 0.0
    has_begun: bool = False
    """A piece of the answer has come; signs of life that say nothing do not count."""
    is_ended: bool = False
    """The message is complete; what may follow is the bill."""

    def begin(self) -> None:
        """A request is about to be sent."""
        self.first_at = anyio.current_time() + self.timeouts.first_token_s
        self.has_begun = self.is_ended = False

    def next_at(self) -> float:
        """The moment at which the wait that begins now is too long."""
        if self.is_ended:
            silent_at = anyio.current_time() + min(_TAIL_S, self.timeouts.silence_s)
        elif self.has_begun:
            silent_at = anyio.current_time() + self.timeouts.silence_s
        else:
            silent_at = self.first_at
        return min(silent_at, self.total_at)

    def passed(self, at: float) -> tuple[str, float]:
        """(the name of the limit that passed at this moment, its seconds)."""
        if at == self.total_at:
            return "total_s", self.timeouts.total_s
        if self.has_begun:
            return "silence_s", self.timeouts.silence_s
        return "first_token_s", self.timeouts.first_token_s


@dataclass(slots=True)
class ReplyBody:
    """The pieces of one answer's body; it ends when the server ends it, or when it is cut."""

    pieces: AsyncIterator[bytes]
    """As they come from the network, packed or not."""
    limits: Limits
    source: Source
    encoding: str = ""
    """The `Content-Encoding` of the answer, empty when it is as it is."""
    unread_bytes: int = 0
    """Bytes since an event was last understood; whoever reads events sets it back to 0."""
    total_bytes: int = 0
    is_cut: bool = False
    _head: bytes = field(default=b"", init=False)
    _unpacker: "zlib._Decompress | None" = field(default=None, init=False)
    _scope: type[anyio.CancelScope] = field(init=False)

    def __post_init__(self) -> None:
        """Look for the event loop's own kind of scope once: anyio would do so at each read."""
        self._scope = type(anyio.CancelScope())

    async def read(self) -> bytes | None:
        """The next piece, `None` after the last.

        Raises:
            Stalled: a time limit passed.
            MalformedReply: there is no end to it.
        """
        if self._head:
            head, self._head = self._head, b""
            return head
        if self.is_cut:
            return None
        at = self.limits.next_at()
        piece: bytes | None = None
        with self._scope(deadline=at) as scope:
            piece = await anext(self.pieces, None)
        if scope.cancelled_caught:
            raise self.source.stalled(*self.limits.passed(at))
        if piece is None:
            return None
        if self.encoding:
            piece = self._unpacked(piece)
        self.unread_bytes += len(piece)
        self.total_bytes += len(piece)
        if self.unread_bytes > MOST_EVENT_BYTES or self.total_bytes > MOST_REPLY_BYTES:
            raise self.source.malformed("an event or a reply without end")
        return piece

    async def first_byte(self) -> bytes:
        """The first byte that is no white space and no byte order mark; nothing is used up."""
        head = b""
        while len(head) < len(_BOM) or not head.removeprefix(_BOM).lstrip():
            piece = await self.read()
            if piece is None:
                break
            head += piece
        self._head = head.removeprefix(_BOM)
        return self._head.lstrip()[:1]

    async def whole(self) -> bytes:
        """All that is left."""
        pieces = []
        while (piece := await self.read()) is not None:
            pieces.append(piece)
        return b"".join(pieces)

    def _unpacked(self, piece: bytes) -> bytes:
        """Nobody asked for a packed answer, but some servers and proxies pack all they send."""
        if self._unpacker is None:
            if self.encoding.lower() not in ("gzip", "x-gzip", "deflate"):
                raise self.source.malformed(f"it is packed as {self.encoding}")
            self._unpacker = zlib.decompressobj(_GZIP_OR_ZLIB)
        try:
            # One more than is allowed, so that a small piece cannot fill the memory.
            return self._unpacker.decompress(piece, MOST_EVENT_BYTES + 1)
        except zlib.error as exc:
            raise self.source.malformed(f"it cannot be unpacked: {exc}") from exc

    def cut(self) -> None:
        """No more is wanted: the next read is the end."""
        self.is_cut = True
        self._head = b""
