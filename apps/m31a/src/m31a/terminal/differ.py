"""The bytes that turn one frame on the screen into the next.

Only what differs is sent. Each changed row is rewritten from its first to its last changed
cell; rows with clusters whose width terminals dispute are erased and written whole. Auto-wrap
is off (`session`), and nothing is erased after a row that fills the last column.
"""

from collections.abc import Sequence

from m31a.draw.frame import Frame, Point, Size
from m31a.draw.line import EMPTY, Line, Span
from m31a.draw.text import graphemes, is_disputed, width
from m31a.terminal.ink import Ink

HIDE, SHOW = "\x1b[?25l", "\x1b[?25h"
BEGIN_SYNC, END_SYNC = "\x1b[?2026h", "\x1b[?2026l"
LEAST_SCROLL = 3
"""Rows a shift must save to be worth a scroll region."""

Cell = tuple[str, object, int]


class Differ:
    """Knows what stands on the screen and what has to be sent to change it."""

    def __init__(self, ink: Ink, *, sync: bool = True, scroll: bool = True) -> None:
        self.ink = ink
        self.sync = sync
        self.scroll = scroll
        self._shown: Frame | None = None

    def forget(self) -> None:
        """Take the screen for unknown: the next frame is painted whole."""
        self._shown = None

    def update(self, frame: Frame) -> str:
        """What to write so that the screen shows `frame`; empty when it does already."""
        old, self._shown = self._shown, frame
        if old is not None and old.size != frame.size:
            old = None
        body = self._whole(frame) if old is None else self._changes(old, frame)
        cursor = _cursor(frame.cursor)
        if not body and old is not None and old.cursor == frame.cursor:
            return self._title(old, frame)
        text = f"{HIDE}{body}{self._title(old, frame)}{cursor}"
        return f"{BEGIN_SYNC}{text}{END_SYNC}" if self.sync else text

    def _title(self, old: Frame | None, new: Frame) -> str:
        if not new.title or (old is not None and old.title == new.title):
            return ""
        return f"\x1b]2;{new.title}\x1b\\"

    def _whole(self, frame: Frame) -> str:
        parts = ["\x1b[0m"]
        for row, line in enumerate(frame.lines):
            parts.append(f"\x1b[{row + 1};1H\x1b[2K")
            parts.append(self._written(line, 0))
        parts.append("" if len(frame.lines) >= frame.size.height else "\r\n\x1b[J")
        return "".join(parts)

    def _changes(self, old: Frame, new: Frame) -> str:
        before = old.lines
        moved = ""
        if self.scroll and (shift := _shift(before, new.lines)) is not None:
            moved, before = shift
        parts = [moved]
        for row, line in enumerate(new.lines):
            shown = before[row] if row < len(before) else EMPTY
            if shown is not line and shown.spans != line.spans:
                parts.append(self._row(row, shown, line, new.size))
        return "".join(parts)

    def _row(self, row: int, old: Line, new: Line, size: Size) -> str:
        if _any_disputed(old) or _any_disputed(new):
            return f"\x1b[{row + 1};1H\x1b[2K{self._written(new, 0)}"
        same = _common(old.spans, new.spans)
        before, after = _cells(old.spans[same:]), _cells(new.spans[same:])
        start = _common(before, after)
        column = sum(width(text) for text, _ in new.spans[:same])
        column += sum(cell[2] for cell in after[:start])
        tail = _common_end(before[start:], after[start:]) if old.width == new.width else 0
        middle = after[start : len(after) - tail]
        end = column + sum(cell[2] for cell in middle)
        text = self.ink.line(new.cut(column, end)) if middle else ""
        erase = "\x1b[K" if new.width < old.width and new.width < size.width else ""
        return f"\x1b[{row + 1};{column + 1}H{text}{erase}"

    def _written(self, line: Line, column: int) -> str:
        """A whole line; after each disputed cluster the column is said: no error spreads."""
        if not _any_disputed(line):
            return self.ink.line(line)
        parts: list[str] = []
        for text, style in line.spans:
            run: list[str] = []
            for cluster, cells in graphemes(text):
                run.append(cluster)
                column += cells
                if is_disputed(cluster):
                    parts.append(self.ink.line(Line.of(Span("".join(run), style))))
                    parts.append(f"\x1b[{column + 1}G")
                    run = []
            if run:
                parts.append(self.ink.line(Line.of(Span("".join(run), style))))
        return "".join(parts)


def _cursor(at: Point | None) -> str:
    return f"\x1b[{at.row + 1};{at.column + 1}H{SHOW}" if at is not None else ""


def _any_disputed(line: Line) -> bool:
    return any(is_disputed(text) for text, _ in line.spans)


def _cells(spans: Sequence[Span]) -> list[Cell]:
    return [(cluster, style, cells) for text, style in spans for cluster, cells in graphemes(text)]


def _common(one: Sequence[object], two: Sequence[object]) -> int:
    """How many items at the beginning of both are the same."""
    count = 0
    for left, right in zip(one, two, strict=False):
        if left != right:
            break
        count += 1
    return count


def _common_end(one: list[Cell], two: list[Cell]) -> int:
    return _common(one[::-1], two[::-1])


def _shift(old: tuple[Line, ...], new: tuple[Line, ...]) -> tuple[str, tuple[Line, ...]] | None:
    """A scroll that moves most of the changed rows to their places: bytes, and what stands then."""
    if len(old) != len(new):
        return None
    changed = [
        row for row, (a, b) in enumerate(zip(old, new, strict=True)) if a is not b and a != b
    ]
    if len(changed) <= LEAST_SCROLL:
        return None
    top, bottom = changed[0], changed[-1] + 1
    wanted = new[top:bottom]
    there = old[top:bottom]
    rows: dict[Line, int] = {}
    for row, line in enumerate(there):
        if line.spans:
            rows.setdefault(line, row)
    votes: dict[int, int] = {}
    for row, line in enumerate(wanted):
        place = rows.get(line)
        if place is not None and place != row:
            votes[place - row] = votes.get(place - row, 0) + 1
    if not votes:
        return None
    by = max(votes, key=lambda step: votes[step])
    kept = sum(a == b for a, b in zip(there, wanted, strict=True))
    if votes[by] < LEAST_SCROLL + kept:
        return None
    count = abs(by)
    blank = (EMPTY,) * count
    moved = (*there[count:], *blank) if by > 0 else (*blank, *there[: len(there) - count])
    final = "S" if by > 0 else "T"
    text = f"\x1b[{top + 1};{bottom}r\x1b[{count}{final}\x1b[r"
    return text, (*old[:top], *moved, *old[bottom:])
