"""The Task List: from JSON as a model wrote it to tasks that can be run."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from m31a_engine.errors import PlanUnreadable
from m31a_engine.planning.paths import HIDDEN, PathEscapes, project_path, split_mark
from m31a_engine.planning.plan import (
    Criterion,
    FileAction,
    PlannedFile,
    PlannedTask,
    RunCriterion,
    TextCriterion,
)
from m31a_taskrunner import Cycle, Task, TaskGraph

MAX_TASKS = 200
_MAX_ENTRIES = 500
_HIGHEST_ID = 9999

_KEYS = {
    "id": ("id", "taskid", "number", "no", "nr", "step"),
    "description": ("description", "desc", "summary", "title", "name", "goal", "task", "details"),
    "action": ("action", "type", "operation"),
    "category": ("category", "group", "component", "section"),
    "dependencies": ("dependencies", "dependson", "deps", "dependency", "needs", "requires"),
    "files": ("files", "file", "paths", "path", "targetfiles", "filestouched"),
    "acceptance_criteria": (
        "acceptancecriteria",
        "acceptance",
        "criteria",
        "acceptancecriterion",
        "donewhen",
    ),
}
_FILE_ACTIONS = {
    "new": FileAction.CREATE,
    "create": FileAction.CREATE,
    "created": FileAction.CREATE,
    "add": FileAction.CREATE,
    "modify": FileAction.MODIFY,
    "modified": FileAction.MODIFY,
    "update": FileAction.MODIFY,
    "edit": FileAction.MODIFY,
    "change": FileAction.MODIFY,
    "delete": FileAction.DELETE,
    "deleted": FileAction.DELETE,
    "remove": FileAction.DELETE,
}
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_NOTHING = {"", "none", "null", "n/a", "na", "-", "[]"}


@dataclass(frozen=True, slots=True)
class _Entry:
    """One object of the list with its keys made plain, and how messages name it."""

    place: str
    label: str | None
    body: Mapping[str, object]


def read_tasks(
    listed: Sequence[object], *, root: str | None, marks: Mapping[str, FileAction]
) -> tuple[PlannedTask, ...]:
    """The tasks of a decoded Task List; `marks` says what Proposed Changes does with a file.

    Raises: PlanUnreadable.
    """
    if not listed:
        raise PlanUnreadable("The Task List is empty; list at least one task.")
    if len(listed) > MAX_TASKS:
        raise PlanUnreadable(
            f"The Task List has {len(listed)} tasks; at most {MAX_TASKS} are accepted: merge them."
        )
    found = [_entry(number, value) for number, value in enumerate(listed, start=1)]
    ids = _ids(found)
    tasks = tuple(
        _task(entry, task_id, ids, root=root, marks=marks)
        for entry, task_id in zip(found, _assigned(found, ids), strict=True)
    )
    _require_order(tasks)
    return tasks


def _entry(number: int, value: object) -> _Entry:
    if not isinstance(value, dict):
        raise PlanUnreadable(
            f"Entry {number} of the Task List is no object; write"
            ' {"id": …, "description": …, …} for each task.'
        )
    plain = {re.sub(r"[^a-z]", "", str(key).lower()): entry for key, entry in value.items()}
    body = {
        name: next((plain[alias] for alias in aliases if alias in plain), None)
        for name, aliases in _KEYS.items()
    }
    label = _label(body["id"])
    place = f"Task {label:.40}" if label is not None else f"Entry {number} of the Task List"
    return _Entry(place=place, label=label, body=body)


def _label(value: object) -> str | None:
    """What an id or a reference says, the same for 3, "3", "T3", "task 3" and "#3"."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    text = " ".join(str(value).split()).casefold()
    number = re.fullmatch(r"(?:task|step|t|no\.?)?[ _#-]*(\d{1,18})", text)
    if number:
        return str(int(number[1]))
    return text or None


