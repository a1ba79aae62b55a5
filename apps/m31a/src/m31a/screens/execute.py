"""The tasks at work: their state, what the chosen one does now, and every way to steer them."""

from dataclasses import dataclass, replace

from m31a.draw.frame import Point, Size, View, fill
from m31a.draw.line import EMPTY, Line, Span
from m31a.draw.style import BORDER, DIM, WARN
from m31a.program.effects import SendCommand, Toast
from m31a.program.keymap import KeyTable, bind
from m31a.program.messages import Message, Pasted, Pressed, Told, Typed
from m31a.program.scene import Scene
from m31a.program.screen import Push, Screen, Step
from m31a.story.blocks import ToolCard
from m31a.widgets import field, transcript
from m31a.widgets.browse import GAP, panes
from m31a.widgets.charts import progress
from m31a.widgets.draft import BLANK, Draft
from m31a.widgets.editor import applied, typed
from m31a.widgets.facts import note_lines
from m31a.widgets.field import field_view
from m31a.widgets.listing import listing_lines, moved
from m31a.widgets.row_text import one_row
from m31a.widgets.task_rows import TaskRow, task_blocks, task_line, task_rows, touched
from m31a.widgets.transcript import FOLLOW, Scroll, scroll_applied, transcript_lines
from m31a_engine import (
    CancelTask,
    Continue,
    HealTask,
    Pause,
    SkipTask,
    Steer,
    TaskEnded,
    TaskStarted,
)

LOOK: KeyTable = (
    bind("list.up", "up, k", "the task above"),
    bind("list.down", "down, j", "the task below"),
    bind("execute.pause", "p", "pause, continue", hint=True),
    bind("execute.tell", "t", "tell it something", hint=True),
    bind("execute.tell_all", "T", "tell all of them something"),
    bind("execute.skip", "s", "skip it", hint=True),
    bind("execute.cancel", "c", "cancel it", hint=True),
    bind("execute.heal", "h", "work on it again", hint=True),
    bind("execute.diff", "d", "what has changed so far"),
    bind("execute.tools", "o", "its last tool call in full"),
    *transcript.KEYS,
    bind("app.back", "escape, q", "back", hint=True),
)
TELLING: KeyTable = (
    bind("execute.send", "enter", "tell it", hint=True),
    bind("execute.drop", "escape", "back", hint=True),
    *field.KEYS,
)
HEAD_ROWS = 2
ROOMY = 8
"""Rows from which on a blank one sets the facts of a task apart."""


@dataclass(frozen=True, slots=True)
class Execute:
    """The chosen task, and what is being said to it."""

    at: int = 0
    chosen: bool = False
    """Whether a person chose; until then the newest task is followed."""
    scroll: Scroll = FOLLOW
    paused: bool = False
    telling: Draft | None = None
    to_all: bool = False


class ExecuteScreen(Screen[Execute]):
    """Follows the task that began last until another is chosen."""

    id = "execute"
    title = "execute"

    def init(self, argument: object, scene: Scene) -> Step[Execute]:
        """At the task that works now."""
        return Step(_following(Execute(), scene))

    def keys(self, state: Execute) -> KeyTable:
        """Steer, or write what is to be said."""
        return LOOK if state.telling is None else TELLING

    def wake_s(self, state: Execute, scene: Scene) -> float | None:
        """Elapsed times move."""
        return 1.0 if scene.story.running else None

    def update(self, state: Execute, message: Message, scene: Scene) -> Step[Execute]:
        """Steer, look, or write."""
        match message:
            case Told(envelope=envelope):
                return Step(_told(state, envelope.event, scene))
            case Pressed(action=action) if state.telling is not None:
                return _telling(state, state.telling, action, scene)
            case Pressed(action=action):
                return _pressed(state, action, scene)
            case Typed(key=key) if state.telling is not None:
                return Step(replace(state, telling=typed(state.telling, key.text)))
            case Pasted(paste=paste) if state.telling is not None:
                return Step(replace(state, telling=field.pasted(state.telling, paste.text)))
            case _:
                return Step(state)

    def view(self, state: Execute, size: Size, scene: Scene) -> View:
        """Progress, the tasks, and the chosen one's conversation."""
        rows = task_rows(scene.story)
        if not rows:
            text = "No tasks yet: they stand here as soon as there is a plan or a task has begun."
            return View(fill(note_lines(text, size.width), size))
        foot = 0 if state.telling is None else 1
        head = (_progress(rows, state, size.width), EMPTY)[: HEAD_ROWS if size.height > 9 else 1]
        body = Size(size.width, max(1, size.height - len(head) - foot))
        lines = (*head, *_body(state, rows, body, scene))
        if state.telling is None:
            return View(fill(lines, size))
        whom = "all" if state.to_all else f"task {rows[_place(state, rows)].task_id}"
        told = field_view(
            f" to {whom}: ", state.telling, size.width, placeholder="what should it know?"
        )
        at = Point(told.cursor, size.height - 1) if told.cursor is not None else None
        shown = fill(lines, Size(size.width, max(1, size.height - 1)))
        return View((*shown, told.line), at)


