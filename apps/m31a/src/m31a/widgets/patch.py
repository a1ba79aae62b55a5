"""A patch as lines: one column or two, with what differs within a line marked."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import zip_longest

from m31a.draw.line import EMPTY, Line, Span, span, wrapped
from m31a.draw.style import BORDER, DIM, PLAIN, Style, Tone
from m31a.draw.text import expand_tabs
from m31a.widgets.patch_reader import FilePatch, Hunk, Row
from m31a.widgets.row_text import one_row, safe

_ADD, _DEL = Style(fg=Tone.DIFF_ADD), Style(fg=Tone.DIFF_DEL)
_ADD_WORD = Style(fg=Tone.DIFF_ADD, bg=Tone.DIFF_ADD_WORD, bold=True)
_DEL_WORD = Style(fg=Tone.DIFF_DEL, bg=Tone.DIFF_DEL_WORD, bold=True)
_GUTTER = Style(fg=Tone.DIFF_GUTTER, dim=True)
_STYLES = {"+": (_ADD, _ADD_WORD), "-": (_DEL, _DEL_WORD)}
NUMBER_CELLS = 5


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
