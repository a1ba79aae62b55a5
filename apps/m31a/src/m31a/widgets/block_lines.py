"""Each item of a conversation as lines: what is long is folded until somebody opens it."""

from collections.abc import Sequence

from m31a.draw.line import EMPTY, Line, Part, Span, span, wrapped
from m31a.draw.style import ACCENT, BORDER, DIM, ERR, OK, PLAIN, STRONG, WARN, Style, Tone
from m31a.draw.text import clip
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
from m31a.widgets.ending import ending_lines, file_figure
from m31a.widgets.markdown import markdown_lines
from m31a.widgets.row_text import one_row, safe, seconds, tabbed
from m31a.widgets.tool_lines import output_lines, shell_lines, tool_lines
from m31a_engine import (
    CheckStatus,
    PermissionAnswer,
    PermissionAsk,
    PlanAnswer,
    PlanAsk,
    QuestionsAnswer,
    QuestionsAsk,
    Severity,
)

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
            return (*tool_lines(block, cells, opened), EMPTY)
        case ShellCard():
            return (*shell_lines(block, cells, opened), EMPTY)
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


def _user(text: str, cells: int) -> Lines:
    mark = Span("› ", Style(fg=Tone.ROLE_USER, bold=True))
    parts: Sequence[Part] = (Span(tabbed(safe(text)), STRONG),)
    return wrapped(parts, cells, first=mark, rest="  ")


def _said(text: str, done: bool, cells: int) -> Lines:
    if not text.strip():
        return ()
    lines = markdown_lines(safe(text), max(4, cells - 2), done=done, indent="  ")
    mark = Span("● ", Style(fg=Tone.ROLE_AGENT))
    head = Line.of(mark, *lines[0].cut(2, cells).spans) if lines else Line.of(mark)
    return (head, *lines[1:], EMPTY)


def _thought(text: str, cells: int, opened: bool) -> Lines:
    rows = wrapped((Span(tabbed(safe(text)), DIM),), cells, first="  ", rest="  ")
    if opened:
        return (Line.of(Span("◦ thinking", DIM)), *rows, EMPTY)
    last = rows[-1].text.strip()
    return (Line.of(Span("◦ thinking  ", DIM), Span(clip(last, cells - 12, "…"), DIM)), EMPTY)


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
    tail = output_lines(result.output_tail, cells, opened=False, tail=True) if red else ()
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
