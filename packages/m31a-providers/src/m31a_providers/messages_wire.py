"""Anthropic's Messages wire: a request as bytes, and the events of an answer as types.

Written from the public documents of the Messages API, version 2023-06-01.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import assert_never

import msgspec

from m31a_providers.encoding import EncodedOnce, encode_json, is_json_object
from m31a_providers.messages import (
    AssistantMessage,
    Message,
    Part,
    ReasoningPart,
    SystemMessage,
    TextPart,
    ToolCall,
    ToolMessage,
    UserMessage,
)
from m31a_providers.requests import ChatRequest, Sampling, ToolSpec

DEFAULT_MAX_TOKENS = 8192
_CACHE_HERE = b',"cache_control":{"type":"ephemeral"}}'
_BLANK = "(blank)"
_NOT_IN_IDS = re.compile(r"[^a-zA-Z0-9_-]")
# Up to 4.5 a model is told how many tokens it may think; later ones refuse to be told.
_TOLD_A_BUDGET = re.compile(r"claude-(3|(opus|sonnet|haiku)-4(-[0-5])?(-\d{8}|-latest|@|$))")
_BUDGETS = {"low": 2048, "medium": 8192, "high": 16_384, "xhigh": 32_768, "max": 65_536}
_LEAST_BUDGET = 1024
_NO_THOUGHT = ("none", "off", "disabled")


class TokenDetails(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Of the answer's tokens."""

    thinking_tokens: float | None = None


class MessagesUsage(msgspec.Struct, frozen=True, kw_only=True):
    """What the server counted; later figures of a stream include the earlier ones."""

    input_tokens: float | None = None
    """Neither read from the cache nor put into it."""
    cache_read_input_tokens: float | None = None
    cache_creation_input_tokens: float | None = None
    output_tokens: float | None = None
    output_tokens_details: TokenDetails | None = None


class Block(msgspec.Struct, frozen=True, kw_only=True):
    """A block of content as it begins, or whole."""

    type: str = ""
    text: str | None = None
    thinking: str | None = None
    signature: str | None = None
    data: str | None = None
    id: str | None = None
    name: str | None = None
    input: dict[str, object] | None = None


