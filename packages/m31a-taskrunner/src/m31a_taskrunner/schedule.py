"""The graph as waves, for people to look at; `run` itself does not wait for waves to end."""

from dataclasses import dataclass
from typing import Generic, TypeVar

from m31a_taskrunner.frontier import Frontier
from m31a_taskrunner.graph import TaskGraph
from m31a_taskrunner.task import Task

P = TypeVar("P")


@dataclass(frozen=True, slots=True)
class Wave(Generic[P]):
    """Tasks that may run at the same time, in plan order."""

    tasks: tuple[Task[P], ...]

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of the tasks."""
        return tuple(task.id for task in self.tasks)


def schedule(graph: TaskGraph[P]) -> tuple[Wave[P], ...]:
    """Waves that may run one after another, each safe to run at once.

    Without claims these are the groups of Kahn's algorithm: each task stands in the first wave
    after all it needs. Tasks with a claim in common never share a wave.
    """
    if not any(task.claims for task in graph.tasks):
        return _by_depth(graph)
    frontier = Frontier(graph)
    waves: list[Wave[P]] = []
    while positions := list(iter(frontier.take, None)):
        waves.append(Wave(tuple(graph.tasks[position] for position in positions)))
        for position in positions:
            frontier.release(position)
            frontier.satisfy(position)
    return tuple(waves)


def _by_depth(graph: TaskGraph[P]) -> tuple[Wave[P], ...]:
    """The waves of a graph without claims, which the graph knows already."""
    groups: list[list[Task[P]]] = [[] for _ in range(max(graph.depths, default=-1) + 1)]
    for task, depth in zip(graph.tasks, graph.depths, strict=True):
        groups[depth].append(task)
    return tuple(Wave(tuple(group)) for group in groups)
