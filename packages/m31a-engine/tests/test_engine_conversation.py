"""A conversation in the process: real tools and files, a real journal, a scripted model."""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import ClassVar

import anyio
import anyio.lowlevel
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from m31a_engine.asks import Grant, OpenAsks, PermissionAnswer
from m31a_engine.budget import Budget, Prices
from m31a_engine.config import Config
from m31a_engine.config_sections import ModelSection, ProviderSettings
from m31a_engine.connecting import PER_TOKEN
from m31a_engine.conversation.asker import RunAsker
from m31a_engine.conversation.hands import Hands, Place
from m31a_engine.conversation.history import Conversation, replies_in
from m31a_engine.conversation.models import Models
from m31a_engine.conversation.steering import HEADING, Remark, Steering
from m31a_engine.conversation.turn import CUT, INTERRUPTED, NO_TOOLS, TOO_MANY, Talker
from m31a_engine.conversation.window import WindowWatch
from m31a_engine.errors import BudgetSpent, Denied, LimitReached, ProviderFailed, WaitingForApproval
from m31a_engine.events import AskClosed, AskOpened, ContextCondensed, Event, ToolEnded, ToolOutput
from m31a_engine.member import Member
from m31a_engine.session.journal import Journal, Record, read_records
from m31a_engine.session.stream import EventStream
from m31a_engine.switchboard import Switchboard
from m31a_providers import (
    AssistantMessage,
    ProviderError,
    SystemMessage,
    ToolCall,
    ToolMessage,
    UserMessage,
    WindowExceeded,
)
from m31a_providers.testing import Call, Reply, Rule, ScriptedProvider
from m31a_tools import (
    Access,
    Choice,
    Mode,
    PermissionRequest,
    Plain,
    Policy,
    Risk,
    Toolbox,
    ToolResult,
    Workspace,
    default_toolbox,
)
from m31a_tools import Grant as ToolGrant

pytestmark = pytest.mark.anyio

OPENING = (SystemMessage(text="You work."), UserMessage(text="Do it."))
FREE = Prices(input_usd=0.0, output_usd=0.0)
DEAR = Prices(input_usd=0.0, output_usd=0.001)
Script = Iterable[Rule | Reply | str | ProviderError]


class Turns:
    """Keeps who is at work beside whom."""

    def __init__(self) -> None:
        self.inside = 0
        self.most = 0
        self.order: list[str] = []


class PlaceArgs(msgspec.Struct, frozen=True, kw_only=True):
    """Which place to look at."""

    name: str


@dataclass(frozen=True, slots=True)
class Watched:
    """A tool that says how many of its kind run at once."""

    turns: Turns
    name: str
    read_only: bool
    output_chars: int = 1000
    description: ClassVar[str] = "Be there."
    risk: ClassVar[Risk] = Risk.SAFE
    args_type: ClassVar[type[PlaceArgs]] = PlaceArgs

    def access(self, args: PlaceArgs) -> Access:
        return Access(summary=f"be at {args.name}")

    def claims(self, args: PlaceArgs) -> frozenset[str]:
        return frozenset({"read"}) if self.read_only else frozenset({"write"})

    async def run(self, args: PlaceArgs, workspace: Workspace) -> ToolResult:
        self.turns.inside += 1
        self.turns.most = max(self.turns.most, self.turns.inside)
        for _ in range(5):
            await anyio.lowlevel.checkpoint()
        self.turns.inside -= 1
        self.turns.order.append(args.name)
        return ToolResult(for_model=f"was at {args.name}", display=Plain(text=args.name))


@dataclass(slots=True)
class Desk:
    """Everything a conversation needs, in one folder."""

    folder: Path
    provider: ScriptedProvider
    journal: Journal
    stream: EventStream
    talker: Talker
    hands: Hands
    asks: OpenAsks
    kept: list[PermissionRequest] = field(default_factory=list)
    seen: list[Event] = field(default_factory=list)

    def talk(self) -> Conversation:
        """The conversation as the journal has it."""
        return Conversation.restore("task", "execute", "1", OPENING, self.journal.records)

    async def carry_on(self, talk: Conversation | None = None) -> str:
        """What the model says in the end."""
        with anyio.fail_after(20):
            return await self.talker.carry_on(talk or self.talk(), self.hands)

    def events(self) -> list[Event]:
        """What was told so far."""
        while True:
            try:
                self.seen.append(self.stream.reader.receive_nowait().event)
            except (anyio.WouldBlock, anyio.EndOfStream):
                return self.seen

    def told(self, request: int = -1) -> list[str]:
        """The results that stand in a request."""
        messages = self.provider.requests[request].messages
        return [message.text for message in messages if isinstance(message, ToolMessage)]


