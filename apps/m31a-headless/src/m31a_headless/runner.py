"""Carry one run to its end without a person: events shown, asks answered, signals obeyed."""

import os
import signal
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import anyio

from m31a_engine import (
    AskOpened,
    Engine,
    Outcome,
    Run,
    RunEnded,
    RunReport,
    build,
    load_config,
    project_root,
)
from m31a_headless.answers import Policy, read_answers
from m31a_headless.exit_codes import INTERRUPTED, TERMINATED, exit_code_of
from m31a_headless.options import RunOptions, UsageError
from m31a_headless.output import Progress, print_result

Begin = Callable[[Engine], AbstractAsyncContextManager[Run]]


class Conductor:
    """Watches one run and remembers why it was stopped."""

    def __init__(self, progress: Progress, policy: Policy) -> None:
        self._progress = progress
        self._policy = policy
        self.signal: int | None = None
        self.timed_out = False

    async def conduct(self, run: Run, timeout_s: float | None) -> RunReport:
        """The run's report, after all its events were shown and its asks answered."""
        report: RunReport | None = None
        async with anyio.create_task_group() as group:
            group.start_soon(self._obey_signals, run)
            if timeout_s is not None:
                group.start_soon(self._limit, run, timeout_s)
            async for envelope in run.events:
                self._progress.show(envelope)
                match envelope.event:
                    case AskOpened() as opened:
                        run.answer(self._policy.answer(opened.ask))
                    case RunEnded() as ended:
                        report = ended.report
                    case _:
                        continue
            group.cancel_scope.cancel()
        if report is None:
            raise RuntimeError("the run ended without a report")
        return report

    async def _obey_signals(self, run: Run) -> None:
        with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
            async for number in signals:
                self.signal = number
                run.interrupt()

    async def _limit(self, run: Run, timeout_s: float) -> None:
        await anyio.sleep(timeout_s)
        self.timed_out = True
        run.interrupt()


def carry_out(options: RunOptions, begin: Begin) -> int:
    """Build an engine, begin a run, see it through, print the result; the exit code."""
    policy = read_answers(options.answers)
    if options.engine.dirty == "commit":
        raise UsageError("--dirty commit is not built yet; commit yourself, or use --dirty leave")
    if not options.project.is_dir():
        raise UsageError(f"--project {options.project} is not a folder")
    project = project_root(options.project)
    config = load_config(
        project,
        os.environ,
        options.overrides,
        trusted=True if options.trust_project else None,
    )
    engine = build(config, project)
    return see_through(options, policy, lambda: begin(engine))


def see_through(
    options: RunOptions, policy: Policy, begin: Callable[[], AbstractAsyncContextManager[Run]]
) -> int:
    """See a run through to its end and print its result; the exit code."""
    progress = Progress(
        quiet=options.quiet,
        verbose=options.verbose,
        every_envelope=options.output == "stream-json",
    )
    conductor = Conductor(progress, policy)

    async def whole() -> RunReport:
        async with begin() as run:
            return await conductor.conduct(run, options.timeout_s)

    report = anyio.run(whole)
    print_result(report, options.output)
    if report.outcome is Outcome.INTERRUPTED:
        if conductor.timed_out:
            return 4
        return TERMINATED if conductor.signal == signal.SIGTERM else INTERRUPTED
    return exit_code_of(report)
