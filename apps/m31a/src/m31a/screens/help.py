"""The keys of the screen below, made from its tables."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from m31a.draw.frame import Size, View, fill
from m31a.draw.line import EMPTY, Line, Span, wrapped
from m31a.draw.style import DIM, STRONG, WARN
from m31a.draw.text import width
from m31a.program.keymap import GLOBAL, Binding, KeyTable, bind, shown
from m31a.program.messages import Message, Pressed
from m31a.program.scene import Scene
from m31a.program.screen import Placement, Pop, Screen, Step

KEYS: KeyTable = (
    bind("help.up", "up, k, wheelup", "up"),
    bind("help.down", "down, j, wheeldown", "down"),
    bind("help.page_up", "pageup", "a page up"),
    bind("help.page_down", "pagedown, space", "a page down"),
    bind("help.close", "escape, q, ?, enter, f1", "close", hint=True),
)
ROOMY = 56
"""Cells from which on all chords of a key are shown."""
STEPS = {"help.up": -1, "help.down": 1, "help.page_up": -10, "help.page_down": 10}


@dataclass(frozen=True, slots=True)
class Help:
    """Whose keys, and how far it is scrolled."""

    of: str
    table: KeyTable
    top: int = 0


class HelpScreen(Screen[Help]):
    """What every key does here."""

    id = "help"
    title = "keys"
    placement = Placement.SHEET

    def init(self, argument: object, scene: Scene) -> Step[Help]:
        """Opened with the name of a screen and its keys."""
        match argument:
            case (str() as of, tuple() as table):
                return Step(Help(of, table))
            case _:
                return Step(Help("everywhere", ()))

    def keys(self, state: Help) -> KeyTable:
        """Scroll and close."""
        return KEYS

    def update(self, state: Help, message: Message, scene: Scene) -> Step[Help]:
        """Scroll, or leave."""
        match message:
            case Pressed(action="help.close"):
                return Step(state, nav=Pop())
            case Pressed(action=action) if action in STEPS:
                most = max(0, len(_lines(state, _cells(scene.size.width))) - 1)
                return Step(replace(state, top=min(most, max(0, state.top + STEPS[action]))))
            case _:
                return Step(state)

    def wanted(self, state: Help, limit: Size, scene: Scene) -> Size:
        """As large as the table."""
        lines = _lines(state, _cells(scene.size.width))
        return Size(max(line.width for line in lines) + 1, len(lines))

    def view(self, state: Help, size: Size, scene: Scene) -> View:
        """Chords on the left, what they do on the right."""
        lines = _lines(state, _cells(scene.size.width))
        top = min(state.top, max(0, len(lines) - size.height))
        shown = fill(lines[top:], size)
        below = len(lines) - top - size.height
        if below > 0:
            more = Line.of(Span(f"  … {below + 1} more lines (↓)", WARN)).clipped(size.width)
            shown = (*shown[:-1], more)
        return View(shown)


def _cells(width: int) -> int:
    """What a sheet leaves of a screen."""
    return max(1, width - 5)


def _lines(state: Help, cells: int) -> list[Line]:
    taken = {chord for binding in state.table for chord in binding.chords}
    general = tuple(each for each in GLOBAL if not set(each.chords) <= taken)
    most = 3 if cells >= ROOMY else 1
    chords = {each: _chords(each, most) for each in (*state.table, *general)}
    column = max(width(text) for text in chords.values()) + 2
    return [
        Line.of(Span(state.of, STRONG)),
        *_rows(state.table, chords, column, cells),
        EMPTY,
        Line.of(Span("everywhere", STRONG)),
        *_rows(general, chords, column, cells),
    ]


def _chords(binding: Binding, most: int) -> str:
    return ", ".join(dict.fromkeys(map(shown, binding.chords[:most])))


def _rows(
    table: KeyTable, chords: Mapping[Binding, str], column: int, cells: int
) -> Iterator[Line]:
    """The chords and what they do, on as many rows as that takes."""
    for binding in table:
        text = chords[binding]
        head = Line.of("  ", Span(text, STRONG), " " * (column - width(text)))
        words = wrapped((Span(binding.says, DIM),), max(8, cells - head.width))
        for line in words:
            yield head.plus(*line.spans)
            head = Line.of(" " * head.width)