@asynccontextmanager
async def at_desk(
    folder: Path,
    script: Script,
    *,
    mode: Mode = Mode.ALLOW_ALL,
    toolbox: Toolbox | None = None,
    turns: int = 50,
    budget: Budget | None = None,
    prices: Prices = FREE,
    on_timeout: str = "defer",
    timeout_s: float = 300.0,
    window: int | None = None,
) -> AsyncIterator[Desk]:
    """A desk whose journal goes on where an earlier one in this folder stopped."""
    (folder / "work").mkdir(exist_ok=True)
    journal = Journal.open(folder)
    stream = EventStream("s", journal)
    asks = OpenAsks()
    provider = ScriptedProvider(script)
    served = ProviderSettings(
        context=window,
        price_in=(prices.input_usd or 0.0) * PER_TOKEN,
        price_out=(prices.output_usd or 0.0) * PER_TOKEN,
    )
    board = Switchboard(
        ["scripted"], lambda _, told: Member(provider, served, folder / "models.json")
    )
    place = Workspace(root=folder / "work")
    kept: list[PermissionRequest] = []

    async def remember(request: PermissionRequest) -> None:
        kept.append(request)

    async def where() -> Place:
        return Place(workspace=place, policy=Policy(mode=mode))

    try:
        yield Desk(
            folder=folder,
            provider=provider,
            journal=journal,
            stream=stream,
            talker=Talker(
                board=board,
                stream=stream,
                journal=journal,
                models=Models(Config(home="/", model=ModelSection(default="any"))),
                window=WindowWatch(board),
                steering=Steering(journal),
                budget=budget or Budget(None),
                session="s",
                turns=turns,
            ),
            hands=Hands(
                toolbox=toolbox or default_toolbox(place),
                asker=RunAsker(stream, asks, "1", timeout_s, on_timeout),
                place=where,
                remember=remember,
            ),
            asks=asks,
            kept=kept,
        )
    finally:
        stream.close()
        stream.reader.close()
        journal.close()


def bash(command: str) -> Call:
    return Call(name="Bash", arguments={"command": command})


def reading(path: str) -> Call:
    return Call(name="FileRead", arguments={"path": path})


def calling(*calls: Call, text: str = "") -> Reply:
    return Reply(text=text, tool_calls=calls)


async def test_reads_run_beside_one_another_and_writes_alone_in_the_models_order(
    tmp_path: Path,
) -> None:
    reads, writes = Turns(), Turns()
    toolbox = Toolbox(
        tools=(
            Watched(turns=reads, name="Look", read_only=True),
            Watched(turns=writes, name="Put", read_only=False),
        )
    )
    names = [("Put", "a"), ("Look", "b"), ("Look", "c"), ("Look", "d"), ("Put", "e"), ("Put", "f")]
    calls = [Call(name=tool, arguments={"name": name}) for tool, name in names]

    async with at_desk(tmp_path, [calling(*calls), "done"], toolbox=toolbox) as desk:
        assert await desk.carry_on() == "done"
        told = desk.told()

    assert (reads.most, writes.most, writes.order) == (3, 1, ["a", "e", "f"])
    assert told == [f"was at {name}" for _, name in names], "results stand in the calls' order"


async def test_calls_beyond_the_sixteenth_do_not_run_and_the_model_is_told(tmp_path: Path) -> None:
    calls = [bash(f"echo {number} > {number}.txt") for number in range(18)]

    async with at_desk(tmp_path, [calling(*calls), "done"]) as desk:
        await desk.carry_on()
        told = desk.told()

    assert [text == TOO_MANY for text in told] == [False] * 16 + [True] * 2
    assert len(list((tmp_path / "work").iterdir())) == 16


async def test_a_command_prints_live_and_its_result_follows(tmp_path: Path) -> None:
    async with at_desk(tmp_path, [calling(bash("echo hello")), "done"]) as desk:
        await desk.carry_on()
        live = [event.text for event in desk.events() if isinstance(event, ToolOutput)]
        ended = [event.tool for event in desk.events() if isinstance(event, ToolEnded)]
    assert ("hello" in "".join(live), ended) == (True, ["Bash"])


async def test_a_model_that_goes_in_circles_is_warned_and_then_stopped(tmp_path: Path) -> None:
    script = [Rule(reply=calling(reading("nowhere.txt")))]

    async with at_desk(tmp_path, script) as desk:
        with pytest.raises(LimitReached, match="repeats itself"):
            await desk.carry_on()
        asked = len(desk.provider.requests)
        told = desk.told()
        left = desk.talk().open_calls()

    assert asked == 5
    assert ["Do something else" in text for text in told] == [False, False, True, True]
    assert left == (), "the last result is journalled although no request follows"


