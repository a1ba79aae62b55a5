"""The tasks of a run, planned and begun, across the waves of a large goal."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from m31a.draw.line import Line, Span, span
from m31a.draw.style import ACCENT, DIM, ERR, OK, WARN, Style
from m31a.story.blocks import Block, PlanCard, Said, TaskMark, Thought, ToolCard
from m31a.story.story import Story
from m31a.widgets.row_text import one_row, seconds
from m31a_engine import FileDiff, PlannedTask

GLYPHS: dict[str, tuple[str, Style]] = {
    "done": ("✓", OK),
    "failed": ("✗", ERR),
    "skipped": ("–", DIM),
    "cancelled": ("⊘", WARN),
    "waiting": ("?", WARN),
}


@dataclass(frozen=True, slots=True)
class TaskRow:
    """A task: its number in the run, its wave from 1, what was planned, what became of it."""

    task_id: int
    wave: int
    title: str
    planned: PlannedTask | None = None
    needs: tuple[int, ...] = ()
    mark: TaskMark | None = None

    @property
    def ended(self) -> bool:
        """Whether it is over."""
        return self.mark is not None and bool(self.mark.outcome)


@dataclass(frozen=True, slots=True)
class _Wave:
    number: int
    offset: int
    tasks: tuple[PlannedTask, ...]


def task_rows(story: Story) -> tuple[TaskRow, ...]:
    """Every task in the order of its number.

    A plan drafted after tasks began is the next wave of a large goal: its numbers go on where
    those of the waves before have stopped.
    """
    rows: dict[int, TaskRow] = {}
    for wave in _waves(story.blocks):
        for task in wave.tasks:
            task_id = task.id + wave.offset
            needs = tuple(need + wave.offset for need in task.dependencies)
            rows[task_id] = TaskRow(task_id, wave.number, task.description, task, needs)
    for mark in story.tasks:
        known = rows.get(mark.task_id, TaskRow(mark.task_id, 1, mark.title))
        rows[mark.task_id] = replace(known, mark=mark, title=known.title or mark.title)
    return tuple(rows[task_id] for task_id in sorted(rows))


def _waves(blocks: Sequence[Block]) -> list[_Wave]:
    waves: list[_Wave] = []
    begun = False
    for block in blocks:
        match block:
            case TaskMark():
                begun = True
            case PlanCard(plan=plan) if begun or not waves:
                ids = (task.id + each.offset for each in waves for task in each.tasks)
                last = max(ids, default=0)
                waves.append(_Wave(len(waves) + 1, last, plan.tasks))
                begun = False
            case PlanCard(plan=plan):
                waves[-1] = replace(waves[-1], tasks=plan.tasks)
            case _:
                continue
    return waves


def task_line(row: TaskRow, now_s: float, cells: int) -> Line:
    """A task on one line: state, number, title; on the right time and tries at mending it."""
    mark = row.mark
    glyph, style = ("○", DIM)
    facts = ""
    if mark is not None:
        glyph, style = GLYPHS.get(mark.outcome, ("◐", ACCENT))
        if mark.outcome:
            facts = seconds(mark.elapsed_s)
        elif mark.began_s is not None:
            facts = seconds(now_s - mark.began_s)
        if mark.heals:
            facts = f"{facts} heal {mark.heals}".strip()
    elif row.needs:
        facts = f"after {', '.join(map(str, row.needs))}"
    word = mark.outcome if mark is not None and mark.outcome not in {"", "done"} else ""
    right = Line.of(
        Span(f"  {word}" if word else "", style), Span(f"  {facts}" if facts else "", DIM)
    )
    left = Line.of(
        Span(f"{glyph} ", style), Span(f"{row.task_id:>2} ", DIM), span(one_row(row.title))
    )
    return left.fitted(max(12, cells - right.width)).plus(*right.spans).clipped(cells)


def belongs(conversation: str, task_id: int) -> bool:
    """Whether a conversation is a task's."""
    return conversation.endswith(f"/task-{task_id}") or f"/task-{task_id}/" in conversation


def task_blocks(blocks: Iterable[Block], task_id: int) -> tuple[Block, ...]:
    """What was said and done in a task."""
    return tuple(
        block
        for block in blocks
        if isinstance(block, Said | Thought | ToolCard) and belongs(block.conversation, task_id)
    )


def touched(blocks: Iterable[Block], task_id: int) -> tuple[str, ...]:
    """The files that a task's tools have changed, with how much."""
    sums: dict[str, tuple[int, int]] = {}
    for block in blocks:
        if (
            isinstance(block, ToolCard)
            and belongs(block.conversation, task_id)
            and isinstance(block.display, FileDiff)
            and not block.is_error
        ):
            added, removed = sums.get(block.display.path, (0, 0))
            sums[block.display.path] = (
                added + block.display.added,
                removed + block.display.removed,
            )
    return tuple(f"{path} +{added} -{removed}" for path, (added, removed) in sums.items())
