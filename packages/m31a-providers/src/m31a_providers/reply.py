"""One answer put together from its chunks: deltas on the way, the whole message at the end."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import msgspec

from m31a_providers.chat_wire import (
    Choice,
    Chunk,
    ContentPiece,
    Delta,
    WireUsage,
    decode_chunk,
)
from m31a_providers.failures import Source
from m31a_providers.messages import (
    AssistantMessage,
    Part,
    ReasoningPart,
    Stop,
    TextPart,
    ToolCall,
    Usage,
)
from m31a_providers.stream import ReasoningDelta, StreamEvent, TextDelta, ToolCallStarted
from m31a_providers.tool_slots import ToolSlots

_STOPS = {
    "stop": Stop.stop,
    "end_turn": Stop.stop,
    "stop_sequence": Stop.stop,
    "eos": Stop.stop,
    "eos_token": Stop.stop,
    "tool_calls": Stop.tool_calls,
    "tool_use": Stop.tool_calls,
    "function_call": Stop.tool_calls,
    "length": Stop.length,
    "max_tokens": Stop.length,
    "model_length": Stop.length,
    "model_context_window_exceeded": Stop.length,
    "content_filter": Stop.content_filter,
    "refusal": Stop.content_filter,
    "safety": Stop.content_filter,
}
MOST_TOKENS = 10**12
SIGNS_OF_LIFE = frozenset({"ping", "keepalive", "keep-alive", "heartbeat"})


def random_call_id() -> str:
    """An id for a tool call whose server gave none."""
    return f"call_{os.urandom(12).hex()}"


@dataclass(slots=True)
class Reply:
    """The answer so far. Feed it chunks; take the message when `is_ended`."""

    source: Source
    new_id: Callable[[], str] = random_call_id
    model: str = ""
    finish_reason: str | None = None
    is_done: bool = False
    """The server said `[DONE]`: nothing follows."""
    usage: WireUsage | None = None
    _text: list[str] = field(default_factory=list)
    _reasoning: list[str] = field(default_factory=list)
    _tools: ToolSlots = field(init=False)

    def __post_init__(self) -> None:
        """Tool calls share the source of ids."""
        self._tools = ToolSlots(self.new_id)

    @property
    def is_ended(self) -> bool:
        """Whether the server said that the message is complete."""
        return self.finish_reason is not None

    @property
    def is_counted(self) -> bool:
        """Whether the server said what the answer took."""
        return self.usage is not None

    @property
    def has_begun(self) -> bool:
        """Whether any piece of the answer has come."""
        return bool(self._text or self._reasoning or self._tools.slots)

    @property
    def partial(self) -> str:
        """The text so far."""
        return "".join(self._text)

    def read_event(self, name: str, data: bytes) -> Sequence[StreamEvent]:
        """What one event of the stream adds; its data is a chunk, `[DONE]`, or nothing.

        Raises:
            ProviderError: it reports an error or cannot be read.
        """
        try:
            chunk = decode_chunk(data)
        except (ValueError, RecursionError):
            return self._read_lines(name, data)
        if name == "error" and not chunk.error:
            raise self.source.reported(msgspec.json.decode(data))
        return self.feed(chunk)

    def read_document(self, data: bytes) -> Sequence[StreamEvent]:
        """What a whole answer holds that was asked for as a stream and came in one piece."""
        try:
            chunk = decode_chunk(data)
        except (ValueError, RecursionError) as exc:
            raise self.source.malformed(f"no chat completion: {exc}") from exc
        if not chunk.choices and not chunk.error:
            raise self.source.malformed(f"no choices in {beginning(data)}")
        events = self.feed(chunk)
        self.finish_reason = self.finish_reason or "stop"
        return events

    def feed(self, chunk: Chunk) -> Sequence[StreamEvent]:
        """The events that this chunk makes.

        Raises:
            ProviderError: the chunk reports an error, or a tool call nobody can follow.
        """
        if chunk.error:
            raise self.source.reported(chunk.error)
        if chunk.usage is not None:
            self.usage = chunk.usage
        if chunk.model:
            self.model = chunk.model
        if not chunk.choices:
            return ()
        choice = chunk.choices[0]
        if choice.index:
            return ()
        events = self._delta(choice)
        if choice.finish_reason:
            if choice.finish_reason == "error":
                raise self.source.reported("the model ended with an error")
            self.finish_reason = choice.finish_reason
        return events

    def message(self) -> AssistantMessage:
        """The whole answer; its usage carries no cost but the server's own.

        Raises:
            MalformedReply: a tool call has no name.
        """
        try:
            calls = self._tools.finished()
        except ValueError as exc:
            raise self.source.malformed(str(exc)) from exc
        parts: list[Part] = []
        if self._reasoning:
            parts.append(ReasoningPart(text="".join(self._reasoning)))
        if self._text:
            parts.append(TextPart(text="".join(self._text)))
        parts.extend(calls)
        return AssistantMessage(
            parts=tuple(parts),
            model=self.model,
            usage=usage_of(self.usage) if self.usage else Usage(),
            stop=stop_of(self.finish_reason, calls),
        )

    def _read_lines(self, name: str, data: bytes) -> Sequence[StreamEvent]:
        """An event whose data is no chunk: the end, a sign of life, or several chunks.

        Servers that forget the blank line between events make one event of them all.
        """
        events: list[StreamEvent] = []
        for line in data.split(b"\n"):
            text = line.strip()
            if text == b"[DONE]":
                self._end()
                break
            if not text or name in SIGNS_OF_LIFE:
                continue
            try:
                chunk = decode_chunk(text)
            except (ValueError, RecursionError) as exc:
                raise self.source.malformed(f"{exc} in {beginning(text)}") from exc
            events.extend(self.feed(chunk))
        return events

    def _end(self) -> None:
        self.is_done = True
        if self.finish_reason is None and self.has_begun:
            self.finish_reason = ""

    def _delta(self, choice: Choice) -> Sequence[StreamEvent]:
        delta = choice.delta or choice.message
        if delta is None:
            return ()
        if isinstance(delta.content, str) and delta.is_only_content:
            # Nine chunks of ten are a piece of text and nothing else.
            return self._said(delta.content)
        events: list[StreamEvent] = []
        reasoning, text = _words(delta)
        if reasoning:
            self._reasoning.append(reasoning)
            events.append(ReasoningDelta(text=reasoning))
        events.extend(self._said(text))
        events.extend(self._called(delta))
        return events

    def _said(self, text: str) -> Sequence[StreamEvent]:
        if not text:
            return ()
        self._text.append(text)
        return (TextDelta(text=text),)

    def _called(self, delta: Delta) -> Sequence[StreamEvent]:
        events = []
        for piece in delta.pieces:
            slot = self._tools.feed(piece)
            if slot is None:
                raise self.source.malformed("arguments that belong to no tool call")
            if slot.name and not slot.announced:
                slot.announced = True
                events.append(ToolCallStarted(id=slot.id, name=slot.name))
        return events


def beginning(data: bytes) -> str:
    """The first of it, for an error that says what could not be read."""
    return repr(data[:80].decode("utf-8", "replace"))


def _words(delta: Delta) -> tuple[str, str]:
    """(reasoning, text) of a delta."""
    reasoning = delta.reasoning_content or delta.reasoning or ""
    if isinstance(delta.content, list):
        thought = "".join(_text_of(piece) for piece in delta.content if piece.is_thought)
        return reasoning + thought, "".join(
            _text_of(piece) for piece in delta.content if not piece.is_thought
        )
    return reasoning, (delta.content or "") + (delta.refusal or "")


def _text_of(piece: ContentPiece) -> str:
    if isinstance(piece.thinking, list):
        return "".join(inner.text or "" for inner in piece.thinking)
    return piece.text or piece.thinking or ""


def stop_of(reason: str | None, calls: tuple[ToolCall, ...]) -> Stop:
    """Why the message ended; many servers say `stop` where tools are called."""
    stop = _STOPS.get((reason or "").lower(), Stop.unknown)
    return stop_with_calls(stop) if calls else stop


def stop_with_calls(stop: Stop) -> Stop:
    """Why a message with tool calls ended, when it was not cut short."""
    return Stop.tool_calls if stop in (Stop.stop, Stop.unknown) else stop


def usage_of(wire: WireUsage) -> Usage:
    """The server's figures in our terms."""
    prompt, output = count(wire.prompt_tokens), count(wire.completion_tokens)
    prompt_details, output_details = wire.prompt_tokens_details, wire.completion_tokens_details
    cached = count(prompt_details.cached_tokens if prompt_details else None)
    reasoning = count(output_details.reasoning_tokens if output_details else None)
    if reasoning and count(wire.total_tokens) == prompt + output + reasoning:
        # Some servers count reasoning beside the answer instead of in it.
        output += reasoning
    return Usage(
        input_tokens=prompt,
        cached_tokens=cached or count(wire.prompt_cache_hit_tokens),
        cache_written_tokens=count(prompt_details.cache_write_tokens if prompt_details else None),
        output_tokens=output,
        reasoning_tokens=reasoning,
        cost_usd=_money(wire.cost),
    )


def count(tokens: float | None) -> int:
    """Tokens as a server counts them, in whole ones; some count in floats."""
    # What no server can have counted is no figure, and would not fit into a file.
    return int(tokens) if tokens and 0 < tokens < MOST_TOKENS else 0


def _money(cost: float | str | None) -> float | None:
    try:
        figure = None if cost is None else float(cost)
    except ValueError:
        return None
    return figure if figure is not None and 0 <= figure < float("inf") else None
