"""The client against a real server on loopback, on both event loops."""

from collections.abc import AsyncIterator

import anyio
import anyio.lowlevel
import anyio.to_thread
import pytest

from m31a_providers import (
    AssistantMessage,
    ChatRequest,
    Finished,
    HealthStatus,
    ModelInfo,
    Provider,
    ReasoningDelta,
    ReasoningPart,
    Restarted,
    Retry,
    Sampling,
    Stop,
    StreamBroken,
    StreamEvent,
    SystemMessage,
    TextDelta,
    TextPart,
    Timeouts,
    ToolCall,
    ToolCallStarted,
    ToolMessage,
    ToolSpec,
    Usage,
    UserMessage,
    connect,
    fold,
    warm_up,
)
from m31a_providers.prefix import PrefixBreak
from m31a_providers.testing import Call, ModelServer, Reply, Rule, Script

pytestmark = pytest.mark.anyio

HELLO = ChatRequest(model="m", messages=(UserMessage(text="hello"),))
ONCE = Retry(attempts=1)


async def events_of(provider: Provider, request: ChatRequest = HELLO) -> list[StreamEvent]:
    with anyio.fail_after(10):
        async with provider.stream(request) as events:
            return [event async for event in events]


async def answer_of(provider: Provider, request: ChatRequest = HELLO) -> AssistantMessage:
    with anyio.fail_after(10):
        async with provider.stream(request) as events:
            return await fold(events)


async def no_sleep(seconds: float) -> None:
    await anyio.lowlevel.checkpoint()


async def test_a_streamed_answer_ends_with_the_whole_message() -> None:
    reply = Reply(
        reasoning="Hm.",
        text="I look.",
        tool_calls=(Call(name="read", arguments={"path": "a.py"}),),
        usage=(12, 5),
        cached_tokens=8,
    )
    with ModelServer([reply]) as server:
        provider = connect("local", base_url=server.base_url)
        events = await events_of(provider)
        await provider.aclose()

    call = ToolCall(id="call_1_1", name="read", arguments='{"path":"a.py"}')
    assert events == [
        ReasoningDelta(text="Hm."),
        TextDelta(text="I look."),
        ToolCallStarted(id="call_1_1", name="read"),
        Finished(
            message=AssistantMessage(
                parts=(ReasoningPart(text="Hm."), TextPart(text="I look."), call),
                model="m",
                usage=Usage(input_tokens=12, cached_tokens=8, output_tokens=5, cost_usd=0.0),
                stop=Stop.tool_calls,
            )
        ),
    ]


async def test_a_server_on_this_machine_is_not_asked_through_a_proxy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with ModelServer(["Direct."]) as server:
        provider = connect("local", base_url=server.base_url, retry=ONCE)
        answer = await answer_of(provider)
        await provider.aclose()
    assert answer.text == "Direct."


async def test_the_request_says_all_and_begins_like_the_next_one() -> None:
    tool = ToolSpec(name="read", description="Read a file", parameters={"type": "object"})
    first = ChatRequest(
        model="m",
        messages=(SystemMessage(text="Be brief."), UserMessage(text="Grüß 🚀")),
        tools=(tool,),
        sampling=Sampling(temperature=0.0, max_tokens=99, reasoning_effort="low"),
        labels={"session": "s 1", "phase": "execute", "task": "ü", "other": "unsent"},
    )
    call = Call(name="read", arguments='{"path": "x"}', id="c1")
    breaks: list[PrefixBreak] = []
    with ModelServer([Reply(tool_calls=(call,)), "Done."]) as server:
        provider = connect("local", base_url=server.base_url, on_prefix_break=breaks.append)
        answer = await answer_of(provider, first)
        more = (answer, ToolMessage(call_id="c1", text="content"))
        second = ChatRequest(
            model="m",
            messages=first.messages + more,
            tools=first.tools,
            sampling=first.sampling,
            labels=first.labels,
        )
        await answer_of(provider, second)
        await provider.aclose()

    before, after = server.requests
    assert after.raw.startswith(before.raw[:-2])
    assert breaks == []
    assert after.turn == 2
    assert after.labels == {"session": "s 1", "phase": "execute", "task": "ü"}
    assert after.body == {
        "model": "m",
        "stream": True,
        "stream_options": {"include_usage": True},
        "temperature": 0.0,
        "reasoning_effort": "low",
        "tools": [
            {
                "type": "function",
                "function": {
                    "name": "read",
                    "description": "Read a file",
                    "parameters": {"type": "object"},
                },
            }
        ],
        "max_tokens": 99,
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Grüß 🚀"},
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [
                    {
                        "id": "c1",
                        "type": "function",
                        "function": {"name": "read", "arguments": '{"path": "x"}'},
                    }
                ],
            },
            {"role": "tool", "tool_call_id": "c1", "content": "content"},
        ],
    }


