"""The outline of a large goal: waves of work, each planned when the one before it is done.

A plan of forty tasks made at once guesses at files that do not exist yet. So a complex goal in a
project of some size is outlined first; a wave becomes tasks only when the checks of the wave
before it are green, and a wave that stays red ends the expansion.
"""

from collections.abc import Iterable, Mapping

import msgspec

from m31a_engine.lenient_json import Broken, scan
from m31a_engine.planning.plan import Plan, PlannedTask, Wave

MIN_SOURCE_FILES = 30
MAX_WAVES = 12

REQUEST = """Outline the work in waves, as a JSON array in a fenced block and nothing else:

[{"title": "…", "tasks": ["one line a task", "…"], "files": ["path", "…"]}]

A wave leaves the project working and its checks green; later waves build on earlier ones. One wave
is enough for what is done in one go. At most 12 waves, at most 8 tasks in each."""


def parse_outline(text: str) -> tuple[Wave, ...]:
    """The waves of an answer, in order; empty when it holds none that can be read."""
    for found in scan(text):
        if isinstance(found, Broken):
            continue
        waves = tuple(_waves(found.value))
        if waves:
            return waves[:MAX_WAVES]
    return ()


def _waves(value: object) -> Iterable[Wave]:
    if isinstance(value, Mapping):
        value = next((part for part in value.values() if isinstance(part, list)), [value])
    for item in value if isinstance(value, list) else ():
        if not isinstance(item, Mapping):
            continue
        title = item.get("title") or item.get("name") or item.get("goal")
        tasks = _texts(item.get("tasks"))
        if isinstance(title, str) and title.strip() and tasks:
            yield Wave(title=title.strip(), tasks=tasks, files=_texts(item.get("files")))


def _texts(value: object) -> tuple[str, ...]:
    """The lines of a list that a model may have filled with objects."""
    if not isinstance(value, list):
        return ()
    found = []
    for item in value:
        if isinstance(item, Mapping):
            item = next((item[key] for key in ("description", "title", "path") if key in item), "")
        if isinstance(item, str) and item.strip():
            found.append(" ".join(item.split()))
    return tuple(found)


def in_waves(waves: tuple[Wave, ...], source_files: int, threshold: int) -> bool:
    """Whether to plan wave by wave: a large project, or many tasks."""
    many = sum(len(wave.tasks) for wave in waves) >= threshold
    return len(waves) > 1 and (source_files >= MIN_SOURCE_FILES or many)


def wave_text(waves: tuple[Wave, ...], number: int) -> str:
    """What a planner is told about the wave it is to plan, counted from 0."""
    lines = ["# Outline", ""]
    for place, wave in enumerate(waves):
        state = "done" if place < number else "to be planned now" if place == number else "later"
        lines.append(f"{place + 1}. {wave.title} ({state})")
    current = waves[number]
    lines += ["", f"Plan wave {number + 1} and nothing of the later ones:"]
    lines += [f"- {task}" for task in current.tasks]
    if current.files:
        lines.append("Likely files: " + ", ".join(current.files))
    return "\n".join(lines)


def joined(plan: Plan, wave: Plan) -> Plan:
    """The plan so far and the plan of its next wave as one; ids go on where they stopped."""
    offset = max((task.id for task in plan.tasks), default=0)
    return msgspec.structs.replace(
        plan,
        tasks=(*plan.tasks, *(_shifted(task, offset) for task in wave.tasks)),
        changes=(*plan.changes, *wave.changes),
        automated=tuple(dict.fromkeys((*plan.automated, *wave.automated))),
        manual=tuple(dict.fromkeys((*plan.manual, *wave.manual))),
        review_required=(*plan.review_required, *wave.review_required),
        markdown=f"{plan.markdown.rstrip()}\n\n---\n\n{wave.markdown}",
    )


def _shifted(task: PlannedTask, offset: int) -> PlannedTask:
    return msgspec.structs.replace(
        task,
        id=task.id + offset,
        dependencies=tuple(need + offset for need in task.dependencies),
    )
