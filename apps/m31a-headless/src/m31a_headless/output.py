"""What a run prints: the result on standard output, everything else on standard error."""

import sys

from m31a_engine import (
    CheckEnded,
    CommitMade,
    ContextCondensed,
    CulpritFound,
    EngineError,
    Envelope,
    ErrorReport,
    FindingMade,
    Landed,
    LandingRefused,
    ModeChosen,
    ModelChosen,
    Noticed,
    Outcome,
    PhaseStarted,
    ProviderSwitched,
    RunReport,
    RunStarted,
    Severity,
    TaskEnded,
    TaskHealing,
    TaskStarted,
    ToolEnded,
    ToolStarted,
    encode_envelope,
    encode_report,
    sanitise,
)
from m31a_headless.exit_codes import outcome_of
from m31a_headless.options import RunOptions
from m31a_headless.streams import on_terminal

LONGEST_LINE = 400
"""Characters of a line of progress: a model's arguments can be whole files."""


class Progress:
    """One line for each thing a person would want to know while it happens."""

    def __init__(self, *, quiet: bool, verbose: bool, every_envelope: bool) -> None:
        self._quiet = quiet
        self._verbose = verbose
        self._every_envelope = every_envelope

    def show(self, envelope: Envelope) -> None:
        """Print what there is to print about an event.

        Raises:
            BrokenPipeError: the reader of the envelopes is gone.
        """
        if self._every_envelope:
            print(for_reader(encode_envelope(envelope)), flush=True)
        line = None if self._quiet else self._line(envelope)
        if line:
            self._say(one_line(line))

    def _say(self, line: str) -> None:
        try:
            print(f"m31a: {line}", file=sys.stderr, flush=True)
        except OSError:  # nobody listens to progress any more: the run goes on without
            self._quiet = True

    def _line(self, envelope: Envelope) -> str | None:
        match envelope.event:
            case RunStarted() as event:
                how = "resuming" if event.resumed else "starting"
                said = " (a recording)" if event.recording else ""
                model = f"model {event.model} at {event.provider}{said}"
                return f"{how} {envelope.session} with {model}: {event.goal}"
            case ModeChosen() as event:
                return f"mode {event.mode.value}: {event.reason}"
            case PhaseStarted() as event:
                return f"{event.phase.value}"
            case TaskStarted() as event:
                return f"task {event.task_id}: {event.title}"
            case TaskHealing() as event:
                return f"task {event.task_id} is mended, attempt {event.attempt}"
            case TaskEnded() as event:
                reason = f": {event.reason}" if event.reason else ""
                return f"task {event.task_id} {event.outcome}{reason}"
            case CheckEnded() as event:
                check = event.result
                figure = f" ({check.counts})" if check.counts else ""
                return f"check {check.name}: {check.status.value}{figure}  {check.command}".rstrip()
            case FindingMade() as event:
                place = f"{event.finding.path}: " if event.finding.path else ""
                return f"{event.finding.severity.value}: {place}{event.finding.text}"
            case CommitMade() as event:
                return f"commit {event.commit[:12]} {event.subject}"
            case Landed() as event:
                return f"landed on {event.branch}"
            case LandingRefused() as event:
                return f"could not land: {event.reason}; to merge it: {event.command}"
            case CulpritFound(culprit=culprit):
                if culprit.commit is None:
                    return f"{culprit.check}: which commit broke it is not clear"
                task = "" if culprit.task_id is None else f"task {culprit.task_id}, "
                broke = f"{culprit.check} is red from {task}{culprit.commit[:12]} on"
                return f"{broke}: {culprit.subject}"
            case ProviderSwitched() as event:
                return f"{event.target} answers instead of {event.origin}: {event.reason}"
            case ModelChosen() as event:
                return f"task {event.task_id} with {event.model}: {event.reason}"
            case ContextCondensed() as event:
                return f"earlier messages were summarised: {event.saved_tokens} tokens saved"
            case Noticed() as event:
                return f"{event.text}" + (f"; {event.remedy}" if event.remedy else "")
            case ToolStarted() as event if self._verbose:
                return f"  {event.tool} {event.arguments}"
            case ToolEnded() as event if self._verbose and event.is_error:
                return f"  {event.tool} failed"
            case _:
                return None


