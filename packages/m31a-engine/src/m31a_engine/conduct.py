"""A run carried to its end from plain code: for callers that have no event loop of their own."""

import signal
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import TypeVar

import anyio

from m31a_engine.asks import Answer, Ask
from m31a_engine.events import AskOpened, Envelope, RunEnded
from m31a_engine.report import RunReport
from m31a_engine.run import Run

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RunEnding:
    """How a run that nobody watched came to its end."""

    report: RunReport
    signal: int | None = None
    """The signal that stopped it: SIGINT, SIGTERM or SIGHUP."""
    timed_out: bool = False
    """Whether its time was over."""


def conduct(
    begin: Callable[[], AbstractAsyncContextManager[Run]],
    *,
    show: Callable[[Envelope], None],
    answer: Callable[[Ask], Answer],
    timeout_s: float | None = None,
) -> RunEnding:
    """Begin a run, show each of its events, answer each ask, and return how it ended.

    SIGINT, SIGTERM, SIGHUP (where it is not ignored, as below `nohup`) and the end of its time
    interrupt it; the report follows all the same. What `begin` or `show` raise comes out as it
    is, never in a group; the run is interrupted then.
    """
    conductor = _Conductor(show, answer)
    try:
        return anyio.run(conductor.conduct, begin, timeout_s)
    except BaseExceptionGroup as group:
        raise _first_in(group) from group


def completed(work: Callable[[], Awaitable[T]]) -> T:
    """What some work gives, done to its end; what it raises comes out as it is.

    To be called in the main thread.

    Raises:
        SystemExit: SIGTERM or SIGHUP came; the work was cancelled and has cleared up after itself.
        KeyboardInterrupt: the same for SIGINT.
    """
    stopped: list[int] = []

    def stop(number: int, _: object) -> None:
        stopped.append(number)
        signal.raise_signal(signal.SIGINT)  # which the event loop knows how to end with

    before = {number: signal.getsignal(number) for number in ending_signals()[1:]}
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        for number in before:
            signal.signal(number, stop)
    try:
        return anyio.run(work)
    except KeyboardInterrupt:
        if stopped:
            raise SystemExit(128 + stopped[0]) from None
        raise
    except BaseExceptionGroup as group:
        raise _first_in(group) from group
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def ending_signals() -> tuple[signal.Signals, ...]:
    """The signals that end a program, SIGINT first; SIGHUP that the caller ignores stays so."""
    ignored = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    return (signal.SIGINT, signal.SIGTERM, *(() if ignored else (signal.SIGHUP,)))


class _Conductor:
    """Watches one run and remembers why it was stopped."""

    def __init__(self, show: Callable[[Envelope], None], answer: Callable[[Ask], Answer]) -> None:
        self._show = show
        self._answer = answer
        self._signal: int | None = None
        self._timed_out = False

    async def conduct(
        self, begin: Callable[[], AbstractAsyncContextManager[Run]], timeout_s: float | None
    ) -> RunEnding:
        async with begin() as run, anyio.create_task_group() as group:
            group.start_soon(self._obey_signals, run)
            if timeout_s is not None:
                group.start_soon(self._limit, run, timeout_s)
            report = await self._watch(run)
            group.cancel_scope.cancel()
        if report is None:
            raise RuntimeError("the run ended without a report")
        return RunEnding(report=report, signal=self._signal, timed_out=self._timed_out)

    async def _watch(self, run: Run) -> RunReport | None:
        report: RunReport | None = None
        async for envelope in run.events:
            self._show(envelope)
            match envelope.event:
                case AskOpened() as opened:
                    run.answer(self._answer(opened.ask))
                case RunEnded() as ended:
                    report = ended.report
                case _:
                    continue
        return report

    async def _obey_signals(self, run: Run) -> None:
        with anyio.open_signal_receiver(*ending_signals()) as signals:
            async for number in signals:
                self._signal = number
                run.interrupt()

    async def _limit(self, run: Run, timeout_s: float) -> None:
        await anyio.sleep(timeout_s)
        self._timed_out = True
        run.interrupt()


def _first_in(error: BaseException) -> BaseException:
    """The first error in a group of groups."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