async def test_one_connection_serves_all_requests_of_a_provider() -> None:
    replies: list[Reply | str] = [
        Reply(text="x"),
        Reply(text="x", no_done=True),
        Reply(plain_json=True),
        Reply(status=400),
        "x",
    ]
    with ModelServer(replies) as server:
        provider = connect("local", base_url=server.base_url, retry=ONCE)
        await provider.models()
        for status in (reply.status if isinstance(reply, Reply) else 200 for reply in replies):
            if status == 200:
                await answer_of(provider)
            else:
                with pytest.raises(Exception, match="rejected the request"):
                    await answer_of(provider)
        await provider.aclose()
    assert server.connections == 1


async def test_a_document_instead_of_a_stream_is_an_answer_like_any_other() -> None:
    reply = Reply(text="Hi", tool_calls=(Call(name="list"),), plain_json=True, usage=(3, 1))
    with ModelServer([reply]) as server:
        provider = connect("local", base_url=server.base_url)
        events = await events_of(provider)
        await provider.aclose()
    assert events[:-1] == [TextDelta(text="Hi"), ToolCallStarted(id="call_1_1", name="list")]
    assert isinstance(events[-1], Finished)
    assert events[-1].message.tool_calls == (ToolCall(id="call_1_1", name="list", arguments="{}"),)


@pytest.mark.parametrize("after", range(6))
async def test_an_answer_that_breaks_anywhere_is_asked_for_again(after: int) -> None:
    whole = Reply(text="0123456789", chunk=4, usage=(1, 1))
    broken = Reply(text="0123456789", chunk=4, usage=(1, 1), break_after=after)
    with ModelServer([broken, whole]) as server:
        provider = connect("local", base_url=server.base_url, sleep=no_sleep)
        events = await events_of(provider)
        await provider.aclose()

    assert isinstance(events[-1], Finished)
    assert events[-1].message.text == "0123456789"
    # Events: role, three pieces, finish, usage. Once `finish` is there the answer is whole.
    assert len(server.requests) == (2 if after < 5 else 1)
    shown = min(max(after - 1, 0), 3)
    restarts = [place for place, event in enumerate(events) if isinstance(event, Restarted)]
    assert restarts == ([shown] if shown > 0 and after < 5 else [])


async def test_an_answer_that_stays_broken_is_an_error_with_what_had_come() -> None:
    broken = Rule(reply=Reply(text="0123456789", chunk=4, break_after=3))
    waits: list[float] = []

    async def wait(seconds: float) -> None:
        waits.append(seconds)

    with ModelServer(Script(rules=(broken,))) as server:
        retry = Retry(attempts=3, base_s=1.0, random=lambda: 0.5)
        provider = connect("local", base_url=server.base_url, retry=retry, sleep=wait)
        with pytest.raises(StreamBroken) as caught:
            await answer_of(provider)
        await provider.aclose()
    assert caught.value.partial == "01234567"
    assert caught.value.address == f"{server.base_url}/chat/completions"
    assert waits == [0.5, 1.0]
    assert len(server.requests) == 3


async def test_retry_after_is_waited_for() -> None:
    waits: list[float] = []

    async def wait(seconds: float) -> None:
        waits.append(seconds)

    busy = Reply(status=429, headers={"Retry-After": "7"})
    down = Reply(status=503, headers={"Retry-After-Ms": "1500"})
    with ModelServer([busy, down, "Hi"]) as server:
        retry = Retry(base_s=2.0, random=lambda: 0.5)
        provider = connect("local", base_url=server.base_url, retry=retry, sleep=wait)
        assert (await answer_of(provider)).text == "Hi"
        await provider.aclose()
    assert waits == [8.0, 2.5]


async def test_leaving_early_closes_the_connection_and_the_next_request_works() -> None:
    endless = Reply(text="x" * 1000, chunk=1, delay_ms=5)
    with ModelServer([endless, "fresh"]) as server:
        provider = connect("local", base_url=server.base_url)
        with anyio.fail_after(10):
            async with provider.stream(HELLO) as events:
                async for event in events:
                    assert event == TextDelta(text="x")
                    break
        assert (await answer_of(provider)).text == "fresh"
        await provider.aclose()
    assert [seen.finished for seen in server.requests] == [False, True]


async def test_cancelling_ends_a_request_that_nobody_answers() -> None:
    with ModelServer([Reply(text="late", hold="gate"), "fresh"]) as server:
        server.hold("gate")
        provider = connect("local", base_url=server.base_url)

        async def cancel_when_it_waits() -> None:
            await anyio.to_thread.run_sync(server.wait_held, "gate")
            group.cancel_scope.cancel()

        with anyio.fail_after(10):
            async with anyio.create_task_group() as group:
                group.start_soon(cancel_when_it_waits)
                await answer_of(provider)
        assert (await answer_of(provider)).text == "fresh"
        await provider.aclose()


async def test_parallel_requests_get_their_own_answers() -> None:
    rules = tuple(
        Rule(reply=Reply(text=f"answer {task}", chunk=2), task=str(task)) for task in range(4)
    )
    answers: dict[str, str] = {}
    with ModelServer(Script(rules=rules)) as server:
        provider = connect("local", base_url=server.base_url)

        async def ask(task: str) -> None:
            request = ChatRequest(model="m", messages=HELLO.messages, labels={"task": task})
            answers[task] = (await answer_of(provider, request)).text

        async with anyio.create_task_group() as group:
            for task in range(4):
                group.start_soon(ask, str(task))
        await provider.aclose()
    assert answers == {str(task): f"answer {task}" for task in range(4)}


