from collections.abc import Iterable

import anyio
import pytest

from m31a_engine.asks import (
    PlanAnswer,
    PlanChoice,
    Question,
    QuestionsAnswer,
    QuestionsAsk,
)
from m31a_engine.events import (
    AskClosed,
    AskOpened,
    Envelope,
    Event,
    LedgerWritten,
    Noticed,
    PhaseStarted,
    RunEnded,
    RunStarted,
)
from m31a_engine.machine import Mode, Phase, path_of
from m31a_engine.report import Outcome
from m31a_engine.run import Pause, Run, SkipTask
from m31a_engine.testing import ScriptedRun, sample_run

pytestmark = pytest.mark.anyio

ASK = QuestionsAsk(ask_id="q-1", questions=(Question(text="Which?", suggestion="this"),))
OPENED = AskOpened(ask=ASK, timeout_s=300.0)
ANSWER = QuestionsAnswer(ask_id="q-1", answers=("that",))


async def played(run: Run) -> list[Event]:
    """All events that are left."""
    with anyio.fail_after(5):
        return [envelope.event async for envelope in run.events]


async def up_to_the_ask(run: Run) -> AskOpened:
    """The next ask that opens."""
    async for envelope in run.events:
        if isinstance(envelope.event, AskOpened):
            return envelope.event
    raise AssertionError("no ask was opened")


async def test_the_sample_goes_through_all_phases_and_its_answers_are_in_it() -> None:
    run = sample_run()
    answers = (
        QuestionsAnswer(ask_id="questions-1", answers=("keep them", "no")),
        PlanAnswer(ask_id="plan-2", choice=PlanChoice.ACCEPT, by_person=True),
    )
    seen: list[Envelope] = []
    with anyio.fail_after(5):
        async for envelope in run.events:
            seen.append(envelope)
            if isinstance(envelope.event, AskOpened):
                ask_id = envelope.event.ask.ask_id
                assert run.answer(next(item for item in answers if item.ask_id == ask_id))

    assert list(range(1, len(seen) + 1)) == [envelope.seq for envelope in seen]
    assert isinstance(seen[0].event, RunStarted)
    assert isinstance(seen[-1].event, RunEnded)
    assert path_of(Mode.FULL) == tuple(
        item.event.phase for item in seen if isinstance(item.event, PhaseStarted)
    )
    assert answers == tuple(item.event.answer for item in seen if isinstance(item.event, AskClosed))
    assert answers == tuple(run.answers)


async def test_nothing_follows_an_ask_until_it_is_answered() -> None:
    run = ScriptedRun((OPENED, Noticed(text="on")))
    rest: list[Event] = []

    async def read() -> None:
        rest.extend(await played(run))

    await up_to_the_ask(run)
    async with anyio.create_task_group() as group:
        group.start_soon(read)
        await anyio.wait_all_tasks_blocked()
        assert rest == []
        assert run.answer(ANSWER)

    assert [AskClosed(ask_id="q-1", answer=ANSWER), Noticed(text="on")] == rest[:2]


async def test_only_an_answer_that_fits_an_open_ask_is_taken_and_only_once() -> None:
    run = ScriptedRun((Noticed(text="first"), OPENED))
    assert not run.answer(ANSWER)

    await up_to_the_ask(run)

    assert not run.answer(PlanAnswer(ask_id="q-1", choice=PlanChoice.ACCEPT))
    assert not run.answer(QuestionsAnswer(ask_id="another", answers=()))
    assert run.answer(ANSWER)
    assert not run.answer(QuestionsAnswer(ask_id="q-1", answers=("late",)))
    assert run.answers == [ANSWER]


async def test_an_ask_that_expired_is_closed_without_an_answer() -> None:
    run = ScriptedRun((OPENED,))
    await up_to_the_ask(run)

    run.expire()

    assert not run.answer(ANSWER)
    assert AskClosed(ask_id="q-1", answer=None) in await played(run)
    run.expire()  # with nothing open it changes nothing
    assert run.answers == []


async def test_an_interrupt_at_an_ask_ends_the_run_and_nothing_else_follows() -> None:
    run = sample_run()
    await up_to_the_ask(run)

    run.interrupt()
    run.interrupt()

    assert not run.answer(QuestionsAnswer(ask_id="questions-1", answers=()))
    (end,) = await played(run)
    assert isinstance(end, RunEnded)
    assert end.outcome is end.report.outcome is Outcome.INTERRUPTED
    assert (end.report.commit, run.interrupted) == (None, True)


async def test_an_interrupt_after_the_end_changes_nothing() -> None:
    run = ScriptedRun(())
    await played(run)
    run.interrupt()
    assert not run.interrupted
    assert await played(run) == []


async def test_commands_are_kept_while_the_run_goes_on() -> None:
    run = ScriptedRun((Noticed(text="going"),))

    assert run.send(Pause())
    assert run.send(SkipTask(task_id=2))
    await played(run)

    assert not run.send(Pause())
    assert run.commands == [Pause(), SkipTask(task_id=2)]


async def test_the_report_is_that_of_the_end_and_is_read_once() -> None:
    run = ScriptedRun((Noticed(text="one"),))

    assert (await run.report()).outcome is Outcome.STOPPED
    with pytest.raises(RuntimeError, match="read elsewhere"):
        await run.report()


async def test_a_run_nobody_reads_any_more_plays_no_further() -> None:
    run = ScriptedRun((OPENED, Noticed(text="never")))
    await up_to_the_ask(run)
    run.detach()
    assert await played(run) == []


async def test_whole_envelopes_keep_their_time_and_session() -> None:
    envelope = Envelope(seq=40, at="2026-01-02T03:04:05.000Z", session="s", event=Noticed(text="x"))
    run = ScriptedRun((envelope, Noticed(text="y")), session="mine")

    with anyio.fail_after(5):
        seen = [item async for item in run.events]

    assert (1, envelope.at, "s") == (seen[0].seq, seen[0].at, seen[0].session)
    assert [item.session for item in seen[1:]] == ["mine", "mine"]
    assert [item.at for item in seen] == sorted(item.at for item in seen)


@pytest.mark.parametrize("after", [Noticed(text="late"), LedgerWritten(path="x")])
async def test_a_script_that_goes_on_after_its_end_is_refused(after: Event) -> None:
    async def ended() -> Iterable[Event]:
        return [event for event in await played(ScriptedRun(())) if isinstance(event, RunEnded)]

    with pytest.raises(ValueError, match="follow RunEnded"):
        ScriptedRun((*await ended(), after))


def test_a_run_can_be_made_before_there_is_an_event_loop() -> None:
    run = sample_run()
    run.interrupt()
    assert anyio.run(run.report).outcome is Outcome.INTERRUPTED


async def test_the_phases_of_a_fragment_are_those_it_names() -> None:
    run = ScriptedRun((PhaseStarted(phase=Phase.PLAN),))
    assert PhaseStarted(phase=Phase.PLAN) == (await played(run))[0]
