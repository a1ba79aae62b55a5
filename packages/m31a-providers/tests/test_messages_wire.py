"""Requests on Anthropic's wire, and the client that speaks it against a server on loopback."""

import json
from itertools import pairwise

import anyio
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from m31a_providers import (
    AssistantMessage,
    BadSetting,
    ChatRequest,
    Finished,
    MalformedReply,
    Message,
    ModelInfo,
    Provider,
    ReasoningDelta,
    ReasoningPart,
    Retry,
    Sampling,
    Stop,
    StreamBroken,
    StreamEvent,
    SystemMessage,
    TextDelta,
    TextPart,
    ToolCall,
    ToolCallStarted,
    ToolMessage,
    ToolSpec,
    Unauthorized,
    Unavailable,
    Usage,
    UserMessage,
    connect,
    fold,
)
from m31a_providers.messages_wire import MessagesEncoder
from m31a_providers.prefix import PrefixBreak, PrefixWatch
from m31a_providers.server import server_for
from m31a_providers.testing import Call, ModelServer, Reply, Script

KEY = "sk-ant-planted-0123456789"
TOOL = ToolSpec(name="read", description="Read", parameters={"properties": {}})
MARK = {"type": "ephemeral"}
RULES, GOAL = SystemMessage(text="Be brief."), UserMessage(text="Mend it.")
HELLO = ChatRequest(model="m", messages=(UserMessage(text="hello"),))
ANSWER = AssistantMessage(
    parts=(
        ReasoningPart(text="Hm", signature="sig"),
        ReasoningPart(text="", signature="ENC", redacted=True),
        ReasoningPart(text="another server's thoughts"),
        TextPart(text="I look."),
        TextPart(text="  "),
        ToolCall(id="call.1", name="read", arguments='{"path":  "x"}'),
        ToolCall(id="", name="read", arguments="no JSON"),
    )
)
RESULTS = (
    ToolMessage(call_id="call.1", text="content"),
    ToolMessage(call_id="", text="", is_error=True),
)


def request(*said: Message, sampling: Sampling | None = None, model: str = "m") -> ChatRequest:
    return ChatRequest(
        model=model, messages=said, tools=(TOOL,), sampling=sampling or Sampling(max_tokens=99)
    )


def sent(asked: ChatRequest) -> dict[str, object]:
    body = json.loads(MessagesEncoder().encode(asked))
    assert isinstance(body, dict)
    return body


def test_a_whole_conversation_is_sent_as_the_documents_want_it() -> None:
    body = sent(request(RULES, GOAL, ANSWER, *RESULTS, UserMessage(text="Go on.")))
    assert body == {
        "model": "m",
        "max_tokens": 99,
        "stream": True,
        "tools": [
            {
                "name": "read",
                "description": "Read",
                "input_schema": {"type": "object", "properties": {}},
            }
        ],
        "system": [{"type": "text", "text": "Be brief.", "cache_control": MARK}],
        "messages": [
            {
                "role": "user",
                "content": [{"type": "text", "text": "Mend it.", "cache_control": MARK}],
            },
            {
                "role": "assistant",
                "content": [
                    {"type": "thinking", "thinking": "Hm", "signature": "sig"},
                    {"type": "redacted_thinking", "data": "ENC"},
                    {"type": "text", "text": "I look."},
                    {"type": "tool_use", "id": "call_1", "name": "read", "input": {"path": "x"}},
                    {
                        "type": "tool_use",
                        "id": "_",
                        "name": "read",
                        "input": {"unreadable": "no JSON"},
                    },
                ],
            },
            {
                "role": "user",
                "content": [
                    {"type": "tool_result", "tool_use_id": "call_1", "content": "content"},
                    {"type": "tool_result", "tool_use_id": "_", "content": "", "is_error": True},
                    {"type": "text", "text": "Go on.", "cache_control": MARK},
                ],
            },
        ],
    }


def test_without_rules_the_mark_is_behind_the_tools_and_blank_words_are_named() -> None:
    empty = AssistantMessage()
    body = sent(request(UserMessage(text=" \n"), empty, SystemMessage(text="Later rule.")))
    assert body["tools"] == [
        {
            "name": "read",
            "description": "Read",
            "input_schema": {"type": "object", "properties": {}},
            "cache_control": MARK,
        }
    ]
    assert "system" not in body
    assert body["messages"] == [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "(blank)"},
                {"type": "text", "text": "Later rule.", "cache_control": MARK},
            ],
        }
    ]


