"""Each item of a conversation as lines: what is long is folded until somebody opens it."""

import json
from collections.abc import Sequence

from m31a.draw.line import EMPTY, Line, Part, Span, span, wrapped
from m31a.draw.style import ACCENT, BORDER, DIM, ERR, OK, PLAIN, STRONG, WARN, Style, Tone
from m31a.draw.text import clip, expand_tabs
from m31a.story.blocks import (
    AskCard,
    Block,
    CheckCard,
    CommitCard,
    Ending,
    FindingCard,
    Notice,
    PhaseMark,
    PlanCard,
    Said,
    ShellCard,
    TaskMark,
    Thought,
    ToolCard,
    UserSaid,
)
from m31a.widgets.diff_view import diff_lines
from m31a.widgets.markdown import markdown_lines
from m31a_engine import (
    CheckStatus,
    CommandOutput,
    FileDiff,
    FileReport,
    Listing,
    Outcome,
    PermissionAnswer,
    PermissionAsk,
    Plain,
    PlanAnswer,
    PlanAsk,
    QuestionsAnswer,
    QuestionsAsk,
    RunReport,
    Severity,
    sanitise,
)

FOLDED_ROWS = 8
"""Rows of a tool's output that are shown while it is folded."""
OPEN_ROWS = 2000
Lines = tuple[Line, ...]


def block_lines(block: Block, cells: int, *, opened: bool = False) -> Lines:
    """The lines of one item, none wider than `cells`; a blank one ends those that stand apart."""
    match block:
        case UserSaid(text=text):
            return (*_user(text, cells), EMPTY)
        case Said(text=text, done=done):
            return _said(text, done, cells)
        case Thought(text=text):
            return _thought(text, cells, opened)
        case ToolCard():
            return (*_tool(block, cells, opened), EMPTY)
        case ShellCard():
            return (*_shell(block, cells, opened), EMPTY)
        case PlanCard():
            return (*_plan(block, cells), EMPTY)
        case Ending(report=report):
            return (*ending_lines(report, cells), EMPTY)
        case _:
            return tuple(line.clipped(cells) for line in _short(block, cells))


def _short(block: Block, cells: int) -> Lines:
    match block:
        case PhaseMark(phase=phase, elapsed_s=elapsed_s):
            took = "" if elapsed_s is None else f"  {seconds(elapsed_s)}"
            title = Line.of(Span(f"── {phase.value}{took} ", BORDER))
            return (title.plus(Span("─" * max(0, cells - title.width), BORDER)), EMPTY)
        case TaskMark():
            return (*_task(block, cells), EMPTY)
        case CheckCard():
            return _check(block, cells)
        case FindingCard(finding=finding):
            blocks = finding.severity is Severity.BLOCKING
            mark = Span("✗ " if blocks else "! ", ERR if blocks else WARN)
            place = f"{finding.path}: " if finding.path else ""
            return wrapped((safe(place + finding.text),), cells, first=mark, rest="  ")
        case CommitCard():
            return (*_commit(block), EMPTY)
        case AskCard():
            return _ask(block, cells)
        case Notice(text=text, remedy=remedy, level=level):
            style = {"warn": WARN, "err": ERR}.get(level, DIM)
            said = Span(safe(text), style if level == "err" else PLAIN)
            more = (Span(f" — {safe(remedy)}", DIM),) if remedy else ()
            mark = Span({"warn": "! ", "err": "✗ "}.get(level, "· "), style)
            return (*wrapped((said, *more), cells, first=mark, rest="  "), EMPTY)
        case _:
            return ()


def safe(text: str) -> str:
    """Text from outside without what could command a terminal or hide; line ends stay."""
    return sanitise(text)


def _user(text: str, cells: int) -> Lines:
    mark = Span("› ", Style(fg=Tone.ROLE_USER, bold=True))
    parts: Sequence[Part] = (Span(_tabbed(safe(text)), STRONG),)
    return wrapped(parts, cells, first=mark, rest="  ")


def _said(text: str, done: bool, cells: int) -> Lines:
    if not text.strip():
        return ()
    lines = markdown_lines(safe(text), max(4, cells - 2), done=done, indent="  ")
    mark = Span("● ", Style(fg=Tone.ROLE_AGENT))
    head = Line.of(mark, *lines[0].cut(2, cells).spans) if lines else Line.of(mark)
    return (head, *lines[1:], EMPTY)


def _thought(text: str, cells: int, opened: bool) -> Lines:
    rows = wrapped((Span(_tabbed(safe(text)), DIM),), cells, first="  ", rest="  ")
    if opened:
        return (Line.of(Span("◦ thinking", DIM)), *rows, EMPTY)
    last = rows[-1].text.strip()
    return (Line.of(Span("◦ thinking  ", DIM), Span(clip(last, cells - 12, "…"), DIM)), EMPTY)


