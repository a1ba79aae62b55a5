"""What a scripted server saw: its requests, as they were when it answered them."""

from dataclasses import dataclass, field
from urllib.parse import unquote

import msgspec

from m31a_providers.script import Asked
from m31a_providers.server import TRACE_HEADERS
from m31a_providers.testing.http_wire import HttpRequest


class _SeenMessage(msgspec.Struct, frozen=True, kw_only=True):
    role: str = ""
    content: str | list[dict[str, object]] | None = None


class _SeenBody(msgspec.Struct, frozen=True, kw_only=True):
    model: str = ""
    messages: list[_SeenMessage] = []
    tools: list[msgspec.Raw] | None = None
    stream: bool = False


_KEYS = ("authorization", "x-api-key")
_decode = msgspec.json.Decoder(_SeenBody).decode


@dataclass(slots=True)
class RequestSeen:
    """One request, and what became of its answer."""

    order: int
    """From 1, in the order in which the requests were read."""
    method: str
    path: str
    headers: dict[str, str]
    """Names in lower case; the key is left out."""
    labels: dict[str, str]
    """`session`, `phase` and `task` from the trace headers."""
    raw: bytes = field(repr=False)
    """The body as it came; empty when the server was told not to keep them."""
    body_bytes: int
    began_ns: int
    """Monotonic, when the request had been read."""
    asked: Asked
    model: str = ""
    wants_stream: bool = False
    rule: int | None = None
    """The place of the rule that answered."""
    status: int = 0
    finished: bool = False
    """Whether the whole answer was written."""
    ended_ns: int = 0
    """Monotonic, after the last byte of the answer."""

    @property
    def body(self) -> object:
        """The body, decoded."""
        return msgspec.json.decode(self.raw)

    @property
    def turn(self) -> int:
        """The number of the request in its conversation, from 1."""
        return self.asked.turn

    def log_line(self) -> bytes:
        """All but the body, as JSON."""
        return msgspec.json.encode(
            {
                "order": self.order,
                "method": self.method,
                "path": self.path,
                "labels": self.labels,
                "turn": self.turn,
                "rule": self.rule,
                "status": self.status,
                "finished": self.finished,
                "body_bytes": self.body_bytes,
                "began_ns": self.began_ns,
                "ended_ns": self.ended_ns,
            }
        )


def seen(request: HttpRequest, *, order: int, began_ns: int, keep_body: bool) -> RequestSeen:
    """The request as the log keeps it. Raises ValueError when a chat body is no JSON."""
    labels = {
        label: unquote(request.headers[name.lower()])
        for label, name in TRACE_HEADERS.items()
        if name.lower() in request.headers
    }
    body = _decode(request.body) if request.method == "POST" else _SeenBody()
    answers = sum(message.role == "assistant" for message in body.messages)
    return RequestSeen(
        order=order,
        method=request.method,
        path=request.path,
        headers={name: value for name, value in request.headers.items() if name not in _KEYS},
        labels=labels,
        raw=request.body if keep_body else b"",
        body_bytes=len(request.body),
        began_ns=began_ns,
        asked=Asked(
            phase=labels.get("phase", ""),
            task=labels.get("task", ""),
            turn=answers + 1,
            last_text=_text(body.messages[-1]) if body.messages else "",
            has_tools=bool(body.tools),
        ),
        model=body.model,
        wants_stream=body.stream,
    )


def _text(message: _SeenMessage) -> str:
    if isinstance(message.content, list):
        return "".join(_text_of(piece) for piece in message.content)
    return message.content or ""


def _text_of(piece: dict[str, object]) -> str:
    said = piece.get("text") or piece.get("content") or ""
    return said if isinstance(said, str) else ""
