"""The parts of a file that a model is shown unasked."""

from collections.abc import Iterable
from dataclasses import dataclass

from m31a_engine.paths import shown_path

HEAD_LINES = 80
AROUND_LINES = 60
TAIL_LINES = 30
MOST_FILE_BYTES = 8 * 1024
MOST_BYTES = 32 * 1024

_BEFORE_LINES = 10
_LONGEST_LINE = 300
_SMALLEST_GAP = 3
"""Fewer lines are shown rather than left out."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A file to take an excerpt of."""

    path: str
    text: str
    line: int | None = None
    """The line that matters, from 1; None when none stands out."""


def excerpts(files: Iterable[Wanted], most_bytes: int = MOST_BYTES) -> str:
    """Excerpts of files in their order, as many as fit into `most_bytes` of UTF-8."""
    shown: list[str] = []
    room = most_bytes
    for file in files:
        text = excerpt(file, min(room, MOST_FILE_BYTES))
        if not text:
            break
        shown.append(text)
        room -= _size(text)
    return "".join(shown)


def excerpt(file: Wanted, most_bytes: int = MOST_FILE_BYTES) -> str:
    """First 80 lines, 60 around the line that matters, last 30, each part under its title.

    When that is more than `most_bytes` of UTF-8, lines go: first the end of the head, then the
    beginning of the tail, then the lines after those that matter. Empty when not even a title and
    a line fit.
    """
    lines = [_cut(line) for line in file.text.splitlines()]
    parts = _parts(len(lines), file.line)
    while parts and _size(text := _shown(file.path, lines, parts)) > most_bytes:
        parts = _without_a_line(parts, file.line, _size(text) - most_bytes, lines)
    return _shown(file.path, lines, parts) if parts else ""


def _parts(count: int, line: int | None) -> list[range]:
    """Line numbers that are shown, from 1; parts that nearly meet are one."""
    wanted = [range(1, HEAD_LINES + 1), range(count - TAIL_LINES + 1, count + 1)]
    if line is not None and 1 <= line <= count:
        first = line - _BEFORE_LINES
        wanted.insert(1, range(first, first + AROUND_LINES))
    parts: list[range] = []
    for part in sorted(wanted, key=lambda part: part.start):
        part = range(max(1, part.start), min(count + 1, part.stop))
        if parts and part.start <= parts[-1].stop + _SMALLEST_GAP:
            parts[-1] = range(parts[-1].start, max(part.stop, parts[-1].stop))
        elif part:
            parts.append(part)
    return parts


def _without_a_line(
    parts: list[range], line: int | None, excess: int, lines: list[str]
) -> list[range]:
    """The parts without the lines that matter least, about `excess` bytes of them."""
    keep = line if line is not None else 1
    at = next((i for i, part in enumerate(parts) if keep not in part), None)
    if at is None:
        # One part is left, with the line that matters: it is cut at the end that is further away.
        part = parts[0]
        from_end = part.stop - 1 - keep >= keep - part.start
        shorter = _shortened(part, excess, lines, from_end=from_end, keep=keep)
        return [shorter] if len(shorter) < len(part) else []
    shorter = _shortened(parts[at], excess, lines, from_end=parts[at].stop - 1 <= keep)
    return [*parts[:at], *([shorter] if shorter else []), *parts[at + 1 :]]


def _shortened(
    part: range, excess: int, lines: list[str], *, from_end: bool, keep: int | None = None
) -> range:
    first, last = part.start, part.stop - 1
    while excess > 0 and first <= last:
        going = last if from_end else first
        if going == keep:
            break
        excess -= _size(lines[going - 1]) + 1
        first, last = (first, last - 1) if from_end else (first + 1, last)
    return range(first, last + 1)


def _shown(path: str, lines: list[str], parts: list[range]) -> str:
    shown: list[str] = []
    for part in parts:
        title = f"--- {shown_path(path)}, lines {part.start}-{part.stop - 1} of {len(lines)}"
        shown += [title, *lines[part.start - 1 : part.stop - 1]]
    return "\n".join(shown) + "\n"


def _cut(line: str) -> str:
    return line if len(line) <= _LONGEST_LINE else line[: _LONGEST_LINE - 1] + "…"


def _size(text: str) -> int:
    return len(text.encode("utf-8", "replace"))
