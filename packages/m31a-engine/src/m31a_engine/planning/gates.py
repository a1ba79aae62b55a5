"""Whether a plan that can be read may be carried out."""

import re
from collections.abc import Iterator

import msgspec

from m31a_engine.planning.plan import FileAction, Plan, PlannedTask
from m31a_engine.planning.tasks import graph_of
from m31a_taskrunner import TaskRunnerError

_MANY_FILES = 3
_MANY_WORDS = 80
_GOAL_WORDS = 8
_STEM = 5
_COMMON = re.compile(
    r"(?:about|after|also|back|been|before|code|could|does|each|every|files?|from|have|into|just"
    r"|like|make|many|more|most|much|must|need|only|other|please|project|same|should|some|such"
    r"|than|that|their|them|then|there|these|they|this|those|users?|uses|using|very|want|what"
    r"|when|where|which|while|will|without|with|would|work|your)"
)


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """Something about a plan the model should mend, or a person should know."""

    blocking: bool
    text: str


def check_plan(plan: Plan, goal: str) -> tuple[Problem, ...]:
    """What is wrong with a plan for this goal, blocking problems first."""
    blocking = [*_incomplete(plan), *_out_of_order(plan)]
    warnings = [*_oversized(plan), *_without_task(plan), *_created_twice(plan), *_gaps(plan, goal)]
    return (
        *(Problem(blocking=True, text=text) for text in blocking),
        *(Problem(blocking=False, text=text) for text in warnings),
    )


def _incomplete(plan: Plan) -> Iterator[str]:
    for task in plan.tasks:
        if not task.acceptance_criteria:
            yield f"Task {task.id} has no acceptance criteria: nothing would show that it is done."
        if not task.files:
            yield f"Task {task.id} names no files: say which it creates, modifies or deletes."


def _out_of_order(plan: Plan) -> Iterator[str]:
    """Tasks that need what another makes, or change what another took away, out of order."""
    try:
        before = _ancestors(plan)
    except TaskRunnerError as exc:
        yield f"The tasks' dependencies cannot be followed: {exc}."
        return
    for path in sorted(plan.paths):
        touching = [(task, action) for task in plan.tasks if (action := _action(task, path))]
        makers = {task.id for task, action in touching if action is FileAction.CREATE}
        removers = {task.id for task, action in touching if action is FileAction.DELETE}
        for task, action in touching:
            if action is not FileAction.MODIFY:
                continue
            if makers and not makers & before[task.id]:
                yield (
                    f"Task {task.id} modifies {path}, which task {min(makers)} creates:"
                    f" let it depend on {min(makers)}."
                )
            if removers & before[task.id] and not makers:
                yield f"Task {task.id} modifies {path}, which task {min(removers)} deletes before."


def _action(task: PlannedTask, path: str) -> FileAction | None:
    return next((file.action for file in task.files if file.path == path), None)


def _ancestors(plan: Plan) -> dict[int, frozenset[int]]:
    """Task → all tasks that end before it begins.

    Raises: TaskRunnerError.
    """
    graph = graph_of(plan.tasks)
    found: dict[int, frozenset[int]] = {}
    for _, task in sorted(zip(graph.depths, plan.tasks, strict=True), key=lambda pair: pair[0]):
        direct = task.dependencies
        found[task.id] = frozenset(direct).union(*(found[need] for need in direct))
    return found


def _oversized(plan: Plan) -> Iterator[str]:
    for task in plan.tasks:
        if len(task.files) > _MANY_FILES:
            yield f"Task {task.id} touches {len(task.files)} files: it may be worth splitting."
        elif len(task.description.split()) > _MANY_WORDS:
            words = f"over {_MANY_WORDS} words"
            yield f"Task {task.id} is described in {words}: it may be worth splitting."


def _without_task(plan: Plan) -> Iterator[str]:
    for path in dict.fromkeys(change.path for change in plan.changes):
        if path not in plan.paths:
            yield f"{path} stands under Proposed Changes, but no task names it."


def _created_twice(plan: Plan) -> Iterator[str]:
    for path in sorted(plan.paths):
        makers = [task.id for task in plan.tasks if _action(task, path) is FileAction.CREATE]
        if len(makers) > 1:
            yield f"{path} is created by tasks {' and '.join(map(str, makers))}."


def _gaps(plan: Plan, goal: str) -> Iterator[str]:
    """Parts of the goal of which no word occurs in the plan's own words."""
    text = _text_of(plan)
    missing = [word for word in _goal_words(goal)[:_GOAL_WORDS] if word[:_STEM] not in text]
    if missing:
        yield f"The plan does not mention: {', '.join(missing)}."
    for part in re.findall(r"^[ \t]*(?:[-*•]|\d{1,3}[.)])[ \t]+(\S.*)$", goal, re.MULTILINE):
        words = _goal_words(part)
        if words and not any(word[:_STEM] in text for word in words):
            yield f"No task seems to cover this part of the goal: {part.strip()[:120]}"


def _goal_words(text: str) -> list[str]:
    words = (word.lower() for word in re.findall(r"[^\W_]\w{3,}", text))
    return list(dict.fromkeys(word for word in words if not _COMMON.fullmatch(word)))


def _text_of(plan: Plan) -> str:
    parts = [plan.title, plan.summary, *(change.text for change in plan.changes), *plan.paths]
    for task in plan.tasks:
        parts += [task.description, task.category, *map(str, task.acceptance_criteria)]
    return "\n".join(parts).lower()
