"""What comes back while a model answers.

A stream is any number of deltas and ends with exactly one `Finished`, which holds the whole
message: nobody else has to put one together. A failure is raised, never told as text.
"""

from collections.abc import AsyncIterator

import msgspec

from m31a_providers.messages import AssistantMessage


class TextDelta(msgspec.Struct, frozen=True, kw_only=True, tag="text.delta"):
    """The next words of the answer."""

    text: str


class ReasoningDelta(msgspec.Struct, frozen=True, kw_only=True, tag="reasoning.delta"):
    """The next words of the model's reasoning."""

    text: str


class ToolCallStarted(msgspec.Struct, frozen=True, kw_only=True, tag="tool_call.started"):
    """The model began to write a tool call; its arguments come whole in `Finished`."""

    id: str
    name: str


class Restarted(msgspec.Struct, frozen=True, kw_only=True, tag="restarted"):
    """The answer begins anew: throw away all deltas shown so far."""

    reason: str


class Finished(msgspec.Struct, frozen=True, kw_only=True, tag="finished"):
    """The last event: the whole answer."""

    message: AssistantMessage


StreamEvent = TextDelta | ReasoningDelta | ToolCallStarted | Restarted | Finished


async def fold(events: AsyncIterator[StreamEvent]) -> AssistantMessage:
    """The whole message of a stream whose deltas nobody needs.

    Raises:
        ValueError: the stream ended without `Finished`, against its promise.
    """
    async for event in events:
        if isinstance(event, Finished):
            return event.message
    raise ValueError("the stream ended without Finished")
