"""Doubles for programs that show runs: a `Run` that plays events instead of working."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import anyio
import anyio.lowlevel
import msgspec

from m31a_engine.asks import Answer, OpenAsks
from m31a_engine.events import (
    AskClosed,
    AskOpened,
    Envelope,
    Event,
    RunEnded,
)
from m31a_engine.machine import Mode
from m31a_engine.report import Outcome, RunReport
from m31a_engine.run import Command, Run
from m31a_engine.sample import SESSION, sample_events

BEGIN = datetime(2026, 11, 21, 4, 15, 30, tzinfo=UTC)


class ScriptedRun(Run):
    """A run that plays events in order; nothing works behind it and no time passes.

    An `AskOpened` is the last thing seen until somebody answers it (or `expire` says that
    nobody did). What was answered stands in the `AskClosed` that follows, which is the
    script's own or one that is put in. `interrupt` lets one `RunEnded` follow and nothing
    else; a script without a `RunEnded` gets one with outcome `stopped`.

    The envelopes are numbered from 1; where the script gives whole envelopes, their time and
    session stay. It can be made anywhere, and read once, on asyncio and on trio.
    """

    def __init__(self, events: Iterable[Event | Envelope], *, session: str = SESSION) -> None:
        self.answers: list[Answer] = []
        """The answers that were taken, in order."""
        self.commands: list[Command] = []
        """The commands that were sent, in order."""
        self._player = _Player(events, session)
        super().__init__(session, self._player, self._player.asks, self._keep)

    def _keep(self, command: Command) -> bool:
        if self._player.ended:
            return False
        self.commands.append(command)
        return True

    def answer(self, answer: Answer) -> bool:
        """Answer the open ask; False when it is another's, settled already, or does not fit."""
        taken = self._player.waits_for == answer.ask_id and super().answer(answer)
        if taken:
            self.answers.append(answer)
            self._player.settle(answer)
        return taken

    def expire(self) -> None:
        """Let the open ask's time run out, as if nobody had answered."""
        self._player.settle(None)

    def interrupt(self) -> None:
        """Let `RunEnded` with outcome `interrupted` be the next event and the last."""
        self._player.interrupt()

    @property
    def interrupted(self) -> bool:
        """Whether somebody interrupted it before its end."""
        return self._player.interrupted


class _Player:
    """Hands a script's events out one by one and waits at its asks."""

    def __init__(self, events: Iterable[Event | Envelope], session: str) -> None:
        self._session = session
        self._envelopes = [
            item if isinstance(item, Envelope) else self._envelope(item, number)
            for number, item in enumerate(events)
        ]
        ends = [isinstance(envelope.event, RunEnded) for envelope in self._envelopes]
        if any(ends[:-1]):
            raise ValueError("nothing may follow RunEnded in a script")
        if not any(ends):
            end = _end(Outcome.STOPPED, self._envelopes, session)
            self._envelopes.append(self._envelope(end, len(ends)))
        self.asks = OpenAsks()
        self.interrupted = False
        self.ended = False
        self._seq = 0
        self.waits_for: str | None = None
        """The open ask."""
        self._given: dict[str, Answer | None] = {}
        self._change = anyio.Event()

    def _envelope(self, event: Event, number: int) -> Envelope:
        at = (BEGIN + timedelta(seconds=number)).isoformat(timespec="milliseconds")
        at = at.replace("+00:00", "Z")
        return Envelope(seq=0, at=at, session=self._session, event=event)

    def settle(self, answer: Answer | None) -> None:
        """Close the open ask."""
        if self.waits_for is None:
            return
        ask_id, self.waits_for = self.waits_for, None
        self._given[ask_id] = answer
        closes = (
            isinstance(envelope.event, AskClosed) and envelope.event.ask_id == ask_id
            for envelope in self._envelopes
        )
        if not any(closes):
            closed = AskClosed(ask_id=ask_id, answer=answer)
            self._envelopes.insert(0, self._envelope(closed, self._seq))
        self._wake()

    def interrupt(self) -> None:
        """Let the end be next."""
        if self.ended or self.interrupted:
            return
        self.interrupted = True
        end = _end(Outcome.INTERRUPTED, self._envelopes, self._session)
        self._envelopes = [self._envelope(end, self._seq)]
        self.waits_for = None
        self._wake()

    def close(self) -> None:
        """Play no further."""
        self.ended = True
        self._wake()

    def _wake(self) -> None:
        self._change.set()
        self._change = anyio.Event()

    def __aiter__(self) -> "_Player":
        return self

    async def __anext__(self) -> Envelope:
        await anyio.lowlevel.checkpoint()
        while self.waits_for is not None and not self.ended:
            await self._change.wait()
        if self.ended:
            raise StopAsyncIteration
        envelope = self._envelopes.pop(0)
        self._seq += 1
        event = self._played(envelope.event)
        return msgspec.structs.replace(envelope, seq=self._seq, event=event)

    def _played(self, event: Event) -> Event:
        match event:
            case AskOpened():
                self.asks.register(event.ask)
                self.waits_for = event.ask.ask_id
            case AskClosed() if event.ask_id in self._given:
                return AskClosed(ask_id=event.ask_id, answer=self._given[event.ask_id])
            case RunEnded():
                self.ended = True
            case _:
                pass
        return event


def _end(outcome: Outcome, to_come: Iterable[Envelope], session: str) -> RunEnded:
    """An end that claims nothing beyond what the script's own end says of goal and mode."""
    ends = (item.event.report for item in to_come if isinstance(item.event, RunEnded))
    known = next(ends, None)
    report = RunReport(
        session=session,
        outcome=outcome,
        goal=known.goal if known else "",
        mode=known.mode if known else Mode.AUTO,
    )
    return RunEnded(outcome=outcome, report=report)


def sample_run() -> ScriptedRun:
    """A run through all six phases: two asks, two tasks, three checks, one landed commit."""
    return ScriptedRun(sample_events())
