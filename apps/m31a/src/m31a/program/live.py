"""The last rows of the main screen, in inline mode: what still changes, and the prompt."""

from collections.abc import Sequence
from dataclasses import dataclass

from m31a.draw.frame import Point, Scrollback, Size, View
from m31a.draw.line import Line
from m31a.program.chrome import Note, hints, status_line, toast_line
from m31a.program.keymap import KeyTable
from m31a.program.scene import Scene


@dataclass(frozen=True, slots=True)
class Live:
    """The rows that are painted anew, and those that the terminal keeps above them."""

    view: View
    above: Scrollback


def live_size(size: Size) -> Size:
    """What a screen may take of a terminal: short of the last column, so that nothing wraps."""
    return Size(max(1, size.width - 1), max(1, size.height - 2))


def surrounded(
    view: View, tables: Sequence[KeyTable], notes: Sequence[Note], scene: Scene, size: Size
) -> View:
    """Live rows with notes above, and hints and status below them, no more than half a screen."""
    cells = live_size(size).width
    said = tuple(toast_line(note, cells) for note in notes[-3:])
    foot: tuple[Line, ...] = (hints(tables, cells), status_line(scene, cells))
    lines = (*said, *view.lines, *foot)
    cut = max(0, len(lines) - size.height)
    at = view.cursor
    row = at.row + len(said) - cut if at is not None else -1
    cursor = Point(min(at.column, cells - 1), row) if at is not None and row >= 0 else None
    return View(tuple(line.clipped(cells) for line in lines[cut:]), cursor)