def _tool(card: ToolCard, cells: int, opened: bool) -> Lines:
    done = card.display is not None
    mark = Span("◆ " if done else "◌ ", ERR if card.is_error else Style(fg=Tone.ROLE_TOOL))
    figure = _figure(card)
    title = Line.of(mark, Span(safe(card.tool), STRONG), "  ", span(_what(card)))
    room = max(1, cells - figure.width - 1)
    head = title.fitted(room).plus(" ", *figure.spans) if figure.spans else title.clipped(cells)
    return (head, *_tool_body(card, cells, opened))


def _tool_body(card: ToolCard, cells: int, opened: bool) -> Lines:
    match card.display:
        case None:
            return _output(card.output, cells, opened, tail=True)
        case FileDiff(diff=diff, path=path):
            return _folded(diff_lines(safe(diff), cells - 2, path=path), cells, opened)
        case CommandOutput(text=text):
            return _output(text, cells, opened, tail=True)
        case Listing(paths=paths):
            return _output("\n".join(paths), cells, opened, tail=False) if opened else ()
        case Plain(text=text):
            show = opened or card.is_error
            return _output(text, cells, opened, tail=False) if show else ()


def _figure(card: ToolCard) -> Line:
    match card.display:
        case None:
            return Line.of(Span("running", DIM))
        case FileDiff(added=added, removed=removed):
            return Line.of(
                Span(f"+{added}", Style(fg=Tone.DIFF_ADD)),
                " ",
                Span(f"-{removed}", Style(fg=Tone.DIFF_DEL)),
            )
        case CommandOutput(exit_code=code):
            return Line.of(Span(f"exit {code}", DIM if code == 0 else ERR))
        case Listing(paths=paths):
            return Line.of(Span(f"{len(paths)} found", DIM))
        case Plain(text=text):
            rows = text.count("\n") + 1
            return Line.of(
                Span("failed" if card.is_error else f"{rows} lines", ERR if card.is_error else DIM)
            )


def _what(card: ToolCard) -> str:
    """The one thing a call is about: its command, its path, its pattern."""
    match card.display:
        case FileDiff(path=path):
            return safe(path)
        case CommandOutput(command=command):
            return one_row(command)
        case _:
            pass
    try:
        given = json.loads(card.arguments or "{}")
    except ValueError:
        return one_row(card.arguments)
    if not isinstance(given, dict):
        return one_row(card.arguments)
    known = [given[key] for key in ("command", "path", "pattern", "url", "query") if key in given]
    return one_row(", ".join(str(value) for value in known) or card.arguments)


def one_row(text: str) -> str:
    """Text from outside on one line."""
    return " ".join(safe(text).split())


def _output(text: str, cells: int, opened: bool, *, tail: bool) -> Lines:
    rows = safe(text).rstrip("\n").split("\n") if text.strip() else []
    limit = OPEN_ROWS if opened else FOLDED_ROWS
    hidden = max(0, len(rows) - limit)
    shown = (rows[-limit:] if tail else rows[:limit]) if hidden else rows
    bar = Span("  │ ", BORDER)
    lines = [Line.of(bar, Span(_tabbed(row), DIM)).clipped(cells) for row in shown]
    if hidden:
        note = Line.of(bar, Span(f"… {hidden} more lines (ctrl+o opens)", DIM)).clipped(cells)
        lines.insert(0 if tail else len(lines), note)
    return tuple(lines)


def _folded(lines: Lines, cells: int, opened: bool) -> Lines:
    limit = OPEN_ROWS if opened else FOLDED_ROWS + 4
    shown = [Line.of("  ", *line.spans).clipped(cells) for line in lines[:limit]]
    if len(lines) > limit:
        more = Span(f"    … {len(lines) - limit} more lines (ctrl+o opens)", DIM)
        shown.append(Line.of(more).clipped(cells))
    return tuple(shown)


def _shell(card: ShellCard, cells: int, opened: bool) -> Lines:
    head = Line.of(Span("! ", ACCENT), Span(one_row(card.command), STRONG))
    if card.exit_code is not None:
        head = head.plus("  ", Span(f"exit {card.exit_code}", DIM if not card.exit_code else ERR))
    return (head.clipped(cells), *_output(card.output, cells, opened, tail=True))


def _task(mark: TaskMark, cells: int) -> Lines:
    glyph, style = {
        "": ("◐", ACCENT),
        "done": ("✓", OK),
        "failed": ("✗", ERR),
    }.get(mark.outcome, ("○", WARN))
    took = f"  {seconds(mark.elapsed_s)}" if mark.outcome else ""
    heals = f"  healing, try {mark.heals}" if mark.heals and not mark.outcome else ""
    head = wrapped(
        (Span(f"task {mark.task_id} · {safe(mark.title)}", STRONG), Span(f"{took}{heals}", DIM)),
        cells,
        first=Span(f"{glyph} ", style),
        rest="  ",
    )
    if not mark.reason:
        return head
    return (*head, *wrapped((Span(safe(mark.reason), DIM),), cells, first="  ", rest="  "))


