"""A conversation that goes on where its journal ends, wherever that is."""

from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

import anyio
import anyio.lowlevel
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from m31a_engine.budget import Budget
from m31a_engine.conversation.acting import INTERRUPTED
from m31a_engine.conversation.history import Conversation, replies_in
from m31a_engine.errors import LimitReached, ProviderFailed
from m31a_engine.session.journal import Record, read_records
from m31a_providers import (
    AssistantMessage,
    ToolMessage,
    UserMessage,
)
from m31a_providers.testing import Reply
from talking import DEAR, OPENING, Script, at_desk, bash, calling, reading, scripted

pytestmark = pytest.mark.anyio


async def test_a_provider_error_ends_the_conversation_and_a_resume_asks_again(
    tmp_path: Path,
) -> None:
    async with at_desk(tmp_path, [Reply(text="half an ans", break_after=2)]) as desk:
        with pytest.raises(ProviderFailed):
            await desk.carry_on()

    budget = Budget(50.0)
    async with at_desk(tmp_path, ["whole"], budget=budget, prices=DEAR) as desk:
        talk = desk.talk()
        assert talk.cut
        assert await desk.carry_on(talk) == "whole"

    assert budget.requests == 2, "the answer that was cut off counts too"
    assert (budget.spent_usd or 0) > 16.0


async def test_when_the_turns_are_used_up_results_are_kept_and_a_resume_goes_on_with_them(
    tmp_path: Path,
) -> None:
    async with at_desk(tmp_path, [calling(bash("echo once >> log.txt"))], turns=1) as desk:
        with pytest.raises(LimitReached, match=r"all turns are used up \(1\)"):
            await desk.carry_on()

    async with at_desk(tmp_path, ["finished"], turns=2) as desk:
        assert await desk.carry_on() == "finished"
        assert len(desk.told()) == 1

    assert (tmp_path / "work" / "log.txt").read_text() == "once\n"


async def test_a_call_that_a_kill_cut_off_is_reported_unless_it_only_reads(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "a.txt").write_text("content\n")
    script: Script = [calling(reading("a.txt"), bash("echo x >> log.txt")), "done"]
    async with at_desk(tmp_path, script) as desk:
        await desk.carry_on()
    keep_until(tmp_path, "call", 2)

    async with at_desk(tmp_path, ["done"]) as desk:
        assert await desk.carry_on() == "done"
        told = desk.told()

    assert "content" in told[0]
    assert told[1] == INTERRUPTED


def keep_until(folder: Path, kind: str, count: int) -> None:
    """Cut a journal off behind the count-th record of a kind, as a kill there would."""
    records = read_records(folder)[0]
    places = [record.seq for record in records if record.kind == kind]
    cut(folder, places[count - 1])


def cut(folder: Path, length: int) -> None:
    file = folder / "journal.jsonl"
    file.write_bytes(b"".join(file.read_bytes().splitlines(keepends=True)[:length]))


WORK: tuple[Reply, ...] = (
    calling(bash("echo a >> log.txt"), reading("log.txt"), text="First."),
    Reply(text="Second is long", finish="length"),
    calling(reading("log.txt"), text=" and goes on."),
    Reply(text="All done."),
)


def whole_replies(records: Iterable[Record]) -> list[AssistantMessage]:
    return list(replies_in(records))


async def whole_conversation(folder: Path) -> int:
    """How many records a conversation that nothing disturbs leaves."""
    async with at_desk(folder, scripted(WORK)) as desk:
        await desk.carry_on()
    return len(read_records(folder)[0])


@settings(max_examples=30, deadline=None)
@given(share=st.floats(0.0, 1.0))
def test_cut_anywhere_no_whole_reply_is_asked_for_again_and_no_result_is_lost(
    share: float, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("cut")

    async def check() -> None:
        total = await whole_conversation(folder)
        length = round(share * total)
        cut(folder, length)
        before = read_records(folder)[0]
        kept = [msgspec.json.decode(record.body) for record in before if record.kind == "result"]
        async with at_desk(folder, scripted(WORK)) as desk:
            assert await desk.carry_on() == "All done."
            asked = len(desk.provider.requests)
            last = desk.provider.requests[-1].messages if asked else ()
        after = read_records(folder)[0]
        replies = whole_replies(before)
        assert asked == len(WORK) - len(replies)
        assert whole_replies(after)[: len(replies)] == replies
        texts = {message.text for message in last if isinstance(message, ToolMessage)}
        if asked:
            assert {result["message"]["text"] for result in kept} <= texts
        log = (folder / "work" / "log.txt").read_text()
        assert log.count("a\n") <= 2, "a command is repeated only when its reply was lost"

    anyio.run(check)


@pytest.mark.parametrize("again", [0, 1, 2])
async def test_a_restored_conversation_has_the_same_messages(tmp_path: Path, again: int) -> None:
    async with at_desk(tmp_path, scripted(WORK)) as desk:
        talk = desk.talk()
        await desk.carry_on(talk)
    for _ in range(again):
        async with at_desk(tmp_path, scripted(WORK)) as desk:
            assert await desk.carry_on() == "All done."
            assert desk.provider.requests == []

    restored = Conversation.restore("task", "execute", "1", (), read_records(tmp_path)[0])

    assert restored.messages == talk.messages
    assert (restored.turns, restored.cut, restored.model) == (4, False, "any")


async def test_conversations_of_one_journal_do_not_mix(tmp_path: Path) -> None:
    async with at_desk(tmp_path, [calling(bash("echo hi")), "done"]) as desk:
        await desk.carry_on()

    other = Conversation.restore("other", "plan", "", OPENING, read_records(tmp_path)[0])

    assert other.messages == list(OPENING)
    assert other.turns == 0


async def test_what_is_said_once_is_said_once() -> None:
    talk = Conversation("t", "plan", "", OPENING)
    talk.say_once("Change it.")
    talk.reply(AssistantMessage())
    talk.say_once("Change it.")
    assert [message for message in talk.messages if message == UserMessage(text="Change it.")] == [
        UserMessage(text="Change it.")
    ]


async def test_a_request_is_a_prefix_of_the_next_and_the_journal_holds_each_message_once(
    tmp_path: Path,
) -> None:
    async with at_desk(tmp_path, scripted(WORK)) as desk:
        await desk.carry_on()
        requests = [request.messages for request in desk.provider.requests]

    for one, following in pairwise(requests):
        assert following[: len(one)] == one
    journal = (tmp_path / "journal.jsonl").read_text()
    assert journal.count("You work.") == 1
    assert len([r for r in read_records(tmp_path)[0] if r.kind == "reply"]) == len(WORK)
