"""A plan as lines: the whole of it, one task, and which tasks can run beside one another."""

from collections.abc import Mapping

from m31a.draw.line import EMPTY, Line, Span, span, wrapped
from m31a.draw.style import ACCENT, DIM, STRONG, WARN
from m31a.widgets.facts import fact_lines, list_lines, title_lines
from m31a.widgets.row_text import one_row, safe
from m31a_engine import Plan, PlannedTask
from m31a_engine.planning.plan import RunCriterion


def layers(plan: Plan) -> tuple[tuple[int, ...], ...]:
    """The tasks by how many others must come before: those of one layer can run at once."""
    depth: dict[int, int] = {}
    left = list(plan.tasks)
    while left:
        ready = [task for task in left if all(need in depth for need in _needs(task, plan))]
        for task in ready or left:  # a cycle is the engine's to refuse: show it all the same
            needs = _needs(task, plan)
            depth[task.id] = 1 + max((depth.get(need, 0) for need in needs), default=0)
        left = [task for task in left if task.id not in depth]
    deepest = max(depth.values(), default=0)
    return tuple(
        tuple(task.id for task in plan.tasks if depth[task.id] == level)
        for level in range(1, deepest + 1)
    )


def _needs(task: PlannedTask, plan: Plan) -> tuple[int, ...]:
    there = {each.id for each in plan.tasks}
    return tuple(need for need in task.dependencies if need in there and need != task.id)


def layer_of(plan: Plan) -> Mapping[int, int]:
    """The layer of each task, from 1."""
    return {task: level for level, tasks in enumerate(layers(plan), 1) for task in tasks}


def overview_lines(
    plan: Plan, version: int, problems: tuple[str, ...], cells: int
) -> tuple[Line, ...]:
    """Everything of a plan that is not one task's."""
    lines: list[Line] = [*title_lines(plan.title, cells, after=f"version {version}")]
    if plan.summary:
        lines.extend((EMPTY, *wrapped((span(safe(plan.summary)),), cells)))
    marked = (
        ("problem", problems),
        ("review", plan.review_required),
        ("open", plan.open_questions),
    )
    for name, texts in marked:
        for text in texts:
            mark = Span(f"┃ {name}  ", WARN)
            lines.extend(wrapped((span(safe(text)),), cells, first=mark, rest=Span("┃ ", WARN)))
    lines.extend(_layer_lines(plan, cells))
    lines.extend(list_lines("checks", plan.automated, cells))
    lines.extend(list_lines("by hand, never counted as passed", plan.manual, cells))
    return tuple(lines)


def _layer_lines(plan: Plan, cells: int) -> tuple[Line, ...]:
    lines = [EMPTY, Line.of(Span("what can run at once", DIM)).clipped(cells)]
    for level, tasks in enumerate(layers(plan), 1):
        head = Line.of(Span(f"L{level} ".ljust(4), ACCENT), Span("│ ", DIM))
        for task in tasks:
            text = (span(f"{task} {one_row(_title(plan, task))}"),)
            body = wrapped(text, max(8, cells - head.width), rest="  ")
            for line in body:
                lines.append(head.plus(*line.spans))
                head = Line.of("    ", Span("│ ", DIM))
        if level < len(layers(plan)):
            lines.append(Line.of(Span("    ▼", DIM)))
    return tuple(lines)


def _title(plan: Plan, task_id: int) -> str:
    task = plan.task(task_id)
    return task.description if task is not None else ""


def task_lines(plan: Plan, task: PlannedTask, cells: int) -> tuple[Line, ...]:
    """One task: what is to be done, where, after what, and when it counts as done."""
    unlocks = [each.id for each in plan.tasks if task.id in each.dependencies]
    lines: list[Line] = [
        *wrapped(
            (Span(safe(task.description), STRONG),),
            cells,
            first=Span(f"{task.id}  ", ACCENT),
            rest="   ",
        ),
        EMPTY,
        *fact_lines(
            (
                ("action", task.action),
                ("kind", task.category),
                ("needs", ", ".join(map(str, task.dependencies)) or "nothing"),
                ("unlocks", ", ".join(map(str, unlocks)) or "nothing"),
                ("layer", str(layer_of(plan).get(task.id, 1))),
            ),
            cells,
        ),
    ]
    files = [f"{file.action.value:7} {file.path}" for file in task.files]
    lines.extend(list_lines("files", files, cells))
    done = [
        f"`{each.command}` exits with 0" if isinstance(each, RunCriterion) else each.text
        for each in task.acceptance_criteria
    ]
    lines.extend(list_lines("done when", done, cells))
    return tuple(lines)


def plan_as_text(plan: Plan) -> str:
    """A plan as text, to be compared with another version of it."""
    rows = [plan.title, "", *plan.summary.splitlines()]
    for name, texts in (
        ("review", plan.review_required),
        ("open", plan.open_questions),
        ("check", plan.automated),
        ("by hand", plan.manual),
    ):
        rows.extend(f"{name}: {text}" for text in texts)
    for task in plan.tasks:
        rows.extend(("", f"{task.id} {task.description}"))
        if task.dependencies:
            rows.append(f"  needs {', '.join(map(str, task.dependencies))}")
        rows.extend(f"  {file.action.value} {file.path}" for file in task.files)
        for each in task.acceptance_criteria:
            what = f"`{each.command}`" if isinstance(each, RunCriterion) else each.text
            rows.append(f"  done when {what}")
    return "\n".join(rows) + "\n"
