"""What a model is asked: the conversation so far, the tools on offer, and how to sample."""

import msgspec

from m31a_providers.messages import Message


class ToolSpec(msgspec.Struct, frozen=True, kw_only=True):
    """A tool as the model sees it."""

    name: str
    description: str
    parameters: dict[str, object]
    """JSON Schema of the arguments, an object."""


class Sampling(msgspec.Struct, frozen=True, kw_only=True):
    """How the answer is drawn; what is `None` is left to the server."""

    temperature: float | None = None
    max_tokens: int | None = None
    reasoning_effort: str | None = None
    """`"low"`, `"medium"`, `"high"`, or another word the model knows."""


class ChatRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One turn: everything the model is to know when it answers."""

    model: str
    messages: tuple[Message, ...]
    tools: tuple[ToolSpec, ...] = ()
    sampling: Sampling = Sampling()
    labels: dict[str, str] = {}
    """`session`, `phase` and `task` of the caller, sent as trace headers where that is allowed."""
