"""The loop over the phases: what it passes on, how it ends, and how it is taken up again."""

import errno
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import pytest

from m31a_engine.checks.result import Verdict, Verification
from m31a_engine.errors import (
    BudgetSpent,
    Busy,
    EngineError,
    LimitReached,
    PlanUnreadable,
    ProviderFailed,
    Refused,
    WaitingForApproval,
)
from m31a_engine.events import PhaseEnded, PhaseStarted
from m31a_engine.intent import classify
from m31a_engine.machine import Mode, Phase, path_of
from m31a_engine.machinery import Ending, Keeper, Machinery, again, outcome_of
from m31a_engine.report import Outcome
from m31a_engine.session.journal import Journal
from m31a_engine.session.state import Options, Session, Shipped, Step, TaskState
from m31a_engine.session.stream import EventStream

pytestmark = pytest.mark.anyio

SESSION = Session(id="s", goal="do it", project="/p", started_at="now", options=Options())
VERIFIED = Verification(verdict=Verdict.VERIFIED, tree="t")
Ends = dict[Phase, Exception | Step]


@dataclass(slots=True)
class Rig:
    """A machinery whose phases do what a test says."""

    folder: Path
    journal: Journal
    stream: EventStream
    ends: Ends = field(default_factory=dict)
    entered: list[Phase] = field(default_factory=list)
    crashes: list[str] = field(default_factory=list)
    until: Phase | None = None
    mode: Mode = Mode.FULL

    async def run(self, session: Session) -> Step:
        """The phase that is entered: the one the test wrote, or the next on the path."""
        phase = session.phase
        self.entered.append(phase)
        end = self.ends.get(phase)
        if isinstance(end, Exception):
            raise end
        if isinstance(end, Step):
            return msgspec.structs.replace(
                end, session=msgspec.structs.replace(end.session, phase=phase)
            )
        path = (*path_of(self.mode), Phase.IDLE)
        if phase is Phase.SHIP:
            session = msgspec.structs.replace(
                session, verification=VERIFIED, shipped=Shipped(commit="c", landed=True)
            )
        return Step(session=session, next=path[path.index(phase) + 1])

    async def drive(self, session: Session = SESSION) -> Ending:
        async def answer(session: Session) -> str:
            return f"the answer to {session.goal}"

        def show(session: Session) -> None:
            assert session.phase is self.entered[-1]

        machinery = Machinery(
            phase=lambda _: self,
            answer=answer,
            stream=self.stream,
            journal=self.journal,
            show=show,
            crashed=self.crashes.append,
            until=self.until,
        )
        return await machinery.drive(Keeper(session=session))

    def told(self) -> Sequence[object]:
        """The events so far."""
        events = []
        while self.stream.reader.statistics().current_buffer_used:
            events.append(self.stream.reader.receive_nowait().event)
        return events

    def restart(self) -> None:
        """Go on as a new process would: with the journal alone."""
        self.close()
        self.journal = Journal.open(self.folder)
        self.stream = EventStream("s", self.journal)
        self.entered.clear()

    def close(self) -> None:
        """Leave nothing open."""
        self.stream.close()
        self.stream.reader.close()
        self.journal.close()


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    journal = Journal.open(tmp_path)
    made = Rig(folder=tmp_path, journal=journal, stream=EventStream("s", journal))
    yield made
    made.close()


async def test_the_phases_follow_one_another_and_are_told(rig: Rig) -> None:
    ending = await rig.drive()

    assert ending.outcome is Outcome.SHIPPED
    assert tuple(rig.entered) == path_of(Mode.FULL)
    told = rig.told()
    assert tuple(e.phase for e in told if isinstance(e, PhaseStarted)) == path_of(Mode.FULL)
    assert [e.next for e in told if isinstance(e, PhaseEnded)][-1] is Phase.IDLE


async def test_until_stops_behind_its_phase_and_a_resume_goes_on_from_there(rig: Rig) -> None:
    rig.until = Phase.PLAN
    assert (await rig.drive()).outcome is Outcome.STOPPED
    assert rig.entered[-1] is Phase.PLAN

    rig.restart()
    rig.until = None

    assert (await rig.drive()).outcome is Outcome.SHIPPED
    assert rig.entered == [Phase.EXECUTE, Phase.VERIFY, Phase.SHIP]


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (BudgetSpent("b", limit_usd=1.0, spent_usd=1.0), Outcome.LIMIT),
        (LimitReached("l"), Outcome.LIMIT),
        (WaitingForApproval("w"), Outcome.WAITING),
        (ProviderFailed("p"), Outcome.PROVIDER),
        (Refused("r"), Outcome.REFUSED),
        (Busy("b"), Outcome.REFUSED),
        (PlanUnreadable("p"), Outcome.FAILED),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else str(value),
)
async def test_each_error_has_its_outcome_and_its_words_are_passed_on(
    rig: Rig, error: EngineError, outcome: Outcome
) -> None:
    rig.ends[Phase.EXECUTE] = error

    ending = await rig.drive()

    assert ending.outcome is outcome is outcome_of(error)
    assert ending.error is not None
    assert (ending.error.code, ending.error.message) == (error.code, error.message)
    assert ending.session.phase is Phase.EXECUTE, "what was done before is not lost"
    assert rig.crashes == []


