"""A dependency graph of async tasks: claims, healing, pause, skip and an honest report."""

from m31a_taskrunner.control import Control
from m31a_taskrunner.errors import (
    ControlInUse,
    Cycle,
    DuplicateTask,
    StopRun,
    TaskRunnerError,
    TaskTimedOut,
    Unhealable,
    UnknownNeed,
    UnknownTask,
)
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
)
from m31a_taskrunner.runner import run
from m31a_taskrunner.schedule import Wave, schedule
from m31a_taskrunner.task import Task

__all__ = [
    "Cancelled",
    "Change",
    "Control",
    "ControlInUse",
    "Cycle",
    "Done",
    "DuplicateTask",
    "Failed",
    "Outcome",
    "Report",
    "Skipped",
    "StopRun",
    "Task",
    "TaskGraph",
    "TaskRunnerError",
    "TaskState",
    "TaskTimedOut",
    "Unhealable",
    "UnknownNeed",
    "UnknownTask",
    "Wave",
    "run",
    "schedule",
]