@pytest.mark.parametrize(
    ("model", "sampling", "options"),
    [
        ("claude-x", Sampling(), {"max_tokens": 8192}),
        ("claude-x", Sampling(temperature=0.5), {"max_tokens": 8192, "temperature": 0.5}),
        (
            "claude-opus-5",
            Sampling(max_tokens=9, temperature=0.0, reasoning_effort="minimal"),
            {
                "max_tokens": 9,
                "thinking": {"type": "adaptive"},
                "output_config": {"effort": "low"},
            },
        ),
        ("claude-opus-4-6", Sampling(reasoning_effort="none"), {"max_tokens": 8192}),
        *(
            (
                model,
                Sampling(max_tokens=20_000, reasoning_effort="high"),
                {
                    "max_tokens": 20_000,
                    "thinking": {"type": "enabled", "budget_tokens": 10_000},
                },
            )
            for model in (
                "claude-3-7-sonnet-20250219",
                "claude-sonnet-4-20250514",
                "claude-opus-4-1-20250805",
                "claude-haiku-4-5",
                "anthropic/claude-sonnet-4-5-20250929",
            )
        ),
        (
            "claude-sonnet-4-5",
            Sampling(max_tokens=1500, reasoning_effort="high"),
            {"max_tokens": 1500},
        ),
    ],
)
def test_options_are_those_the_model_takes(
    model: str, sampling: Sampling, options: dict[str, object]
) -> None:
    body = sent(ChatRequest(model=model, messages=(GOAL,), sampling=sampling))
    body.pop("messages")
    assert body == {"model": model, "stream": True, **options}


texts = st.text(max_size=20) | st.just("half \ud83d")
parts = st.one_of(
    st.builds(TextPart, text=texts),
    st.builds(ReasoningPart, text=texts, signature=st.none() | st.just("s")),
    st.builds(ToolCall, id=texts, name=st.just("read"), arguments=texts | st.just('{"a": 1}')),
)
messages: st.SearchStrategy[Message] = st.one_of(
    st.builds(SystemMessage, text=texts),
    st.builds(UserMessage, text=texts),
    st.builds(ToolMessage, call_id=texts, text=texts, is_error=st.booleans()),
    st.builds(AssistantMessage, parts=st.lists(parts, max_size=3).map(tuple)),
)


@settings(max_examples=100, deadline=None)
@given(st.lists(messages, min_size=1, max_size=7))
def test_what_the_cache_compares_grows_and_is_what_is_sent_without_its_marks(
    said: list[Message],
) -> None:
    encoder, watch = MessagesEncoder(), PrefixWatch(MessagesEncoder())
    before = b""
    for length in range(len(said) + 1):
        asked = request(RULES, GOAL, *said[:length])
        prompt = encoder.prompt(asked)
        assert prompt.startswith(before)
        assert watch.look(asked) is None
        body = encoder.encode(asked)
        assert body == MessagesEncoder().encode(asked)
        assert body.count(b'"cache_control":') <= 4
        plain = json.loads(body.replace(b',"cache_control":{"type":"ephemeral"}', b""))
        compared = json.loads(prompt + b"]}]}")
        assert compared == {key: plain[key] for key in ("model", "tools", "system", "messages")}
        roles = [turn["role"] for turn in plain["messages"]]
        assert all(one != two for one, two in pairwise(roles))
        before = prompt


def test_a_conversation_of_rules_alone_is_still_a_request() -> None:
    assert sent(request(RULES))["messages"] == [
        {"role": "user", "content": [{"type": "text", "text": "(blank)", "cache_control": MARK}]}
    ]


def test_a_break_of_the_prefix_is_told_on_this_wire_too() -> None:
    watch = PrefixWatch(MessagesEncoder())
    assert watch.look(request(RULES, UserMessage(text="12:00, go on"))) is None
    found = watch.look(request(RULES, UserMessage(text="12:01, go on")))
    assert isinstance(found, PrefixBreak)
    assert (found.message, found.was[:5], found.now[:5]) == (1, "0, go", "1, go")


def test_the_key_goes_into_this_wires_own_header_and_prices_follow_its_cache() -> None:
    server = server_for("anthropic", api_key=KEY, price_in=10.0, price_out=50.0)
    headers = server.request_headers({})
    assert (headers["x-api-key"], headers["anthropic-version"]) == (KEY, "2023-06-01")
    assert "Authorization" not in headers
    assert server.chat_url == "https://api.anthropic.com/v1/messages"
    assert server.price == ModelInfo(
        id="", price_in=10.0, price_out=50.0, price_cached=1.0, price_cache_written=12.5
    )
    assert server.with_settings(ModelInfo(id="m", price_cached=9)).price_cached == 1.0
    other = server_for("mine", kind="anthropic", base_url="http://localhost:1/v1/messages")
    assert other.chat_url == "http://localhost:1/v1/messages"
    with pytest.raises(BadSetting, match="api_key"):
        server_for("anthropic", api_key="sk\nplanted")


