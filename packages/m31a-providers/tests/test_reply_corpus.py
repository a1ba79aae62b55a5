# ruff: noqa: E501 - tables, one case a line
"""Raw answers of servers, and what must come of them however the network cuts them up."""

import json
import os
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import anyio
import pytest

from m31a_providers import (
    AssistantMessage,
    MalformedReply,
    Part,
    ProviderError,
    RateLimited,
    ReasoningPart,
    Stop,
    StreamBroken,
    TextPart,
    ToolCall,
    Unavailable,
    Usage,
    WindowExceeded,
)
from m31a_providers.errors import OutOfCredit, Unauthorized
from m31a_providers.reply import Reply

CASES = int(os.environ.get("M31A_CAMPAIGN", "20"))

ReadReply = Callable[
    [type[Reply], bytes, Iterable[int]],
    Awaitable[AssistantMessage | tuple[type[ProviderError], str]],
]


class PlacesToCut(Protocol):
    def __call__(self, size: int, *, is_thorough: bool) -> Iterable[list[int]]: ...


class Failure(NamedTuple):
    error: type[ProviderError]
    partial: str = ""


@dataclass(frozen=True)
class Case:
    name: str
    raw: bytes
    expected: AssistantMessage | Failure


NOTHING = Usage()


def delta(finish: str | None = None, /, **fields: object) -> dict[str, object]:
    return {"model": "m", "choices": [{"index": 0, "delta": fields, "finish_reason": finish}]}


def said(text: str) -> dict[str, object]:
    return delta(content=text)


def call(
    index: int | None = None,
    call_id: str | None = None,
    name: str | None = None,
    arguments: object = None,
) -> dict[str, object]:
    piece: dict[str, object] = {"function": {"name": name, "arguments": arguments}}
    if index is not None:
        piece["index"] = index
    if call_id is not None:
        piece["id"] = call_id
    return delta(tool_calls=[piece])


def usage(prompt: int, output: int, **more: object) -> dict[str, object]:
    return {"choices": [], "usage": {"prompt_tokens": prompt, "completion_tokens": output, **more}}


STOP = delta("stop")
CALLS = delta("tool_calls")


def sse(*events: object, done: bool = True, newline: str = "\n", lead: str = "data: ") -> bytes:
    lines = [lead + (event if isinstance(event, str) else json.dumps(event)) for event in events]
    if done:
        lines.append(lead + "[DONE]")
    return "".join(line + newline * 2 for line in lines).encode()


def message(
    text: str = "",
    calls: Sequence[tuple[str, str, str]] = (),
    *,
    reasoning: str = "",
    stop: Stop | None = None,
    usage: Usage = NOTHING,
    model: str = "m",
) -> AssistantMessage:
    parts: list[Part] = []
    if reasoning:
        parts.append(ReasoningPart(text=reasoning))
    if text:
        parts.append(TextPart(text=text))
    parts += [ToolCall(id=key, name=name, arguments=text) for key, name, text in calls]
    stop = stop or (Stop.tool_calls if calls else Stop.stop)
    return AssistantMessage(parts=tuple(parts), model=model, usage=usage, stop=stop)


HELLO = message("Hello, Jürgen ✓ 🚀!")
HELLO_EVENTS = (said("Hello, Jü"), said("rgen ✓ "), said("🚀!"), STOP)
READ = ("c1", "read", '{"path": "a b"}')
READ_EVENTS = (
    call(0, "c1", "read", ""),
    call(0, arguments='{"path"'),
    call(0, arguments=': "a b"}'),
    CALLS,
)
LIST = ("c2", "list", "{}")
TWO_EVENTS = (
    call(0, "c1", "read", '{"path"'),
    call(1, "c2", "list", ""),
    call(0, arguments=': "a b"}'),
    call(1, arguments="{}"),
    CALLS,
)
THOUGHT = message("Yes.", reasoning="Let me see…")
THOUGHT_EVENTS = (
    delta(role="assistant", content=""),
    delta(reasoning_content="Let me "),
    delta(reasoning_content="see…"),
    said("Yes."),
    STOP,
)
BILLED = message("Hi", usage=Usage(input_tokens=7, output_tokens=2))
BILLED_EVENTS = (said("Hi"), STOP, usage(7, 2))
BASES = {
    "text": (HELLO_EVENTS, HELLO),
    "call": (READ_EVENTS, message(calls=[READ])),
    "interleaved": (TWO_EVENTS, message(calls=[READ, LIST])),
    "reasoning": (THOUGHT_EVENTS, THOUGHT),
    "billed": (BILLED_EVENTS, BILLED),
    "text and call": ((said("Ok."), *READ_EVENTS), message("Ok.", [READ])),
}