async def test_an_answer_cut_at_its_length_is_continued_and_comes_back_whole(
    tmp_path: Path,
) -> None:
    script: Script = [
        Reply(text="one, ", finish="length"),
        Reply(text="two, ", finish="length"),
        "three",
    ]

    async with at_desk(tmp_path, script) as desk:
        assert await desk.carry_on() == "one, two, three"
        last = desk.provider.requests[-1].messages[-1]

    assert last == UserMessage(text=CUT)


async def test_an_answer_that_is_always_cut_is_taken_as_it_is(tmp_path: Path) -> None:
    async with at_desk(tmp_path, [Rule(reply=Reply(text="x", finish="length"))]) as desk:
        assert await desk.carry_on() == "xxxx"
        assert len(desk.provider.requests) == 4


async def test_without_tools_a_call_is_refused_and_the_model_answers_in_text(
    tmp_path: Path,
) -> None:
    async with at_desk(tmp_path, [calling(bash("true")), "in words"]) as desk:
        assert await desk.talker.carry_on(desk.talk(), None) == "in words"
        assert desk.told() == [NO_TOOLS]
        assert desk.provider.requests[0].tools == ()


async def test_a_secret_in_a_result_reaches_neither_model_nor_journal(tmp_path: Path) -> None:
    secret = "ghp_" + "x9Kq2LmZ7vTb4RnW8sYd3FhJ6pCg1AeUoN5i"
    async with at_desk(tmp_path, [calling(bash("cat key.txt")), "done"]) as desk:
        (tmp_path / "work" / "key.txt").write_text(secret)
        await desk.carry_on()
        told = desk.told()

    assert secret not in told[0]
    results = [record for record in read_records(tmp_path)[0] if record.kind == "result"]
    assert secret.encode() not in bytes(results[0].body)


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


async def test_a_request_that_does_not_fit_the_budget_is_not_sent(tmp_path: Path) -> None:
    async with at_desk(tmp_path, ["never"], budget=Budget(0.5), prices=DEAR) as desk:
        with pytest.raises(BudgetSpent):
            await desk.carry_on()
        assert desk.provider.requests == []


async def test_the_answer_may_be_as_long_as_the_budget_pays_for(tmp_path: Path) -> None:
    async with at_desk(tmp_path, ["ok"], budget=Budget(2.0), prices=DEAR) as desk:
        await desk.carry_on()
        assert desk.provider.requests[0].sampling.max_tokens == 2000


async def test_when_the_turns_are_used_up_results_are_kept_and_a_resume_goes_on_with_them(
    tmp_path: Path,
) -> None:
    async with at_desk(tmp_path, [calling(bash("echo once >> log.txt"))], turns=1) as desk:
        with pytest.raises(LimitReached, match="1 turns are used up"):
            await desk.carry_on()

    async with at_desk(tmp_path, ["finished"], turns=2) as desk:
        assert await desk.carry_on() == "finished"
        assert len(desk.told()) == 1

    assert (tmp_path / "work" / "log.txt").read_text() == "once\n"


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


def scripted(script: Sequence[Reply]) -> list[Rule]:
    """The same answer for the same turn, however often it is asked."""
    return [Rule(turn=number, reply=reply) for number, reply in enumerate(script, 1)]


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


async def test_a_remark_is_heard_once_even_by_a_model_that_was_about_to_stop(
    tmp_path: Path,
) -> None:
    async with at_desk(tmp_path, ["Done.", "Done with tabs.", "never"]) as desk:
        talk = desk.talk()
        assert await desk.carry_on(talk) == "Done."
        await desk.journal.append(desk.talker.steering.say(Remark(text="use tabs")))
        desk.talker.steering.say(Remark(text="not yours", task="7"))
        assert await desk.carry_on(talk) == "Done with tabs."
        assert await desk.carry_on(talk) == "Done with tabs."
        heard = [m.text for m in talk.messages if isinstance(m, UserMessage)]

    assert heard == ["Do it.", f"{HEADING}\n\nuse tabs"]
    journal = Journal.open(tmp_path)
    later = Conversation("other", "execute", "2", OPENING)
    assert Steering(journal).unheard(later) == (f"{HEADING}\n\nuse tabs",)
    journal.close()


async def test_another_model_chosen_meanwhile_gets_the_next_request(tmp_path: Path) -> None:
    async with at_desk(tmp_path, [calling(bash("true")), "done"]) as desk:
        desk.talker.models.choose("heal", "better")
        await desk.carry_on()

    assert [request.model for request in desk.provider.requests] == ["better", "better"]


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