def over(server: ModelServer) -> Provider:
    retry = Retry(attempts=1)
    return connect("mine", kind="anthropic", base_url=server.base_url, api_key=KEY, retry=retry)


async def events_of(provider: Provider, asked: ChatRequest = HELLO) -> list[StreamEvent]:
    with anyio.fail_after(10):
        async with provider.stream(asked) as events:
            return [event async for event in events]


REPLY = Reply(
    reasoning="Hm.",
    text="I look.",
    tool_calls=(Call(name="read", arguments={"path": "a.py"}),),
    usage=(12, 5),
    cached_tokens=8,
    chunk=4,
)
WHOLE = AssistantMessage(
    parts=(
        ReasoningPart(text="Hm.", signature="signed-1"),
        TextPart(text="I look."),
        ToolCall(id="call_1_1", name="read", arguments='{"path":"a.py"}'),
    ),
    model="m",
    usage=Usage(input_tokens=12, cached_tokens=8, output_tokens=5, cost_usd=0.0),
    stop=Stop.tool_calls,
)


@pytest.mark.anyio
async def test_a_streamed_message_ends_whole_and_goes_back_with_its_signature() -> None:
    breaks: list[PrefixBreak] = []
    with ModelServer([REPLY, "Done."]) as server:
        provider = connect(
            "mine", kind="anthropic", base_url=server.base_url, on_prefix_break=breaks.append
        )
        events = await events_of(provider)
        more = (WHOLE, ToolMessage(call_id="call_1_1", text="x = 1"))
        await events_of(provider, ChatRequest(model="m", messages=HELLO.messages + more))
        await provider.aclose()
    assert events == [
        ReasoningDelta(text="Hm."),
        TextDelta(text="I lo"),
        TextDelta(text="ok."),
        ToolCallStarted(id="call_1_1", name="read"),
        Finished(message=WHOLE),
    ]
    assert breaks == []
    assert [seen.path for seen in server.requests] == ["/v1/messages", "/v1/messages"]
    assert [(seen.turn, seen.asked.last_text) for seen in server.requests] == [
        (1, "hello"),
        (2, "x = 1"),
    ]
    assert b'"signature":"signed-1"' in server.requests[1].raw


@pytest.mark.anyio
async def test_a_message_in_one_piece_and_one_without_figures_are_read_as_well() -> None:
    whole = msgspec.structs.replace(REPLY, plain_json=True)
    uncounted = Reply(text="12345678", no_usage=True, finish="length")
    with ModelServer([whole, uncounted]) as server:
        provider = over(server)
        assert (await events_of(provider))[-1] == Finished(message=WHOLE)
        async with provider.stream(HELLO) as events:
            guessed = await fold(events)
        await provider.aclose()
    assert (guessed.usage.estimated, guessed.usage.output_tokens) == (True, 2)
    assert guessed.stop is Stop.length


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("reply", "expected", "partial"),
    [
        (Reply(text="Hello", error="overloaded"), Unavailable, "Hello"),
        (Reply(text="Hello", chunk=1, break_after=4), StreamBroken, "He"),
        (Reply(text="Hello", finish="", no_done=True), StreamBroken, "Hello"),
        (Reply(status=401, error=f"invalid x-api-key {KEY}"), Unauthorized, ""),
        (Reply(status=529, error="Overloaded"), Unavailable, ""),
        (Reply(raw=b'data: {"choices":[]}\n\n'), MalformedReply, ""),
    ],
)
async def test_each_fault_has_its_error_and_the_key_is_in_none(
    reply: Reply, expected: type[Exception], partial: str
) -> None:
    with ModelServer([reply]) as server:
        provider = over(server)
        with pytest.raises(expected) as caught:
            await events_of(provider)
        await provider.aclose()
        assert "x-api-key" not in server.requests[0].headers
    assert getattr(caught.value, "partial", None) == partial
    assert "/v1/messages" in str(caught.value)
    assert KEY not in f"{caught.value!s} {caught.value!r} {vars(caught.value)} {provider!r}"


@pytest.mark.anyio
async def test_models_are_listed_and_health_is_asked_in_the_same_place() -> None:
    with ModelServer(Script(models=("a",))) as server:
        provider = over(server)
        assert await provider.models() == (ModelInfo(id="a"),)
        assert (await provider.health()).latency_ms is not None
        await provider.aclose()
