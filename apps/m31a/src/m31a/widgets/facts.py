"""Names and what they are, one below the other, and paragraphs under a title."""

from collections.abc import Sequence
from functools import lru_cache

from m31a.draw.line import EMPTY, Line, Span, span, wrapped
from m31a.draw.style import DIM, ERR, PLAIN, STRONG, Style
from m31a.draw.text import expand_tabs
from m31a.program.messages import WorkFailed
from m31a.widgets.row_text import one_row, safe


def counted(count: int, noun: str) -> str:
    """A count with its noun: `1 file`, `2 files`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def note_lines(text: str, cells: int) -> tuple[Line, ...]:
    """A quiet sentence where there is nothing else to show: empty, or still looked for."""
    return (EMPTY, *wrapped((Span(text, DIM),), cells, first="  ", rest="  "))


def title_lines(text: str, cells: int, *, after: str = "") -> tuple[Line, ...]:
    """A title, and something quiet behind it."""
    return wrapped((Span(safe(text), STRONG), Span(f"  {after}" if after else "", DIM)), cells)


def fact_lines(
    facts: Sequence[tuple[str, str]], cells: int, *, name_cells: int = 10, style: Style = PLAIN
) -> tuple[Line, ...]:
    """A line or more for each (name, text); what has no text is left out."""
    lines: list[Line] = []
    for name, text in facts:
        if text:
            head = Span(name.ljust(name_cells), DIM)
            body = (span(one_row(text), style),)
            lines.extend(wrapped(body, cells, first=head, rest=" " * name_cells))
    return tuple(lines)


def list_lines(
    title: str, texts: Sequence[str], cells: int, *, style: Style = PLAIN
) -> tuple[Line, ...]:
    """A blank line, a title, and a line or more for each text; nothing for no texts."""
    if not texts:
        return ()
    lines: list[Line] = [EMPTY, Line.of(Span(title, DIM)).clipped(cells)]
    for text in texts:
        lines.extend(wrapped((span(one_row(text), style),), cells, first="• ", rest="  "))
    return tuple(lines)


@lru_cache(maxsize=32)
def raw_lines(text: str, cells: int, style: Style = PLAIN) -> tuple[Line, ...]:
    """A text as it is, long rows broken."""
    rows = safe(text).rstrip("\n").split("\n")
    return tuple(line for row in rows for line in wrapped((span(expand_tabs(row), style),), cells))


def trouble_line(trouble: WorkFailed, cells: int) -> Line:
    """What hindered a screen's work, on one line below what still stands."""
    remedy = f": {trouble.remedy}" if trouble.remedy else ""
    return Line.of(Span("  ✗ ", ERR), span(one_row(f"{trouble.text}{remedy}"), ERR)).clipped(cells)
