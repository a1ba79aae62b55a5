"""Which task may start next: needs, claims and plan order, as plain values without any async.

`schedule` and `run` both ask a `Frontier`, so what people are shown and what happens agree.
"""

from heapq import heapify, heappop, heappush
from typing import Generic, TypeVar

from m31a_taskrunner.graph import TaskGraph

P = TypeVar("P")


class Frontier(Generic[P]):
    """The moving edge between what is done and what is not; tasks are known by their position.

    `take` always answers as if it had looked through all startable tasks in plan order. A task
    that finds a claim held waits with that claim and is looked at again when the claim is free,
    so a long queue for one claim costs nothing while others start.
    """

    def __init__(self, graph: TaskGraph[P]) -> None:
        """Begin with nothing done and nothing held."""
        self._graph = graph
        self._missing = [len(task.needs) for task in graph.tasks]
        self._closed = bytearray(len(graph.tasks))
        self._ready = [position for position, count in enumerate(self._missing) if not count]
        self._held: set[str] = set()
        self._waiting: dict[str, list[int]] = {}
        heapify(self._ready)

    def take(self) -> int | None:
        """The first task in plan order that may start, its claims now held; None if none may."""
        while self._ready:
            position = heappop(self._ready)
            claims = self._graph.tasks[position].claims
            if self._closed[position]:
                self._offer(claims)
            elif self._held.isdisjoint(claims):
                self._held |= claims
                self._closed[position] = True
                return position
            else:
                blocking = next(claim for claim in claims if claim in self._held)
                heappush(self._waiting.setdefault(blocking, []), position)
                self._offer(claims)
        return None

    def release(self, position: int) -> None:
        """Give back the claims of a task that was taken and has ended, well or badly."""
        claims = self._graph.tasks[position].claims
        self._held -= claims
        self._offer(claims)

    def satisfy(self, position: int) -> None:
        """Count a task as done: it will not be taken, and what needs it comes closer."""
        self._closed[position] = True
        for dependant in self._graph.dependants[position]:
            self._missing[dependant] -= 1
            if not self._missing[dependant]:
                heappush(self._ready, dependant)

    def close(self, position: int) -> None:
        """Never take this task."""
        self._closed[position] = True

    def _offer(self, claims: frozenset[str]) -> None:
        """Bring back the first task waiting for each of these claims that is free.

        A free claim that somebody waits for always has one of them among the ready; whoever
        leaves that place without taking the claim passes it on here.
        """
        for claim in claims:
            if claim not in self._held and (queue := self._waiting.get(claim)):
                heappush(self._ready, heappop(queue))
