"""Runs whose provider changes, costs too much or lets them down; over HTTP and in the process."""

from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path

import anyio
import anyio.to_thread
import pytest

from in_process import Place
from m31a_engine import (
    Engine,
    Event,
    MessageRestarted,
    Mode,
    ModelChosen,
    Noticed,
    Options,
    Outcome,
    ProviderSwitched,
    Refused,
    RunEnded,
    RunReport,
    RunStarted,
    SetProvider,
    TextStreamed,
)
from m31a_engine.budget import Budget
from m31a_engine.config_sections import ProviderSettings
from m31a_engine.conversation.history import Conversation
from m31a_engine.conversation.turn import Talker
from m31a_engine.member import Member
from m31a_engine.session.journal import Journal
from m31a_engine.session.stream import EventStream
from m31a_engine.switchboard import Switchboard
from m31a_ledger import LedgerStore
from m31a_providers import (
    ChatRequest,
    FallbackSettings,
    PrefixBreak,
    StreamEvent,
    SystemMessage,
    UserMessage,
)
from m31a_providers.testing import Call, ModelServer, Reply, Rule, Script, ScriptedProvider
from scripted import GOAL
from talking import talker_with

pytestmark = pytest.mark.anyio

EDIT: dict[str, object] = {"path": "sums.py", "old_string": "a - b", "new_string": "a + b"}
MEND = (Call(name="Edit", arguments=EDIT),)
DONE = Reply(text="It adds now.", model="second-1")
HELD = Reply(tool_calls=MEND, hold="gate")
WHOLE = "all of it"
DIRECT = Options(mode=Mode.DIRECT)


@pytest.fixture
def place(tmp_path: Path, own_home: Path) -> Place:
    return Place.make(tmp_path)


def engine_of(place: Place, base_url: str, **overrides: object) -> Engine:
    return place.engine(base_url, verify__test="off", **overrides)


async def events_of(
    engine: Engine, during: Callable[[Event], None] = lambda _: None
) -> tuple[list[Event], RunReport]:
    seen: list[Event] = []
    with anyio.fail_after(60):
        async with engine.start(GOAL, DIRECT) as run:
            async for envelope in run.events:
                seen.append(envelope.event)
                during(envelope.event)
    end = seen[-1]
    assert isinstance(end, RunEnded)
    return seen, end.report


async def test_a_run_goes_on_with_another_provider_from_the_next_request_on(place: Place) -> None:
    with (
        ModelServer([HELD]) as first,
        ModelServer(Script(rules=(Rule(reply=DONE),), context_tokens=16_384)) as second,
    ):
        first.hold("gate")
        engine = engine_of(
            place,
            first.base_url,
            provider__mine__context=32_768,
            provider__other__base_url=second.base_url,
            provider__other__model="second",
        )
        with anyio.fail_after(60):
            async with engine.start(GOAL, DIRECT) as run:
                await anyio.to_thread.run_sync(first.wait_held, "gate")
                assert not run.send(SetProvider(name="unheard of"))
                assert run.send(SetProvider(name="other"))
                first.release("gate")
                events = [envelope.event async for envelope in run.events]

    (switch,) = (event for event in events if isinstance(event, ProviderSwitched))
    assert (switch.origin, switch.target) == ("mine", "other")
    (asked,) = first.requests
    assert isinstance(asked.body, dict)
    assert asked.body["max_tokens"] == 8192, "a quarter of the window"
    assert {request.model for request in second.requests} == {"second"}
    assert isinstance(second.requests[0].body, dict)
    assert second.requests[0].body["max_tokens"] == 4096, "the second one told its window itself"
    end = events[-1]
    assert isinstance(end, RunEnded)
    assert end.report.models == ("any", "second-1")
    assert end.report.tasks[0].model == "any + second-1"
    (row,) = LedgerStore(engine.home.ledger).entries()
    assert (row.provider, row.model) == ("other", "second")


async def test_who_is_out_of_order_is_stood_in_for_in_mid_task_and_the_report_names_who_answered(
    place: Place,
) -> None:
    leave_me = Reply(status=429, error="slow down", headers={"Retry-After": "60"})
    with (
        ModelServer([Reply(tool_calls=MEND), Rule(reply=leave_me)]) as first,
        ModelServer([Rule(reply=DONE)]) as second,
    ):
        engine = engine_of(
            place,
            first.base_url,
            provider__other__base_url=second.base_url,
            provider__auto_fallback=True,
            provider__fallback_priority=("other",),
        )
        events, report = await events_of(engine)

    (at,) = (at for at, event in enumerate(events) if isinstance(event, ProviderSwitched))
    switch = events[at]
    assert isinstance(switch, ProviderSwitched)
    assert (switch.origin, switch.target) == ("mine", "other")
    assert "slow down" in switch.reason
    assert at > events.index(next(each for each in events if isinstance(each, RunStarted)))
    assert report.outcome is Outcome.SHIPPED_PARTIAL
    assert report.models == ("any", "second-1")
    assert [request.turn for request in second.requests][:1] == [2], "it goes on, not anew"
    assert "a + b" in (place.project / "sums.py").read_text()


