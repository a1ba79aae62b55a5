"""From a model's Markdown to a plan: what models do is forgiven, what cannot be run is refused.

The reason of a refusal goes back to the model, so it names the place and what to write.
"""

import re
from collections.abc import Iterator, Mapping
from typing import assert_never

from m31a_engine.errors import PlanUnreadable
from m31a_engine.lenient_json import Broken, Found, scan
from m31a_engine.planning.paths import PathEscapes, project_path, split_mark
from m31a_engine.planning.plan import (
    ChangeKind,
    FileAction,
    Plan,
    ProposedChange,
    title_of,
)
from m31a_engine.planning.sections import (
    Block,
    Document,
    Line,
    Part,
    entries,
    fenced_blocks,
    heading_of,
    joined,
    read_document,
)
from m31a_engine.planning.tasks import read_tasks

MAX_CHARS = 1_000_000
_CONTROLS = dict.fromkeys((*range(32), *range(127, 160), 0xFEFF), None) | {9: "\t", 10: "\n"}
_WANTED = 'a section "## Task List" with a JSON array of tasks in a ```json fence'


def parse_plan(text: str, *, root: str | None = None) -> Plan:
    """The plan in a model's answer; `root` is the project's folder as the model knows it.

    Raises: PlanUnreadable; its reason names the place and goes back to the model.
    """
    if len(text) > MAX_CHARS:
        raise PlanUnreadable(f"The plan is longer than {MAX_CHARS} characters; shorten it.")
    if "\0" in text:
        raise PlanUnreadable("The answer holds a NUL character; write plain text.")
    markdown = text.replace("\r\n", "\n").replace("\r", "\n").translate(_CONTROLS).strip("\n")
    if not markdown.strip():
        raise PlanUnreadable(f"The answer is empty; write the plan, with {_WANTED}.")
    document = read_document(markdown)
    listed, around = _task_list(document)
    changes = _changes(_body(document, Part.CHANGES), root)
    tasks = read_tasks(listed, root=root, marks=_marks(changes))
    automated, manual = _verification(_body(document, Part.VERIFICATION))
    return Plan(
        title=title_of(document.title or _said(around, "title") or tasks[0].description),
        summary=_summary(_body(document, Part.SUMMARY)) or _said(around, "summary"),
        review_required=_review(_body(document, Part.REVIEW)),
        open_questions=_some(entries(_body(document, Part.QUESTIONS))),
        changes=changes,
        tasks=tasks,
        automated=automated,
        manual=manual,
        markdown=markdown,
    )


def _body(document: Document, part: Part) -> tuple[Line, ...]:
    return document.sections.get(part, ())


def _said(around: Mapping[str, object], key: str) -> str:
    value = around.get(key)
    return value.strip() if isinstance(value, str) else ""


def _task_list(document: Document) -> tuple[list[object], Mapping[str, object]]:
    """The entries of the Task List, and the object that holds the list where there is one.

    A list that is there and cannot be read is never replaced by one found elsewhere.
    Raises: PlanUnreadable.
    """
    section = document.sections.get(Part.TASKS, ())
    for block in _blocks(section):
        if found := _tasks_in(block, everything=True):
            return found
    for block in _blocks(document.lines):
        if found := _tasks_in(block, everything=False):
            return found
    if section:
        raise PlanUnreadable("The Task List holds no JSON; write a JSON array of tasks in it.")
    raise PlanUnreadable(f"There is no Task List; write {_WANTED}.")


def _blocks(lines: tuple[Line, ...]) -> Iterator[Block]:
    """Where a list may stand, likeliest first: each fence, then all the text."""
    if lines:
        yield from fenced_blocks(lines)
        yield joined(lines)


def _tasks_in(
    block: Block, *, everything: bool
) -> tuple[list[object], Mapping[str, object]] | None:
    """The list in a block; `everything` takes any list of objects for one.

    Raises: PlanUnreadable for a list that begins and cannot be read to its end.
    """
    loose: list[object] = []
    for found in scan(block.text):
        match found:
            case Broken():
                if not everything and not loose:
                    continue
                line = block.line + block.text.count("\n", 0, found.position)
                raise PlanUnreadable(
                    f"The JSON of the Task List cannot be read at line {line} of the answer:"
                    f" {found.reason}."
                )
            case Found(value=value):
                if listed := _as_list(value, everything=everything):
                    return listed
                if everything and block.fenced and isinstance(value, list):
                    return value, {}
                if _is_task(value):
                    loose.append(value)
            case _:
                assert_never(found)
    return (loose, {}) if loose else None


