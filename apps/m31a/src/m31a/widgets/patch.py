"""A patch as values, and as lines: one column or two, with what differs within a line marked.

The format is that of `git diff`: https://git-scm.com/docs/diff-format
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import takewhile, zip_longest

from m31a.draw.line import EMPTY, Line, Span, span, wrapped
from m31a.draw.style import BORDER, DIM, PLAIN, Style, Tone
from m31a.draw.text import expand_tabs
from m31a.widgets.block_lines import one_row, safe

_HUNK = re.compile(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@(.*)")
_ADD, _DEL = Style(fg=Tone.DIFF_ADD), Style(fg=Tone.DIFF_DEL)
_ADD_WORD = Style(fg=Tone.DIFF_ADD, bg=Tone.DIFF_ADD_WORD, bold=True)
_DEL_WORD = Style(fg=Tone.DIFF_DEL, bg=Tone.DIFF_DEL_WORD, bold=True)
_GUTTER = Style(fg=Tone.DIFF_GUTTER, dim=True)
_STYLES = {"+": (_ADD, _ADD_WORD), "-": (_DEL, _DEL_WORD)}
_NOTES = (
    ("new file", "new"),
    ("deleted file", "deleted"),
    ("rename from ", "renamed"),
    ("copy from ", "copied"),
    ("Binary files", "binary"),
    ("GIT binary patch", "binary"),
    ("old mode", "mode"),
)
NUMBER_CELLS = 5


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a hunk: ` `, `+`, `-` or `\\`, and its number in the old and the new file."""

    sign: str
    text: str
    old: int
    new: int


@dataclass(frozen=True, slots=True)
class Hunk:
    """Lines that stand together, and in what they stand (a function, a section)."""

    start: int
    within: str
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True, eq=False)
class FilePatch:
    """What a patch does to one file. Compared by identity: laid out once, however long."""

    path: str
    note: str = ""
    """new, deleted, renamed, copied, binary, mode; empty for a plain change."""
    hunks: tuple[Hunk, ...] = ()
    raw: str = ""

    @property
    def added(self) -> int:
        """Lines that were not there before."""
        return self._count("+")

    @property
    def removed(self) -> int:
        """Lines that are no longer there."""
        return self._count("-")

    def _count(self, sign: str) -> int:
        return sum(row.sign == sign for hunk in self.hunks for row in hunk.rows)


def read_patch(text: str) -> tuple[FilePatch, ...]:
    """The files of a patch, in its order."""
    pieces: list[list[str]] = []
    left = [0, 0]
    for row in text.split("\n"):
        if left == [0, 0] and (row.startswith("diff --git ") or not pieces):
            pieces.append([])
        if left == [0, 0] and (found := _HUNK.match(row)):
            left = [int(found[2] or 1), int(found[4] or 1)]
        elif left != [0, 0]:
            left = _less(left, row)
        pieces[-1].append(row)
    return tuple(_file(piece) for piece in pieces if any(row.strip() for row in piece))


def _less(left: list[int], row: str) -> list[int]:
    """How many old and new lines of the hunk are to come after this one."""
    old = left[0] - (row[:1] not in {"+", "\\"})
    new = left[1] - (row[:1] not in {"-", "\\"})
    return [max(0, old), max(0, new)]


def _file(rows: Sequence[str]) -> FilePatch:
    head = list(takewhile(lambda row: not _HUNK.match(row), rows))
    notes = (said for row in head for start, said in _NOTES if row.startswith(start))
    patch = FilePatch(_path(head), next(notes, ""), raw="\n".join(rows).rstrip("\n") + "\n")
    return replace(patch, hunks=tuple(_hunks(rows[len(head) :])))


def _path(head: Sequence[str]) -> str:
    """The file's name: the new one, or the old one when it was deleted."""
    names = {row[:4]: row[4:].strip('"') for row in head if row[:4] in {"--- ", "+++ "}}
    for sign, side in (("+++ ", "b/"), ("--- ", "a/")):
        name = names.get(sign, "/dev/null").split("\t")[0]
        if name != "/dev/null":
            return name.removeprefix(side)
    for row in head:
        if row.startswith(("rename to ", "copy to ")):
            return row.partition(" to ")[2]
        if row.startswith("diff --git "):
            return row.rpartition(" b/")[2].strip('"')
    return ""


def _hunks(rows: Sequence[str]) -> Iterator[Hunk]:
    start, within, taken = 0, "", list[Row]()
    old = new = 0
    left = [0, 0]
    for row in rows:
        if left == [0, 0] and (found := _HUNK.match(row)):
            if taken:
                yield Hunk(start, within, tuple(taken))
            old, new = int(found[1]), int(found[3])
            left = [int(found[2] or 1), int(found[4] or 1)]
            start, within, taken = new, found[5].strip(), []
        elif left != [0, 0] or row.startswith("\\"):
            sign = row[:1] if row[:1] in {"+", "-", "\\"} else " "
            taken.append(Row(sign, row[1:], old, new))
            left = _less(left, row)
            old, new = old + (sign in " -"), new + (sign in " +")
    if taken:
        yield Hunk(start, within, tuple(taken))


