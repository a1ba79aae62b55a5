"""The chat-completions wire: a request as bytes, and the chunks of an answer as types."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import assert_never

import msgspec

from m31a_providers.encoding import EncodedOnce, encode_json, is_json_object
from m31a_providers.messages import (
    AssistantMessage,
    Message,
    SystemMessage,
    ToolCall,
    ToolMessage,
    UserMessage,
)
from m31a_providers.requests import ChatRequest, Sampling, ToolSpec


class FunctionDelta(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A piece of a tool call's name and arguments."""

    name: str | None = None
    arguments: str | dict[str, object] | None = None


class ToolCallDelta(msgspec.Struct, frozen=True, kw_only=True):
    """A piece of a tool call."""

    index: int | None = None
    id: str | int | None = None
    function: FunctionDelta | None = None


class Thought(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A piece of a piece that is reasoning."""

    text: str | None = None


class ContentPiece(msgspec.Struct, frozen=True, kw_only=True):
    """A typed piece of content, for servers that send a list of them."""

    type: str = "text"
    text: str | None = None
    thinking: str | list[Thought] | None = None

    @property
    def is_thought(self) -> bool:
        """Whether it is reasoning."""
        return self.type in ("thinking", "reasoning")


class Delta(msgspec.Struct, frozen=True, kw_only=True):
    """What a chunk adds to the message, or the whole message."""

    content: str | list[ContentPiece] | None = None
    reasoning: str | None = None
    reasoning_content: str | None = None
    refusal: str | None = None
    tool_calls: list[ToolCallDelta] | None = None
    function_call: FunctionDelta | None = None

    @property
    def is_only_content(self) -> bool:
        """Whether it adds content and nothing else."""
        return not (
            self.tool_calls
            or self.reasoning_content
            or self.reasoning
            or self.function_call
            or self.refusal
        )

    @property
    def pieces(self) -> list[ToolCallDelta]:
        """Pieces of tool calls, in the form of today and in the one before it."""
        if self.function_call is not None:
            return [*(self.tool_calls or ()), ToolCallDelta(index=0, function=self.function_call)]
        return self.tool_calls or []


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """One of the answers; only the first is ever asked for."""

    index: int | None = 0
    delta: Delta | None = None
    message: Delta | None = None
    finish_reason: str | None = None


class PromptDetails(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Of the prompt's tokens."""

    cached_tokens: float | None = None
    cache_write_tokens: float | None = None


class CompletionDetails(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Of the answer's tokens."""

    reasoning_tokens: float | None = None


class WireUsage(msgspec.Struct, frozen=True, kw_only=True):
    """What the server counted; some count in floats."""

    prompt_tokens: float | None = None
    completion_tokens: float | None = None
    total_tokens: float | None = None
    prompt_cache_hit_tokens: float | None = None
    prompt_tokens_details: PromptDetails | None = None
    completion_tokens_details: CompletionDetails | None = None
    cost: float | str | None = None


class Chunk(msgspec.Struct, frozen=True, kw_only=True):
    """One event of a stream, or the whole of an answer that was not streamed."""

    model: str | None = None
    choices: list[Choice] | None = None
    usage: WireUsage | None = None
    error: dict[str, object] | str | None = None


decode_chunk = msgspec.json.Decoder(Chunk).decode


@dataclass(frozen=True, slots=True)
class RequestEncoder:
    """Requests as bytes, the same bytes for the same request.

    The messages come last, and each is encoded once for as long as it lives: a request is, up to
    the closing brackets, the beginning of the next one of its conversation.
    """

    extra: Mapping[str, object] = field(default_factory=dict)
    """Fields that one server wants beside the usual ones."""
    _message: EncodedOnce[bytes] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """No message has been encoded yet."""
        made = EncodedOnce(lambda message: encode_json(_wire_message(message)))
        object.__setattr__(self, "_message", made)

    def encode(self, request: ChatRequest) -> bytes:
        """The body of the request."""
        return self._prompt(request, request.sampling) + b"]}"

    def prompt(self, request: ChatRequest) -> bytes:
        """What a server's prompt cache compares: all but how the answer is drawn."""
        return self._prompt(request, Sampling())

    def _prompt(self, request: ChatRequest, sampling: Sampling) -> bytes:
        head: dict[str, object] = {
            "model": request.model,
            "stream": True,
            "stream_options": {"include_usage": True},
            **self.extra,
        }
        if sampling.temperature is not None:
            head["temperature"] = sampling.temperature
        if sampling.reasoning_effort is not None:
            head["reasoning_effort"] = sampling.reasoning_effort
        if request.tools:
            head["tools"] = [_tool(tool) for tool in request.tools]
        if sampling.max_tokens is not None:
            head["max_tokens"] = sampling.max_tokens
        pieces = b",".join([self._message(message) for message in request.messages])
        return b'%b,"messages":[%b' % (encode_json(head)[:-1], pieces)


def _tool(tool: ToolSpec) -> dict[str, object]:
    return {
        "type": "function",
        "function": {
            "name": tool.name,
            "description": tool.description,
            "parameters": tool.parameters,
        },
    }


def _wire_message(message: Message) -> dict[str, object]:
    match message:
        case SystemMessage():
            return {"role": "system", "content": message.text}
        case UserMessage():
            return {"role": "user", "content": message.text}
        case ToolMessage():
            return {"role": "tool", "tool_call_id": message.call_id, "content": message.text}
        case AssistantMessage():
            return _wire_answer(message)
        case _:
            assert_never(message)


def _wire_answer(message: AssistantMessage) -> dict[str, object]:
    calls = [_wire_call(call) for call in message.tool_calls]
    # Reasoning stays here: most servers reject it, and those that want it say how (another wire).
    answer: dict[str, object] = {"role": "assistant", "content": message.text}
    if calls:
        answer["content"] = message.text or None
        answer["tool_calls"] = calls
    return answer


def _wire_call(call: ToolCall) -> dict[str, object]:
    arguments = call.arguments
    if not is_json_object(arguments):
        # Servers parse this field and answer 400 or 500, for good, if they cannot.
        arguments = encode_json({"unreadable": arguments}).decode()
    return {
        "id": call.id,
        "type": "function",
        "function": {"name": call.name, "arguments": arguments},
    }
