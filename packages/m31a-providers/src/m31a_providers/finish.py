"""The last step of an answer: calls printed as text, and what it cost. Pure."""

from collections.abc import Mapping

import msgspec

from m31a_providers.messages import AssistantMessage, Part, TextPart, ToolCall, Usage
from m31a_providers.models import ModelInfo, cost_of
from m31a_providers.reply import stop_with_calls
from m31a_providers.requests import ChatRequest
from m31a_providers.server import Server
from m31a_providers.text_calls import split_calls
from m31a_providers.wire import Reader

_BYTES_PER_TOKEN = 4


def finished_message(
    reply: Reader,
    request: ChatRequest,
    server: Server,
    catalogue: Mapping[str, ModelInfo],
    *,
    request_bytes: int,
) -> tuple[AssistantMessage, tuple[ToolCall, ...]]:
    """(the whole message, the calls in it that were recognised in its text).

    Raises:
        MalformedReply: a tool call has no name.
    """
    message = reply.message()
    recognised: tuple[ToolCall, ...] = ()
    if server.has_text_tools and not message.tool_calls:
        message, recognised = _with_text_calls(message, request, reply)
    usage = message.usage if reply.is_counted else _estimate(message, request_bytes)
    model = catalogue.get(request.model)
    if usage.cost_usd is None:
        usage = msgspec.structs.replace(usage, cost_usd=_cost(usage, server, model))
    return (
        msgspec.structs.replace(message, usage=usage, model=message.model or request.model),
        recognised,
    )


def _with_text_calls(
    message: AssistantMessage, request: ChatRequest, reply: Reader
) -> tuple[AssistantMessage, tuple[ToolCall, ...]]:
    offered = [tool.name for tool in request.tools]
    text, calls = split_calls(message.text, offered, reply.new_id)
    if not calls:
        return message, ()
    parts: list[Part] = [part for part in message.parts if not isinstance(part, TextPart)]
    if text:
        parts.append(TextPart(text=text))
    stop = stop_with_calls(message.stop)
    return msgspec.structs.replace(message, parts=(*parts, *calls), stop=stop), calls


def _estimate(message: AssistantMessage, request_bytes: int) -> Usage:
    written = len(message.text) + len(message.reasoning)
    written += sum(len(call.name) + len(call.arguments) for call in message.tool_calls)
    reasoning = len(message.reasoning)
    return Usage(
        input_tokens=-(-request_bytes // _BYTES_PER_TOKEN),
        output_tokens=-(-written // _BYTES_PER_TOKEN),
        reasoning_tokens=-(-reasoning // _BYTES_PER_TOKEN),
        estimated=True,
    )


def _cost(usage: Usage, server: Server, listed: ModelInfo | None) -> float | None:
    if server.price is not None:
        return cost_of(usage, server.price)
    # Nobody sends a bill from the same machine.
    if server.is_loopback:
        return 0.0
    return cost_of(usage, listed) if listed else None
