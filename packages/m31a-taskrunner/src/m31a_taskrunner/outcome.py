"""How tasks end, what is told while they run, and the report of a whole run."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Generic, TypeVar, assert_never

R_co = TypeVar("R_co", covariant=True)


class TaskState(StrEnum):
    """What a task has come to."""

    STARTED = "started"
    HEALING = "healing"
    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Change:
    """A task came to a new state; what `on_change` is given."""

    task_id: str
    state: TaskState
    detail: str = ""
    """The error when healing or failed, the reason when skipped, else empty."""
    attempt: int = 0
    """Which healing attempt begins, from 1, when healing; else how many there were."""


@dataclass(frozen=True, slots=True)
class Done(Generic[R_co]):
    """The task's work, or the healing after it, returned."""

    result: R_co | None = None
    heals: int = 0
    """Healing attempts used; 0 means that the work itself succeeded."""
    elapsed_s: float = 0.0
    """Wall time, healing included."""
    earlier: bool = False
    """It was done before this run began and was not run again."""


@dataclass(frozen=True, slots=True)
class Failed:
    """The work failed and no healing attempt repaired it."""

    error: str
    """Type and message of the last error."""
    heals: int = 0
    elapsed_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Skipped:
    """The task was never started."""

    because: str
    """The reason as a sentence part, such as "'build' failed"."""
    root: str | None = None
    """The task whose end is the reason; None when it was this task that was to be skipped."""


@dataclass(frozen=True, slots=True)
class Cancelled:
    """The task was stopped on request, or the run ended before it did."""

    elapsed_s: float = 0.0
    """Wall time until it had really stopped; 0 when it had not started."""


Outcome = Done[R_co] | Failed | Skipped | Cancelled


def state_of(outcome: Outcome[R_co]) -> TaskState:
    """The word for how a task ended."""
    match outcome:
        case Done():
            return TaskState.DONE
        case Failed():
            return TaskState.FAILED
        case Skipped():
            return TaskState.SKIPPED
        case Cancelled():
            return TaskState.CANCELLED
        case _:
            assert_never(outcome)


@dataclass(frozen=True, slots=True)
class Report(Generic[R_co]):
    """How every task of a run ended."""

    outcomes: Mapping[str, Outcome[R_co]]
    """By task id, in plan order, one for each task of the graph."""
    elapsed_s: float = 0.0
    """Wall time of the run."""

    @property
    def ok(self) -> bool:
        """Whether every task is done."""
        return all(isinstance(outcome, Done) for outcome in self.outcomes.values())

    def ids(self, state: TaskState) -> tuple[str, ...]:
        """The tasks that ended so, in plan order; `ids(TaskState.DONE)` is what a resume needs."""
        return tuple(id_ for id_, outcome in self.outcomes.items() if state_of(outcome) is state)

    def to_dict(
        self, encode_result: Callable[[R_co | None], object] | None = None
    ) -> dict[str, object]:
        """The report in plain dicts, strings and numbers, ready for `json.dumps`.

        Results are the caller's own objects, so they are left out unless `encode_result` turns
        them into something plain.
        """
        outcomes: dict[str, dict[str, object]] = {}
        for task_id, outcome in self.outcomes.items():
            entry: dict[str, object] = {"state": state_of(outcome).value}
            if isinstance(outcome, Done):
                entry |= {"heals": outcome.heals, "elapsed_s": outcome.elapsed_s}
                entry["earlier"] = outcome.earlier
                if encode_result is not None:
                    entry["result"] = encode_result(outcome.result)
            else:
                entry |= asdict(outcome)
            outcomes[task_id] = entry
        return {"elapsed_s": self.elapsed_s, "outcomes": outcomes}
