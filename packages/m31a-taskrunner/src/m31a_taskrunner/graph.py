"""A checked graph of tasks: every need is known, no id occurs twice, nothing waits in a circle."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from m31a_taskrunner.errors import Cycle, DuplicateTask, UnknownNeed
from m31a_taskrunner.task import Task

P = TypeVar("P")


@dataclass(frozen=True, slots=True)
class TaskGraph(Generic[P]):
    """Tasks in plan order with their edges; made by `TaskGraph.of`, which checks them."""

    tasks: tuple[Task[P], ...]
    """In plan order, which is the order given and decides between tasks that could both start."""
    positions: Mapping[str, int] = field(repr=False, compare=False)
    """Where in `tasks` the task with an id stands."""
    dependants: Sequence[Sequence[int]] = field(repr=False, compare=False)
    """For each position, the positions of the tasks that need it, in plan order."""
    depths: Sequence[int] = field(repr=False, compare=False)
    """For each position, how many tasks stand one after another before it; 0 without needs."""

    @classmethod
    def of(cls, tasks: Iterable[Task[P]]) -> "TaskGraph[P]":
        """A graph of these tasks, in time linear in tasks and needs.

        Raises:
            DuplicateTask: two tasks have one id.
            UnknownNeed: a task needs an id that no task has.
            Cycle: tasks need one another in a circle; the error has the path.
        """
        plan = tuple(tasks)
        positions = {task.id: position for position, task in enumerate(plan)}
        if len(positions) != len(plan):
            raise DuplicateTask(_first_repeated(task.id for task in plan))
        dependants: list[list[int]] = [[] for _ in plan]
        for position, task in enumerate(plan):
            try:
                for need in task.needs:
                    dependants[positions[need]].append(position)
            except KeyError as exc:
                unknown = min(need for need in task.needs if need not in positions)
                raise UnknownNeed(task.id, unknown) from exc
        missing = [len(task.needs) for task in plan]
        depths = _depths(dependants, missing)
        if any(missing):
            raise Cycle(tuple(plan[position].id for position in _circle(plan, positions, missing)))
        return cls(plan, positions, dependants, depths)


def _depths(dependants: Sequence[Sequence[int]], missing: list[int]) -> list[int]:
    """How deep each task stands; `missing` counts down to what is still unmet at the end."""
    depths = [0] * len(missing)
    order = [position for position, count in enumerate(missing) if not count]
    for position in order:  # the list grows while it is walked
        below = depths[position] + 1
        for dependant in dependants[position]:
            missing[dependant] -= 1
            if not missing[dependant]:
                depths[dependant] = below
                order.append(dependant)
    return depths


def _circle(
    plan: Sequence[Task[P]], positions: Mapping[str, int], missing: Sequence[int]
) -> list[int]:
    """One circle, found by following needs that were never met; it ends where it begins."""
    step_of: dict[int, int] = {}
    path: list[int] = []
    here = next(position for position, count in enumerate(missing) if count)
    while here not in step_of:
        step_of[here] = len(path)
        path.append(here)
        needs = (positions[need] for need in plan[here].needs)
        here = min(need for need in needs if missing[need])
    return [*path[step_of[here] :], here]


def _first_repeated(ids: Iterable[str]) -> str:
    seen: set[str] = set()
    return next(id_ for id_ in ids if id_ in seen or seen.add(id_))  # type: ignore[func-returns-value]