def framings(events: Sequence[object]) -> dict[str, bytes]:
    comment = b": keep-alive\n\n"
    blocks = sse(*events).split(b"\n\n")[:-1]
    lines = b"".join(block + b"\n" for block in blocks)
    return {
        "lf": sse(*events),
        "crlf": sse(*events, newline="\r\n"),
        "cr": sse(*events, newline="\r"),
        "no space after the colon": sse(*events, lead="data:"),
        "comments between": comment + b"".join(block + b"\n\n" + comment for block in blocks),
        "named events with ids": b"".join(
            b"event: message\nid: %d\nretry: 10\n%b\n\n" % (number, block)
            for number, block in enumerate(blocks)
        ),
        "no DONE": sse(*events, done=False),
        "no DONE and no last blank line": sse(*events, done=False)[:-2],
        "no last blank line": sse(*events)[:-2],
        "one newline between events": lines,
        "byte order mark": b"\xef\xbb\xbf" + sse(*events),
        "leading blank lines": b"\n\r\n\n" + sse(*events),
        "chunks without content": sse({"choices": []}, *events[:-1], {}, events[-1], {}),
        "pings": b"event: ping\ndata: {}\n\nevent: ping\ndata: still here\n\n" + sse(*events),
        "something after DONE": sse(*events) + b"data: rubbish\n\n",
        "pretty": b"".join(
            b"".join(
                b"data: %b\n" % line.encode() for line in json.dumps(event, indent=1).split("\n")
            )
            + b"\n"
            for event in events
        ),
    }


FRAMED = [
    Case(f"{base}, {framing}", raw, expected)
    for base, (events, expected) in BASES.items()
    for framing, raw in framings(events).items()
]


def document(choice: dict[str, object], **more: object) -> bytes:
    return json.dumps({"model": "m", "choices": [choice], **more}).encode()


