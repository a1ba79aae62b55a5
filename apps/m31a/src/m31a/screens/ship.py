"""What was shipped: the commit with its proof, where it is, what was built and how to try it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from m31a.draw.frame import Size, View
from m31a.draw.line import EMPTY, Line, Span, span, wrapped
from m31a.draw.style import ACCENT, DIM, OK, STRONG, WARN, Style, Tone
from m31a.program.chrome import short
from m31a.program.effects import CopyText, Effect, Toast
from m31a.program.keymap import KeyTable, bind
from m31a.program.messages import Message, Pressed
from m31a.program.scene import Scene
from m31a.program.screen import Push, Screen, Step
from m31a.story.blocks import CommitCard
from m31a.story.story import Story
from m31a.widgets import scroll
from m31a.widgets.browse import TOP
from m31a.widgets.ending import file_figure, outcome_style
from m31a.widgets.facts import counted, fact_lines, list_lines, note_lines
from m31a.widgets.markdown import markdown_lines
from m31a.widgets.row_text import one_row, safe, seconds
from m31a.widgets.scroll import Window, window_lines
from m31a_engine import FileReport, Phase, RunReport
from m31a_engine.planning.plan import title_of
from m31a_engine.shipping.trailers import trailers_for

KEYS: KeyTable = (
    *scroll.KEYS,
    bind("ship.copy", "y", "copy the summary", hint=True),
    bind("ship.command", "c", "copy the command that lands it", hint=True),
    bind("ship.diff", "d", "the changes", hint=True),
    bind("ship.verify", "v", "the evidence", hint=True),
    bind("app.back", "escape, q", "back", hint=True),
)
MARGIN, BAR = 2, 12
ADDED, REMOVED = Style(fg=Tone.DIFF_ADD), Style(fg=Tone.DIFF_DEL)


@dataclass(frozen=True, slots=True)
class Ship:
    """How far it is scrolled."""

    window: Window = TOP


class ShipScreen(Screen[Ship]):
    """Says plainly whether the commit is on the person's branch, and if not, what puts it there."""

    id = "ship"
    title = "ship"

    def init(self, argument: object, scene: Scene) -> Step[Ship]:
        """From its beginning."""
        return Step(Ship())

    def keys(self, state: Ship) -> KeyTable:
        """Scroll, copy, look at what lies behind."""
        return KEYS

    def update(self, state: Ship, message: Message, scene: Scene) -> Step[Ship]:
        """Scroll, copy, go elsewhere."""
        match message:
            case Pressed(action="ship.copy"):
                return Step(state, (_copied(summary_text(scene.story), "there is no summary"),))
            case Pressed(action="ship.command"):
                command = landing_command(scene.story)
                return Step(state, (_copied(command, "nothing is left to land"),))
            case Pressed(action="ship.diff"):
                return Step(state, nav=Push("diff"))
            case Pressed(action="ship.verify"):
                return Step(state, nav=Push("verify"))
            case Pressed(action=action):
                rows = len(_lines(scene.story, scene.size.width))
                moved = state.window.applied(action, rows, scene.size.height)
                return Step(state if moved is None else replace(state, window=moved))
            case _:
                return Step(state)

    def view(self, state: Ship, size: Size, scene: Scene) -> View:
        """Everything about the end of the run, from the commit to its cost."""
        return View(window_lines(_lines(scene.story, size.width), state.window, size))


def _copied(text: str, otherwise: str) -> Effect:
    return CopyText(text) if text else Toast(otherwise, "warn")


def summary_text(story: Story) -> str:
    """What was asked, what came of it, and where it is, as text to be pasted elsewhere."""
    report = story.report
    if report is None:
        return ""
    lines = [report.goal.strip(), "", f"Outcome: {report.outcome.value.replace('_', ' ')}"]
    lines += [f"Commit: {report.commit}"] if report.commit else []
    lines += [f"Branch: {report.branch}"] if report.branch and not report.landed else []
    lines += ["", *(f"- {file.path} {file_figure(file)}" for file in report.files)]
    lines += ["", safe(report.answer.strip())] if report.answer.strip() else []
    return "\n".join(lines).strip() + "\n"


def landing_command(story: Story) -> str:
    """The one command that brings the commit onto the person's branch; empty when it is there."""
    refused, report = story.refused, story.report
    if report is not None and report.landed:
        return ""
    if refused is not None and refused.command:
        return refused.command
    if report is not None and report.commit is not None:
        return f"m31a apply {report.session}"
    return ""


