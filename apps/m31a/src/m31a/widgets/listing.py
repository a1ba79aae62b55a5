"""A list without a filter: rows, one of them chosen, scrolled so that it is seen."""

from collections.abc import Sequence

from m31a.draw.frame import Size, fill
from m31a.draw.line import Line, Span
from m31a.draw.style import ACCENT, DIM, SELECTED
from m31a.program.keymap import KeyTable, bind

KEYS: KeyTable = (
    bind("list.up", "up, k, wheelup", "up"),
    bind("list.down", "down, j, wheeldown", "down"),
    bind("list.page_up", "pageup", "a page up"),
    bind("list.page_down", "pagedown", "a page down"),
    bind("list.first", "home, g", "the first"),
    bind("list.last", "end, G", "the last"),
)
PAGE = 10
STEPS = {"list.up": -1, "list.down": 1, "list.page_up": -PAGE, "list.page_down": PAGE}


def moved(action: str, at: int, count: int) -> int | None:
    """The row that is chosen after an action of `KEYS`; None when it is none."""
    last = max(0, count - 1)
    if action in STEPS:
        return min(last, max(0, min(at, last) + STEPS[action]))
    return {"list.first": 0, "list.last": last}.get(action)


def listing_lines(rows: Sequence[Line], at: int, size: Size) -> tuple[Line, ...]:
    """Exactly `size.height` lines around the chosen row; what is not seen is told by a count."""
    at = min(at, max(0, len(rows) - 1))
    first = max(0, min(at - size.height // 2, len(rows) - size.height))
    lines = []
    for index, row in enumerate(rows[first : first + size.height], first):
        mark = Span("▸ " if index == at else "  ", ACCENT)
        line = Line.of(mark, *row.spans).fitted(size.width)
        lines.append(line.grounded(SELECTED) if index == at else line)
    hidden = len(rows) - first - size.height
    if hidden > 0 and size.height > 1 and first + size.height - 1 != at:
        lines[-1] = Line.of("  ", Span(f"… {hidden + 1} more", DIM))
    return fill(lines, size)


def scrolled(action: str, top: int, count: int) -> int | None:
    """Where a text of `count` lines begins after an action of `KEYS`; None when it is none."""
    return moved(action, top, count)
