"""Calls of a conversation that need a person's leave."""

from pathlib import Path

import anyio
import anyio.lowlevel
import pytest

from m31a_engine.asks import Grant, PermissionAnswer
from m31a_engine.conversation.acting import INTERRUPTED
from m31a_engine.conversation.history import Conversation
from m31a_engine.errors import Denied, WaitingForApproval
from m31a_engine.events import AskClosed, AskOpened
from m31a_providers import (
    AssistantMessage,
    ProviderError,
    ToolCall,
    ToolMessage,
)
from m31a_providers.testing import Reply, Rule
from m31a_tools import (
    Choice,
    Mode,
    PermissionRequest,
    Risk,
)
from m31a_tools import Grant as ToolGrant
from talking import OPENING, Desk, at_desk, bash, calling, reading, scripted

pytestmark = pytest.mark.anyio


class TestLeave:
    """Calls that need a person's leave."""

    async def answered(self, folder: Path, grant: Grant, feedback: str = "") -> tuple[Desk, str]:
        async with at_desk(
            folder, [calling(bash("echo mark > mark.txt")), "done"], mode=Mode.ASK
        ) as desk:

            async def say() -> None:
                async for envelope in desk.stream.reader:
                    desk.seen.append(envelope.event)
                    if isinstance(envelope.event, AskOpened):
                        ask_id = envelope.event.ask.ask_id
                        desk.asks.answer(
                            PermissionAnswer(ask_id=ask_id, grant=grant, feedback=feedback)
                        )

            async with anyio.create_task_group() as group:
                group.start_soon(say)
                text = await desk.carry_on()
                group.cancel_scope.cancel()
        return desk, text

    async def test_what_a_person_grants_runs(self, tmp_path: Path) -> None:
        desk, text = await self.answered(tmp_path, Grant.ONCE)
        assert (text, (tmp_path / "work" / "mark.txt").exists()) == ("done", True)
        assert any(isinstance(event, AskClosed) and event.answer for event in desk.seen)

    async def test_what_a_person_denies_does_not_and_the_model_hears_why(
        self, tmp_path: Path
    ) -> None:
        desk, _ = await self.answered(tmp_path, Grant.DENY, "use the file tools")
        assert not (tmp_path / "work" / "mark.txt").exists()
        assert "use the file tools" in desk.told()[0]

    async def test_silence_defers_or_denies_as_configured(self, tmp_path: Path) -> None:
        request = PermissionRequest(tool="Bash", summary="s", detail="d", risk=Risk.MEDIUM)
        for on_timeout, grant in (("defer", ToolGrant.DEFER), ("deny", ToolGrant.DENY)):
            async with at_desk(tmp_path, [], on_timeout=on_timeout, timeout_s=0.0) as desk:
                assert await desk.hands.asker.ask(request) == Choice(grant=grant)

    async def test_a_deferred_call_stops_the_task_and_runs_when_it_is_resumed_with_leave(
        self, tmp_path: Path
    ) -> None:
        script = [calling(reading("a.txt"), bash("echo x >> mark.txt"))]
        async with at_desk(tmp_path, script, mode=Mode.DEFER) as desk:
            with pytest.raises(WaitingForApproval, match="leave is needed"):
                await desk.carry_on()
            assert not (tmp_path / "work" / "mark.txt").exists()

        async with at_desk(tmp_path, ["done"]) as desk:
            talk = desk.talk()
            assert [call.name for call in talk.open_calls()] == ["Bash"]
            assert talk.interrupted == frozenset(), "it was never begun"
            assert await desk.carry_on(talk) == "done"
            told = desk.told()

        assert (tmp_path / "work" / "mark.txt").read_text() == "x\n"
        assert ("a.txt" in told[0], len(told), INTERRUPTED in told) == (True, 2, False)


async def test_an_always_is_kept_and_a_once_is_not(tmp_path: Path) -> None:
    script: list[Rule | Reply | str | ProviderError] = [
        calling(bash("touch a")),
        calling(bash("touch b")),
        "done",
    ]
    grants = iter([Grant.ONCE, Grant.ALWAYS])
    async with at_desk(tmp_path, script, mode=Mode.ASK) as desk, anyio.create_task_group() as group:

        async def answer() -> None:
            async for envelope in desk.stream.reader:
                if isinstance(envelope.event, AskOpened):
                    answer = PermissionAnswer(ask_id=envelope.event.ask.ask_id, grant=next(grants))
                    assert desk.asks.answer(answer)

        group.start_soon(answer)
        await desk.carry_on()
        group.cancel_scope.cancel()

    assert [request.command for request in desk.kept] == ["touch b"]


async def test_text_from_the_network_taints_a_conversation_for_good(tmp_path: Path) -> None:
    talk = Conversation("t", "execute", "1", OPENING)
    assert not talk.tainted
    parts = (ToolCall(id="1", name="WebFetch", arguments="{}"),)
    talk.reply(AssistantMessage(parts=parts))
    talk.result(ToolMessage(call_id="1", text="page"))
    talk.go_on_with(OPENING)
    assert talk.tainted


async def test_a_person_who_says_exit_stops_the_run_and_is_asked_again_later(
    tmp_path: Path,
) -> None:
    async def answer(desk: Desk, grant: Grant) -> None:
        async for envelope in desk.stream.reader:
            if isinstance(envelope.event, AskOpened):
                ask_id = envelope.event.ask.ask_id
                assert desk.asks.answer(PermissionAnswer(ask_id=ask_id, grant=grant))

    script = scripted([calling(bash("touch a")), Reply(text="done")])
    async with at_desk(tmp_path, script, mode=Mode.ASK) as desk, anyio.create_task_group() as group:
        group.start_soon(answer, desk, Grant.EXIT)
        with pytest.raises(Denied):
            await desk.carry_on()
        group.cancel_scope.cancel()
    assert not (tmp_path / "work" / "a").exists()

    async with at_desk(tmp_path, script, mode=Mode.ASK) as desk, anyio.create_task_group() as group:
        group.start_soon(answer, desk, Grant.ONCE)
        assert await desk.carry_on() == "done"
        group.cancel_scope.cancel()
    assert (tmp_path / "work" / "a").exists()