async def test_an_error_of_the_world_is_no_bug(rig: Rig) -> None:
    rig.ends[Phase.VERIFY] = OSError(errno.ENOSPC, "No space left on device")
    ending = await rig.drive()
    assert ending.outcome is Outcome.FAILED
    assert ending.error is not None
    assert ending.error.code == "world"
    assert "No space left" in ending.error.message


async def test_a_bug_is_said_to_be_one_and_its_traceback_is_kept(rig: Rig) -> None:
    rig.ends[Phase.PLAN] = KeyError("oops")
    ending = await rig.drive()
    assert ending.outcome is Outcome.BUG
    assert ending.error is not None
    assert "KeyError" in ending.error.message
    assert "Traceback" in rig.crashes[0]


async def test_a_phase_that_may_not_follow_is_not_entered(rig: Rig) -> None:
    rig.ends[Phase.INITIALIZE] = Step(session=SESSION, next=Phase.SHIP)
    ending = await rig.drive()
    assert ending.outcome is Outcome.FAILED
    assert ending.error is not None
    assert ending.error.code == "transition"
    assert rig.entered == [Phase.INITIALIZE]


@pytest.mark.parametrize(
    ("shipped", "ghost", "verdict", "outcome"),
    [
        (True, False, Verdict.VERIFIED_KNOWN_FAILURES, Outcome.SHIPPED),
        (True, False, Verdict.PARTIAL, Outcome.SHIPPED_PARTIAL),
        (True, False, Verdict.FAILED, Outcome.SHIPPED_PARTIAL),
        (False, False, Verdict.VERIFIED, Outcome.SHIPPED_ON_BRANCH),
        (False, True, Verdict.VERIFIED, Outcome.SHIPPED),
        (None, False, Verdict.VERIFIED, Outcome.FAILED),
    ],
)
async def test_the_outcome_says_no_more_than_was_proven(
    rig: Rig, shipped: bool | None, ghost: bool, verdict: Verdict, outcome: Outcome
) -> None:
    session = msgspec.structs.replace(
        SESSION,
        options=Options(ghost=ghost),
        shipped=None if shipped is None else Shipped(commit="c", landed=shipped),
        verification=Verification(verdict=verdict, tree="t"),
    )
    rig.ends[Phase.SHIP] = Step(session=session, next=Phase.IDLE)
    assert (await rig.drive()).outcome is outcome


async def test_a_question_is_answered_and_nothing_is_shipped(rig: Rig) -> None:
    intent = classify("What does add() return?", files=3, empty=False)
    session = msgspec.structs.replace(SESSION, goal="What does add() return?", intent=intent)
    rig.ends[Phase.INITIALIZE] = Step(session=session, next=Phase.IDLE)

    ending = await rig.drive(session)

    assert ending.outcome is Outcome.ANSWERED
    assert ending.session.closing == "the answer to What does add() return?"
    assert rig.entered == [Phase.INITIALIZE]


async def test_a_failed_session_is_taken_up_again_in_a_new_round(rig: Rig) -> None:
    done = TaskState(id=1, outcome="done", commit="c")
    failed = msgspec.structs.replace(SESSION, tasks=(done,), phase=Phase.VERIFY)
    rig.ends[Phase.VERIFY] = Step(session=failed, next=Phase.IDLE)
    assert (await rig.drive()).outcome is Outcome.FAILED

    rig.restart()
    rig.ends.clear()
    ending = await rig.drive()

    assert rig.entered == [Phase.VERIFY, Phase.SHIP]
    assert (ending.outcome, ending.session.round) == (Outcome.SHIPPED, 2)


DONE = TaskState(id=1, outcome="done", commit="c1")
DONE_EMPTY = TaskState(id=1, outcome="done")
FAILED = TaskState(id=2, outcome="failed", reason="red")


@pytest.mark.parametrize(
    ("tasks", "following", "kept"),
    [
        ((DONE,), Phase.VERIFY, (DONE,)),
        ((DONE, FAILED), Phase.EXECUTE, (DONE, FAILED)),
        ((DONE_EMPTY,), Phase.EXECUTE, ()),
        ((FAILED,), Phase.EXECUTE, ()),
        ((), Phase.EXECUTE, ()),
    ],
)
def test_work_that_is_done_is_verified_again_and_the_rest_is_done_again(
    tasks: tuple[TaskState, ...], following: Phase, kept: tuple[TaskState, ...]
) -> None:
    before = msgspec.structs.replace(SESSION, tasks=tasks, verification=VERIFIED, round=3)

    after, phase = again(before)

    assert (phase, after.tasks, after.round, after.verification) == (following, kept, 4, None)
    assert before.round == 3


def test_a_session_survives_json() -> None:
    session = msgspec.structs.replace(
        SESSION,
        tasks=(DONE, FAILED),
        verification=VERIFIED,
        shipped=Shipped(commit="c", landed=True),
    )
    step = Step(session=session, next=Phase.IDLE)
    assert step == msgspec.json.decode(msgspec.json.encode(step), type=Step)
