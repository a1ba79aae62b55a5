"""Carry one run to its end without a person: what is built, shown, answered and returned."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, contextmanager
from pathlib import Path

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
from m31a_engine.recalled import recalled
from m31a_headless.answers import Policy, read_answers
from m31a_headless.exit_codes import (
    INTERRUPTED,
    LIMIT,
    NOT_VERIFIED,
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
        engine = _engine(options, project, options.overrides)
        return see_through(options, policy, lambda: begin(engine), present)


def go_on(options: RunOptions, session_id: str | None, begin: Begin) -> int:
    """The same for a session that was begun before, by the options it was begun with."""
    policy = read_answers(options.answers)
    project = project_of(options.project)
    with refusals_documented(options):
        overrides = recalled(project, os.environ, session_id, options.overrides)
        engine = _engine(options, project, overrides)
        return see_through(options, policy, lambda: begin(engine))


def _engine(options: RunOptions, project: Path, overrides: Mapping[str, object]) -> Engine:
    trusted = True if options.trust_project else None
    return build(load_config(project, os.environ, overrides, trusted=trusted), project)


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
    if ending.timed_out and ending.report.outcome is Outcome.INTERRUPTED:
        remark(f"its time is over (--timeout {options.timeout_s:g}); to go on: m31a resume")
    try:
        present(ending.report, options.output)
    except OSError as exc:  # what the run came to does not depend on who can read it
        discard_output()
        if not isinstance(exc, BrokenPipeError):
            place = ending.report.session_path
            remark(f"the result cannot be written: {exc.strerror}; it is kept in {place}")
    return exit_code_of_ending(ending)


def exit_code_of_ending(ending: RunEnding) -> int:
    """The exit code of a run, with the reason when it was interrupted."""
    if ending.report.outcome is not Outcome.INTERRUPTED:
        return exit_code_of(ending.report)
    if ending.timed_out:
        return LIMIT
    return INTERRUPTED if ending.signal is None else 128 + ending.signal