def _as_list(
    value: object, *, everything: bool
) -> tuple[list[object], Mapping[str, object]] | None:
    if isinstance(value, dict):
        for key in ("tasks", "task_list", "taskList", "plan"):
            inner = value.get(key)
            if isinstance(inner, list):
                return inner, value
            if isinstance(inner, dict):
                return _as_list(inner, everything=everything)
    elif isinstance(value, list) and any(isinstance(entry, dict) for entry in value):
        return (value, {}) if everything or all(map(_is_task, value)) else None
    return None


def _is_task(value: object) -> bool:
    return isinstance(value, dict) and "description" in value and len(value) > 1


_CHANGE = re.compile(r"\[\s*(NEW|MODIFY|DELETE)\s*\]\s*(\S.*)", re.IGNORECASE)


def _changes(lines: tuple[Line, ...], root: str | None) -> tuple[ProposedChange, ...]:
    found: list[tuple[ChangeKind, str, list[str]]] = []
    inside = False
    for line in lines:
        marked = None if line.fenced else _CHANGE.search(line.text)
        if marked:
            written, _ = split_mark(marked[2].strip().strip("*_#: "))
            written, remark = _without_remark(written)
            path = _path(written, root, line.number)
            inside = path is not None
            if path is not None:
                found.append((ChangeKind(marked[1].upper()), path, [remark] if remark else []))
        elif heading_of(line) is not None:
            inside = False
        elif inside and line.text.strip() and not line.fence:
            found[-1][2].append(line.text.strip())
    return tuple(
        ProposedChange(action=kind, path=path, text="\n".join(text)) for kind, path, text in found
    )


def _without_remark(written: str) -> tuple[str, str]:
    """A path, and the remark that may follow it on its line: `[NEW] a.py: the parser`."""
    for separator in (": ", " - ", " – ", " — "):
        if separator in written:
            path, _, remark = written.partition(separator)
            return path.strip("`*_ "), remark.strip()
    return written, ""


def _path(written: str, root: str | None, line: int) -> str | None:
    try:
        return project_path(written, root)
    except PathEscapes as exc:
        raise PlanUnreadable(
            f"Proposed Changes, line {line} of the answer: the file {written!r:.120} is refused:"
            f" {exc}. Name files by their path inside the project."
        ) from exc


_ACTION_OF = {
    ChangeKind.NEW: FileAction.CREATE,
    ChangeKind.MODIFY: FileAction.MODIFY,
    ChangeKind.DELETE: FileAction.DELETE,
}


def _marks(changes: tuple[ProposedChange, ...]) -> dict[str, FileAction]:
    return {change.path: _ACTION_OF[change.action] for change in changes}


def _summary(lines: tuple[Line, ...]) -> str:
    return "\n".join(line.text for line in lines).strip()


_ADMONITION = re.compile(r"\[!(IMPORTANT|WARNING|NOTE|CAUTION|TIP)\]\s*(.*)", re.IGNORECASE)


def _review(lines: tuple[Line, ...]) -> tuple[str, ...]:
    """The admonitions, each with its word before it; without any, the list items."""
    found: list[list[str]] = []
    inside = False
    for line in lines:
        text = line.text.lstrip(" \t>").strip()
        if admonition := _ADMONITION.match(text):
            found.append([admonition[1].upper() + ":", admonition[2]])
            inside = True
        elif not text:
            inside = inside and line.text.lstrip().startswith(">")
        elif inside:
            found[-1].append(text)
    if found:
        return tuple(" ".join(filter(None, words)) for words in found if any(words[1:]))
    return _some(entries(lines))


_NOTHING = re.compile(
    r"(?:there (?:are|is) )?(?:none|nothing|no|n/a|-)\b(?: (?:open )?(?:questions?|items?|review"
    r"|required|needed|at this time|at present|for now|is|are|user))*\W*",
    re.IGNORECASE,
)


def _some(found: tuple[str, ...]) -> tuple[str, ...]:
    """The entries without those that say that there are none."""
    return tuple(entry for entry in found if not _NOTHING.fullmatch(entry))


def _verification(lines: tuple[Line, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Automated and manual steps; what stands under neither name is automated."""
    groups: dict[bool, list[Line]] = {False: [], True: []}
    manual = False
    for line in lines:
        heading = heading_of(line)
        label = heading.text if heading is not None else _label(line)
        if label is not None and re.search(r"\b(?:manual|human|by hand)", label, re.IGNORECASE):
            manual = True
        elif label is not None:
            manual = False
        else:
            groups[manual].append(line)
    return _some(entries(tuple(groups[False]))), _some(entries(tuple(groups[True])))


_LABEL = re.compile(
    r"[\s*+_-]{0,12}((?:manual|automated|automatic)[\w \t]{0,30})[*_]{0,3}:[*_\s]*", re.IGNORECASE
)


def _label(line: Line) -> str | None:
    """A line that names a group without being a heading: `- **Manual:**`, `Automated:`."""
    found = _LABEL.fullmatch(line.text)
    return found[1] if found and not line.fenced else None