def _ids(found: Sequence[_Entry]) -> dict[str, int]:
    """Label → id. Numbers are kept; names, zeros and huge numbers give way to positions."""
    labels = [entry.label for entry in found]
    if all(label is None for label in labels):
        return {str(number): number for number in range(1, len(found) + 1)}
    for entry in found:
        if entry.label is None:
            raise PlanUnreadable(f"{entry.place} has no id while others have; number all from 1.")
    known = [label for label in labels if label is not None]
    if len(set(known)) < len(known):
        if all(not _references(entry) for entry in found):
            return {}
        twice = next(label for label in known if known.count(label) > 1)
        raise PlanUnreadable(f"Two tasks have the id {twice:.40}; number the tasks from 1.")
    if all(label.isdecimal() and 1 <= int(label) <= _HIGHEST_ID for label in known):
        return {label: int(label) for label in known}
    return {label: number for number, label in enumerate(known, start=1)}


def _assigned(found: Sequence[_Entry], ids: Mapping[str, int]) -> list[int]:
    """The id of each entry, in order; without labels to tell them apart it is the position."""
    return [
        number if entry.label is None else ids.get(entry.label, number)
        for number, entry in enumerate(found, start=1)
    ]


def _references(entry: _Entry) -> list[str]:
    """The labels a task names as its dependencies.

    Raises: PlanUnreadable for what cannot be a reference.
    """
    value = entry.body["dependencies"]
    listed = _listed(value, f"{entry.place}: dependencies")
    found = []
    for reference in listed:
        if isinstance(reference, str) and (number := re.match(r"(?i)task\s*#?(\d+)\b", reference)):
            reference = number[1]
        label = _label(reference)
        if label is None:
            raise PlanUnreadable(
                f"{entry.place}: dependencies must be ids of other tasks, not {reference!r:.60}."
            )
        found.append(label)
    return list(dict.fromkeys(found))


def _listed(value: object, place: str, separator: str = ",") -> list[object]:
    """A list, however it was written: missing, one entry alone, or a text with separators."""
    if value is None or (isinstance(value, str) and value.strip().lower() in _NOTHING):
        return []
    if isinstance(value, str):
        text = value.strip()
        text = text[1:-1] if text.startswith("[") and text.endswith("]") else text
        parts = (part.strip() for part in text.split(separator))
        return [part for part in parts if part]
    listed = value if isinstance(value, list) else [value]
    if len(listed) > _MAX_ENTRIES:
        raise PlanUnreadable(f"{place} has {len(listed)} entries; at most {_MAX_ENTRIES}.")
    return [
        entry
        for entry in listed
        if entry is not None and not (isinstance(entry, str) and entry.strip().lower() in _NOTHING)
    ]


def _task(
    entry: _Entry,
    task_id: int,
    ids: Mapping[str, int],
    *,
    root: str | None,
    marks: Mapping[str, FileAction],
) -> PlannedTask:
    description = _text(entry.body["description"])
    if not description:
        raise PlanUnreadable(f"{entry.place} has no description; say in a sentence what to do.")
    action = _text(entry.body["action"]).capitalize() or "Modify"
    dependencies = []
    for label in _references(entry):
        if label not in ids:
            raise PlanUnreadable(
                f"{entry.place} depends on {label:.40}, but there is no such task;"
                " name only ids of the Task List."
            )
        dependencies.append(ids[label])
    if task_id in dependencies:
        raise PlanUnreadable(f"{entry.place} depends on itself; leave its own id out.")
    return PlannedTask(
        id=task_id,
        description=description,
        action=action,
        category=_text(entry.body["category"]),
        dependencies=tuple(dependencies),
        files=_files(entry, action, root=root, marks=marks),
        acceptance_criteria=_criteria(entry),
    )


