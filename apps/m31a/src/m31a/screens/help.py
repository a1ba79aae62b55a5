"""The keys of the screen below, made from its tables."""

from dataclasses import dataclass, replace

from m31a.draw.frame import Size, View, fill
from m31a.draw.line import EMPTY, Line, Span
from m31a.draw.style import DIM, STRONG
from m31a.draw.text import width
from m31a.program.keymap import GLOBAL, KeyTable, bind, shown
from m31a.program.messages import Message, Pressed
from m31a.program.scene import Scene
from m31a.program.screen import Placement, Pop, Screen, Step

KEYS: KeyTable = (
    bind("help.up", "up, k", "up"),
    bind("help.down", "down, j", "down"),
    bind("help.page_up", "pageup", "a page up"),
    bind("help.page_down", "pagedown, space", "a page down"),
    bind("help.close", "escape, q, ?, enter, f1", "close", hint=True),
)
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
                most = max(0, len(_lines(state)) - 1)
                return Step(replace(state, top=min(most, max(0, state.top + STEPS[action]))))
            case _:
                return Step(state)

    def wanted(self, state: Help, limit: Size, scene: Scene) -> Size:
        """As large as the table."""
        lines = _lines(state)
        return Size(max(line.width for line in lines) + 1, len(lines))

    def view(self, state: Help, size: Size, scene: Scene) -> View:
        """Chords on the left, what they do on the right."""
        lines = _lines(state)
        top = min(state.top, max(0, len(lines) - size.height))
        return View(fill(lines[top:], size))


def _lines(state: Help) -> list[Line]:
    taken = {chord for binding in state.table for chord in binding.chords}
    general = [each for each in GLOBAL if not set(each.chords) <= taken]
    return [
        Line.of(Span(state.of, STRONG)),
        *_rows(state.table),
        EMPTY,
        Line.of(Span("everywhere", STRONG)),
        *_rows(tuple(general)),
    ]


def _rows(table: KeyTable) -> list[Line]:
    rows = []
    for binding in table:
        chords = ", ".join(map(shown, binding.chords[:3]))
        pad = " " * max(1, 26 - width(chords))
        rows.append(Line.of("  ", Span(chords, STRONG), pad, Span(binding.says, DIM)))
    return rows