def _progress(rows: tuple[TaskRow, ...], state: Execute, cells: int) -> Line:
    done = sum(1 for row in rows if row.mark is not None and row.mark.outcome == "done")
    failed = sum(1 for row in rows if row.mark is not None and row.mark.outcome == "failed")
    waves = max(row.wave for row in rows)
    bar = progress(done, len(rows), max(10, min(30, cells // 3)))
    return Line.of(
        " ",
        *bar.spans,
        Span(" done", DIM),
        Span(f"  ✗ {failed} failed" if failed else "", WARN),
        Span(f"  wave {waves}" if waves > 1 else "", DIM),
        Span("  paused" if state.paused else "", WARN),
    ).clipped(cells)


def _body(state: Execute, rows: tuple[TaskRow, ...], size: Size, scene: Scene) -> tuple[Line, ...]:
    area = panes(size, len(rows))
    at = _place(state, rows)
    cells = area.rows.width - 2
    listed = listing_lines([task_line(row, scene.now_s, cells) for row in rows], at, area.rows)
    title = _title(rows[at], scene, area.detail.width)
    if title and area.detail.height > ROOMY:
        title = (*title, EMPTY)
    height = max(1, area.detail.height - len(title))
    blocks = task_blocks(scene.story.blocks, rows[at].task_id)
    text = (
        *title,
        *(
            transcript_lines(blocks, state.scroll, Size(area.detail.width, height))
            if blocks
            else fill((_idle(rows[at], rows),), Size(area.detail.width, height))
        ),
    )
    if not area.wide:
        return (*listed, Line.of(Span("─" * size.width, BORDER)), *text)
    bar = Span(GAP, BORDER)
    return tuple(
        line.fitted(area.rows.width).plus(bar, *other.spans)
        for line, other in zip(listed, text, strict=False)
    )


def _title(row: TaskRow, scene: Scene, cells: int) -> tuple[Line, ...]:
    """What the task touches, and why it ended as it did."""
    lines: list[Line] = []
    files = touched(scene.story.blocks, row.task_id) or (
        tuple(f"{each.path} (planned)" for each in row.planned.files) if row.planned else ()
    )
    if files:
        lines.append(Line.of(Span(one_row(", ".join(files)), DIM)).clipped(cells))
    if row.mark is not None and row.mark.reason:
        lines.append(Line.of(Span(one_row(row.mark.reason), WARN)).clipped(cells))
    return tuple(lines)


def _idle(row: TaskRow, rows: tuple[TaskRow, ...]) -> Line:
    ended = {each.task_id for each in rows if each.ended}
    waits = [str(need) for need in row.needs if need not in ended]
    if row.mark is not None:
        text = "nothing was said" if row.ended else "at work: nothing was said yet"
    else:
        text = f"waits for task {', '.join(waits)}" if waits else "has not begun"
    return Line.of(Span(text, DIM))


def _place(state: Execute, rows: tuple[TaskRow, ...]) -> int:
    return min(state.at, len(rows) - 1)


def _following(state: Execute, scene: Scene) -> Execute:
    """At the newest task that works, unless a person has chosen one."""
    if state.chosen:
        return state
    rows = task_rows(scene.story)
    begun = {
        place: row.mark.began_s or 0.0
        for place, row in enumerate(rows)
        if row.mark is not None and not row.ended
    }
    newest = max(begun, key=lambda place: (begun[place], place), default=state.at)
    return replace(state, at=newest)


def _told(state: Execute, event: object, scene: Scene) -> Execute:
    match event:
        case TaskStarted() | TaskEnded():
            return _following(state, scene)
        case _:
            return state


def _pressed(state: Execute, action: str, scene: Scene) -> Step[Execute]:
    rows = task_rows(scene.story)
    at = moved(action, state.at, len(rows))
    if at is not None:
        return Step(replace(state, at=at, chosen=True, scroll=FOLLOW))
    if not rows:
        return Step(state)
    row = rows[_place(state, rows)]
    match action:
        case "execute.diff":
            return Step(state, nav=Push("diff"))
        case "execute.tools":
            cards = [
                block
                for block in task_blocks(scene.story.blocks, row.task_id)
                if isinstance(block, ToolCard)
            ]
            if not cards:
                return Step(state, (Toast("it has called no tool yet"),))
            return Step(state, nav=Push("tool_detail", cards[-1]))
        case _ if action.startswith("execute."):
            return _steered(state, row, action, scene)
        case _:
            area = panes(Size(scene.size.width, max(1, scene.size.height - HEAD_ROWS)), len(rows))
            blocks = task_blocks(scene.story.blocks, row.task_id)
            scrolled = scroll_applied(blocks, state.scroll, area.detail, action)
            return Step(state if scrolled is None else replace(state, scroll=scrolled))


def _steered(state: Execute, row: TaskRow, action: str, scene: Scene) -> Step[Execute]:
    if not scene.story.running:
        return Step(state, (Toast("nothing is running", "warn"),))
    name, task_id = f"task {row.task_id}", row.task_id
    match action:
        case "execute.pause" if state.paused:
            return Step(replace(state, paused=False), (SendCommand(Continue()), Toast("going on")))
        case "execute.pause":
            said = Toast("paused: no further task starts; those at work go on")
            return Step(replace(state, paused=True), (SendCommand(Pause()), said))
        case "execute.tell" | "execute.tell_all":
            return Step(replace(state, telling=BLANK, to_all=action == "execute.tell_all"))
        case "execute.skip" if row.mark is not None:
            return Step(state, (Toast(f"{name} has begun: c cancels it", "warn"),))
        case "execute.skip":
            return Step(state, (SendCommand(SkipTask(task_id=task_id)), Toast(f"{name} skipped")))
        case "execute.cancel" if row.ended or row.mark is None:
            return Step(state, (Toast(f"{name} is not at work", "warn"),))
        case "execute.cancel":
            done = (SendCommand(CancelTask(task_id=task_id)), Toast(f"stopping {name}"))
            return Step(state, done)
        case "execute.heal" if not row.ended:
            return Step(state, (Toast(f"{name} has not ended yet", "warn"),))
        case "execute.heal":
            again = Toast(f"{name} is worked on again when the others have ended")
            return Step(state, (SendCommand(HealTask(task_id=task_id)), again))
        case _:
            return Step(state)


def _telling(state: Execute, draft: Draft, action: str, scene: Scene) -> Step[Execute]:
    rows = task_rows(scene.story)
    match action:
        case "execute.drop":
            return Step(replace(state, telling=None))
        case "execute.send" if draft.whole.strip() and rows:
            task_id = None if state.to_all else rows[_place(state, rows)].task_id
            command = Steer(text=draft.whole.strip(), task_id=task_id)
            told = Toast("told: it is heard with the next request")
            return Step(replace(state, telling=None), (SendCommand(command), told))
        case "execute.send":
            return Step(replace(state, telling=None))
        case _:
            return Step(replace(state, telling=applied(draft, action) or draft))