@dataclass(frozen=True, slots=True)
class Laid:
    """A file's lines, and at which of them its hunks begin."""

    lines: tuple[Line, ...]
    starts: tuple[int, ...]


@lru_cache(maxsize=64)
def patch_lines(patch: FilePatch, cells: int, *, beside: bool) -> Laid:
    """One file: old and new below each other, or `beside` each other."""
    lines: list[Line] = []
    starts: list[int] = []
    for hunk in patch.hunks:
        starts.append(len(lines))
        head = Line.of(Span(f"@@ {hunk.start} ", _GUTTER), Span(one_row(hunk.within), DIM))
        lines.append(head.plus(" ", Span("─" * max(0, cells - head.width - 1), BORDER)))
        lines.extend(_beside(hunk, cells) if beside else _below(hunk, cells))
    if not lines:
        lines.append(Line.of(Span(f"  {patch.note or 'nothing'}: no lines to show", DIM)))
    return Laid(tuple(line.clipped(cells) for line in lines), tuple(starts))


def _below(hunk: Hunk, cells: int) -> Iterator[Line]:
    """The old lines of a change, then the new ones; long ones broken, so that nothing is lost."""
    waiting: list[Line] = []
    for before, after in _paired(hunk.rows):
        if before is not None and before is after:
            yield from waiting
            waiting = []
            yield from _broken(before, before.new, None, cells)
            continue
        if before is not None:
            yield from _broken(before, before.old, after, cells)
        if after is not None:
            waiting.extend(_broken(after, after.new, before, cells))
    yield from waiting


def _beside(hunk: Hunk, cells: int) -> Iterator[Line]:
    half = (cells - 3) // 2
    for before, after in _paired(hunk.rows):
        left = _line(before, before.old, after, half) if before is not None else EMPTY
        right = _line(after, after.new, before, half) if after is not None else EMPTY
        yield left.fitted(half).plus(Span(" │ ", BORDER), *right.fitted(half).spans)


def _paired(rows: Sequence[Row]) -> Iterator[tuple[Row | None, Row | None]]:
    """Old and new lines side by side; a line that stays is both."""
    old: list[Row] = []
    new: list[Row] = []
    for row in rows:
        match row.sign:
            case "-" if new:
                yield from zip_longest(old, new)
                old, new = [row], []
            case "-":
                old.append(row)
            case "+":
                new.append(row)
            case "\\":
                continue
            case _:
                yield from zip_longest(old, new)
                old, new = [], []
                yield row, row
    yield from zip_longest(old, new)


def _broken(row: Row, number: int, other: Row | None, cells: int) -> Iterator[Line]:
    """One line of a file on as many rows as it needs."""
    head = _gutter(row, number)
    for index, body in enumerate(wrapped(_body(row, other), max(8, cells - head.width))):
        lead = head.spans if index == 0 else (" " * head.width,)
        yield Line.of(*lead, *body.spans)


def _line(row: Row, number: int, other: Row | None, cells: int) -> Line:
    """One line of a file on one row, cut."""
    return _gutter(row, number).plus(*_body(row, other)).clipped(cells)


def _gutter(row: Row, number: int) -> Line:
    style, _ = _STYLES.get(row.sign, (PLAIN, PLAIN))
    return Line.of(Span(f"{number:>{NUMBER_CELLS - 1}} ", _GUTTER), Span(f"{row.sign} ", style))


def _body(row: Row, other: Row | None) -> tuple[Span, ...]:
    """A line's text; where it stands against another, what differs is marked."""
    style, strong = _STYLES.get(row.sign, (PLAIN, PLAIN))
    text = _one_line(row.text)
    if other is None or other.sign == row.sign or not text.strip():
        return (span(text, style),)
    first, last = _common(text, _one_line(other.text))
    end = len(text) - last
    return (
        span(text[:first], style),
        span(text[first:end], strong if first + last else style),
        span(text[end:], style),
    )


def _one_line(text: str) -> str:
    """A line from outside, harmless, its tabs as blanks."""
    return expand_tabs(safe(text).replace("\n", " "))


def _common(text: str, other: str) -> tuple[int, int]:
    """How many characters two lines share at their beginning and at their end."""
    shorter = min(len(text), len(other))
    first = next((at for at in range(shorter) if text[at] != other[at]), shorter)
    room = shorter - first
    last = next((at for at in range(room) if text[-1 - at] != other[-1 - at]), room)
    return first, last


def new_text(hunk: Hunk) -> str:
    """What a hunk leaves in the file, without signs and numbers."""
    return "".join(f"{row.text}\n" for row in hunk.rows if row.sign in {" ", "+"})
