"""One task from its first attempt to an outcome: work, then healing, each under the time limit."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Generic, TypeVar

import anyio
import anyio.lowlevel

from m31a_taskrunner.errors import StopRun, TaskTimedOut, Unhealable
from m31a_taskrunner.outcome import Done, Failed
from m31a_taskrunner.task import Task

P = TypeVar("P")
R = TypeVar("R")
E = TypeVar("E", bound=Exception)


@dataclass(frozen=True, slots=True)
class Attempts(Generic[P, R]):
    """How a task is tried: the caller's two functions and how often and long they may run."""

    work: Callable[[Task[P]], Awaitable[R]]
    heal: Callable[[Task[P], Exception, int], Awaitable[R | None]] | None
    max_heals: int
    timeout_s: float | None

    async def make(self, task: Task[P], on_healing: Callable[[str, int], None]) -> Done[R] | Failed:
        """Done as soon as one attempt returns, Failed when no further one can be made.

        `on_healing` is told the error and the number of each healing attempt before it begins.

        Raises:
            StopRun: an attempt raised it, bare or in an exception group.
        """
        began = anyio.current_time()
        heals = 0
        attempt: Callable[[], Awaitable[R | None]] = partial(self.work, task)
        while True:
            try:
                result = await self._in_time(task.id, attempt)
            except Exception as exc:
                error = exc
            else:
                return Done(result, heals, anyio.current_time() - began)
            if stop := _first(StopRun, error):
                raise stop
            if self.heal is None or heals == self.max_heals or _first(Unhealable, error):
                return Failed(describe(error), heals, anyio.current_time() - began)
            await anyio.lowlevel.checkpoint_if_cancelled()
            heals += 1
            on_healing(describe(error), heals)
            attempt = partial(self.heal, task, error, heals)

    async def _in_time(self, task_id: str, attempt: Callable[[], Awaitable[R | None]]) -> R | None:
        if self.timeout_s is None:
            return await attempt()
        with anyio.move_on_after(self.timeout_s):
            return await attempt()
        raise TaskTimedOut(task_id, self.timeout_s)


def describe(error: BaseException) -> str:
    """Type and message of an error in one text; of a group, those of what is in it."""
    if isinstance(error, BaseExceptionGroup):
        return "; ".join(describe(inner) for inner in error.exceptions)
    message = str(error)
    return f"{type(error).__name__}: {message}" if message else type(error).__name__


def _first(kind: type[E], error: BaseException) -> E | None:
    """The error itself, or the first one in its groups, that is of this kind."""
    if isinstance(error, kind):
        return error
    if isinstance(error, BaseExceptionGroup):
        return next((found for inner in error.exceptions if (found := _first(kind, inner))), None)
    return None
