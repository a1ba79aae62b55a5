"""A scripted answer as the events of Anthropic's Messages wire. Pure."""

from collections.abc import Iterator

import msgspec

from m31a_providers.script import Reply
from m31a_providers.testing.payloads import call_id, cut, tokens_of

_STOPS = {"stop": "end_turn", "tool_calls": "tool_use", "length": "max_tokens"}


def message_events(
    reply: Reply, *, model: str, turn: int, request_bytes: int
) -> list[tuple[str, bytes]]:
    """(name, data) of each event, in order."""
    message: dict[str, object] = {
        **_envelope(reply, model, turn),
        "content": [],
        "stop_reason": None,
    }
    if not reply.no_usage:
        message["usage"] = _usage(reply, request_bytes) | {"output_tokens": 1}
    events = [_event("message_start", message=message)]
    for index, block in enumerate(_blocks(reply, turn)):
        begun, deltas = _in_pieces(block, reply.chunk)
        events.append(_event("content_block_start", index=index, content_block=begun))
        events += [_event("content_block_delta", index=index, delta=delta) for delta in deltas]
        events.append(_event("content_block_stop", index=index))
    if reply.error is not None:
        error = {"type": "api_error", "message": reply.error}
        return [*events, _event("error", error=error)]
    stop = _stop(reply)
    if stop:
        ended: dict[str, object] = {"delta": {"stop_reason": stop, "stop_sequence": None}}
        if not reply.no_usage:
            ended["usage"] = {"output_tokens": tokens_of(reply, request_bytes)[1]}
        events.append(_event("message_delta", **ended))
    return events if reply.no_done else [*events, _event("message_stop")]


def message_document(reply: Reply, *, model: str, turn: int, request_bytes: int) -> bytes:
    """The whole answer as one message."""
    body = _envelope(reply, model, turn)
    body |= {"content": list(_blocks(reply, turn)), "stop_reason": _stop(reply) or None}
    if not reply.no_usage:
        body["usage"] = _usage(reply, request_bytes)
    return msgspec.json.encode(body)


def _blocks(reply: Reply, turn: int) -> Iterator[dict[str, object]]:
    if reply.reasoning:
        yield {"type": "thinking", "thinking": reply.reasoning, "signature": f"signed-{turn}"}
    if reply.text:
        yield {"type": "text", "text": reply.text}
    for index, call in enumerate(reply.tool_calls):
        yield {
            "type": "tool_use",
            "id": call_id(call, index, turn),
            "name": call.name,
            "input": call.arguments,
        }


def _in_pieces(
    block: dict[str, object], chunk: int
) -> tuple[dict[str, object], list[dict[str, object]]]:
    """(the block as it begins, what comes after)."""
    match block:
        case {"type": "thinking", "thinking": str(words), "signature": signature}:
            deltas: list[dict[str, object]] = [
                {"type": "thinking_delta", "thinking": piece} for piece in cut(words, chunk)
            ]
            deltas.append({"type": "signature_delta", "signature": signature})
            return {"type": "thinking", "thinking": "", "signature": ""}, deltas
        case {"type": "text", "text": str(words)}:
            pieces = cut(words, chunk)
            return {"type": "text", "text": ""}, [
                {"type": "text_delta", "text": piece} for piece in pieces
            ]
        case _:
            given = block["input"]
            words = given if isinstance(given, str) else msgspec.json.encode(given).decode()
            return block | {"input": {}}, [
                {"type": "input_json_delta", "partial_json": piece} for piece in cut(words, chunk)
            ]


def _stop(reply: Reply) -> str:
    if reply.finish is not None:
        return _STOPS.get(reply.finish, reply.finish)
    return "tool_use" if reply.tool_calls else "end_turn"


def _usage(reply: Reply, request_bytes: int) -> dict[str, object]:
    prompt, output = tokens_of(reply, request_bytes)
    return {
        "input_tokens": max(0, prompt - reply.cached_tokens),
        "cache_read_input_tokens": reply.cached_tokens,
        "cache_creation_input_tokens": 0,
        "output_tokens": output,
    }


def _envelope(reply: Reply, model: str, turn: int) -> dict[str, object]:
    return {
        "id": f"msg_{turn}",
        "type": "message",
        "role": "assistant",
        "model": reply.model or model,
    }


def _event(kind: str, **fields: object) -> tuple[str, bytes]:
    return kind, msgspec.json.encode({"type": kind, **fields})
