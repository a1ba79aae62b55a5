"""Runs a graph: a task starts the moment it may, and every task gets exactly one outcome."""

from collections import deque
from collections.abc import Awaitable, Callable, Collection
from typing import Generic, TypeVar

import anyio
import anyio.abc
import anyio.lowlevel

from m31a_taskrunner.attempts import Attempts
from m31a_taskrunner.control import Control
from m31a_taskrunner.errors import StopRun, UnknownTask
from m31a_taskrunner.frontier import Frontier
from m31a_taskrunner.graph import TaskGraph
from m31a_taskrunner.outcome import (
    Cancelled,
    Change,
    Done,
    Failed,
    Outcome,
    Report,
    Skipped,
    TaskState,
    state_of,
)
from m31a_taskrunner.task import Task

P = TypeVar("P")
R = TypeVar("R")


async def run(
    graph: TaskGraph[P],
    work: Callable[[Task[P]], Awaitable[R]],
    limit: int = 4,
    heal: Callable[[Task[P], Exception, int], Awaitable[R | None]] | None = None,
    max_heals: int = 2,
    on_change: Callable[[Change], object] | None = None,
    *,
    control: Control | None = None,
    timeout_s: float | None = None,
    finished: Collection[str] = (),
) -> Report[R]:
    """A report with one outcome for each task of the graph, after all that can run has run.

    A task starts as soon as all it needs is done, none of its claims is held and fewer than
    `limit` run; among those that could, the first in plan order. When `work` raises, `heal` is
    called with the task, the error and the attempt from 1 to `max_heals`: returning means that
    the task is repaired (what it returns is the result), raising gives the next attempt the new
    error. A task that stays failed, is skipped or is cancelled takes along all that needs it; the
    rest goes on. `timeout_s` bounds the work and each healing attempt by itself. `finished` holds
    ids that were done in an earlier run. `on_change` is called in order and must not block; if it
    raises, the run ends with that error.

    Raises:
        StopRun: raised by `work` or `heal`, also from inside an exception group.
        UnknownTask: `finished` has an id that is not in the graph.
        ControlInUse: the control steers another run.
    """
    if limit < 1:
        raise ValueError(f"limit is {limit}; at least one task must be able to run")
    attempts = Attempts(work, heal, max_heals, timeout_s)
    execution = _Execution(graph, attempts, limit, on_change, control or Control())
    execution.count_as_done(finished)
    return await execution.run()