async def test_a_limit_without_a_price_is_refused_before_anything_is_written(
    place: Place,
) -> None:
    with ModelServer([]) as server:
        engine = engine_of(
            place,
            server.base_url,
            provider__mine__price_in=1.0,
            features__budget_limit_usd=1.0,
        )
        with pytest.raises(Refused, match="price of mine's model any is not known"):
            async with engine.start(GOAL, DIRECT):
                pass
    assert not (place.home / "projects").exists()


async def test_a_run_that_changed_nothing_says_so_and_leaves_no_branch(place: Place) -> None:
    with ModelServer([Rule(reply=Reply(text="All is well."))]) as server:
        engine = engine_of(
            place,
            server.base_url,
            model__auto_arbitrage=True,
        )
        events, report = await events_of(engine)

    assert (report.outcome, report.branch) == (Outcome.FAILED, None)
    assert report.error is not None
    assert report.error.code == "nothing_changed"
    assert report.error.remedy
    assert place.git("branch", "--list", "m31a/*") == ""
    (chosen,) = (event for event in events if isinstance(event, ModelChosen))
    assert (chosen.model, chosen.instead_of, chosen.cost_usd) == ("any", "any", None)


class Forgetful(ScriptedProvider):
    """A provider that says of each request but the first that its beginning is another."""

    told: Callable[[PrefixBreak], None]

    @asynccontextmanager
    async def stream(self, request: ChatRequest) -> AsyncIterator[AsyncIterator[StreamEvent]]:
        async with super().stream(request) as events:
            if self.requests:
                self.told(PrefixBreak(at_byte=7, of_bytes=90, message=1, was="a", now="b"))
            yield events


@contextmanager
def talker_of(folder: Path, lines: Iterable[Reply | str]) -> Iterator[Talker]:
    provider = Forgetful(lines)

    def open_member(_: str, told: Callable[[PrefixBreak], None]) -> Member:
        provider.told = told
        return Member(provider, ProviderSettings(), folder / "models.json")

    with talking(folder, Switchboard(["scripted"], open_member)) as talker:
        yield talker


@contextmanager
def talking(folder: Path, board: Switchboard, limit_usd: float | None = None) -> Iterator[Talker]:
    with ExitStack() as stack:
        journal = Journal.open(folder)
        stack.callback(journal.close)
        stream = EventStream("s", journal)
        stack.callback(stream.reader.close)
        stack.callback(stream.close)
        yield talker_with(board, stream, journal, Budget(limit_usd))


@pytest.mark.parametrize(
    ("phase", "talks", "replies", "times"),
    [
        ("execute", 1, 4, 1),
        ("heal", 1, 2, 1),
        ("plan", 1, 4, 0),
        ("execute", 3, 1, 0),
    ],
    ids=["said once", "when healing", "not when planning", "not of another conversation"],
)
async def test_a_prompt_cache_that_is_lost_without_reason_is_said_once(
    tmp_path: Path, phase: str, talks: int, replies: int, times: int
) -> None:
    cut = [Reply(text="on", finish="length")] * (replies - 1)
    with talker_of(tmp_path, [*cut, "end"] * talks) as talker:
        for number in range(talks):
            opening = (SystemMessage(text="s"), UserMessage(text=f"{number}"))
            talk = Conversation(f"task-{number}", phase, "1", opening)
            await talker.carry_on(talk, None)
        talker.stream.close()
        events = [envelope.event async for envelope in talker.stream.reader]

    said = [event.text for event in events if isinstance(event, Noticed)]
    assert len(said) == times
    assert all("in task-0" in text and "at byte 7 of 90" in text for text in said)


async def test_what_broke_off_before_another_one_answered_is_paid_for(tmp_path: Path) -> None:
    lines = {"first": [Reply(text="half of it" * 9, break_after=2)], "second": [Reply(text=WHOLE)]}
    served = ProviderSettings(price_in=0.0, price_out=100.0)

    def open_member(name: str, _: object) -> Member:
        return Member(ScriptedProvider(lines[name], name=name), served, tmp_path / "models.json")

    board = Switchboard(list(lines), open_member, fallback=FallbackSettings(), limit_usd=4.0)
    opening = (SystemMessage(text="s"), UserMessage(text="u"))
    with talking(tmp_path, board, limit_usd=4.0) as talker:
        said = await talker.carry_on(Conversation("t", "execute", "1", opening), None)
        talker.stream.close()
        events = [envelope.event async for envelope in talker.stream.reader]

    assert said == WHOLE
    kinds = [type(event) for event in events]
    assert kinds.index(ProviderSwitched) < kinds.index(MessageRestarted)
    assert kinds.index(TextStreamed) < kinds.index(MessageRestarted)
    assert talker.budget.requests == 2
    assert talker.budget.spent_usd == pytest.approx(16_384 * 1e-4)
