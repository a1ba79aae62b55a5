# ruff: noqa: E501 - tables, one case a line
"""Raw answers of Anthropic's Messages wire, and what must come of them however they are cut."""

import json
import os
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import anyio
import pytest

from m31a_providers import (
    AssistantMessage,
    MalformedReply,
    OutOfCredit,
    Part,
    ProviderError,
    RateLimited,
    ReasoningPart,
    RequestRejected,
    Stop,
    StreamBroken,
    TextPart,
    ToolCall,
    Unauthorized,
    Unavailable,
    Usage,
    WindowExceeded,
)
from m31a_providers.messages_reply import MessagesReply

CASES = int(os.environ.get("M31A_CAMPAIGN", "20"))
ReadReply = Callable[
    [type[MessagesReply], bytes, Iterable[int]],
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


Event = dict[str, object]
USED = {
    "input_tokens": 7,
    "cache_read_input_tokens": 20,
    "cache_creation_input_tokens": 3,
    "output_tokens": 1,
}
START: Event = {
    "type": "message_start",
    "message": {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [],
        "stop_reason": None,
        "usage": USED,
    },
}
STOP: Event = {"type": "message_stop"}
PING: Event = {"type": "ping"}
USAGE = Usage(input_tokens=30, cached_tokens=20, cache_written_tokens=3, output_tokens=9)


def begin(index: int, kind: str, **fields: object) -> Event:
    return {
        "type": "content_block_start",
        "index": index,
        "content_block": {"type": kind, **fields},
    }


def more(index: int, kind: str, **fields: object) -> Event:
    return {"type": "content_block_delta", "index": index, "delta": {"type": kind, **fields}}


def end(index: int) -> Event:
    return {"type": "content_block_stop", "index": index}


def ended(reason: str = "end_turn", **usage: object) -> Event:
    return {
        "type": "message_delta",
        "delta": {"stop_reason": reason, "stop_sequence": None},
        "usage": {"output_tokens": 9, **usage},
    }


def error(kind: str, message: str = "x") -> Event:
    return {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_1"}


def text(index: int, *pieces: str) -> list[Event]:
    return [
        begin(index, "text", text=""),
        *(more(index, "text_delta", text=piece) for piece in pieces),
        end(index),
    ]


def tool(index: int, call_id: str, name: str, *pieces: str) -> list[Event]:
    return [
        begin(index, "tool_use", id=call_id, name=name, input={}),
        *(more(index, "input_json_delta", partial_json=piece) for piece in pieces),
        end(index),
    ]


def thought(index: int, *pieces: str, signature: str = "sig") -> list[Event]:
    return [
        begin(index, "thinking", thinking="", signature=""),
        *(more(index, "thinking_delta", thinking=piece) for piece in pieces),
        more(index, "signature_delta", signature=signature),
        end(index),
    ]


def sse(*events: Event | str, names: bool = True, newline: str = "\n") -> bytes:
    lines = []
    for event in events:
        if isinstance(event, dict):
            lines.append(
                (f"event: {event['type']}{newline}" if names else "")
                + f"data: {json.dumps(event, ensure_ascii=False)}"
            )
        else:
            lines.append(event)
    return "".join(line + newline * 2 for line in lines).encode()


def message(
    *parts: Part, stop: Stop = Stop.stop, usage: Usage = USAGE, model: str = "m"
) -> AssistantMessage:
    return AssistantMessage(parts=parts, model=model, usage=usage, stop=stop)


def said(words: str) -> TextPart:
    return TextPart(text=words)


def called(call_id: str, name: str, arguments: str) -> ToolCall:
    return ToolCall(id=call_id, name=name, arguments=arguments)


HELLO = text(0, "Hello, Jü", "rgen ✓ ", "🚀!")
READ = tool(1, "toolu_1", "read", "", '{"path"', ': "a b"}')
READ_CALL = called("toolu_1", "read", '{"path": "a b"}')
BASES: dict[str, tuple[list[Event], AssistantMessage]] = {
    "text": ([START, *HELLO, ended(), STOP], message(said("Hello, Jürgen ✓ 🚀!"))),
    "a call": (
        [START, *text(0, "Ok."), *READ, ended("tool_use"), STOP],
        message(said("Ok."), READ_CALL, stop=Stop.tool_calls),
    ),
    "two calls": (
        [START, *tool(0, "a", "list"), *READ, ended("tool_use"), STOP],
        message(called("a", "list", "{}"), READ_CALL, stop=Stop.tool_calls),
    ),
    "thinking": (
        [START, *thought(0, "Let me ", "see…"), *text(1, "Yes."), ended(), STOP],
        message(ReasoningPart(text="Let me see…", signature="sig"), said("Yes.")),
    ),
}


def framings(events: list[Event]) -> dict[str, bytes]:
    pinged = [each for event in events for each in (event, PING)]
    return {
        "lf": sse(*events),
        "crlf": sse(*events, newline="\r\n"),
        "pings between": sse(*pinged),
        "pings without data": sse(
            *(each for event in events for each in (event, "event: ping\ndata:"))
        ),
        "without names": sse(*events, names=False),
        "comments between": b": hi\n\n" + sse(*events).replace(b"\n\n", b"\n\n: hi\n\n"),
        "no last blank line": sse(*events)[:-2],
        "no message_stop": sse(*events[:-1]),
        "DONE of a proxy": sse(*events[:-1], "data: [DONE]"),
        "unknown events": sse(events[0], {"type": "novelty", "deep": [{}]}, *events[1:]),
    }


FRAMED = [
    Case(f"{base}, {framing}", raw, expected)
    for base, (events, expected) in BASES.items()
    for framing, raw in framings(events).items()
]


def document(**fields: object) -> bytes:
    whole = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "usage": {"input_tokens": 30, "output_tokens": 9},
        **fields,
    }
    return json.dumps(whole).encode()


PLAIN_USAGE = Usage(input_tokens=30, output_tokens=9)
BARE: Event = {"type": "message_start", "message": {"model": "m"}}
BARE_END: Event = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}}
UNCOUNTED = Usage()
WHOLE = [
    Case("an empty answer", sse(START, ended(), STOP), message()),
    Case("a whole message at its start", sse({"type": "message_start", "message": {"model": "m", "content": [{"type": "text", "text": "Hi"}]}}, BARE_END, STOP), message(said("Hi"), usage=UNCOUNTED)),
    Case("no usage at all", sse(BARE, *text(0, "Hi"), BARE_END, STOP), message(said("Hi"), usage=UNCOUNTED)),
    Case("all usage at the end", sse(BARE, *text(0, "Hi"), ended("end_turn", **{**USED, "output_tokens": 9}), STOP), message(said("Hi"))),
    Case("null usage at the end", sse(START, *text(0, "Hi"), ended(input_tokens=None, cache_read_input_tokens=None), STOP), message(said("Hi"))),
    Case("thinking tokens are counted", sse(START, *text(0, "Hi"), ended(output_tokens_details={"thinking_tokens": 4}), STOP), message(said("Hi"), usage=Usage(input_tokens=30, cached_tokens=20, cache_written_tokens=3, output_tokens=9, reasoning_tokens=4))),
    Case("cut off at the limit", sse(START, *text(0, "Hi"), ended("max_tokens"), STOP), message(said("Hi"), stop=Stop.length)),
    Case("cut off in a call", sse(START, begin(0, "tool_use", id="a", name="read"), more(0, "input_json_delta", partial_json='{"pa'), end(0), ended("max_tokens"), STOP), message(called("a", "read", '{"pa'), stop=Stop.length)),
    Case("cut off at the window", sse(START, *text(0, "Hi"), ended("model_context_window_exceeded"), STOP), message(said("Hi"), stop=Stop.length)),
    Case("a refusal", sse(START, *text(0, "No."), ended("refusal"), STOP), message(said("No."), stop=Stop.content_filter)),
    Case("a stop sequence", sse(START, *text(0, "Hi"), ended("stop_sequence"), STOP), message(said("Hi"))),
    Case("a pause", sse(START, *text(0, "Hi"), ended("pause_turn"), STOP), message(said("Hi"), stop=Stop.unknown)),
    Case("message_stop without a reason", sse(START, *text(0, "Hi"), STOP), message(said("Hi"), stop=Stop.unknown, usage=Usage(input_tokens=30, cached_tokens=20, cache_written_tokens=3, output_tokens=1))),
    Case("blocks between one another", sse(START, begin(0, "text", text=""), begin(1, "tool_use", id="a", name="read"), more(0, "text_delta", text="H"), more(1, "input_json_delta", partial_json='{"a"'), more(0, "text_delta", text="i"), more(1, "input_json_delta", partial_json=":1}"), end(1), end(0), ended("tool_use"), STOP), message(said("Hi"), called("a", "read", '{"a":1}'), stop=Stop.tool_calls)),
    Case("text before, between and after calls", sse(START, *text(0, "A"), *tool(1, "a", "list"), *text(2, "B"), *tool(3, "b", "list"), *text(4, "C"), ended("tool_use"), STOP), message(said("A"), called("a", "list", "{}"), said("B"), called("b", "list", "{}"), said("C"), stop=Stop.tool_calls)),
    Case("the input whole at the start", sse(START, begin(0, "tool_use", id="a", name="read", input={"path": "ü"}), end(0), ended("tool_use"), STOP), message(called("a", "read", '{"path":"ü"}'), stop=Stop.tool_calls)),
    Case("the same id twice", sse(START, *tool(0, "a", "list"), *tool(1, "a", "list"), ended("tool_use"), STOP), message(called("a", "list", "{}"), called("a-2", "list", "{}"), stop=Stop.tool_calls)),
    Case("a call without an id", sse(START, *tool(0, "", "list"), ended("tool_use"), STOP), message(called("new1", "list", "{}"), stop=Stop.tool_calls)),
    Case("end_turn although a tool is called", sse(START, *tool(0, "a", "list"), ended(), STOP), message(called("a", "list", "{}"), stop=Stop.tool_calls)),
    Case("the input in single characters", sse(START, *tool(0, "a", "read", *'{"path": "a b"}'), ended("tool_use"), STOP), message(called("a", "read", '{"path": "a b"}'), stop=Stop.tool_calls)),
    Case("an input that is no JSON", sse(START, *tool(0, "a", "read", "path=a"), ended("tool_use"), STOP), message(called("a", "read", "path=a"), stop=Stop.tool_calls)),
    Case("thoughts that are kept secret", sse(START, begin(0, "redacted_thinking", data="ENC"), end(0), *text(1, "Hi"), ended(), STOP), message(ReasoningPart(text="", signature="ENC", redacted=True), said("Hi"))),
    Case("thoughts that are left out", sse(START, *thought(0), *text(1, "Hi"), ended(), STOP), message(ReasoningPart(text="", signature="sig"), said("Hi"))),
    Case("thoughts without a signature", sse(START, begin(0, "thinking", thinking=""), more(0, "thinking_delta", thinking="Hm"), end(0), *text(1, "Hi"), ended(), STOP), message(ReasoningPart(text="Hm"), said("Hi"))),
    Case("a signature in pieces", sse(START, begin(0, "thinking", thinking="Hm", signature=""), more(0, "signature_delta", signature="s1"), more(0, "signature_delta", signature="s2"), end(0), ended(), STOP), message(ReasoningPart(text="Hm", signature="s1s2"))),
    Case("thoughts between calls", sse(START, *thought(0, "A"), *tool(1, "a", "list"), *thought(2, "B", signature="s2"), *tool(3, "b", "list"), ended("tool_use"), STOP), message(ReasoningPart(text="A", signature="sig"), called("a", "list", "{}"), ReasoningPart(text="B", signature="s2"), called("b", "list", "{}"), stop=Stop.tool_calls)),
    Case("a block whose start was left out", sse(START, more(0, "text_delta", text="Hi"), ended(), STOP), message(said("Hi"))),
    Case("a delta that is not known", sse(START, begin(0, "text", text=""), more(0, "citations_delta", citation={}), more(0, "text_delta", text="Hi"), end(0), ended(), STOP), message(said("Hi"))),
    Case("a block that is not known", sse(START, begin(0, "server_tool_use", id="s", name="web", input={}), more(0, "input_json_delta", partial_json="{}"), end(0), *text(1, "Hi"), ended(), STOP), message(said("Hi"))),
    Case("a null text", sse(START, begin(0, "text", text=None), more(0, "text_delta", text=None), end(0), ended(), STOP), message()),
    Case("a null error", sse({**START, "error": None}, *text(0, "Hi"), ended(), STOP), message(said("Hi"))),
    Case("another model answers", sse({"type": "message_start", "message": {"model": "other", "usage": USED}}, *text(0, "Hi"), ended(), STOP), message(said("Hi"), model="other")),
    Case("something after the stop", sse(START, *text(0, "Hi"), ended(), STOP, "data: rubbish"), message(said("Hi"))),
    Case("a document", document(content=[{"type": "text", "text": "Hi"}], stop_reason="end_turn"), message(said("Hi"), usage=PLAIN_USAGE)),
    Case("a document without a reason", document(content=[{"type": "text", "text": "Hi"}]), message(said("Hi"), usage=PLAIN_USAGE)),
    Case("a document with a call", document(content=[{"type": "thinking", "thinking": "Hm", "signature": "s"}, {"type": "tool_use", "id": "a", "name": "read", "input": {"a": 1}}], stop_reason="tool_use"), message(ReasoningPart(text="Hm", signature="s"), called("a", "read", '{"a":1}'), stop=Stop.tool_calls, usage=PLAIN_USAGE)),
]  # fmt: skip

