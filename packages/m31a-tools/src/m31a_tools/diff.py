"""A short unified diff of two texts."""

import difflib
from collections.abc import Callable
from dataclasses import dataclass

from m31a_tools.capture import cap_text
from m31a_tools.tool import FileDiff

DIFF_CHARS = 20_000
_CONTEXT = 3
_BLOCK = 1 << 16
_DIFFED_CELLS = 4_000_000


def file_diff(path: str, before: str, after: str) -> FileDiff:
    """What changed between two contents of a file."""
    window = _window(before, after)
    old, new = _lines(window.old), _lines(window.new)
    if len(old) * len(new) > _DIFFED_CELLS:
        return FileDiff(
            path=path,
            diff=f"@@ {len(old)} lines from line {window.first_line} became {len(new)} @@\n",
            added=len(new),
            removed=len(old),
        )
    hunks: list[str] = []
    added = removed = 0
    for number, line in enumerate(difflib.unified_diff(old, new, n=_CONTEXT)):
        if number < 2:
            continue
        added += line.startswith("+")
        removed += line.startswith("-")
        shown = _moved(line, window.first_line - 1) if line.startswith("@@") else line
        hunks.append(shown if shown.endswith("\n") else f"{shown}\n\\ No newline at end of file\n")
    return FileDiff(
        path=path, diff=cap_text("".join(hunks), DIFF_CHARS), added=added, removed=removed
    )


@dataclass(frozen=True, slots=True)
class _Window:
    """The lines that differ and some around them: a small edit of a big file stays cheap."""

    old: str
    new: str
    first_line: int


def _window(before: str, after: str) -> _Window:
    shorter = min(len(before), len(after))
    head = _common(shorter, lambda at, end: before[at:end] == after[at:end])
    tail = _common(
        shorter - head,
        lambda at, end: (
            before[len(before) - end : len(before) - at]
            == after[len(after) - end : len(after) - at]
        ),
    )
    start = before.rfind("\n", 0, head) + 1
    for _ in range(_CONTEXT):
        start = before.rfind("\n", 0, max(0, start - 1)) + 1
    end = len(before) - tail
    for _ in range(_CONTEXT + 1):
        end = before.find("\n", end) + 1 or len(before)
    return _Window(
        old=before[start:end],
        new=after[start : len(after) - (len(before) - end)],
        first_line=before.count("\n", 0, start) + 1,
    )


def _common(most: int, same: Callable[[int, int], bool]) -> int:
    """How far, up to `most`, two texts are the same: whole blocks, then halves of the last."""
    at = 0
    while at < most and same(at, min(at + _BLOCK, most)):
        at += _BLOCK
    least, most = min(at, most), min(at + _BLOCK, most)
    while least < most:
        middle = (least + most + 1) // 2
        if same(least, middle):
            least = middle
        else:
            most = middle - 1
    return least


def _lines(text: str) -> list[str]:
    *whole, rest = text.split("\n")
    lines = [f"{line}\n" for line in whole]
    return [*lines, rest] if rest else lines


def _moved(header: str, by: int) -> str:
    """A hunk header whose line numbers count from the beginning of the file."""
    old, new = header.split(" ")[1:3]
    return f"@@ {_moved_range(old, by)} {_moved_range(new, by)} @@\n"


def _moved_range(text: str, by: int) -> str:
    start, comma, length = text[1:].partition(",")
    return f"{text[0]}{int(start) + by}{comma}{length}"
