"""A plan's Markdown cut into sections, fences and lists; their meaning is not known here."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto


class Part(Enum):
    """The sections a plan is made of."""

    SUMMARY = auto()
    REVIEW = auto()
    QUESTIONS = auto()
    CHANGES = auto()
    TASKS = auto()
    VERIFICATION = auto()


_NAMES = {
    "summary": Part.SUMMARY,
    "overview": Part.SUMMARY,
    "user review required": Part.REVIEW,
    "user review": Part.REVIEW,
    "review required": Part.REVIEW,
    "open questions": Part.QUESTIONS,
    "questions": Part.QUESTIONS,
    "proposed changes": Part.CHANGES,
    "changes": Part.CHANGES,
    "file changes": Part.CHANGES,
    "task list": Part.TASKS,
    "tasks": Part.TASKS,
    "tasks list": Part.TASKS,
    "list of tasks": Part.TASKS,
    "task breakdown": Part.TASKS,
    "implementation tasks": Part.TASKS,
    "verification plan": Part.VERIFICATION,
    "verification": Part.VERIFICATION,
    "test plan": Part.VERIFICATION,
    "testing": Part.VERIFICATION,
}

_FENCE = re.compile(r"[ \t>]{0,12}(`{3,}|~{3,})[ \t]*([^`\n]*)$")
_HEADING = re.compile(r" {0,3}(#{1,6})[ \t]+(\S.*)$")
_BOLD_HEADING = re.compile(r" {0,3}(?:\*\*|__)([^*_]{1,60})(?:\*\*|__):?[ \t]*$")
_BULLET = re.compile(r"[ \t]*(?:[-*+•]|\d{1,3}[.)])[ \t]+(?:\[[ xX]\][ \t]+)?(?=\S)")
_BOLD_LEVEL = 7


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the answer, counted from 1."""

    number: int
    text: str
    fenced: bool
    """Whether it stands inside a fence; the fence's own lines do not."""
    fence: bool
    """Whether it opens or closes one."""


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading outside fences; a line that is bold as a whole is one of the lowest level."""

    level: int
    text: str


@dataclass(frozen=True, slots=True)
class Block:
    """Consecutive lines as one text, and the line it begins in."""

    text: str
    line: int
    fenced: bool


@dataclass(frozen=True, slots=True)
class Document:
    """The lines of each section, and the title."""

    title: str
    sections: dict[Part, tuple[Line, ...]]
    lines: tuple[Line, ...]


def read_document(markdown: str) -> Document:
    """The sections of a plan; a section that occurs twice is one."""
    lines = _lines(_unwrapped(markdown))
    title = ""
    sections: dict[Part, list[Line]] = {}
    part: Part | None = None
    level = 0
    for line in lines:
        heading = heading_of(line)
        named = _NAMES.get(_plain(heading.text)) if heading is not None else None
        # A one-word name below a section ("### Tests" under the changes) is part of it.
        if (
            heading is not None
            and named is not None
            and (part is None or heading.level <= level or " " in _plain(heading.text))
        ):
            part, level = named, heading.level
            sections.setdefault(part, [])
        elif part is not None:
            sections[part].append(line)
        elif heading is not None and not title:
            title = _clean_title(heading.text)
    return Document(
        title=title,
        sections={part: tuple(body) for part, body in sections.items()},
        lines=tuple(lines),
    )


def heading_of(line: Line) -> Heading | None:
    """The heading a line is, when it is one."""
    if line.fenced or line.fence:
        return None
    if found := _HEADING.match(line.text):
        return Heading(level=len(found[1]), text=found[2].strip(" #"))
    if found := _BOLD_HEADING.match(line.text):
        return Heading(level=_BOLD_LEVEL, text=found[1].strip())
    return None


def fenced_blocks(lines: tuple[Line, ...]) -> Iterator[Block]:
    """What stands in each fence of these lines."""
    inside: list[Line] = []
    for line in (*lines, Line(number=0, text="", fenced=False, fence=True)):
        if line.fenced:
            inside.append(line)
        elif inside:
            yield Block("\n".join(part.text for part in inside), line=inside[0].number, fenced=True)
            inside = []


def joined(lines: tuple[Line, ...]) -> Block:
    """All the lines as one text, fence lines made blank."""
    text = "\n".join("" if line.fence else line.text for line in lines)
    return Block(text, line=lines[0].number if lines else 1, fenced=False)


def entries(lines: tuple[Line, ...]) -> tuple[str, ...]:
    """List items, lines of fences and paragraphs, each as one line; headings are left out."""
    found: list[list[str]] = []
    open_entry = False
    for line in lines:
        text = line.text.lstrip(" \t>") if not line.fenced else line.text
        if line.fence or not text.strip() or heading_of(line) is not None:
            open_entry = False
        elif line.fenced:
            found.append([text.strip().removeprefix("$ ")])
            open_entry = False
        elif bullet := _BULLET.match(text):
            found.append([text[bullet.end() :].strip()])
            open_entry = True
        elif open_entry:
            found[-1].append(text.strip())
        else:
            found.append([text.strip()])
            open_entry = True
    return tuple(" ".join(parts) for parts in found)


def _lines(text: str) -> list[Line]:
    raw = text.split("\n")
    fences = _fence_lines(raw)
    lines = []
    inside = False
    for number, line in enumerate(raw, start=1):
        fence = number in fences
        lines.append(Line(number=number, text=line, fenced=inside and not fence, fence=fence))
        inside ^= fence
    return lines


def _fence_lines(raw: list[str]) -> frozenset[int]:
    """The numbers of the lines that open and close fences; one left open is no fence."""
    pairs: list[int] = []
    opened: tuple[int, str] | None = None
    for number, line in enumerate(raw, start=1):
        found = _FENCE.match(line)
        if found is None:
            continue
        if opened is None:
            opened = (number, found[1])
        elif found[1].startswith(opened[1]) and not found[2].strip():
            pairs += (opened[0], number)
            opened = None
    return frozenset(pairs)


def _unwrapped(text: str) -> str:
    """The text without a fence around the whole plan; line numbers stay as they are."""
    lines = text.split("\n")
    fences = [(index, found) for index, line in enumerate(lines) if (found := _FENCE.match(line))]
    if not fences or fences[0][1][2].strip().lower() not in {"", "markdown", "md", "text"}:
        return text
    first, last = fences[0][0], fences[-1][0]
    headings = [index for index, line in enumerate(lines) if _HEADING.match(line)]
    if not headings or headings[0] < first or (headings[-1] > last and len(fences) % 2 == 0):
        return text
    lines[first] = ""
    if len(fences) % 2 == 0:  # else the closing line was cut off
        lines[last] = ""
    return "\n".join(lines)


def _plain(heading: str) -> str:
    """The words of a heading alone: no number, picture, mark-up or remark in brackets."""
    text = re.sub(r"\([^()]*\)|\[[^\[\]]*\]", " ", heading)
    text = re.sub(r"^[\W\d_]*(?:section\s+\d+)?[\W\d_]*", "", text, flags=re.IGNORECASE)
    return " ".join(re.findall(r"[^\W\d_]+", text)).lower()


def _clean_title(heading: str) -> str:
    text = re.sub(r"^(?:implementation )?plan\s*[:–—-]\s*", "", heading, flags=re.IGNORECASE)
    return text.strip("*_ `") or heading
