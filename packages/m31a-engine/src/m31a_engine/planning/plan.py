"""A plan as values: its sections, its tasks, and the table people read.

How a model's Markdown becomes a plan is `parse`; whether it may be carried out is `gates`.
"""

from collections.abc import Mapping
from enum import StrEnum

import msgspec

from m31a_tools import sanitise

_LONGEST_TITLE = 72


class FileAction(StrEnum):
    """What a task is expected to do with a file."""

    CREATE = "create"
    MODIFY = "modify"
    DELETE = "delete"


class PlannedFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file a task is expected to touch."""

    path: str
    """Relative to the project's folder, with forward slashes."""
    action: FileAction = FileAction.MODIFY


class TextCriterion(msgspec.Struct, frozen=True, kw_only=True, tag="text"):
    """A sentence that is checked by search; information, never proof."""

    text: str


class RunCriterion(msgspec.Struct, frozen=True, kw_only=True, tag="run"):
    """A command that must exit with 0 where it has leave to run."""

    command: str


Criterion = TextCriterion | RunCriterion


class PlannedTask(msgspec.Struct, frozen=True, kw_only=True):
    """One piece of work that ends in one commit."""

    id: int
    """Counted from 1, in the order of the plan."""
    description: str
    action: str = "Modify"
    category: str = ""
    dependencies: tuple[int, ...] = ()
    files: tuple[PlannedFile, ...] = ()
    acceptance_criteria: tuple[Criterion, ...] = ()


class ChangeKind(StrEnum):
    """The mark of a file under Proposed Changes."""

    NEW = "NEW"
    MODIFY = "MODIFY"
    DELETE = "DELETE"


class ProposedChange(msgspec.Struct, frozen=True, kw_only=True):
    """One file under Proposed Changes, and the words that stand below it."""

    action: ChangeKind
    path: str
    text: str = ""


class Wave(msgspec.Struct, frozen=True, kw_only=True):
    """Tasks that are planned together, in outline."""

    title: str
    tasks: tuple[str, ...] = ()
    """One line each."""
    files: tuple[str, ...] = ()
    """What it is likely to touch."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be done, in tasks that can be run; dependencies hold no cycle."""

    title: str
    tasks: tuple[PlannedTask, ...]
    summary: str = ""
    review_required: tuple[str, ...] = ()
    open_questions: tuple[str, ...] = ()
    changes: tuple[ProposedChange, ...] = ()
    automated: tuple[str, ...] = ()
    """Commands and checks the plan names for verification."""
    manual: tuple[str, ...] = ()
    """Steps for a person; they are listed, never counted as passed."""
    markdown: str = ""
    """The text the plan was read from, as the model wrote it."""

    def task(self, task_id: int) -> PlannedTask | None:
        """The task of that id."""
        return next((task for task in self.tasks if task.id == task_id), None)

    @property
    def paths(self) -> frozenset[str]:
        """All files the tasks are expected to touch."""
        return frozenset(file.path for task in self.tasks for file in task.files)


def single_task_plan(goal: str) -> Plan:
    """A plan of one task that is the goal itself, for modes that skip Plan."""
    text = goal.strip()
    task = PlannedTask(id=1, description=text)
    return Plan(title=title_of(text), summary=text, tasks=(task,))


def title_of(text: str) -> str:
    """The first line of a text as a commit's subject: harmless in a terminal, and not too long."""
    lines = sanitise(text).strip().splitlines()
    line = " ".join(lines[0].split()) if lines else ""
    if len(line) <= _LONGEST_TITLE:
        return line
    head, _, _ = line[: _LONGEST_TITLE - 1].rpartition(" ")
    return (head or line[: _LONGEST_TITLE - 1]) + "…"


def plan_table(plan: Plan, states: Mapping[int, str]) -> str:
    """The tasks as a Markdown table, one row a task; a task without a state is `pending`."""
    rows = [("ID", "Action", "Description", "Deps", "Status", "Files")]
    rows.extend(
        (
            str(task.id),
            task.action,
            task.description,
            ", ".join(map(str, task.dependencies)) or "-",
            states.get(task.id, "pending"),
            ", ".join(file.path for file in task.files) or "-",
        )
        for task in plan.tasks
    )
    lines = ["| " + " | ".join(map(_cell, row)) + " |" for row in rows]
    lines.insert(1, "|" + " --- |" * len(rows[0]))
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    """Text that stays in its cell and starts no markup of its own."""
    flat = " ".join(text.split()).replace("\\", "\\\\").replace("|", "\\|")
    return flat.replace("<", "&lt;").replace("`", "\\`")
