"""A run as its caller has it: events out, answers and commands in."""

from collections.abc import AsyncIterator, Callable
from functools import cached_property
from typing import Protocol

import anyio
import msgspec

from m31a_engine.asks import Answer, OpenAsks
from m31a_engine.events import Envelope, RunEnded
from m31a_engine.report import RunReport


class Pause(msgspec.Struct, frozen=True, kw_only=True, tag="pause"):
    """Start no further task."""


class Continue(msgspec.Struct, frozen=True, kw_only=True, tag="continue"):
    """Start tasks again."""


class SkipTask(msgspec.Struct, frozen=True, kw_only=True, tag="skip"):
    """Never start this task."""

    task_id: int


class CancelTask(msgspec.Struct, frozen=True, kw_only=True, tag="cancel"):
    """Stop this task."""

    task_id: int


class HealTask(msgspec.Struct, frozen=True, kw_only=True, tag="heal"):
    """Work on a task again that failed, or is done and not right, once the others have ended."""

    task_id: int


class Undo(msgspec.Struct, frozen=True, kw_only=True, tag="undo"):
    """Take back the newest task, commit and conversation together, and do it anew."""


class Steer(msgspec.Struct, frozen=True, kw_only=True, tag="steer"):
    """Tell the model something while it works; it hears it with its next request."""

    text: str
    task_id: int | None = None
    """For one task alone; None is for all."""


class SetPhaseModel(msgspec.Struct, frozen=True, kw_only=True, tag="phase_model"):
    """Use another model for a phase; conversations that begin from now on have it."""

    phase: str
    model: str


class SetProvider(msgspec.Struct, frozen=True, kw_only=True, tag="provider"):
    """Have another configured provider answer from the next request on."""

    name: str


class Consolidate(msgspec.Struct, frozen=True, kw_only=True, tag="consolidate"):
    """Replace older messages by a summary before the next request."""


Command = (
    Pause
    | Continue
    | SkipTask
    | CancelTask
    | HealTask
    | Undo
    | Steer
    | SetPhaseModel
    | SetProvider
    | Consolidate
)


class Reader(Protocol):
    """Where a run's envelopes come from; ends after the last one."""

    def __aiter__(self) -> AsyncIterator[Envelope]:
        """The envelopes from here on."""
        ...

    async def __anext__(self) -> Envelope:
        """The next envelope."""
        ...

    def close(self) -> None:
        """Read no further."""
        ...


class Run:
    """One run in progress."""

    def __init__(
        self,
        session: str,
        reader: Reader,
        asks: OpenAsks,
        command: Callable[[Command], bool],
    ) -> None:
        self.session = session
        self._reader = reader
        self._asks = asks
        self._command = command

    @property
    def events(self) -> AsyncIterator[Envelope]:
        """All envelopes, `RunEnded` last; to be read by one consumer."""
        return self._reader

    async def report(self) -> RunReport:
        """Read the events to their end and return the report they end with."""
        report: RunReport | None = None
        async for envelope in self._reader:
            if isinstance(envelope.event, RunEnded):
                report = envelope.event.report
        if report is None:
            raise RuntimeError("the events of this run were read elsewhere")
        return report

    def answer(self, answer: Answer) -> bool:
        """Answer an ask; False when it is settled already or the answer does not fit."""
        return self._asks.answer(answer)

    def send(self, command: Command) -> bool:
        """Steer the run; False when the command came too late."""
        return self._command(command)

    def interrupt(self) -> None:
        """Stop as soon as may be; everything done so far is kept and can be resumed."""
        self.scope.cancel()

    def detach(self) -> None:
        """Read no further; the engine no longer waits for a reader."""
        self._reader.close()

    @cached_property
    def scope(self) -> anyio.CancelScope:
        """What `interrupt` cancels; the engine works inside it."""
        return anyio.CancelScope()