def _files(
    entry: _Entry, action: str, *, root: str | None, marks: Mapping[str, FileAction]
) -> tuple[PlannedFile, ...]:
    found: dict[str, PlannedFile] = {}
    for value in _listed(entry.body["files"], f"{entry.place}: files"):
        written, word = _file_words(entry, value)
        try:
            path = project_path(written, root)
        except PathEscapes as exc:
            raise PlanUnreadable(
                f"{entry.place}: the file {written!r:.120} is refused: {exc}."
                " Name files by their path inside the project."
            ) from exc
        if path is None:
            continue
        default = marks.get(path) or _FILE_ACTIONS.get(action.lower(), FileAction.MODIFY)
        found[path] = PlannedFile(path=path, action=_FILE_ACTIONS.get(word, default))
    return tuple(found.values())


def _file_words(entry: _Entry, value: object) -> tuple[str, str]:
    """A file's path and the word that says what becomes of it, as written."""
    word: object = ""
    if isinstance(value, dict):
        plain = {str(key).lower(): part for key, part in value.items()}
        word = next((plain[key] for key in ("action", "change", "type") if key in plain), "")
        value = next((plain[key] for key in ("path", "file", "name") if key in plain), None)
    if not isinstance(value, str):
        raise PlanUnreadable(
            f"{entry.place}: each of its files is a path or"
            ' {"path": …, "action": "create|modify|delete"}.'
        )
    path, mark = split_mark(value)
    return path, word.strip().lower() if isinstance(word, str) and word.strip() else mark


_RUN = re.compile(r"(?:run\s*:\s*|\$ )(?P<bare>\S.*)|run\s+`(?P<quoted>[^`]+)`\.?", re.IGNORECASE)


def _criteria(entry: _Entry) -> tuple[Criterion, ...]:
    value = entry.body["acceptance_criteria"]
    listed = _listed(value, f"{entry.place}: acceptance_criteria", separator="\n")
    found = (_criterion(entry, criterion) for criterion in listed)
    return tuple(dict.fromkeys(criterion for criterion in found if criterion is not None))


def _criterion(entry: _Entry, value: object) -> Criterion | None:
    if isinstance(value, dict):
        plain = {str(key).lower(): part for key, part in value.items()}
        for key in ("run", "command", "cmd", "shell"):
            if isinstance(plain.get(key), str):
                return _run_criterion(entry, str(plain[key]))
        texts = (plain.get(key) for key in ("text", "description", "criterion", "check"))
        value = next((text for text in texts if isinstance(text, str)), None)
    if not isinstance(value, str):
        raise PlanUnreadable(
            f'{entry.place}: each acceptance criterion is a sentence or {{"run": "command"}}.'
        )
    text = re.sub(r"^\s*[-*•]\s+", "", value).strip()
    if run := _RUN.fullmatch(text):
        return _run_criterion(entry, (run["bare"] or run["quoted"]).strip("`"))
    cleaned = _text(text)
    return TextCriterion(text=cleaned) if cleaned else None


def _run_criterion(entry: _Entry, command: str) -> RunCriterion | None:
    text = command.strip()
    if HIDDEN.search(text.replace("\n", "").replace("\t", "")):
        raise PlanUnreadable(f"{entry.place}: a command to run holds control characters.")
    return RunCriterion(command=text) if text else None


def _text(value: object) -> str:
    """Text without control characters, lines kept; numbers as digits, anything else as nothing."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    return _CONTROLS.sub("", str(value)).strip()


def graph_of(tasks: Sequence[PlannedTask]) -> TaskGraph[PlannedTask]:
    """The tasks with their dependencies and, as claims, the files they are expected to touch.

    Raises: DuplicateTask, UnknownNeed, Cycle.
    """
    return TaskGraph.of(
        Task(
            id=str(task.id),
            needs=frozenset(map(str, task.dependencies)),
            claims=frozenset(file.path for file in task.files),
            payload=task,
        )
        for task in tasks
    )


def _require_order(tasks: Sequence[PlannedTask]) -> None:
    try:
        graph_of(tasks)
    except Cycle as exc:
        circle = " → ".join(exc.path)
        raise PlanUnreadable(
            f"Tasks wait for one another in a circle: {circle}; remove one of these dependencies."
        ) from exc