STATUS = {
    CheckStatus.PASSED: ("✓", OK),
    CheckStatus.FAILED: ("✗", ERR),
    CheckStatus.TIMED_OUT: ("✗", ERR),
    CheckStatus.FLAKY: ("!", WARN),
    CheckStatus.KNOWN_FAILURE: ("!", WARN),
    CheckStatus.NOT_RUN: ("○", DIM),
}


def _check(card: CheckCard, cells: int) -> Lines:
    result = card.result
    glyph, style = STATUS.get(result.status, ("?", WARN))
    facts = [result.status.value.replace("_", " ")]
    facts += [str(result.counts)] if result.counts else []
    facts += [seconds(result.seconds)] if result.seconds else []
    facts += [result.note] if result.note else []
    head = Line.of(
        Span(f"{glyph} ", style),
        Span(safe(result.name), STRONG),
        Span(f"  {one_row(', '.join(facts))}", style if not result.passed else DIM),
        Span(f"  {one_row(result.command)}", DIM),
    )
    red = result.status in {CheckStatus.FAILED, CheckStatus.TIMED_OUT}
    tail = _output(result.output_tail, cells, opened=False, tail=True) if red else ()
    return (head, *tail)


def _commit(card: CommitCard) -> Lines:
    short = card.commit[:10]
    if card.landed_on:
        return (Line.of(Span("✓ ", OK), Span(f"{short} is on {safe(card.landed_on)}", STRONG)),)
    head = Line.of(Span("● ", ACCENT), Span(short, ACCENT), f" {one_row(card.subject)}")
    rows = [
        Line.of(
            "  ",
            Span(safe(file.path), DIM),
            Span(f"  {file_figure(file)}", DIM),
        )
        for file in card.files
    ]
    return (head, *rows)


def file_figure(file: FileReport) -> str:
    """Lines added and removed, or the letter of its status where they are not known."""
    return file.status if file.added is None else f"+{file.added} -{file.removed}"


def _ask(card: AskCard, cells: int) -> Lines:
    if not card.closed:
        return (Line.of(Span("? ", ACCENT), _asked(card)),)
    return (
        Line.of(Span("? ", DIM), _asked(card), Span(f"  → {_answered(card)}", STRONG)).clipped(
            cells
        ),
        EMPTY,
    )


def _asked(card: AskCard) -> Span:
    match card.ask:
        case PermissionAsk(request=request):
            return span(f"{request.tool}: {one_row(request.summary)}")
        case QuestionsAsk(questions=questions):
            return span(f"{len(questions)} questions" if len(questions) > 1 else "a question")
        case PlanAsk(version=version):
            return span(f"the plan, version {version}")


def _answered(card: AskCard) -> str:
    match card.answer:
        case None:
            return "no answer in time"
        case PermissionAnswer(grant=grant, feedback=feedback):
            return one_row(f"{grant.value} {feedback}")
        case QuestionsAnswer(answers=answers):
            return one_row("; ".join(answer or "skipped" for answer in answers)) or "suggestions"
        case PlanAnswer(choice=choice, feedback=feedback):
            return one_row(f"{choice.value} {feedback}")


def _plan(card: PlanCard, cells: int) -> Lines:
    plan = card.plan
    head = Line.of(
        Span(f"▤ plan, version {card.version}: ", ACCENT), Span(one_row(plan.title), STRONG)
    )
    rows: list[Line] = [head.clipped(cells)]
    for task in plan.tasks:
        needs = f" ← {', '.join(map(str, task.dependencies))}" if task.dependencies else ""
        rows.extend(
            wrapped(
                (one_row(task.description), Span(needs, DIM)),
                cells,
                first=Span(f"  {task.id:>2} ", DIM),
                rest="     ",
            )
        )
    return tuple(rows)


GOOD = {Outcome.SHIPPED, Outcome.ANSWERED, Outcome.STOPPED}


def ending_lines(report: RunReport, cells: int) -> Lines:
    """How a run ended: outcome, commit, verdict, what speaks against it, cost."""
    good = report.outcome in GOOD
    said = report.outcome.value.replace("_", " ")
    verdict = report.verification.verdict.value.replace("_", " ") if report.verification else ""
    outcome = Line.of(
        Span("■ ", OK if good else ERR),
        Span(said, OK if good else ERR),
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


def seconds(count: float) -> str:
    """A length of time: `0.4 s`, `41 s`, `2:14`, `1:02:03`."""
    if count < 10:
        return f"{count:.1f} s"
    if count < 60:
        return f"{count:.0f} s"
    minutes, rest = divmod(int(count), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _tabbed(text: str) -> str:
    return "\n".join(map(expand_tabs, text.split("\n"))) if "\t" in text else text