HALF = sse(START, begin(0, "text", text=""), more(0, "text_delta", text="Hello"))
FAILED = [
    Case("nothing at all", b"", Failure(StreamBroken)),
    Case("only pings", sse(PING, PING), Failure(StreamBroken)),
    Case("only a start", sse(START), Failure(StreamBroken)),
    Case("a start and a stop", sse(START, STOP), Failure(StreamBroken)),
    Case("cut between events", HALF, Failure(StreamBroken, "Hello")),
    Case("cut in an event", HALF + b'event: content_block_delta\ndata: {"type": "conte', Failure(MalformedReply, "Hello")),
    Case("cut in a call", sse(START, *tool(0, "a", "read", '{"pa')), Failure(StreamBroken)),
    Case("no JSON", HALF + b"data: oops\n\n", Failure(MalformedReply, "Hello")),
    Case("a wrong type", HALF + b'data: {"type": "content_block_delta", "index": "x"}\n\n', Failure(MalformedReply, "Hello")),
    Case("broken UTF-8", b'data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"\xff\xfe"}}\n\n', Failure(MalformedReply)),
    Case("nesting without end", b'data: {"x":' + b"[" * 3000 + b"\n\n", Failure(MalformedReply)),
    Case("chunks of the other wire", b'data: {"choices":[{"delta":{"content":"Hi"}}]}\n\n', Failure(MalformedReply)),
    Case("overloaded at once", sse(error("overloaded_error")), Failure(Unavailable)),
    Case("overloaded in mid-stream", HALF + sse(error("overloaded_error", "Overloaded")), Failure(Unavailable, "Hello")),
    Case("an error of the server's", HALF + sse(error("api_error")), Failure(Unavailable, "Hello")),
    Case("a time limit of the server's", HALF + sse(error("timeout_error")), Failure(Unavailable, "Hello")),
    Case("a rate limit", HALF + sse(error("rate_limit_error")), Failure(RateLimited, "Hello")),
    Case("a bad key", sse(error("authentication_error")), Failure(Unauthorized)),
    Case("no permission", sse(error("permission_error")), Failure(Unauthorized)),
    Case("no money", sse(error("billing_error")), Failure(OutOfCredit)),
    Case("a bad request", sse(error("invalid_request_error")), Failure(RequestRejected)),
    Case("a model that is not there", sse(error("not_found_error")), Failure(RequestRejected)),
    Case("too long", sse(error("invalid_request_error", "prompt is too long: 210000 tokens > 200000 maximum")), Failure(WindowExceeded)),
    Case("an error without words", HALF + b"event: error\ndata: {}\n\n", Failure(Unavailable, "Hello")),
    Case("an error after the reason", sse(START, *text(0, "Hi"), ended(), error("api_error")), Failure(Unavailable, "Hi")),
    Case("arguments for no call", sse(START, more(0, "input_json_delta", partial_json="{}")), Failure(MalformedReply)),
    Case("arguments for a text", HALF + sse(more(0, "input_json_delta", partial_json="{}")), Failure(MalformedReply, "Hello")),
    Case("text for a call", sse(START, *tool(0, "a", "list"), more(0, "text_delta", text="x")), Failure(MalformedReply)),
    Case("a call without a name", sse(START, begin(0, "tool_use", id="a"), end(0), ended("tool_use"), STOP), Failure(MalformedReply)),
    Case("a document that is cut", document(content=[])[:-3], Failure(MalformedReply)),
    Case("a document of something else", b'{"status": "ok"}', Failure(MalformedReply)),
    Case("a document of the other wire", b'{"choices": [{"message": {"content": "Hi"}}]}', Failure(MalformedReply)),
    Case("an error document", json.dumps(error("overloaded_error")).encode(), Failure(Unavailable)),
]  # fmt: skip

CORPUS = [*FRAMED, *WHOLE, *FAILED]


def test_the_corpus_is_large_and_its_names_are_unique() -> None:
    assert len(CORPUS) >= 100
    assert len({case.name for case in CORPUS}) == len(CORPUS)


@pytest.mark.anyio
@pytest.mark.parametrize("case", CORPUS, ids=lambda case: case.name)
async def test_a_message_means_the_same_in_one_piece_and_byte_by_byte(
    case: Case, read_reply: ReadReply
) -> None:
    assert await read_reply(MessagesReply, case.raw, ()) == case.expected
    every = range(1, len(case.raw))
    assert await read_reply(MessagesReply, case.raw, every) == case.expected


def test_a_message_means_the_same_wherever_it_is_cut(
    read_reply: ReadReply, places_to_cut: PlacesToCut
) -> None:
    async def cut_everywhere() -> None:
        for number, case in enumerate(CORPUS):
            for places in places_to_cut(len(case.raw), is_thorough=number < CASES // 2):
                found = await read_reply(MessagesReply, case.raw, places)
                assert found == case.expected, (case.name, places)

    anyio.run(cut_everywhere)
