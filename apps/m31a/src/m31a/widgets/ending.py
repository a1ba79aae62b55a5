"""How a run ended, in lines."""

from m31a.draw.line import EMPTY, Line, Span, span, wrapped
from m31a.draw.style import ACCENT, DIM, ERR, OK, STRONG, WARN, Style
from m31a.widgets.markdown import markdown_lines
from m31a.widgets.row_text import one_row, safe, seconds
from m31a_engine import FileReport, Outcome, RunReport

GOOD = {Outcome.SHIPPED, Outcome.ANSWERED, Outcome.STOPPED}
UNFINISHED = {Outcome.SHIPPED_ON_BRANCH, Outcome.SHIPPED_PARTIAL, Outcome.WAITING}
"""Nothing is wrong, but something is left for a person to do."""
Lines = tuple[Line, ...]


def outcome_style(outcome: Outcome) -> Style:
    """How the word for an end looks."""
    return OK if outcome in GOOD else WARN if outcome in UNFINISHED else ERR


def file_figure(file: FileReport) -> str:
    """Lines added and removed, or the letter of its status where they are not known."""
    return file.status if file.added is None else f"+{file.added} -{file.removed}"


def ending_lines(report: RunReport, cells: int) -> Lines:
    """How a run ended: outcome, commit, verdict, what speaks against it, cost."""
    style = outcome_style(report.outcome)
    said = report.outcome.value.replace("_", " ")
    verdict = report.verification.verdict.value.replace("_", " ") if report.verification else ""
    outcome = Line.of(
        Span("■ ", style),
        Span(said, style),
        Span(f"  {verdict}" if verdict else "", STRONG),
    )
    rows: list[Line] = [outcome]
    if report.commit:
        where = "on your branch" if report.landed else f"on {safe(report.branch or 'its branch')}"
        rows.append(Line.of("  commit   ", Span(report.commit[:12], ACCENT), f"  {where}"))
    elif report.branch:
        rows.append(Line.of("  kept     on ", span(safe(report.branch))))
    for file in report.files:
        figure = file_figure(file)
        rows.append(Line.of("           ", span(safe(file.path)), Span(f"  {figure}", DIM)))
    for name, texts in (("by hand", report.manual_steps), ("deferred", report.deferred)):
        for text in texts:
            head = Span(f"  {name:9}", DIM)
            rows.extend(wrapped((span(one_row(text)),), cells, first=head, rest=" " * 11))
    cost = "cost unknown" if report.cost_usd is None else f"${report.cost_usd:.4f}"
    rows.append(
        Line.of(
            Span(f"  {cost} · {report.usage.requests} requests · {seconds(report.duration_s)}", DIM)
        )
    )
    if report.error is not None:
        rows.extend(
            wrapped((safe(report.error.message),), cells, first="  why      ", rest="           ")
        )
        if report.error.remedy:
            rows.extend(
                wrapped(
                    (safe(report.error.remedy),), cells, first="  next     ", rest="           "
                )
            )
    lines = [line.clipped(cells) for line in rows]
    if report.answer.strip():
        lines.append(EMPTY)
        lines.extend(markdown_lines(safe(report.answer), cells, done=True))
    return tuple(lines)