class _Execution(Generic[P, R]):
    """One run of one graph; tasks are known by their position in it."""

    def __init__(
        self,
        graph: TaskGraph[P],
        attempts: Attempts[P, R],
        limit: int,
        on_change: Callable[[Change], object] | None,
        control: Control,
    ) -> None:
        self._graph = graph
        self._attempts = attempts
        self._limit = limit
        self._on_change = on_change
        self._control = control
        self._frontier = Frontier(graph)
        self._outcomes: list[Outcome[R] | None] = [None] * len(graph.tasks)
        self._unsettled = len(graph.tasks)
        self._running: dict[int, anyio.CancelScope] = {}
        self._news = anyio.Event()
        self._fatal: Exception | None = None
        self._group: anyio.abc.TaskGroup

    def count_as_done(self, finished: Collection[str]) -> None:
        for task_id in dict.fromkeys(finished):
            position = self._graph.positions.get(task_id)
            if position is None:
                raise UnknownTask(task_id)
            self._outcomes[position] = Done(earlier=True)
            self._unsettled -= 1
            self._frontier.satisfy(position)

    async def run(self) -> Report[R]:
        began = anyio.current_time()
        with self._control.steering(self):
            async with anyio.create_task_group() as self._group:
                self._control.carry_out_earlier_requests(self)
                # Tasks are started here alone, so that each begins with the context variables of
                # whoever called `run`, not with those of the task that happened to end before it.
                while self._unsettled:
                    self._news = anyio.Event()
                    self._start_what_may()
                    await self._news.wait()
        outcomes = {
            task.id: outcome or Cancelled()
            for task, outcome in zip(self._graph.tasks, self._outcomes, strict=True)
        }
        report = Report(outcomes, anyio.current_time() - began)
        if isinstance(self._fatal, StopRun):
            self._fatal.report = report
        if self._fatal is not None:
            raise self._fatal
        return report

    def skip(self, task_id: str) -> bool:
        position = self._graph.positions.get(task_id, -1)
        if position < 0 or position in self._running or self._outcomes[position]:
            return False
        self._frontier.close(position)
        self._settle(position, Skipped("it was asked to be skipped"))
        return True

    def cancel(self, task_id: str) -> bool:
        position = self._graph.positions.get(task_id, -1)
        if position < 0 or self._outcomes[position]:
            return False
        if scope := self._running.get(position):
            scope.cancel()
        else:
            self._frontier.close(position)
            self._settle(position, Cancelled())
        return True

    def look_again(self) -> None:
        self._news.set()

    def _start_what_may(self) -> None:
        while len(self._running) < self._limit and not self._control.paused:
            position = self._frontier.take()
            if position is None:
                break
            self._running[position] = anyio.CancelScope()
            self._tell(position, TaskState.STARTED)
            self._group.start_soon(self._perform, position)

    async def _perform(self, position: int) -> None:
        began = anyio.current_time()
        scope = self._running[position]
        outcome: Outcome[R] | None = None

        def on_healing(error: str, attempt: int) -> None:
            self._tell(position, TaskState.HEALING, error, attempt)

        try:
            with scope:
                await anyio.lowlevel.checkpoint_if_cancelled()
                outcome = await self._attempts.make(self._graph.tasks[position], on_healing)
        except StopRun as exc:
            self._abort(exc)
        finally:
            del self._running[position]
            self._frontier.release(position)
            self._settle(
                position,
                outcome or Cancelled(anyio.current_time() - began),
                run_goes_on=outcome is not None or scope.cancelled_caught,
            )

    def _settle(self, position: int, outcome: Outcome[R], run_goes_on: bool = True) -> None:
        """Record how a task ended; while the run goes on, release or skip what needs it."""
        self._outcomes[position] = outcome
        self._unsettled -= 1
        self._news.set()
        match outcome:
            case Done():
                self._frontier.satisfy(position)
                self._tell(position, TaskState.DONE, attempt=outcome.heals)
            case Failed():
                self._tell(position, TaskState.FAILED, outcome.error, outcome.heals)
            case _:
                self._tell(position, state_of(outcome))
        if run_goes_on and not isinstance(outcome, Done):
            self._skip_dependants(position, state_of(outcome))

    def _skip_dependants(self, root: int, state: TaskState) -> None:
        """Give all that needs this task, directly or not, its outcome; they cannot have started."""
        root_id = self._graph.tasks[root].id
        verb = "failed" if state is TaskState.FAILED else f"was {state}"
        skipped: Skipped = Skipped(f"{root_id!r} {verb}", root_id)
        to_visit = deque([root])
        while to_visit:
            for position in self._graph.dependants[to_visit.popleft()]:
                if self._outcomes[position] is None:
                    self._outcomes[position] = skipped
                    self._unsettled -= 1
                    self._frontier.close(position)
                    self._tell(position, TaskState.SKIPPED, skipped.because)
                    to_visit.append(position)

    def _tell(self, position: int, state: TaskState, detail: str = "", attempt: int = 0) -> None:
        if self._on_change is None:
            return
        try:
            self._on_change(Change(self._graph.tasks[position].id, state, detail, attempt))
        except Exception as exc:
            # It may have come from inside a control's method: the run ends, not its caller.
            self._abort(exc)

    def _abort(self, error: Exception) -> None:
        if self._fatal is None:
            self._fatal = error
            self._group.cancel_scope.cancel()
