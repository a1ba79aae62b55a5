"""Leaving while a run works: stop it and keep what is done, or stay."""

from dataclasses import dataclass

from m31a.draw.frame import Size, View, fill
from m31a.draw.line import EMPTY, Line, Span, span, wrapped
from m31a.draw.style import DIM, STRONG, WARN
from m31a.program.effects import Quit
from m31a.program.keymap import KeyTable, bind
from m31a.program.messages import Message, Pressed, RunOver
from m31a.program.scene import Scene
from m31a.program.screen import Placement, Pop, Screen, Step
from m31a.widgets.row_text import one_row

WIDTH = 60
KEYS: KeyTable = (
    bind("quit.stop", "s, y", "stop it and leave", hint=True),
    bind("quit.stay", "escape, n, q, enter", "stay", hint=True),
)


@dataclass(frozen=True, slots=True)
class Leaving:
    """There is nothing to remember: the run's story says what would be stopped."""


class ConfirmQuitScreen(Screen[Leaving]):
    """Enter stays: nothing is lost by a key too many."""

    id = "confirm_quit"
    title = "leave?"
    placement = Placement.SHEET

    def init(self, argument: object, scene: Scene) -> Step[Leaving]:
        """With nothing at work there is nothing to ask: the app is left."""
        if scene.story.running:
            return Step(Leaving())
        return Step(Leaving(), (Quit(),), Pop())

    def keys(self, state: Leaving) -> KeyTable:
        """Stop or stay."""
        return KEYS

    def update(self, state: Leaving, message: Message, scene: Scene) -> Step[Leaving]:
        """The answer; a run that ends meanwhile has answered."""
        match message:
            case Pressed(action="quit.stop"):
                return Step(state, (Quit(),))
            case Pressed(action="quit.stay") | RunOver():
                return Step(state, nav=Pop())
            case _:
                return Step(state)

    def wanted(self, state: Leaving, limit: Size, scene: Scene) -> Size:
        """As high as its text."""
        cells = min(WIDTH, limit.width)
        return Size(cells, len(_lines(scene, cells)))

    def view(self, state: Leaving, size: Size, scene: Scene) -> View:
        """What works, and what becomes of it."""
        return View(fill(_lines(scene, size.width), size))


def _lines(scene: Scene, cells: int) -> tuple[Line, ...]:
    story = scene.story
    goal = one_row(story.goal)
    said = (
        Span("A run works", STRONG),
        Span(f" ({story.phase.value})" if story.phase.value != "idle" else "", DIM),
        span(f": {goal}" if goal else "."),
    )
    kept = "Stopped, it keeps what is done; m31a --resume goes on from there."
    waiting = len(scene.queue)
    lost = f"{waiting} queued goal{'s' if waiting > 1 else ''} would be dropped."
    return (
        *wrapped(said, cells)[:3],
        EMPTY,
        *wrapped((Span(kept, DIM),), cells),
        *(wrapped((Span(lost, WARN),), cells) if waiting else ()),
        EMPTY,
        *wrapped((Span("s", STRONG), " stop it and leave   ", Span("esc", STRONG), " stay"), cells),
    )