def one_line(text: str) -> str:
    """Text from outside on one line that cannot pass for another, cut when it is long."""
    line = " ".join(sanitise(text).splitlines())
    return line if len(line) <= LONGEST_LINE else line[: LONGEST_LINE - 1] + "…"


def for_reader(text: str) -> str:
    """A result as it is for a program, made safe for a terminal."""
    return sanitise(text) if on_terminal() else text


def say(*lines: str) -> None:
    """Lines of a result on standard output, harmless to a terminal."""
    for line in lines:
        print(sanitise(line))


def remark(text: str) -> None:
    """A sentence for a person, beside the result."""
    print(f"m31a: {one_line(text)}", file=sys.stderr)


def refusal(error: EngineError, options: RunOptions, goal: str | None = None) -> RunReport:
    """The report of a run that could not begin; `goal` None takes the words of the line."""
    return RunReport(
        session="",
        outcome=outcome_of(error),
        goal=" ".join(options.words) if goal is None else goal,
        mode=options.engine.mode,
        error=ErrorReport(code=error.code, message=error.message, remedy=error.remedy),
    )


def print_result(report: RunReport, output: str) -> None:
    """The one result on standard output."""
    match output:
        case "json":
            text = for_reader(encode_report(report))
        case "diff":
            text = for_reader(report.diff)
        case "stream-json":
            return
        case _:
            text = sanitise(result_text(report))
    print(text, end="", flush=True)


def result_text(report: RunReport) -> str:
    """How a run went, for a person: facts a line, then what the model says of it."""
    rows = [f"{report.outcome.value}: {report.goal}"]
    rows += _proof(report)
    rows += [f"commit    {report.commit}"] if report.commit else []
    rows += [f"branch    {report.branch}"] if report.branch else []
    for file in report.files:
        counts = "" if file.added is None else f" +{file.added} -{file.removed}"
        rows.append(f"          {file.path} ({file.status}{counts})")
    rows += [f"deferred  {text}" for text in report.deferred]
    rows += [f"ignored   {text}" for text in report.ignored]
    rows += [f"by hand   {text}" for text in report.manual_steps]
    if report.ledger_entry:
        rows.append(f"ledger    {report.ledger_entry}")
    cost = "unknown" if report.cost_usd is None else f"${report.cost_usd:.4f}"
    rows.append(f"cost      {cost}, {report.usage.requests} requests, {report.duration_s:.0f} s")
    rows.append(f"session   {report.session_path}")
    rows += _outlook(report)
    text = "\n".join(map(one_line, rows)) + "\n"
    return f"{text}\n{report.answer.rstrip()}\n" if report.answer else text


def _outlook(report: RunReport) -> list[str]:
    """Why it ended so, where that needs words, and what can be done next."""
    why = report.error.message if report.error else ""
    following = report.error.remedy if report.error else ""
    match report.outcome:
        case Outcome.SHIPPED_PARTIAL if not why and not report.overrides:
            why = "no check shows that the program works"
            following = "name your tests: m31a config set verify.test COMMAND"
        case Outcome.SHIPPED if not report.landed and report.branch and not following:
            following = f"to land it: m31a apply {report.session}"
        case Outcome.FAILED | Outcome.INTERRUPTED | Outcome.PROVIDER | Outcome.LIMIT:
            following = following or f"to go on: m31a resume {report.session}"
        case _:
            pass
    return [f"{name:9} {text}" for name, text in (("why", why), ("next", following)) if text]


def _proof(report: RunReport) -> list[str]:
    """Verdict, checks, what speaks against the change, tasks that failed."""
    rows: list[str] = []
    if report.verification is not None:
        rows.append(f"verdict   {report.verification.verdict.value}")
        for check in report.verification.checks:
            figure = f" ({check.counts})" if check.counts else ""
            rows.append(f"check     {check.name}: {check.status.value}{figure}")
    rows += [f"known     {text}" for text in report.known_failures]
    for finding in report.findings:
        place = f"{finding.path}: " if finding.path else ""
        lift = f"; to lift it: --allow {finding.kind.value}"
        blocks = finding.severity is Severity.BLOCKING
        rows.append(f"{finding.severity.value:9} {place}{finding.text}{lift if blocks else ''}")
    for task in report.tasks:
        if task.reason:
            rows.append(f"task      {task.id} {task.outcome}: {task.reason}")
    return rows
