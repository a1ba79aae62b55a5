"""A scripted answer as the data of chat-completions events. Pure."""

import msgspec

from m31a_providers.script import Call, Reply

DONE = b"[DONE]"
_BYTES_PER_TOKEN = 4


def event_payloads(reply: Reply, *, model: str, turn: int, request_bytes: int) -> list[bytes]:
    """The data of each event, in order, `[DONE]` included if the script sends it."""
    deltas: list[dict[str, object]] = [{"role": "assistant", "content": ""}]
    deltas += [{"reasoning_content": piece} for piece in cut(reply.reasoning, reply.chunk)]
    deltas += [{"content": piece} for piece in cut(reply.text, reply.chunk)]
    for index, call in enumerate(reply.tool_calls):
        deltas += _call_deltas(call, index, turn, reply.chunk)
    model = reply.model or model
    payloads = [_chunk(model, turn, delta) for delta in deltas]
    if reply.error is not None:
        payloads.append(_encode({"error": {"message": reply.error, "code": 502}}))
        return payloads
    finish = _finish(reply)
    if finish:
        payloads.append(_chunk(model, turn, {}, finish))
    if not reply.no_usage:
        usage = _usage(reply, request_bytes)
        payloads.append(_encode({**_envelope(model, turn), "choices": [], "usage": usage}))
    if not reply.no_done:
        payloads.append(DONE)
    return payloads


def document(reply: Reply, *, model: str, turn: int, request_bytes: int) -> bytes:
    """The whole answer as one completion."""
    message: dict[str, object] = {"role": "assistant", "content": reply.text}
    if reply.reasoning:
        message["reasoning_content"] = reply.reasoning
    if reply.tool_calls:
        message["tool_calls"] = [
            {"id": call_id(call, index, turn), "type": "function", "function": _function(call)}
            for index, call in enumerate(reply.tool_calls)
        ]
    choice = {"index": 0, "message": message, "finish_reason": _finish(reply) or None}
    body = _envelope(reply.model or model, turn) | {
        "object": "chat.completion",
        "choices": [choice],
    }
    if not reply.no_usage:
        body["usage"] = _usage(reply, request_bytes)
    return _encode(body)


def call_id(call: Call, index: int, turn: int) -> str:
    """Its id, the same in every run."""
    return call.id or f"call_{turn}_{index + 1}"


def _call_deltas(call: Call, index: int, turn: int, chunk: int) -> list[dict[str, object]]:
    function = _function(call)
    head = {
        "index": index,
        "id": call_id(call, index, turn),
        "type": "function",
        "function": {"name": call.name, "arguments": ""},
    }
    pieces = [
        {"index": index, "function": {"arguments": piece}}
        for piece in cut(function["arguments"], chunk)
    ]
    return [{"tool_calls": [piece]} for piece in (head, *pieces)]


def arguments_of(call: Call) -> str:
    """Its arguments as text."""
    arguments = call.arguments
    return arguments if isinstance(arguments, str) else _encode(arguments).decode()


def _function(call: Call) -> dict[str, str]:
    return {"name": call.name, "arguments": arguments_of(call)}


def _finish(reply: Reply) -> str:
    if reply.finish is not None:
        return reply.finish
    return "tool_calls" if reply.tool_calls else "stop"


def tokens_of(reply: Reply, request_bytes: int) -> tuple[int, int]:
    """(prompt, answer): what the script says, else a token for four bytes."""
    if reply.usage is not None:
        return reply.usage
    written = len(reply.text) + len(reply.reasoning)
    written += sum(len(arguments_of(call)) for call in reply.tool_calls)
    return request_bytes // _BYTES_PER_TOKEN, max(1, written // _BYTES_PER_TOKEN)


def _usage(reply: Reply, request_bytes: int) -> dict[str, object]:
    prompt, output = tokens_of(reply, request_bytes)
    usage: dict[str, object] = {
        "prompt_tokens": prompt,
        "completion_tokens": output,
        "total_tokens": prompt + output,
        "prompt_tokens_details": {"cached_tokens": reply.cached_tokens},
    }
    if reply.cost_usd is not None:
        usage["cost"] = reply.cost_usd
    return usage


def _chunk(model: str, turn: int, delta: dict[str, object], finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return _encode({**_envelope(model, turn), "choices": [choice]})


def _envelope(model: str, turn: int) -> dict[str, object]:
    return {
        "id": f"chatcmpl-{turn}",
        "object": "chat.completion.chunk",
        "created": 0,
        "model": model,
    }


def cut(text: str, chunk: int) -> list[str]:
    """The text in pieces of so many characters."""
    step = max(1, chunk)
    return [text[start : start + step] for start in range(0, len(text), step)]


def _encode(value: object) -> bytes:
    return msgspec.json.encode(value)
