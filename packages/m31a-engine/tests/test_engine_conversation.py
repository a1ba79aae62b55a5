"""A conversation's turns: calls and their order, limits, cut answers, money, remarks."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import anyio
import anyio.lowlevel
import msgspec
import pytest

from m31a_engine.budget import Budget
from m31a_engine.conversation.acting import NO_TOOLS, TOO_MANY
from m31a_engine.conversation.history import Conversation
from m31a_engine.conversation.steering import HEADING, Remark, Steering
from m31a_engine.conversation.turn import CUT
from m31a_engine.errors import BudgetSpent, LimitReached
from m31a_engine.events import ToolEnded, ToolOutput
from m31a_engine.session.journal import Journal, read_records
from m31a_providers import (
    UserMessage,
)
from m31a_providers.testing import Call, Reply, Rule
from m31a_tools import (
    Access,
    Plain,
    Risk,
    Toolbox,
    ToolResult,
    Workspace,
)
from talking import DEAR, OPENING, Script, at_desk, bash, calling, reading

pytestmark = pytest.mark.anyio


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


async def test_equal_calls_of_one_reply_are_warned_of_before_anything_stops(tmp_path: Path) -> None:
    calls = [reading("nowhere.txt") for _ in range(12)]

    async with at_desk(tmp_path, [calling(*calls), "I see."]) as desk:
        assert await desk.carry_on() == "I see."
        told = desk.told()

    assert ["Do something else" in text for text in told] == [False] * 2 + [True] * 10


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


async def test_a_request_that_does_not_fit_the_budget_is_not_sent(tmp_path: Path) -> None:
    async with at_desk(tmp_path, ["never"], budget=Budget(0.5), prices=DEAR) as desk:
        with pytest.raises(BudgetSpent):
            await desk.carry_on()
        assert desk.provider.requests == []


async def test_the_answer_may_be_as_long_as_the_budget_pays_for(tmp_path: Path) -> None:
    async with at_desk(tmp_path, ["ok"], budget=Budget(2.0), prices=DEAR) as desk:
        await desk.carry_on()
        assert desk.provider.requests[0].sampling.max_tokens == 2000


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