def _lines(story: Story, cells: int) -> tuple[Line, ...]:
    report = story.report
    if report is None:
        now = story.running and story.phase is Phase.SHIP
        text = "Shipping …" if now else "Nothing was shipped yet in this run."
        return note_lines(text, cells)
    room = max(8, cells - MARGIN - 1)
    lines = (
        *_outcome(story, report, room),
        *_message(story, report, room),
        *_preflight(report, room),
        *_files(report.files, room),
        *_answer(report, room),
        EMPTY,
        *_cost(report, room),
    )
    return tuple(Line.of(" " * MARGIN, *line.spans).clipped(cells) for line in lines)


def _outcome(story: Story, report: RunReport, cells: int) -> tuple[Line, ...]:
    word = report.outcome.value.replace("_", " ")
    lines = [EMPTY, Line.of(Span(f"■ {word}", outcome_style(report.outcome)))]
    command = landing_command(story)
    if report.landed and report.commit:
        lines.append(
            Line.of(Span("✓ ", OK), Span(report.commit[:12], ACCENT), " is on your branch")
        )
    elif report.commit:
        where = one_row(report.branch or "a branch of its own")
        said = (Span(report.commit[:12], ACCENT), span(f" is on {where}, not on yours"))
        lines.extend(wrapped(said, cells, first=Span("! ", WARN), rest="  "))
    else:
        lines.append(Line.of(Span("! there is no commit", WARN)))
    why = story.refused.reason if story.refused is not None else ""
    if report.error is not None:
        why = why or report.error.message
    lines.extend(fact_lines((("why", why), ("land it", command)), cells))
    if story.refused is not None:
        lines.extend(list_lines("these stand in the way", story.refused.paths, cells))
    if report.error is not None and report.error.remedy != command:
        lines.extend(fact_lines((("next", report.error.remedy),), cells))
    return tuple(lines)


def _message(story: Story, report: RunReport, cells: int) -> tuple[Line, ...]:
    if not report.commit:
        return ()
    cards = (block for block in reversed(story.blocks) if isinstance(block, CommitCard))
    subject = next(
        (card.subject for card in cards if card.commit == report.commit and card.subject), ""
    )
    lines = [
        EMPTY,
        Line.of(Span("commit message", DIM)),
        *wrapped((Span(one_row(subject or title_of(report.goal)), STRONG),), cells),
    ]
    if report.verification is not None:
        pairs = trailers_for(report.session, report.base_commit or "", report.verification)
        for key, value in pairs:
            trailer = (Span(f"{key}: ", DIM), span(one_row(value)))
            lines.extend(wrapped(trailer, cells, rest="  "))
    return tuple(lines)


def _preflight(report: RunReport, cells: int) -> tuple[Line, ...]:
    findings = [
        f"{finding.severity.value}: {finding.kind.value} {finding.path} {finding.text}"
        for finding in report.findings
    ]
    failed = [
        f"task {task.id} {task.outcome}: {task.title}"
        for task in report.tasks
        if task.outcome != "done"
    ]
    return (
        *list_lines("found in the last look", findings, cells, style=WARN),
        *list_lines("not done", failed, cells, style=WARN),
        *list_lines("put off", report.deferred, cells),
        *list_lines("by hand", report.manual_steps, cells),
    )


def _files(files: Sequence[FileReport], cells: int) -> tuple[Line, ...]:
    if not files:
        return ()
    most = max((file.added or 0) + (file.removed or 0) for file in files)
    lines = [EMPTY, Line.of(Span(counted(len(files), "file"), DIM))]
    for file in files:
        name = Line.of(span(one_row(file.path))).fitted(max(8, cells - 26))
        figure = Span(f" {file_figure(file):>11} ", DIM)
        lines.append(name.plus(figure, *_signs(file, most)).clipped(cells))
    return tuple(lines)


def _signs(file: FileReport, most: int) -> tuple[Span, Span]:
    """Added and removed lines as lengths, on the scale of the file with the most."""
    scale = BAR / max(1, most)
    return (
        Span("■" * round((file.added or 0) * scale), ADDED),
        Span("■" * round((file.removed or 0) * scale), REMOVED),
    )


def _answer(report: RunReport, cells: int) -> tuple[Line, ...]:
    if not report.answer.strip():
        return ()
    said = markdown_lines(safe(report.answer), cells, done=True)
    return (EMPTY, Line.of(Span("what was built and how to try it", DIM)), *said)


def _cost(report: RunReport, cells: int) -> tuple[Line, ...]:
    money = "cost unknown" if report.cost_usd is None else f"${report.cost_usd:.4f}"
    usage = report.usage
    text = (
        f"{money} · {usage.requests} requests · ↑{short(usage.input_tokens)}"
        f" ↓{short(usage.output_tokens)} · {seconds(report.duration_s)} · session {report.session}"
    )
    return wrapped((span(text, DIM),), cells)
