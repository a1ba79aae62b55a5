"""One answer of Anthropic's Messages wire, put together from its events."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import msgspec

from m31a_providers.failures import Source
from m31a_providers.messages import (
    AssistantMessage,
    Part,
    ReasoningPart,
    TextPart,
    ToolCall,
    Usage,
)
from m31a_providers.messages_wire import (
    Block,
    BlockDelta,
    MessagesEvent,
    MessagesUsage,
    decode_event,
)
from m31a_providers.reply import SIGNS_OF_LIFE, beginning, count, random_call_id, stop_of
from m31a_providers.stream import ReasoningDelta, StreamEvent, TextDelta, ToolCallStarted

_TEXT, _THINKING, _REDACTED, _TOOL = "text", "thinking", "redacted_thinking", "tool_use"
_KINDS = (_TEXT, _THINKING, _REDACTED, _TOOL)
_DELTA_OF = {
    "text_delta": _TEXT,
    "thinking_delta": _THINKING,
    "signature_delta": _THINKING,
    "input_json_delta": _TOOL,
}
_DONE = b"[DONE]"


@dataclass(slots=True)
class _Open:
    """A block that is still being written."""

    kind: str
    id: str = ""
    name: str = ""
    signature: str | None = None
    whole_input: dict[str, object] | None = None
    pieces: list[str] = field(default_factory=list)

    def part(self) -> Part | None:
        """What it is in a message; None for kinds that nobody asked for, and for nothing."""
        words = "".join(self.pieces)
        if self.kind == _TEXT:
            return TextPart(text=words) if words else None
        if self.kind in (_THINKING, _REDACTED):
            if not words and not self.signature:
                return None
            return ReasoningPart(
                text=words, signature=self.signature or None, redacted=self.kind == _REDACTED
            )
        if self.kind == _TOOL:
            arguments = words
            if not words.strip():
                arguments = msgspec.json.encode(self.whole_input or {}).decode()
            return ToolCall(id=self.id, name=self.name, arguments=arguments)
        return None


@dataclass(slots=True)
class MessagesReply:
    """The answer so far. Feed it events; take the message when `is_ended`."""

    source: Source
    new_id: Callable[[], str] = random_call_id
    model: str = ""
    stop_reason: str | None = None
    is_done: bool = False
    """The server said `message_stop`: nothing follows."""
    usage: MessagesUsage | None = None
    _blocks: list[_Open] = field(default_factory=list)
    _by_index: dict[int, _Open] = field(default_factory=dict)

    @property
    def is_ended(self) -> bool:
        """Whether the server said that the message is complete."""
        return self.stop_reason is not None

    @property
    def is_counted(self) -> bool:
        """Whether the server said what the answer took."""
        return self.usage is not None

    @property
    def has_begun(self) -> bool:
        """Whether any piece of the answer has come."""
        return bool(self._blocks)

    @property
    def partial(self) -> str:
        """The text so far."""
        return "".join("".join(block.pieces) for block in self._blocks if block.kind == _TEXT)

    def read_event(self, name: str, data: bytes) -> Sequence[StreamEvent]:
        """What one event of the stream adds.

        Raises:
            ProviderError: it reports an error or cannot be read.
        """
        try:
            event = decode_event(data)
        except (ValueError, RecursionError) as exc:
            if data.strip() == _DONE:
                self._end()
                return ()
            if not data.strip() or name in SIGNS_OF_LIFE:
                return ()
            raise self.source.malformed(f"{exc} in {beginning(data)}") from exc
        kind = event.type or name
        if kind == "content_block_delta" and event.delta is not None:
            # Nine events of ten.
            return self._more(event.index, event.delta)
        if kind == "error" or event.error:
            raise self.source.reported(event.error or msgspec.json.decode(data))
        return self._feed(kind, event, data)

    def read_document(self, data: bytes) -> Sequence[StreamEvent]:
        """What a whole answer holds that was asked for as a stream and came in one piece."""
        try:
            event = decode_event(data)
        except (ValueError, RecursionError) as exc:
            raise self.source.malformed(f"no message: {exc}") from exc
        if event.type == "error" or event.error:
            raise self.source.reported(event.error or msgspec.json.decode(data))
        if event.content is None:
            raise self.source.malformed(f"no content in {beginning(data)}")
        self.model = event.model or ""
        self._count(event.usage)
        events = self._all(event.content)
        self.stop_reason = event.stop_reason or "end_turn"
        return events

    def message(self) -> AssistantMessage:
        """The whole answer; its usage carries no cost.

        Raises:
            MalformedReply: a tool call has no name.
        """
        found = tuple(part for block in self._blocks if (part := block.part()) is not None)
        calls = tuple(part for part in found if isinstance(part, ToolCall))
        if not all(call.name for call in calls):
            raise self.source.malformed("a tool call without a name")
        return AssistantMessage(
            parts=found,
            model=self.model,
            usage=usage_of(self.usage) if self.usage else Usage(),
            stop=stop_of(self.stop_reason, calls),
        )

    def _feed(self, kind: str, event: MessagesEvent, data: bytes) -> Sequence[StreamEvent]:
        match kind:
            case "message_start" if event.message is not None:
                self.model = event.message.model or self.model
                self._count(event.message.usage)
                return self._all(event.message.content or [])
            case "content_block_start" if event.content_block is not None:
                return self._begin(event.index, event.content_block)
            case "message_delta":
                self._count(event.usage)
                if event.delta is not None and event.delta.stop_reason:
                    self.stop_reason = event.delta.stop_reason
            case "message_stop":
                self._end()
            case "" | "message":
                raise self.source.malformed(f"no event of a message: {beginning(data)}")
            case _:
                pass  # The documents say that new kinds may come, and are to be passed over.
        return ()

    def _end(self) -> None:
        self.is_done = True
        if self.stop_reason is None and self.has_begun:
            self.stop_reason = ""

    def _all(self, content: Sequence[Block]) -> Sequence[StreamEvent]:
        """Blocks that come whole."""
        return [event for index, block in enumerate(content) for event in self._begin(index, block)]

    def _begin(self, index: int, block: Block) -> Sequence[StreamEvent]:
        opened = _Open(block.type, signature=block.signature)
        self._blocks.append(opened)
        self._by_index[index] = opened
        if block.type == _TOOL:
            opened.id, opened.name = self._unused(block.id or ""), block.name or ""
            opened.whole_input = block.input
            return (ToolCallStarted(id=opened.id, name=opened.name),) if opened.name else ()
        if block.type == _REDACTED:
            opened.signature = block.data
            return ()
        return self._said(opened, block.text or block.thinking or "")

    def _more(self, index: int, delta: BlockDelta) -> Sequence[StreamEvent]:
        kind = _DELTA_OF.get(delta.type)
        if kind is None:
            return ()  # Citations, and what is yet to be invented.
        block = self._by_index.get(index)
        if block is None and kind != _TOOL:
            # A server that does not say when a block begins.
            self._begin(index, Block(type=kind))
            block = self._by_index[index]
        if block is not None and block.kind not in _KINDS:
            return ()
        if block is None or block.kind != kind:
            raise self.source.malformed(f"a {delta.type} that belongs to no {kind} block")
        if delta.type == "signature_delta":
            block.signature = (block.signature or "") + (delta.signature or "")
            return ()
        if kind == _TOOL:
            if delta.partial_json:
                block.pieces.append(delta.partial_json)
            return ()
        return self._said(block, delta.text or delta.thinking or "")

    def _said(self, block: _Open, words: str) -> Sequence[StreamEvent]:
        if not words or block.kind not in (_TEXT, _THINKING):
            return ()
        block.pieces.append(words)
        return (TextDelta(text=words) if block.kind == _TEXT else ReasoningDelta(text=words),)

    def _count(self, usage: MessagesUsage | None) -> None:
        """Later figures stand for earlier ones, and what is left out stays."""
        if usage is None:
            return
        figures = msgspec.structs.asdict(usage).items()
        given = {name: figure for name, figure in figures if figure is not None}
        self.usage = msgspec.structs.replace(self.usage or MessagesUsage(), **given)

    def _unused(self, wire_id: str) -> str:
        taken = {block.id for block in self._blocks}
        number, unused = 2, wire_id or self.new_id()
        while unused in taken:
            unused = f"{wire_id}-{number}"
            number += 1
        return unused


def usage_of(wire: MessagesUsage) -> Usage:
    """The server's figures in our terms: here the prompt is counted in three parts."""
    details = wire.output_tokens_details
    read = count(wire.cache_read_input_tokens)
    written = count(wire.cache_creation_input_tokens)
    return Usage(
        input_tokens=count(wire.input_tokens) + read + written,
        cached_tokens=read,
        cache_written_tokens=written,
        output_tokens=count(wire.output_tokens),
        reasoning_tokens=count(details.thinking_tokens if details else None),
    )
