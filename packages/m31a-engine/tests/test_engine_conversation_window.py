"""A conversation that is too long for its model."""

from pathlib import Path

import pytest

from m31a_engine.conversation.history import Conversation
from m31a_engine.errors import ProviderFailed
from m31a_engine.events import ContextCondensed
from m31a_engine.session.journal import read_records
from m31a_providers import (
    AssistantMessage,
    ProviderError,
    ToolMessage,
    WindowExceeded,
)
from m31a_providers.testing import Reply, Rule
from talking import OPENING, at_desk, bash, calling

pytestmark = pytest.mark.anyio


async def test_a_conversation_that_fills_its_window_is_summarised_and_keeps_its_goal(
    tmp_path: Path,
) -> None:
    summary = Rule(phase="consolidate", reply=Reply(text="It was read, nothing found."))
    script: list[Rule | Reply | str | ProviderError] = [
        summary,
        *(
            Rule(phase="execute", times=1, reply=reply)
            for reply in (
                *(calling(bash(f"cat long.txt # {n}"), text=f"Look {n}.") for n in range(12)),
                Reply(text="The end."),
            )
        ),
    ]
    async with at_desk(tmp_path, script, window=20_000) as desk:
        (tmp_path / "work" / "long.txt").write_text("line of a long file\n" * 600)
        assert await desk.carry_on() == "The end."
        sizes = [
            sum(len(message.text) for message in request.messages)
            for request in desk.provider.requests
        ]
        condensed = [event for event in desk.events() if isinstance(event, ContextCondensed)]
        last = desk.provider.requests[-1].messages

    whole = Conversation.restore("task", "execute", "1", (), read_records(tmp_path)[0])
    assert condensed
    assert all(event.saved_tokens > 0 for event in condensed)
    assert max(sizes) < 20_000 * 3.5
    assert tuple(last[:2]) == OPENING
    calls = {
        call.id
        for message in last
        if isinstance(message, AssistantMessage)
        for call in message.tool_calls
    }
    assert {message.call_id for message in last if isinstance(message, ToolMessage)} == calls
    assert whole.messages[:-1] == list(last), "the journal gives back the shorter conversation"


async def test_a_request_the_server_finds_too_long_is_made_shorter_and_sent_once_more(
    tmp_path: Path,
) -> None:
    script: list[Rule | Reply | str | ProviderError] = [
        calling(bash("cat long.txt # 1")),
        *(calling(bash(f"echo {n}")) for n in range(4)),
        WindowExceeded(provider="scripted", reason="too long"),
        "A summary.",
        "Done.",
    ]
    async with at_desk(tmp_path, script) as desk:
        (tmp_path / "work" / "long.txt").write_text("line of a long file\n" * 600)
        assert await desk.carry_on() == "Done."
        first, second = (
            sum(len(m.text) for m in desk.provider.requests[n].messages) for n in (5, -1)
        )

    assert second < first / 2


async def test_a_request_that_stays_too_long_ends_the_conversation(tmp_path: Path) -> None:
    too_long = WindowExceeded(provider="scripted", reason="too long")
    async with at_desk(tmp_path, [too_long, too_long]) as desk:
        with pytest.raises(ProviderFailed):
            await desk.carry_on()


async def test_the_same_conversation_is_condensed_when_somebody_wants_it(tmp_path: Path) -> None:
    script: list[Rule | Reply | str | ProviderError] = [
        calling(bash("cat long.txt # 1")),
        *(calling(bash(f"echo {n}")) for n in range(4)),
        "one",
    ]
    async with at_desk(tmp_path, [*script, "A summary.", "two"]) as desk:
        (tmp_path / "work" / "long.txt").write_text("line of a long file\n" * 600)
        talk = desk.talk()
        assert await desk.carry_on(talk) == "one"
        desk.talker.window.want()
        talk.say("Go on.")
        assert await desk.carry_on(talk) == "two"

    assert talk.condensations == 1
