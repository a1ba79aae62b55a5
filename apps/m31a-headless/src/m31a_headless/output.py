"""What a run prints: the result on standard output, everything else on standard error."""

import sys

import msgspec

from m31a_engine import (
    CheckEnded,
    CommitMade,
    Envelope,
    FindingMade,
    Landed,
    LandingRefused,
    ModeChosen,
    Noticed,
    PhaseStarted,
    RunReport,
    RunStarted,
    TaskEnded,
    TaskHealing,
    TaskStarted,
    ToolEnded,
    ToolStarted,
    sanitise,
)

_encoder = msgspec.json.Encoder()


class Progress:
    """One line for each thing a person would want to know while it happens."""

    def __init__(self, *, quiet: bool, verbose: bool, every_envelope: bool) -> None:
        self._quiet = quiet
        self._verbose = verbose
        self._every_envelope = every_envelope

    def show(self, envelope: Envelope) -> None:
        """Print what there is to print about an event."""
        if self._every_envelope:
            sys.stdout.write(_encoder.encode(envelope).decode() + "\n")
            sys.stdout.flush()
        line = None if self._quiet else self._line(envelope)
        if line:
            print(sanitise(line), file=sys.stderr, flush=True)

    def _line(self, envelope: Envelope) -> str | None:
        match envelope.event:
            case RunStarted() as event:
                how = "resuming" if event.resumed else "starting"
                said = " (a recording)" if event.recording else ""
                return (
                    f"m31a: {how} {envelope.session}: {event.goal}\n"
                    f"m31a: model {event.model} at {event.provider}{said}"
                )
            case ModeChosen() as event:
                return f"m31a: mode {event.mode.value}: {event.reason}"
            case PhaseStarted() as event:
                return f"m31a: {event.phase.value}"
            case TaskStarted() as event:
                return f"m31a: task {event.task_id}: {event.title}"
            case TaskHealing() as event:
                return f"m31a: task {event.task_id} is mended, attempt {event.attempt}"
            case TaskEnded() as event:
                reason = f": {event.reason}" if event.reason else ""
                return f"m31a: task {event.task_id} {event.outcome}{reason}"
            case CheckEnded() as event:
                check = event.result
                figure = f" ({check.counts})" if check.counts else ""
                return f"m31a: check {check.name}: {check.status.value}{figure}  {check.command}"
            case FindingMade() as event:
                place = f"{event.finding.path}: " if event.finding.path else ""
                return f"m31a: {event.finding.severity.value}: {place}{event.finding.text}"
            case CommitMade() as event:
                return f"m31a: commit {event.commit[:12]} {event.subject}"
            case Landed() as event:
                return f"m31a: landed on {event.branch}"
            case LandingRefused() as event:
                return f"m31a: could not land: {event.reason}; to merge it: {event.command}"
            case Noticed() as event:
                return f"m31a: {event.text}" + (f"; {event.remedy}" if event.remedy else "")
            case ToolStarted() as event if self._verbose:
                return f"m31a:   {event.tool} {event.arguments}"
            case ToolEnded() as event if self._verbose and event.is_error:
                return f"m31a:   {event.tool} failed"
            case _:
                return None


def print_result(report: RunReport, output: str) -> None:
    """The one result on standard output."""
    match output:
        case "json":
            text = msgspec.json.format(_encoder.encode(report), indent=2).decode() + "\n"
        case "diff":
            text = report.diff
        case "stream-json":
            return
        case _:
            text = sanitise(result_text(report))
    sys.stdout.write(text)
    sys.stdout.flush()


def result_text(report: RunReport) -> str:
    """How a run went, for a person."""
    lines = [f"{report.outcome.value}: {report.goal}"]
    if report.verification is not None:
        lines.append(f"verdict   {report.verification.verdict.value}")
    if report.commit:
        lines.append(f"commit    {report.commit}")
    if report.branch:
        lines.append(f"branch    {report.branch}")
    for file in report.files:
        counts = "" if file.added is None else f" +{file.added} -{file.removed}"
        lines.append(f"          {file.path} ({file.status}{counts})")
    if report.ledger_entry:
        lines.append(f"ledger    {report.ledger_entry}")
    lines.append(f"session   {report.session_path}")
    if report.error is not None:
        lines.append(report.error.message)
        if report.error.remedy:
            lines.append(f"next      {report.error.remedy}")
    if report.answer:
        lines += ["", report.answer]
    return "\n".join(lines) + "\n"
