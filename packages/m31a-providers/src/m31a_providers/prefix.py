"""Whether each request goes on where the last one of its conversation ended.

Servers keep what they computed for the beginning of a prompt and charge a tenth for it, as long
as the beginning stays the same, byte for byte. A request that breaks it costs the user the whole
conversation anew, and nothing else tells them.
"""

from dataclasses import dataclass, field

import msgspec

from m31a_providers.chat_wire import RequestEncoder
from m31a_providers.requests import ChatRequest
from m31a_providers.wire import Encoder

_MOST_CONVERSATIONS = 16
_EXCERPT_BYTES = 40


class PrefixBreak(msgspec.Struct, frozen=True, kw_only=True):
    """The first place where a request differs from the one before it."""

    at_byte: int
    """As many bytes are the same."""
    of_bytes: int
    """As many could have been."""
    message: int | None
    """The place of the message that differs, from 0; `None` for the model or the tools."""
    was: str
    now: str


@dataclass(slots=True)
class PrefixWatch:
    """Compares each request with the last one of the same conversation (session, phase, task)."""

    encoder: Encoder = field(default_factory=RequestEncoder)
    _last: dict[tuple[tuple[str, str], ...], tuple[ChatRequest, bytes]] = field(
        default_factory=dict, init=False, repr=False
    )

    def look(self, request: ChatRequest) -> PrefixBreak | None:
        """The break this request makes; `None` when it goes on where the last one ended."""
        conversation = tuple(sorted(request.labels.items()))
        body = self.encoder.prompt(request)
        before = self._last.pop(conversation, None)
        self._last[conversation] = (request, body)
        if len(self._last) > _MOST_CONVERSATIONS:
            self._last.pop(next(iter(self._last)))
        if before is None:
            return None
        earlier, kept = before
        if body.startswith(kept):
            return None
        at = common_bytes(kept, body)
        return PrefixBreak(
            at_byte=at,
            of_bytes=len(kept),
            message=_first_difference(earlier, request),
            was=_excerpt(kept, at),
            now=_excerpt(body, at),
        )


def common_bytes(one: bytes, other: bytes) -> int:
    """The length of the longest beginning that both have."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _first_difference(before: ChatRequest, after: ChatRequest) -> int | None:
    if (before.model, before.tools) != (after.model, after.tools):
        return None
    pairs = zip(before.messages, after.messages, strict=False)
    shorter = min(len(before.messages), len(after.messages))
    return next((place for place, (old, new) in enumerate(pairs) if old != new), shorter)


def _excerpt(body: bytes, at: int) -> str:
    return body[at : at + _EXCERPT_BYTES].decode("utf-8", "replace")