async def test_trace_headers_are_sent_only_where_they_are_allowed() -> None:
    labelled = ChatRequest(model="m", messages=HELLO.messages, labels={"phase": "plan"})
    with ModelServer(["a", "b"]) as server:
        open_one = connect("local", base_url=server.base_url, trace_headers="loopback")
        silent = connect("local", base_url=server.base_url, trace_headers="never")
        for provider in (open_one, silent):
            await answer_of(provider, labelled)
            await provider.aclose()
    assert [seen.labels for seen in server.requests] == [{"phase": "plan"}, {}]


async def test_models_are_listed_with_configured_prices_and_window() -> None:
    with ModelServer(Script(models=("a", "b"), context_tokens=4096)) as server:
        plain = connect("local", base_url=server.base_url)
        priced = connect(
            "local", base_url=server.base_url, price_in=1e-6, price_out=2e-6, context=99
        )
        assert await plain.models() == (
            ModelInfo(id="a", context_tokens=4096),
            ModelInfo(id="b", context_tokens=4096),
        )
        assert (await priced.models())[0] == ModelInfo(
            id="a", context_tokens=99, price_in=1e-6, price_out=2e-6
        )
        health = await plain.health()
        assert health.status is not HealthStatus.offline
        assert health.latency_ms is not None
        await plain.aclose()
        await priced.aclose()


async def test_a_server_that_is_gone_is_offline_and_says_why() -> None:
    with ModelServer([]) as server:
        provider = connect("local", base_url=server.base_url)
    health = await provider.health()
    await provider.aclose()
    assert health.status is HealthStatus.offline
    assert "connection refused" in health.detail


async def test_usage_is_guessed_and_marked_when_the_server_gives_none() -> None:
    with ModelServer([Reply(text="12345678", no_usage=True)]) as server:
        provider = connect("local", base_url=server.base_url)
        usage = (await answer_of(provider)).usage
        await provider.aclose()
    size = server.requests[0].body_bytes
    assert usage == Usage(input_tokens=-(-size // 4), output_tokens=2, cost_usd=0.0, estimated=True)


async def test_the_cost_is_the_servers_own_else_the_configured_price() -> None:
    with ModelServer([Reply(usage=(10, 5), cost_usd=0.25), Reply(usage=(10, 5))]) as server:
        provider = connect("local", base_url=server.base_url, price_in=0.5, price_out=2.0)
        assert (await answer_of(provider)).usage.cost_usd == 0.25
        assert (await answer_of(provider)).usage.cost_usd == 15.0
        await provider.aclose()


async def test_a_call_printed_as_text_is_recognised_only_when_asked_for() -> None:
    printed = 'I look.\n<tool_call>\n{"name": "read", "arguments": {"path": "a"}}\n</tool_call>'
    tool = ToolSpec(name="read", description="", parameters={})
    request = ChatRequest(model="m", messages=HELLO.messages, tools=(tool,))
    with ModelServer([printed, printed]) as server:
        weak = connect("local", base_url=server.base_url, text_tools=True)
        plain = connect("local", base_url=server.base_url)
        events = await events_of(weak, request)
        untouched = await answer_of(plain, request)
        await weak.aclose()
        await plain.aclose()

    assert isinstance(events[-1], Finished)
    found = events[-1].message
    assert (found.text, found.stop) == ("I look.", Stop.tool_calls)
    assert [(call.name, call.arguments) for call in found.tool_calls] == [("read", '{"path":"a"}')]
    assert events[-2] == ToolCallStarted(id=found.tool_calls[0].id, name="read")
    assert (untouched.text, untouched.tool_calls) == (printed, ())


async def test_a_broken_prompt_prefix_is_reported() -> None:
    breaks: list[PrefixBreak] = []
    with ModelServer(["a", "b"]) as server:
        provider = connect("local", base_url=server.base_url, on_prefix_break=breaks.append)
        await answer_of(provider)
        await answer_of(provider, ChatRequest(model="m", messages=(UserMessage(text="help"),)))
        await provider.aclose()
    assert [(found.message, found.was[:1], found.now[:1]) for found in breaks] == [(0, "l", "p")]


async def test_warming_up_in_a_thread_leaves_nothing_to_import() -> None:
    await anyio.to_thread.run_sync(lambda: warm_up(tls=True))
    provider = connect("openrouter", api_key="sk-or-test")
    assert provider.name == "openrouter"
    await provider.aclose()


async def test_fold_refuses_a_stream_without_an_end() -> None:
    async def nothing() -> AsyncIterator[StreamEvent]:
        for event in (TextDelta(text="x"),):
            yield event

    with pytest.raises(ValueError, match="without Finished"):
        await fold(nothing())


async def test_time_limits_are_apart_and_named_in_defaults() -> None:
    assert Timeouts() == Timeouts(connect_s=10, first_token_s=300, silence_s=120, total_s=1800)
