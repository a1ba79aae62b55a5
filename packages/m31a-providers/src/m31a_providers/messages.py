"""What is said in a conversation: messages, their parts, and what they cost."""

from enum import StrEnum

import msgspec


class Stop(StrEnum):
    """Why a model ended its message."""

    stop = "stop"
    tool_calls = "tool_calls"
    length = "length"
    content_filter = "content_filter"
    unknown = "unknown"


class TextPart(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="text"):
    """Words meant for the reader."""

    text: str


class ReasoningPart(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="reasoning"):
    """Words the model thought with before it answered."""

    text: str
    signature: str | None = None
    """The server's proof that the words are its own; it must go back with them unchanged."""
    redacted: bool = False
    """The server keeps the words to itself; `signature` holds them, encrypted."""


class ToolCall(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="tool_call"):
    """One use of a tool that the model asks for."""

    id: str
    """Unique within its message; the answering `ToolMessage` names it."""
    name: str
    arguments: str
    """JSON text as the model sent it: it may be no JSON at all."""


Part = TextPart | ReasoningPart | ToolCall


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """Tokens and money spent; `Usage()` is nothing at all and changes no sum."""

    input_tokens: int = 0
    """All tokens of the prompt, those read from a cache included."""
    cached_tokens: int = 0
    """Of the prompt's, those read from the server's cache."""
    cache_written_tokens: int = 0
    """Of the prompt's, those the server put into its cache, where it says so and charges more."""
    output_tokens: int = 0
    """All tokens the model wrote, reasoning included."""
    reasoning_tokens: int = 0
    cost_usd: float | None = None
    """`None` where the price is unknown, which is not the same as free."""
    estimated: bool = False
    """The server gave no figures; these were guessed from lengths."""

    @property
    def tokens(self) -> int:
        """Input and output together."""
        return self.input_tokens + self.output_tokens

    def __add__(self, other: "Usage") -> "Usage":
        """Both together; the cost is unknown as soon as one of them is spent and unpriced."""
        return Usage(
            input_tokens=self.input_tokens + other.input_tokens,
            cached_tokens=self.cached_tokens + other.cached_tokens,
            cache_written_tokens=self.cache_written_tokens + other.cache_written_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            reasoning_tokens=self.reasoning_tokens + other.reasoning_tokens,
            cost_usd=_cost_together(self, other),
            estimated=self.estimated or other.estimated,
        )


def _cost_together(one: Usage, other: Usage) -> float | None:
    known = [usage.cost_usd for usage in (one, other) if usage.cost_usd is not None]
    unpriced = any(usage.cost_usd is None and usage.tokens for usage in (one, other))
    return None if unpriced or not known else sum(known)


# Weak references let the encoder keep the bytes of a message exactly as long as the message.
class SystemMessage(
    msgspec.Struct, frozen=True, kw_only=True, weakref=True, tag_field="role", tag="system"
):
    """The standing instructions, first in a conversation."""

    text: str


class UserMessage(
    msgspec.Struct, frozen=True, kw_only=True, weakref=True, tag_field="role", tag="user"
):
    """What the person, or the program in their name, says."""

    text: str


class AssistantMessage(
    msgspec.Struct, frozen=True, kw_only=True, weakref=True, tag_field="role", tag="assistant"
):
    """One whole answer of a model."""

    parts: tuple[Part, ...] = ()
    model: str = ""
    """The model that really answered, as the server names it."""
    usage: Usage = Usage()
    stop: Stop = Stop.stop

    @property
    def text(self) -> str:
        """All its text parts, joined."""
        return "".join(part.text for part in self.parts if isinstance(part, TextPart))

    @property
    def reasoning(self) -> str:
        """All its reasoning parts, joined."""
        return "".join(part.text for part in self.parts if isinstance(part, ReasoningPart))

    @property
    def tool_calls(self) -> tuple[ToolCall, ...]:
        """The tools it asks for, in its order."""
        return tuple(part for part in self.parts if isinstance(part, ToolCall))


class ToolMessage(
    msgspec.Struct, frozen=True, kw_only=True, weakref=True, tag_field="role", tag="tool"
):
    """What came of one tool call."""

    call_id: str
    text: str
    is_error: bool = False


Message = SystemMessage | UserMessage | AssistantMessage | ToolMessage
