"""Rows in columns: fixed, flexible, right-aligned; on narrow screens each row is a card."""

from collections.abc import Sequence
from dataclasses import dataclass

from m31a.draw.line import Line, Part, Span
from m31a.draw.style import DIM, SELECTED, STRONG, Style, Tone
from m31a.draw.text import width

GAP = 2
NARROW = 60
"""Below so many cells a row is shown as `name: value` lines."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its title and least width; `flex` takes what is left, `right` is for figures."""

    title: str
    least: int = 4
    flex: bool = False
    right: bool = False


Row = Sequence[Line]


def table_lines(
    columns: Sequence[Column], rows: Sequence[Row], cells: int, *, chosen: int | None = None
) -> tuple[Line, ...]:
    """A head, a rule, and a line a row; the chosen row is marked by more than its colour."""
    widths = _widths(columns, rows, cells - 2)
    lines = [
        Line.of(
            "  ", *_cells([Line.of(Span(each.title, STRONG)) for each in columns], columns, widths)
        ),
        Line.of("  ", Span((" " * GAP).join("─" * wide for wide in widths), Style(fg=Tone.BORDER))),
    ]
    for index, row in enumerate(rows):
        mark = "▸ " if index == chosen else "  "
        line = Line.of(mark, *_cells(row, columns, widths)).clipped(cells)
        lines.append(line.padded(cells).grounded(SELECTED) if index == chosen else line)
    return tuple(line.clipped(cells) for line in lines)


def card_lines(
    columns: Sequence[Column], rows: Sequence[Row], cells: int, *, chosen: int | None = None
) -> tuple[tuple[Line, ...], ...]:
    """The same for narrow screens: the lines of each row, a name and a value each."""
    names = max((width(column.title) for column in columns), default=0)
    cards = []
    for index, row in enumerate(rows):
        lines = []
        for at, (column, value) in enumerate(zip(columns, row, strict=True)):
            mark = "▸ " if index == chosen and at == 0 else "  "
            name = Span(column.title.ljust(names + 1), DIM)
            lines.append(Line.of(mark, name, *value.spans).clipped(cells))
        cards.append(tuple(lines))
    return tuple(cards)


def _widths(columns: Sequence[Column], rows: Sequence[Row], cells: int) -> list[int]:
    """What each column gets: its content where there is room, its least where there is not."""
    content = [
        max([width(column.title), column.least, *(row[at].width for row in rows)])
        for at, column in enumerate(columns)
    ]
    room = cells - GAP * (len(columns) - 1)
    over = sum(content) - room
    for flexible in (True, False):
        for at, column in enumerate(columns):
            if over > 0 and column.flex is flexible:
                cut = min(over, max(0, content[at] - column.least))
                content[at] -= cut
                over -= cut
    if over < 0:
        flexible_ones = [at for at, column in enumerate(columns) if column.flex]
        for at in flexible_ones[:1]:
            content[at] -= over
    return content


def _cells(row: Row, columns: Sequence[Column], widths: Sequence[int]) -> list[Part]:
    parts: list[Part] = []
    for at, (value, column, wide) in enumerate(zip(row, columns, widths, strict=True)):
        if at:
            parts.append(" " * GAP)
        shown = value.clipped(wide)
        blanks = " " * (wide - shown.width)
        parts.extend([blanks, *shown.spans] if column.right else [*shown.spans, blanks])
    return parts
