"""The hands on a run in progress: pause, proceed, skip and cancel."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from m31a_taskrunner.errors import ControlInUse


class Steerable(Protocol):
    """What a run offers its control."""

    def skip(self, task_id: str) -> bool:
        """Never start this task; False if it is unknown or has started."""
        ...

    def cancel(self, task_id: str) -> bool:
        """Stop this task; False if it is unknown or has ended."""
        ...

    def look_again(self) -> None:
        """Consider anew what may start."""
        ...


class Control:
    """Steers one run at a time; call it from the event loop's own thread.

    Requests made before the run begins are carried out when it does. A control can be used again
    after its run has ended; a pause then still holds until `proceed`.
    """

    def __init__(self) -> None:
        """Begin with nothing asked for."""
        self._paused = False
        self._run: Steerable | None = None
        self._skip_first: dict[str, None] = {}
        self._cancel_first: dict[str, None] = {}

    @property
    def paused(self) -> bool:
        """Whether new tasks are held back."""
        return self._paused

    def pause(self) -> None:
        """Start no further task; those that run go on to their end."""
        self._paused = True

    def proceed(self) -> None:
        """Start tasks again."""
        self._paused = False
        if self._run is not None:
            self._run.look_again()

    def skip(self, task_id: str) -> bool:
        """Never start this task, and skip what needs it.

        False if it came too late (the task has started or ended) or the id is unknown.
        """
        if self._run is not None:
            return self._run.skip(task_id)
        self._skip_first[task_id] = None
        return True

    def cancel(self, task_id: str) -> bool:
        """Stop this task if it runs, keep it from starting if not, and skip what needs it.

        False if it has ended already or the id is unknown. A task that ends well in spite of the
        request counts as done.
        """
        if self._run is not None:
            return self._run.cancel(task_id)
        self._cancel_first[task_id] = None
        return True

    @contextmanager
    def steering(self, run: Steerable) -> Iterator[None]:
        """Speak to this run for as long as the block lasts; raises ControlInUse if taken."""
        if self._run is not None:
            raise ControlInUse
        self._run = run
        try:
            yield
        finally:
            self._run = None

    def carry_out_earlier_requests(self, run: Steerable) -> None:
        """Ask this run for what was asked before there was one."""
        for task_id in self._skip_first:
            run.skip(task_id)
        for task_id in self._cancel_first:
            run.cancel(task_id)
        self._skip_first.clear()
        self._cancel_first.clear()
