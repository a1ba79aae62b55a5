"""A draft as it is drawn: rows of so many cells, and the cursor among them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from m31a.draw.frame import Point, Size, View
from m31a.draw.line import Line, Span
from m31a.draw.style import ACCENT, DIM, PLAIN, Style
from m31a.draw.text import expand_tabs, graphemes, scrub
from m31a.widgets.draft import MARKS, Draft
from m31a.widgets.text_bounds import before


@dataclass(frozen=True, slots=True)
class Row:
    """One row as it is drawn: which part of the text it shows."""

    start: int
    stop: int


def rows_of(draft: Draft, cells: int) -> tuple[Row, ...]:
    """The text broken into rows of at most `cells`."""
    rows: list[Row] = []
    start = 0
    for line in draft.text.split("\n"):
        rows.extend(_line_rows(draft, start, line, max(2, cells)))
        start += len(line) + 1
    return tuple(rows)


def _line_rows(draft: Draft, start: int, line: str, cells: int) -> Iterator[Row]:
    begin, used, at, blank = start, 0, start, -1
    for cluster, wide in _shown(draft, line):
        if used + wide > cells and at > begin:
            stop = blank if blank > begin else at
            yield Row(begin, stop)
            begin = stop
            used = sum(width for _, width in _shown(draft, draft.text[begin:at]))
            blank = -1
        used += wide
        at += len(cluster)
        if cluster == " ":
            blank = at
    yield Row(begin, at)


def _shown(draft: Draft, text: str) -> Iterator[tuple[str, int]]:
    """The clusters of a piece of the text, each with the cells it takes when drawn."""
    for cluster, cells in graphemes(text):
        if MARKS.match(cluster):
            yield cluster, len(draft.label(cluster[0]))
        else:
            yield cluster, 4 if cluster == "\t" else cells


def _column(draft: Draft, row: Row, at: int) -> int:
    return sum(cells for _, cells in _shown(draft, draft.text[row.start : at]))


def _row_at(rows: tuple[Row, ...], at: int) -> int:
    return max(index for index, row in enumerate(rows) if row.start <= at)


def vertical(draft: Draft, step: int, cells: int) -> Draft | None:
    """The draft with the cursor a row up or down; None when there is no such row."""
    rows = rows_of(draft, cells)
    here = _row_at(rows, draft.at)
    if not 0 <= here + step < len(rows):
        return None
    column = draft.column if draft.column is not None else _column(draft, rows[here], draft.at)
    row = rows[here + step]
    at, used = row.start, 0
    for cluster, wide in _shown(draft, draft.text[row.start : row.stop]):
        if used + wide > column:
            break
        used += wide
        at += len(cluster)
    if at == row.stop and here + step + 1 < len(rows) and rows[here + step + 1].start == at:
        at = max(row.start, before(draft.text, at))  # the end of a wrapped row belongs to the next
    return replace(draft, at=at, column=column, last="move")


def editor_view(draft: Draft, size: Size, *, placeholder: str = "", secret: bool = False) -> View:
    """The rows around the cursor, exactly `size.height` of them, and where the cursor stands."""
    if draft.empty:
        hint = Line.of(Span(scrub(placeholder), DIM)).clipped(size.width)
        return View((hint, *(Line.of(),) * (size.height - 1)), Point(0, 0))
    cells = max(2, size.width - 1)  # the cursor may stand behind the last character
    rows = rows_of(draft, cells)
    here = _row_at(rows, draft.at)
    first = max(0, min(here - size.height + 1, len(rows) - size.height), here - size.height + 1)
    shown = rows[first : first + size.height]
    lines = tuple(_drawn(draft, row, secret) for row in shown)
    filled = (*lines, *(Line.of(),) * (size.height - len(lines)))
    return View(filled, Point(_column(draft, rows[here], draft.at), here - first))


def _drawn(draft: Draft, row: Row, secret: bool) -> Line:
    text = draft.text[row.start : row.stop]
    if secret:
        return Line.of("•" * len(text))
    parts: list[Span] = []
    style: Style = PLAIN
    for piece in re.split(f"({MARKS.pattern})", text):
        if MARKS.fullmatch(piece):
            parts.append(Span(draft.label(piece), ACCENT))
        else:
            parts.append(Span(expand_tabs(piece).replace("\t", "    "), style))
    return Line.of(*parts)


def height_of(draft: Draft, cells: int, most: int) -> int:
    """How many rows the draft takes, at least one and at most `most`."""
    return max(1, min(most, len(rows_of(draft, max(2, cells - 1)))))
