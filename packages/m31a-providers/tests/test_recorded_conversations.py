import stat
from pathlib import Path

import anyio
import pytest

from m31a_providers import (
    AssistantMessage,
    ChatRequest,
    Finished,
    Provider,
    ReasoningDelta,
    Recorder,
    Recording,
    StreamBroken,
    TextDelta,
    ToolCallStarted,
    ToolMessage,
    UserMessage,
    connect,
    fold,
)
from m31a_providers.errors import NotRecorded
from m31a_providers.testing import Call, ModelServer, Reply, Rule, Script

pytestmark = pytest.mark.anyio

KEY = "sk-planted-0123456789"
LABELS = {"session": "s1", "phase": "execute", "task": "1"}
FIRST = ChatRequest(model="m", messages=(UserMessage(text="go"),), labels=LABELS)
REPLIES = (
    Reply(
        reasoning="Hm.",
        text="I look.",
        tool_calls=(Call(name="read", arguments='{"path": broken'),),
        usage=(9, 4),
        cached_tokens=2,
        cost_usd=0.5,
    ),
    Reply(text="Done.", finish="length", no_usage=True),
)


async def converse(provider: Provider, session: str = "s1") -> list[AssistantMessage]:
    labels = {**LABELS, "session": session}
    first = ChatRequest(model="m", messages=FIRST.messages, labels=labels)
    with anyio.fail_after(10):
        async with provider.stream(first) as events:
            answer = await fold(events)
        result = ToolMessage(call_id=answer.tool_calls[0].id, text="content")
        second = ChatRequest(model="m", messages=(*FIRST.messages, answer, result), labels=labels)
        async with provider.stream(second) as events:
            last = await fold(events)
    await provider.aclose()
    return [answer, last]


async def record(path: Path) -> list[AssistantMessage]:
    with ModelServer(REPLIES) as server:
        recorder = Recorder(connect("local", base_url=server.base_url, api_key=KEY), path)
        assert recorder.name == "local"
        assert [model.id for model in await recorder.models()] == ["scripted"]
        assert (await recorder.health()).latency_ms is not None
        return await converse(recorder)


async def test_a_recording_plays_the_same_conversation_in_the_process(tmp_path: Path) -> None:
    path = tmp_path / "talk.jsonl"
    said = await record(path)
    provider = Recording(path).provider()
    assert await converse(provider) == said
    assert (await provider.health()).detail == "a recording"
    assert [model.id for model in await provider.models()] == ["m"]
    with pytest.raises(NotRecorded, match="phase='execute' task='1' turn=1"):
        await converse(provider)


async def test_a_recording_plays_the_same_conversation_over_http(tmp_path: Path) -> None:
    path = tmp_path / "talk.jsonl"
    said = await record(path)
    with ModelServer(Recording(path).script()) as server:
        replayed = await converse(connect("local", base_url=server.base_url), session="another")
    assert [(one.parts, one.model, one.stop) for one in replayed] == [
        (one.parts, one.model, one.stop) for one in said
    ]
    assert replayed[0].usage == said[0].usage
    assert replayed[1].usage.estimated


async def test_a_changed_request_gets_the_answer_of_its_place(tmp_path: Path) -> None:
    path = tmp_path / "talk.jsonl"
    said = await record(path)
    changed = ChatRequest(model="m", messages=(UserMessage(text="Go!"),), labels=LABELS)
    async with Recording(path).provider().stream(changed) as events:
        found = [event async for event in events]
    assert found == [
        ReasoningDelta(text="Hm."),
        TextDelta(text="I look."),
        ToolCallStarted(id=said[0].tool_calls[0].id, name="read"),
        Finished(message=said[0]),
    ]


async def test_a_recording_holds_no_key_no_header_and_no_request(tmp_path: Path) -> None:
    path = tmp_path / "talk.jsonl"
    await record(path)
    content = path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    for secret in (KEY, "Authorization", "content", '"go"', "s1"):
        assert secret not in content
    assert len(content.splitlines()) == 2


async def test_a_failed_answer_is_not_recorded(tmp_path: Path) -> None:
    path = tmp_path / "talk.jsonl"
    script = Script(rules=(Rule(reply=Reply(text="x", break_after=2)),))
    with ModelServer(script) as server:

        async def no_sleep(seconds: float) -> None:
            pass

        recorder = Recorder(connect("local", base_url=server.base_url, sleep=no_sleep), path)
        with pytest.raises(StreamBroken):
            async with recorder.stream(FIRST) as events:
                await fold(events)
        await recorder.aclose()
    assert not path.exists()


async def test_a_last_line_that_was_cut_off_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "talk.jsonl"
    await record(path)
    whole = path.read_bytes()
    path.write_bytes(whole[:-20])
    assert len(Recording(path).exchanges) == 1
    path.write_bytes(whole.removesuffix(b"\n"))
    assert len(Recording(path).exchanges) == 2
    path.write_bytes(b"rubbish\n" + whole)
    with pytest.raises(ValueError, match="malformed"):
        Recording(path)
