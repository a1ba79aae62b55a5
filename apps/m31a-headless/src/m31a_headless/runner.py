"""Carry one run to its end without a person: what is built, shown, answered and returned."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager

from m31a_engine import (
    Engine,
    EngineError,
    Outcome,
    Run,
    RunEnding,
    RunReport,
    build,
    conduct,
    load_config,
)
from m31a_headless.answers import Policy, read_answers
from m31a_headless.exit_codes import (
    INTERRUPTED,
    LIMIT,
    NOT_VERIFIED,
    TERMINATED,
    exit_code_of,
)
from m31a_headless.options import RunOptions, project_of
from m31a_headless.output import Progress, print_result, refusal, remark
from m31a_headless.streams import discard_output

Begin = Callable[[Engine], AbstractAsyncContextManager[Run]]
Present = Callable[[RunReport, str], None]
"""Prints a run's result in the form that was asked for."""


def carry_out(options: RunOptions, begin: Begin, present: Present = print_result) -> int:
    """Build an engine, begin a run, see it through, print the result; the exit code."""
    policy = read_answers(options.answers)
    project = project_of(options.project)
    with refusals_documented(options):
        config = load_config(
            project,
            os.environ,
            options.overrides,
            trusted=True if options.trust_project else None,
        )
        engine = build(config, project)
        return see_through(options, policy, lambda: begin(engine), present)


@contextmanager
def refusals_documented(options: RunOptions) -> Iterator[None]:
    """A program that reads one JSON document gets one when the run cannot begin, too."""
    try:
        yield
    except EngineError as exc:
        if options.output == "json":
            print_result(refusal(exc, options), options.output)
        raise


def see_through(
    options: RunOptions,
    policy: Policy,
    begin: Callable[[], AbstractAsyncContextManager[Run]],
    present: Present = print_result,
) -> int:
    """See a run through to its end and print its result; the exit code."""
    progress = Progress(
        quiet=options.quiet,
        verbose=options.verbose,
        every_envelope=options.output == "stream-json",
    )
    try:
        ending = conduct(
            begin, show=progress.show, answer=policy.answer, timeout_s=options.timeout_s
        )
    except BrokenPipeError:
        discard_output()
        remark(
            "nobody reads the output any more, so the run was stopped; its work is kept,"
            " go on with: m31a resume"
        )
        return NOT_VERIFIED
    try:
        present(ending.report, options.output)
    except BrokenPipeError:  # what the run came to does not depend on who reads it
        discard_output()
    return exit_code_of_ending(ending)


def exit_code_of_ending(ending: RunEnding) -> int:
    """The exit code of a run, with the reason when it was interrupted."""
    if ending.report.outcome is not Outcome.INTERRUPTED:
        return exit_code_of(ending.report)
    if ending.timed_out:
        return LIMIT
    return TERMINATED if ending.signal == signal.SIGTERM else INTERRUPTED