class BlockDelta(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What an event adds to a block, or to the message as a whole."""

    type: str = ""
    text: str | None = None
    thinking: str | None = None
    signature: str | None = None
    partial_json: str | None = None
    stop_reason: str | None = None


class MessageStart(msgspec.Struct, frozen=True, kw_only=True):
    """The message as it begins."""

    model: str | None = None
    content: list[Block] | None = None
    stop_reason: str | None = None
    usage: MessagesUsage | None = None


class MessagesEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One event of a stream, or the whole of an answer that was not streamed."""

    type: str = ""
    index: int = 0
    message: MessageStart | None = None
    content_block: Block | None = None
    delta: BlockDelta | None = None
    usage: MessagesUsage | None = None
    error: dict[str, object] | str | None = None
    model: str | None = None
    content: list[Block] | None = None
    stop_reason: str | None = None


decode_event = msgspec.json.Decoder(MessagesEvent).decode


@dataclass(frozen=True, slots=True)
class _Blocks:
    """A message as this wire has it: who says it, and its blocks, each encoded."""

    role: str
    blocks: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class MessagesEncoder:
    """Requests as bytes; each message is encoded once for as long as it lives.

    Up to four marks tell the server where to keep what it computed: behind the tools and the
    system message, behind the first message (what is stable in a conversation), and behind the
    last two turns of the user's, so that the next request finds the end of this one.
    """

    extra: Mapping[str, object] = field(default_factory=dict)
    """Fields that one server wants beside the usual ones."""
    _message: EncodedOnce[_Blocks] = field(
        default_factory=lambda: EncodedOnce(_blocks), init=False, repr=False
    )

    def encode(self, request: ChatRequest) -> bytes:
        """The body of the request."""
        options = _options(request.model, request.sampling) | {"stream": True, **self.extra}
        prompt = self._prompt(request, is_marked=True)
        return b"%b,%b]}]}" % (encode_json(options)[:-1], prompt)

    def prompt(self, request: ChatRequest) -> bytes:
        """What the server's prompt cache compares: no options, no marks, no closing brackets."""
        return b'{"model":%b,%b' % (encode_json(request.model), self._prompt(request))

    def _prompt(self, request: ChatRequest, *, is_marked: bool = False) -> bytes:
        system, said = _split(request.messages)
        tools = [encode_json(_tool(tool)) for tool in request.tools]
        rules = [encode_json({"type": "text", "text": text}) for text in system]
        if is_marked and (rules or tools):
            marked = rules or tools
            marked[-1] = _with_mark(marked[-1])
        pieces = []
        if tools:
            pieces.append(b'"tools":[%b],' % b",".join(tools))
        if rules:
            pieces.append(b'"system":[%b],' % b",".join(rules))
        pieces.append(b'"messages":[')
        pieces.extend(_joined(self._turns(said), is_marked=is_marked))
        return b"".join(pieces)

    def _turns(self, said: Sequence[Message]) -> list[tuple[str, list[bytes]]]:
        """(who, the blocks) by turns: what one side says in a row belongs together here."""
        turns: list[tuple[str, list[bytes]]] = []
        for message in said:
            made = self._message(message)
            if not made.blocks:
                continue
            if not turns or turns[-1][0] != made.role:
                turns.append((made.role, []))
            turns[-1][1].extend(made.blocks)
        # There must be something to answer.
        return turns or [("user", list(_said(_BLANK).blocks))]


def _joined(turns: list[tuple[str, list[bytes]]], *, is_marked: bool) -> Iterator[bytes]:
    """The turns as JSON without the brackets that end the last one."""
    theirs = [place for place, (role, _) in enumerate(turns) if role == "user"]
    marked = {*theirs[:1], *theirs[-2:]} if is_marked else set()
    for place, (role, blocks) in enumerate(turns):
        if place:
            yield b"]},"
        yield b'{"role":"%b","content":[' % role.encode()
        yield b",".join([*blocks[:-1], _with_mark(blocks[-1])] if place in marked else blocks)


def _with_mark(block: bytes) -> bytes:
    return block[:-1] + _CACHE_HERE


def _options(model: str, sampling: Sampling) -> dict[str, object]:
    max_tokens = sampling.max_tokens or DEFAULT_MAX_TOKENS
    options: dict[str, object] = {"model": model, "max_tokens": max_tokens}
    thinking = _thinking(model, sampling.reasoning_effort, max_tokens)
    if thinking:
        # A model that thinks takes no temperature.
        return options | thinking
    if sampling.temperature is not None:
        options["temperature"] = sampling.temperature
    return options


def _thinking(model: str, effort: str | None, max_tokens: int) -> dict[str, object]:
    if effort is None or effort in _NO_THOUGHT:
        return {}
    effort = "low" if effort == "minimal" else effort
    if not _TOLD_A_BUDGET.search(model):
        return {"thinking": {"type": "adaptive"}, "output_config": {"effort": effort}}
    # The budget is part of `max_tokens`; as much again is left for the answer.
    budget = min(_BUDGETS.get(effort, _BUDGETS["medium"]), max_tokens // 2)
    if budget < _LEAST_BUDGET:
        return {}
    return {"thinking": {"type": "enabled", "budget_tokens": budget}}


def _split(messages: Sequence[Message]) -> tuple[list[str], Sequence[Message]]:
    """(the standing instructions, which stand apart here, the conversation)."""
    begins = 0
    while begins < len(messages) and isinstance(messages[begins], SystemMessage):
        begins += 1
    return [said.text for said in messages[:begins] if said.text.strip()], messages[begins:]


def _tool(tool: ToolSpec) -> dict[str, object]:
    return {
        "name": tool.name,
        "description": tool.description,
        "input_schema": {"type": "object", **tool.parameters},
    }


def _blocks(message: Message) -> _Blocks:
    match message:
        case SystemMessage() | UserMessage():
            # Text without a word in it is rejected.
            return _said(message.text if message.text.strip() else _BLANK)
        case ToolMessage():
            result: dict[str, object] = {
                "type": "tool_result",
                "tool_use_id": _tool_id(message.call_id),
                "content": message.text,
            }
            if message.is_error:
                result["is_error"] = True
            return _Blocks("user", (encode_json(result),))
        case AssistantMessage():
            found = (_block(part) for part in message.parts)
            return _Blocks("assistant", tuple(encode_json(block) for block in found if block))
        case _:
            assert_never(message)


def _said(text: str) -> _Blocks:
    return _Blocks("user", (encode_json({"type": "text", "text": text}),))


def _block(part: Part) -> dict[str, object] | None:
    match part:
        case TextPart():
            return {"type": "text", "text": part.text} if part.text.strip() else None
        case ReasoningPart():
            if part.signature is None:
                return None  # Somebody else's thoughts: without a signature they are rejected.
            if part.redacted:
                return {"type": "redacted_thinking", "data": part.signature}
            return {"type": "thinking", "thinking": part.text, "signature": part.signature}
        case ToolCall():
            is_readable = is_json_object(part.arguments)
            return {
                "type": "tool_use",
                "id": _tool_id(part.id),
                "name": part.name,
                "input": msgspec.Raw(part.arguments.encode())
                if is_readable
                else {"unreadable": part.arguments},
            }
        case _:
            assert_never(part)


def _tool_id(call_id: str) -> str:
    return _NOT_IN_IDS.sub("_", call_id) or "_"
