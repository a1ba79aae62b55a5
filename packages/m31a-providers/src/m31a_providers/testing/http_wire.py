"""Just enough HTTP/1.1 for a server on loopback: one request in, one answer out."""

import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

_MOST_HEAD_BYTES = 65_536
_READ_BYTES = 262_144


class BadRequest(Exception):
    """The peer speaks something else than the HTTP that is spoken here."""


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One request, read to its end."""

    method: str
    path: str
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes


@dataclass(slots=True)
class RequestReader:
    """The requests that come over one connection, one after another."""

    connection: socket.socket
    _rest: bytes = field(default=b"", init=False)

    def next(self) -> HttpRequest | None:
        """The next request, `None` when the peer has gone.

        Raises:
            BadRequest: it cannot be read.
            OSError: the connection broke.
        """
        while b"\r\n\r\n" not in self._rest:
            if len(self._rest) > _MOST_HEAD_BYTES:
                raise BadRequest("the head has no end")
            if not self._more():
                return None
        head, _, self._rest = self._rest.partition(b"\r\n\r\n")
        method, path, headers = _parse(head)
        if "transfer-encoding" in headers:
            raise BadRequest("a body needs a Content-Length")
        if headers.get("expect", "").lower() == "100-continue":
            self.connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        length = int(headers.get("content-length") or 0)
        pieces, missing = [self._rest], length - len(self._rest)
        while missing > 0:
            piece = self.connection.recv(min(missing, _READ_BYTES))
            if not piece:
                return None
            pieces.append(piece)
            missing -= len(piece)
        whole = b"".join(pieces)
        self._rest = whole[length:]
        return HttpRequest(method, path, headers, whole[:length])

    def _more(self) -> bool:
        piece = self.connection.recv(_READ_BYTES)
        self._rest += piece
        return bool(piece)


def answer_head(status: int, headers: Mapping[str, str]) -> bytes:
    """The first lines of an answer."""
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = "Scripted"
    lines = [
        f"HTTP/1.1 {status} {phrase}",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def whole_answer(status: int, headers: Mapping[str, str], body: bytes) -> bytes:
    """An answer whose length is known."""
    return answer_head(status, {**headers, "Content-Length": str(len(body))}) + body


def chunk(data: bytes) -> bytes:
    """Data as one piece of a chunked body."""
    return b"%x\r\n%b\r\n" % (len(data), data)


LAST_CHUNK = b"0\r\n\r\n"


def _parse(head: bytes) -> tuple[str, str, dict[str, str]]:
    first, *lines = head.decode("latin-1").split("\r\n")
    words = first.split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/1."):
        raise BadRequest(f"no HTTP request: {first[:80]!r}")
    headers = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    if not headers.get("content-length", "0").isdigit():
        raise BadRequest("Content-Length is no number")
    return words[0], words[1], headers
