"""Drives one session through its phases and says at the end how it went."""

import itertools
import time
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

import msgspec

from m31a_engine.checks.result import Verdict
from m31a_engine.errors import (
    BudgetSpent,
    Denied,
    EngineError,
    LimitReached,
    ProviderFailed,
    Refused,
    WaitingForApproval,
    sole,
)
from m31a_engine.events import PhaseEnded, PhaseStarted
from m31a_engine.machine import Phase, advance
from m31a_engine.report import ErrorReport, Outcome
from m31a_engine.session.journal import Journal, keyed
from m31a_engine.session.state import Session, Step
from m31a_engine.session.stream import EventStream
from m31a_rollback import RollbackError


class RunsPhase(Protocol):
    """A phase: takes the session, gives it back changed, and says what follows."""

    async def run(self, session: Session) -> Step:
        """Do the phase's work."""
        ...


@dataclass(frozen=True, slots=True)
class Ending:
    """How far a run came, and what stopped it."""

    session: Session
    outcome: Outcome
    error: ErrorReport | None = None


@dataclass(frozen=True, slots=True)
class Machinery:
    """The loop over the phases; what has been done before is taken from the journal."""

    phase: Callable[[Phase], RunsPhase]
    """Makes a phase when it is entered."""
    answer: Callable[[Session], Awaitable[str]]
    """Answers a goal that is a question."""
    stream: EventStream
    journal: Journal
    show: Callable[[Session], None]
    """Takes the session as each phase leaves it, for people to look at."""
    crashed: Callable[[str], None]
    """Takes the traceback of a bug of ours."""
    until: Phase | None = None

    async def drive(self, keeper: "Keeper") -> Ending:
        """Run until a phase leads to idle, or something in the world stops it."""
        try:
            await self._phases(keeper)
        except Exception as exc:
            outcome, error = self._stopped_by(exc)
            return Ending(session=keeper.session, outcome=outcome, error=error)
        return self._ending(keeper)

    def _stopped_by(self, caught: Exception) -> tuple[Outcome, ErrorReport]:
        match sole(caught):
            case EngineError() as exc:
                report = ErrorReport(code=exc.code, message=exc.message, remedy=exc.remedy)
                return outcome_of(exc), report
            case RollbackError() | OSError() as world:
                remedy = "mend it, then resume the session"
                said = f"the system refused: {world}" if isinstance(world, OSError) else str(world)
                return Outcome.FAILED, ErrorReport(code="world", message=said, remedy=remedy)
            case bug:
                self.crashed("".join(traceback.format_exception(caught)))
                return Outcome.BUG, ErrorReport(
                    code="bug",
                    message=f"a bug in M31A: {type(bug).__name__}: {bug}",
                    remedy="report it with crash.log of the session's folder; resuming may work",
                )

    async def _phases(self, keeper: "Keeper") -> None:
        following = Phase.INITIALIZE
        for number in itertools.count(1):
            key = f"phase-{number}"
            known = self.journal.done(key, Step)
            phase = advance(keeper.session.phase, following)
            if known is None:
                session = msgspec.structs.replace(keeper.session, phase=phase)
                keeper.session = session
                step = await self._enter(key, phase, session)
            else:
                step = known
            keeper.session, following = step.session, step.next
            if following is not Phase.IDLE:
                if known is None and phase is self.until:
                    keeper.stopped = True
                    return
            elif known is not None and _may_go_on(step.session):
                keeper.session, following = again(step.session)
            else:
                break
        if keeper.session.is_question:
            keeper.session = msgspec.structs.replace(
                keeper.session, closing=await self.answer(keeper.session)
            )

    async def _enter(self, key: str, phase: Phase, session: Session) -> Step:
        started = time.monotonic()
        await self.stream.emit(PhaseStarted(phase=phase))
        step = await self.phase(phase).run(session)
        elapsed = time.monotonic() - started
        await self.stream.record(
            (keyed("done", key, step),),
            PhaseEnded(phase=phase, next=step.next, elapsed_s=elapsed),
        )
        self.show(step.session)
        return step

    def _ending(self, keeper: "Keeper") -> Ending:
        session = keeper.session
        shipped = session.shipped
        if keeper.stopped:
            outcome = Outcome.STOPPED
        elif session.is_question:
            outcome = Outcome.ANSWERED
        elif shipped is None:
            outcome = Outcome.FAILED
        elif not shipped.landed and not session.options.ghost:
            outcome = Outcome.SHIPPED_ON_BRANCH
        elif _is_proven(session):
            outcome = Outcome.SHIPPED
        else:
            outcome = Outcome.SHIPPED_PARTIAL
        return Ending(session=session, outcome=outcome)


@dataclass(slots=True)
class Keeper:
    """Holds the newest session, so that an error or an interrupt does not lose it."""

    session: Session
    stopped: bool = False


def _is_proven(session: Session) -> bool:
    verification = session.verification
    return verification is not None and verification.verdict in {
        Verdict.VERIFIED,
        Verdict.VERIFIED_KNOWN_FAILURES,
    }


def _may_go_on(session: Session) -> bool:
    """Whether a session that came to its end may be taken up again: it shipped nothing."""
    return session.shipped is None and not session.is_question


def again(session: Session) -> tuple[Session, Phase]:
    """A failed session set up for another try, and the phase it begins with.

    Work that is done stays: it is verified again. What is not done is worked on again.
    """
    changed = any(task.commit for task in session.tasks)
    wanted = session.options.heal
    finished = session.all_done and changed and not wanted
    before, following = (
        (Phase.EXECUTE, Phase.VERIFY) if finished else (Phase.DISCUSS, Phase.EXECUTE)
    )
    session = msgspec.structs.replace(
        session,
        round=session.round + 1,
        verification=session.verification if wanted else None,
        phase=before,
        tasks=tuple(task for task in session.tasks if task.id not in wanted) if changed else (),
        healing=wanted,
    )
    return session, following


def outcome_of(error: EngineError) -> Outcome:
    """The word for a run that this error ended."""
    match error:
        case BudgetSpent() | LimitReached():
            return Outcome.LIMIT
        case WaitingForApproval():
            return Outcome.WAITING
        case Denied():
            return Outcome.DENIED
        case ProviderFailed():
            return Outcome.PROVIDER
        case Refused():
            return Outcome.REFUSED
        case _:
            return Outcome.FAILED
