"""What can go wrong with a graph or a run, and the two exceptions a caller's functions may raise.

TaskRunnerError ── UnknownNeed(task, need) · Cycle(path) · DuplicateTask(id) · UnknownTask(id)
                   TaskTimedOut(task_id, timeout_s) · ControlInUse
Exception ──────── StopRun(report) · Unhealable     for `work` and `heal` to raise and to subclass
"""

from m31a_taskrunner.outcome import Report


class TaskRunnerError(Exception):
    """The root of what this package raises by itself."""


class UnknownNeed(TaskRunnerError):
    """A task needs one that is not in the graph."""

    def __init__(self, task: str, need: str) -> None:
        """Keep the id of the task and the id it names in vain."""
        super().__init__(f"task {task!r} needs {need!r}, which is not in the graph; add it")
        self.task = task
        self.need = need


class Cycle(TaskRunnerError):
    """Tasks need one another in a circle, so none of them could ever start."""

    def __init__(self, path: tuple[str, ...]) -> None:
        """Keep the circle: each id needs the one after it, and the last is the first again."""
        circle = " needs ".join(map(repr, path))
        super().__init__(f"tasks wait for one another: {circle}; remove one of these needs")
        self.path = path


class DuplicateTask(TaskRunnerError):
    """Two tasks have one id."""

    def __init__(self, id: str) -> None:  # noqa: A002  # the public name of a task's identity
        """Keep the id that occurs more than once."""
        super().__init__(f"more than one task is called {id!r}; ids must differ")
        self.id = id


class UnknownTask(TaskRunnerError):
    """An id was given as finished that is not in the graph."""

    def __init__(self, id: str) -> None:  # noqa: A002
        """Keep the id that no task has."""
        super().__init__(f"no task is called {id!r}; finished ids must be of this graph")
        self.id = id


class TaskTimedOut(TaskRunnerError):
    """One attempt at a task took longer than it may; `heal` sees this as the error."""

    def __init__(self, task_id: str, timeout_s: float) -> None:
        """Keep the task and the limit that it passed."""
        super().__init__(f"task {task_id!r} was stopped after its time limit of {timeout_s:g} s")
        self.task_id = task_id
        self.timeout_s = timeout_s


class ControlInUse(TaskRunnerError):
    """A control was given to a second run while its first is still going."""

    def __init__(self) -> None:
        """Say what to do instead."""
        super().__init__("this control already steers a run; give each run a control of its own")


class StopRun(Exception):
    """Raised by `work` or `heal` to end the whole run; subclass it to say why.

    No task starts after it, running ones are cancelled and waited for, and then `run` raises it
    again, the very same object.
    """

    report: Report[object] | None = None
    """How far the run had come, set when `run` raises this; tasks without an end are cancelled."""


class Unhealable(Exception):
    """Raised by `work` or `heal` when healing cannot help: the task fails at once."""