PLAIN = {"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}
NATIVE = {
    "tool_calls": [{"id": "c1", "function": {"name": "read", "arguments": '{"path": "a b"}'}}]
}

WHOLE = [
    Case("a document", document(PLAIN), message("Hi")),
    Case("a document with spaces before it", b" \r\n\t" + document(PLAIN), message("Hi")),
    Case(
        "a document with usage and cost",
        document(PLAIN, usage={"prompt_tokens": 3, "completion_tokens": 1, "cost": 0.5}),
        message("Hi", usage=Usage(input_tokens=3, output_tokens=1, cost_usd=0.5)),
    ),
    Case("a document with calls", document({"message": NATIVE}), message(calls=[READ])),
    Case("a document without finish reason", document({"message": {"content": "x"}}), message("x")),
    Case("a whole message in the stream", sse({"model": "m", "choices": [PLAIN]}), message("Hi")),
    Case("one event with all", sse(delta("stop", content="Hi")), message("Hi")),
    Case("an empty answer", sse(STOP), message()),
    Case("null fields", sse(delta("stop", content=None, tool_calls=None)), message()),
    Case("null choices", sse({"choices": None}, said("x"), STOP), message("x")),
    Case("a null delta", sse({"choices": [{"delta": None}]}, said("x"), STOP), message("x")),
    Case(
        "a second choice",
        sse(said("x"), {"choices": [{"index": 1, "delta": {"content": "y"}}]}, STOP),
        message("x"),
    ),
    Case("finish before text", sse(delta("stop"), said("late")), message("late")),
    Case("DONE without finish", sse(said("x")), message("x", stop=Stop.unknown)),
    Case("DONE without finish after calls", sse(*READ_EVENTS[:-1]), message(calls=[READ])),
    Case("length", sse(said("x"), delta("length")), message("x", stop=Stop.length)),
    Case("max_tokens", sse(said("x"), delta("max_tokens")), message("x", stop=Stop.length)),
    Case("content filter", sse(delta("content_filter")), message(stop=Stop.content_filter)),
    Case("an unknown finish", sse(said("x"), delta("whatever")), message("x", stop=Stop.unknown)),
    Case("end_turn", sse(said("x"), delta("end_turn")), message("x")),
    Case("stop although tools are called", sse(*READ_EVENTS[:-1], STOP), message(calls=[READ])),
    Case(
        "cut off in a call",
        sse(call(0, "c1", "read", '{"pa'), delta("length")),
        message(calls=[("c1", "read", '{"pa')], stop=Stop.length),
    ),
    Case("a refusal", sse(delta(refusal="No."), STOP), message("No.")),
    Case(
        "reasoning by its other name",
        sse(delta(reasoning="Hm"), said("x"), STOP),
        message("x", reasoning="Hm"),
    ),
    Case(
        "reasoning by both names",
        sse(delta(reasoning="Hm", reasoning_content="Hm"), STOP),
        message(reasoning="Hm"),
    ),
    Case(
        "content as a list",
        sse(delta(content=[{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]), STOP),
        message("ab"),
    ),
    Case(
        "thoughts in a list",
        sse(
            delta(
                content=[
                    {"type": "thinking", "thinking": [{"type": "text", "text": "Hm"}]},
                    {"type": "text", "text": "b"},
                ]
            ),
            STOP,
        ),
        message("b", reasoning="Hm"),
    ),
    Case(
        "line separators inside text",
        sse(said("a\u2028b\u0085c\x0b\x0cd"), STOP),
        message("a\u2028b\u0085c\x0b\x0cd"),
    ),
    Case(
        "unescaped line separators",
        (
            'data: {"model":"m","choices":[{"delta":{"content":"a\u2028b\u0085c"},"finish_reason":"stop"}]}\n\n'
        ).encode(),
        message("a\u2028b\u0085c"),
    ),
    Case(
        "escaped pairs",
        sse(
            '{"model":"m","choices":[{"delta":{"content":"\\ud83d\\ude80"},"finish_reason":"stop"}]}'
        ),
        message("🚀"),
    ),
    Case(
        "unknown fields",
        sse(delta("stop", content="x", audio={"deep": [1, {"a": None}]}, role="assistant")),
        message("x"),
    ),
    Case(
        "another model answers",
        sse({"model": "other", "choices": [{"delta": {"content": "x"}, "finish_reason": "stop"}]}),
        message("x", model="other"),
    ),
    Case(
        "usage beside the finish",
        sse(said("x"), {**STOP, "usage": {"prompt_tokens": 1, "completion_tokens": 2}}),
        message("x", usage=Usage(input_tokens=1, output_tokens=2)),
    ),
    Case(
        "usage in every chunk",
        sse(
            {**said("x"), "usage": {"prompt_tokens": 1, "completion_tokens": 1}}, STOP, usage(1, 2)
        ),
        message("x", usage=Usage(input_tokens=1, output_tokens=2)),
    ),
    Case(
        "usage null until the end",
        sse({**said("x"), "usage": None}, STOP, usage(4, 2)),
        message("x", usage=Usage(input_tokens=4, output_tokens=2)),
    ),
    Case(
        "usage in floats and nulls",
        sse(
            STOP,
            usage(4, 2, total_tokens=None, cost=None) | {"model": "m"},
            '{"choices":[],"usage":{"prompt_tokens":4.0,"completion_tokens":2.0}}',
        ),
        message(usage=Usage(input_tokens=4, output_tokens=2)),
    ),
    Case(
        "usage that nobody can have counted",
        sse(
            said("x"), STOP, '{"choices":[],"usage":{"prompt_tokens":1e300,"completion_tokens":-2}}'
        ),
        message("x"),
    ),
    Case(
        "tokens put into the cache",
        sse(STOP, usage(9, 5, prompt_tokens_details={"cached_tokens": 2, "cache_write_tokens": 4})),
        message(
            usage=Usage(input_tokens=9, cached_tokens=2, cache_written_tokens=4, output_tokens=5)
        ),
    ),
    Case(
        "cached and reasoning tokens",
        sse(
            STOP,
            usage(
                9,
                5,
                total_tokens=14,
                prompt_tokens_details={"cached_tokens": 8},
                completion_tokens_details={"reasoning_tokens": 4},
            ),
        ),
        message(usage=Usage(input_tokens=9, cached_tokens=8, output_tokens=5, reasoning_tokens=4)),
    ),
    Case(
        "reasoning tokens beside the answer's",
        sse(STOP, usage(9, 5, total_tokens=18, completion_tokens_details={"reasoning_tokens": 4})),
        message(usage=Usage(input_tokens=9, output_tokens=9, reasoning_tokens=4)),
    ),
    Case(
        "cache hits by their other name",
        sse(STOP, usage(9, 5, prompt_cache_hit_tokens=6)),
        message(usage=Usage(input_tokens=9, cached_tokens=6, output_tokens=5)),
    ),
    Case(
        "cost as text",
        sse(STOP, usage(1, 1, cost="0.25")),
        message(usage=Usage(input_tokens=1, output_tokens=1, cost_usd=0.25)),
    ),
    Case(
        "cost that is no number",
        sse(STOP, usage(1, 1, cost="much")),
        message(usage=Usage(input_tokens=1, output_tokens=1)),
    ),
    Case("an empty error", sse({**said("x"), "error": None}, STOP), message("x")),
]

CALLED = [
    Case("arguments in one piece", sse(call(0, "c1", "read", '{"path": "a b"}'), CALLS), message(calls=[READ])),
    Case("arguments in single characters", sse(call(0, "c1", "read"), *(call(0, arguments=letter) for letter in READ[2]), CALLS), message(calls=[READ])),
    Case("arguments as an object", sse(call(0, "c1", "read", {"path": "ü"}), CALLS), message(calls=[("c1", "read", '{"path":"ü"}')])),
    Case("no arguments", sse(call(0, "c2", "list"), CALLS), message(calls=[LIST])),
    Case("blank arguments", sse(call(0, "c2", "list", " "), CALLS), message(calls=[LIST])),
    Case("arguments that are no JSON", sse(call(0, "c1", "read", "path=a"), CALLS), message(calls=[("c1", "read", "path=a")])),
    Case("no index, one call", sse(call(None, "c1", "read", '{"path"'), call(arguments=': "a b"}'), CALLS), message(calls=[READ])),
    Case("no index, two calls", sse(call(None, "c1", "read", '{"path": "a b"}'), call(None, "c2", "list", "{}"), CALLS), message(calls=[READ, LIST])),
    Case("no index, ids on each piece", sse(call(None, "c1", "read"), call(None, "c2", "list"), call(None, "c1", arguments='{"path": "a b"}'), call(None, "c2", arguments="{}"), CALLS), message(calls=[READ, LIST])),
    Case("all at index 0 with ids", sse(call(0, "c1", "read", '{"path": "a b"}'), call(0, "c2", "list", "{}"), CALLS), message(calls=[READ, LIST])),
    Case("all at index 0 without ids", sse(call(0, None, "read", '{"a":1}'), call(0, None, "read", '{"a":2}'), CALLS), message(calls=[("new1", "read", '{"a":1}'), ("new2", "read", '{"a":2}')])),
    Case("no ids", sse(call(0, None, "read", "{}"), call(1, None, "list", "{}"), CALLS), message(calls=[("new1", "read", "{}"), ("new2", "list", "{}")])),
    Case("neither index nor id", sse(call(None, None, "read", "{}"), call(None, None, "list", "{}"), CALLS), message(calls=[("new1", "read", "{}"), ("new2", "list", "{}")])),
    Case("neither index nor id, the same tool twice", sse(call(None, None, "list"), call(None, None, "list"), CALLS), message(calls=[("new1", "list", "{}"), ("new2", "list", "{}")])),
    Case("neither index nor id, arguments after", sse(call(None, None, "read"), call(arguments='{"a"'), call(arguments=":1}"), CALLS), message(calls=[("new1", "read", '{"a":1}')])),
    Case("the same id twice", sse(call(0, "c1", "read", "{}"), call(1, "c1", "list", "{}"), CALLS), message(calls=[("c1", "read", "{}"), ("c1-2", "list", "{}")])),
    Case("the same id twice without index", sse(call(None, "c", "read", "{}"), call(None, "c", "read", '{"a":1}'), CALLS), message(calls=[("c", "read", "{}"), ("c-2", "read", '{"a":1}')])),
    Case("the id again with every piece", sse(call(0, "c1", "read", ""), call(0, "c1", arguments='{"path"'), call(0, "c1", arguments=': "a b"}'), CALLS), message(calls=[READ])),
    Case("id and name again with every piece", sse(call(0, "c1", "read", '{"path"'), call(0, "c1", "read", ': "a b"}'), call(0, "c1", "read", ""), CALLS), message(calls=[READ])),
    Case("a new id with every piece", sse(call(0, "c1", "read", '{"path"'), call(0, "c9", "read", ': "a b"}'), CALLS), message(calls=[READ])),
    Case("a new id with every piece and no name", sse(call(0, "c1", "read"), call(0, "c9", arguments='{"path": "a b"}'), CALLS), message(calls=[READ])),
    Case("empty ids and names in later pieces", sse(call(0, "c1", "read"), call(0, "", "", '{"path": "a b"}'), CALLS), message(calls=[READ])),
    Case("the name in pieces", sse(call(0, "c1", "re"), call(0, name="ad"), call(0, arguments='{"path": "a b"}'), CALLS), message(calls=[READ])),
    Case("the name after the id", sse(call(0, "c1"), call(0, name="read", arguments='{"path": "a b"}'), CALLS), message(calls=[READ])),
    Case("index only after the first piece", sse(call(None, "c1", "read"), call(0, arguments='{"path": "a b"}'), CALLS), message(calls=[READ])),
    Case("indices from 1 with a gap", sse(call(1, "c1", "read", '{"path": "a b"}'), call(7, "c2", "list"), CALLS), message(calls=[READ, LIST])),
    Case("a number as id", sse('{"model":"m","choices":[{"delta":{"tool_calls":[{"index":0,"id":5,"function":{"name":"list"}}]},"finish_reason":"tool_calls"}]}'), message(calls=[("5", "list", "{}")])),
    Case("two calls in one chunk", sse(delta("tool_calls", tool_calls=[{"index": 0, "id": "c1", "function": {"name": "read", "arguments": READ[2]}}, {"index": 1, "id": "c2", "function": {"name": "list", "arguments": "{}"}}])), message(calls=[READ, LIST])),
    Case("the old function_call", sse(delta(function_call={"name": "read", "arguments": ""}), delta(function_call={"arguments": '{"a":1}'}), delta("function_call")), message(calls=[("new1", "read", '{"a":1}')])),
    Case("text after a call", sse(*READ_EVENTS[:-1], said("Done."), CALLS), message("Done.", [READ])),
    Case("an empty tool list", sse(delta(content="x", tool_calls=[]), STOP), message("x")),
]  # fmt: skip

HALF = sse(said("Hello"), done=False)
FAILED = [
    Case("nothing at all", b"", Failure(StreamBroken)),
    Case("blank lines", b"\n\n\n", Failure(StreamBroken)),
    Case("only comments", b": a\n\n: b\n\n", Failure(StreamBroken)),
    Case("DONE and nothing else", sse(), Failure(StreamBroken)),
    Case("no finish", HALF, Failure(StreamBroken, "Hello")),
    Case("cut in an event", HALF + b'data: {"choices": [{"del', Failure(MalformedReply, "Hello")),
    Case("cut in a call", sse(*READ_EVENTS[:2], done=False), Failure(StreamBroken)),
    Case("no JSON", HALF + b"data: oops\n\n", Failure(MalformedReply, "Hello")),
    Case("a JSON number", HALF + b"data: 17\n\n", Failure(MalformedReply, "Hello")),
    Case("a wrong type", HALF + b'data: {"choices": "x"}\n\n', Failure(MalformedReply, "Hello")),
    Case("broken UTF-8", b'data: {"choices":[{"delta":{"content":"\xff\xfe"}}]}\n\n', Failure(MalformedReply)),
    Case("half a character", b'data: {"choices":[{"delta":{"content":"\xe2\x9c"}}]}\n\n', Failure(MalformedReply)),
    Case("nesting without end", b'data: {"x":' + b"[" * 5000 + b"\n\n", Failure(MalformedReply)),
    Case("plain words", b"Not what you think\n", Failure(StreamBroken)),
    Case("a document that is cut", document(PLAIN)[:-5], Failure(MalformedReply)),
    Case("a document of something else", b'{"status": "ok"}', Failure(MalformedReply)),
    Case("a document without choices", b'{"choices": []}', Failure(MalformedReply)),
    Case("an error document", b'{"error": {"message": "slow down", "code": 429}}', Failure(RateLimited)),
    Case("an error in mid-stream", HALF + sse({"error": {"message": "boom", "code": 502}}), Failure(Unavailable, "Hello")),
    Case("an error as text", HALF + sse({"error": "boom"}), Failure(Unavailable, "Hello")),
    Case("an error with choices beside it", HALF + sse({**delta("error", content=""), "error": {"code": 502, "message": "x"}}), Failure(Unavailable, "Hello")),
    Case("an error event", HALF + b'event: error\ndata: {"message": "boom", "type": "overloaded_error"}\n\n', Failure(Unavailable, "Hello")),
    Case("an error event that is no JSON object", HALF + b"event: error\ndata: boom\n\n", Failure(MalformedReply, "Hello")),
    Case("finish reason error", HALF + sse(delta("error")), Failure(Unavailable, "Hello")),
    Case("a rate limit in mid-stream", HALF + sse({"error": {"type": "rate_limit_exceeded", "message": "x"}}), Failure(RateLimited, "Hello")),
    Case("overloaded in mid-stream", sse({"type": "error", "error": {"type": "overloaded_error", "message": "x"}}), Failure(Unavailable)),
    Case("no credit in mid-stream", sse({"error": {"code": "insufficient_quota", "message": "x"}}), Failure(OutOfCredit)),
    Case("a bad key in mid-stream", sse({"error": {"type": "authentication_error", "message": "x"}}), Failure(Unauthorized)),
    Case("too long in mid-stream", sse({"error": {"code": 400, "message": "maximum context length is 8192"}}), Failure(WindowExceeded)),
    Case("an error after the finish", sse(said("x"), STOP, {"error": {"code": 500}}), Failure(Unavailable, "x")),
    Case("arguments for no call", sse(call(arguments="{}"), CALLS), Failure(MalformedReply)),
    Case("a call without a name", sse(call(0, "c1", arguments="{}"), CALLS), Failure(MalformedReply)),
]  # fmt: skip

CORPUS = [*FRAMED, *WHOLE, *CALLED, *FAILED]


def test_the_corpus_is_large_and_its_names_are_unique() -> None:
    assert len(CORPUS) >= 120
    assert len({case.name for case in CORPUS}) == len(CORPUS)


@pytest.mark.anyio
@pytest.mark.parametrize("case", CORPUS, ids=lambda case: case.name)
async def test_an_answer_means_the_same_in_one_piece_and_byte_by_byte(
    case: Case, read_reply: ReadReply
) -> None:
    assert await read_reply(Reply, case.raw, ()) == case.expected
    if len(case.raw) < 4000:
        every = range(1, len(case.raw))
        assert await read_reply(Reply, case.raw, every) == case.expected


def test_an_answer_means_the_same_wherever_it_is_cut(
    read_reply: ReadReply, places_to_cut: PlacesToCut
) -> None:
    async def cut_everywhere() -> None:
        for number, case in enumerate(CORPUS):
            # The campaign cuts every one at every byte.
            for places in places_to_cut(len(case.raw), is_thorough=number < CASES):
                found = await read_reply(Reply, case.raw, places)
                assert found == case.expected, (case.name, places)

    anyio.run(cut_everywhere)
