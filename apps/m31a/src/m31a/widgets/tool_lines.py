"""Tool calls and command lines as lines: what is long is folded until somebody opens it."""

import json

from m31a.draw.line import Line, Span, span
from m31a.draw.style import ACCENT, BORDER, DIM, ERR, STRONG, Style, Tone
from m31a.story.blocks import ShellCard, ToolCard
from m31a.widgets.diff_view import diff_lines
from m31a.widgets.row_text import one_row, safe, tabbed
from m31a_engine import CommandOutput, FileDiff, Listing, Plain

FOLDED_ROWS = 8
"""Rows of a tool's output that are shown while it is folded."""
OPEN_ROWS = 2000
Lines = tuple[Line, ...]


def tool_lines(card: ToolCard, cells: int, opened: bool) -> Lines:
    """A tool call: what it is about, its figure, and what it did or printed."""
    done = card.display is not None
    mark = Span("◆ " if done else "◌ ", ERR if card.is_error else Style(fg=Tone.ROLE_TOOL))
    figure = _figure(card)
    title = Line.of(mark, Span(safe(card.tool), STRONG), "  ", span(about(card)))
    room = max(1, cells - figure.width - 1)
    head = title.fitted(room).plus(" ", *figure.spans) if figure.spans else title.clipped(cells)
    return (head, *_tool_body(card, cells, opened))


def _tool_body(card: ToolCard, cells: int, opened: bool) -> Lines:
    match card.display:
        case None:
            return output_lines(card.output, cells, opened, tail=True)
        case FileDiff(diff=diff, path=path):
            return _folded(diff_lines(safe(diff), cells - 2, path=path), cells, opened)
        case CommandOutput(text=text):
            return output_lines(text, cells, opened, tail=True)
        case Listing(paths=paths):
            return output_lines("\n".join(paths), cells, opened, tail=False) if opened else ()
        case Plain(text=text):
            show = opened or card.is_error
            return output_lines(text, cells, opened, tail=False) if show else ()


def _figure(card: ToolCard) -> Line:
    match card.display:
        case None:
            return Line.of(Span("running", DIM))
        case FileDiff(added=added, removed=removed):
            return Line.of(
                Span(f"+{added}", Style(fg=Tone.DIFF_ADD)),
                " ",
                Span(f"-{removed}", Style(fg=Tone.DIFF_DEL)),
            )
        case CommandOutput(exit_code=code):
            return Line.of(Span(f"exit {code}", DIM if code == 0 else ERR))
        case Listing(paths=paths):
            return Line.of(Span(f"{len(paths)} found", DIM))
        case Plain(text=text):
            rows = text.count("\n") + 1
            return Line.of(
                Span("failed" if card.is_error else f"{rows} lines", ERR if card.is_error else DIM)
            )


def about(card: ToolCard) -> str:
    """The one thing a call is about: its command, its path, its pattern."""
    match card.display:
        case FileDiff(path=path):
            return safe(path)
        case CommandOutput(command=command):
            return one_row(command)
        case _:
            pass
    try:
        given = json.loads(card.arguments or "{}")
    except ValueError:
        return one_row(card.arguments)
    if not isinstance(given, dict):
        return one_row(card.arguments)
    known = [given[key] for key in ("command", "path", "pattern", "url", "query") if key in given]
    return one_row(", ".join(str(value) for value in known) or card.arguments)


def output_lines(text: str, cells: int, opened: bool, *, tail: bool) -> Lines:
    """Printed text behind a bar; folded, its last rows (or first, without `tail`) alone."""
    rows = safe(text).rstrip("\n").split("\n") if text.strip() else []
    limit = OPEN_ROWS if opened else FOLDED_ROWS
    hidden = max(0, len(rows) - limit)
    shown = (rows[-limit:] if tail else rows[:limit]) if hidden else rows
    bar = Span("  │ ", BORDER)
    lines = [Line.of(bar, Span(tabbed(row), DIM)).clipped(cells) for row in shown]
    if hidden:
        note = Line.of(bar, Span(f"… {hidden} more lines (ctrl+o opens)", DIM)).clipped(cells)
        lines.insert(0 if tail else len(lines), note)
    return tuple(lines)


def _folded(lines: Lines, cells: int, opened: bool) -> Lines:
    limit = OPEN_ROWS if opened else FOLDED_ROWS + 4
    shown = [Line.of("  ", *line.spans).clipped(cells) for line in lines[:limit]]
    if len(lines) > limit:
        more = Span(f"    … {len(lines) - limit} more lines (ctrl+o opens)", DIM)
        shown.append(Line.of(more).clipped(cells))
    return tuple(shown)


def shell_lines(card: ShellCard, cells: int, opened: bool) -> Lines:
    """A command line of the person's own, and what it printed."""
    head = Line.of(Span("! ", ACCENT), Span(one_row(card.command), STRONG))
    if card.exit_code is not None:
        head = head.plus("  ", Span(f"exit {card.exit_code}", DIM if not card.exit_code else ERR))
    return (head.clipped(cells), *output_lines(card.output, cells, opened, tail=True))
