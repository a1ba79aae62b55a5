"""Two versions of the plan, compared."""

from dataclasses import dataclass, replace
from difflib import unified_diff

from m31a.draw.frame import Size, View, fill
from m31a.draw.line import EMPTY, Line, Span
from m31a.draw.style import ACCENT, DIM, STRONG
from m31a.program.keymap import KeyTable, bind
from m31a.program.messages import Message, Pressed
from m31a.program.scene import Scene
from m31a.program.screen import Screen, Step
from m31a.widgets import scroll
from m31a.widgets.browse import TOP
from m31a.widgets.diff_view import diff_lines
from m31a.widgets.facts import note_lines
from m31a.widgets.plan_text import plan_as_text
from m31a.widgets.row_text import safe
from m31a.widgets.scroll import Window, window_lines
from m31a_engine import Plan

KEYS: KeyTable = (
    bind("versions.older", "left, h", "older", hint=True),
    bind("versions.newer", "right, l", "newer", hint=True),
    bind("versions.first", "1", "against the first, or the one before", hint=True),
    *scroll.KEYS,
    bind("app.back", "escape, q", "back", hint=True),
)
HEAD_ROWS = 2


@dataclass(frozen=True, slots=True)
class Compared:
    """Which version is looked at (its place), against which, and how far it is scrolled."""

    plans: tuple[Plan, ...]
    at: int
    against_first: bool = False
    window: Window = TOP

    @property
    def before(self) -> int:
        """The place of the older one."""
        return 0 if self.against_first else max(0, self.at - 1)


class PlanVersionsScreen(Screen[Compared]):
    """What a refinement has changed."""

    id = "plan_versions"
    title = "plan versions"

    def init(self, argument: object, scene: Scene) -> Step[Compared]:
        """The newest version against the one before it."""
        plans = scene.story.plans
        return Step(Compared(plans, max(0, len(plans) - 1)))

    def keys(self, state: Compared) -> KeyTable:
        """Which versions, and scrolling."""
        return KEYS

    def update(self, state: Compared, message: Message, scene: Scene) -> Step[Compared]:
        """Other versions, or another part of the text."""
        last = max(0, len(state.plans) - 1)
        match message:
            case Pressed(action="versions.older"):
                return Step(replace(state, at=max(min(1, last), state.at - 1), window=TOP))
            case Pressed(action="versions.newer"):
                return Step(replace(state, at=min(last, state.at + 1), window=TOP))
            case Pressed(action="versions.first"):
                return Step(replace(state, against_first=not state.against_first, window=TOP))
            case Pressed(action=action):
                height = max(1, scene.size.height - HEAD_ROWS)
                rows = len(_changes(state, scene.size.width))
                moved = state.window.applied(action, rows, height)
                return Step(state if moved is None else replace(state, window=moved))
            case _:
                return Step(state)

    def view(self, state: Compared, size: Size, scene: Scene) -> View:
        """Which two, and what is different."""
        if len(state.plans) < 2:
            text = "There is one version only." if state.plans else "There is no plan yet."
            return View(fill(note_lines(text, size.width), size))
        head = Line.of(
            " version ",
            Span(f"{state.before + 1}", STRONG),
            Span(" → ", DIM),
            Span(f"{state.at + 1}", ACCENT),
            Span(f" of {len(state.plans)}", DIM),
        )
        body = Size(size.width, max(1, size.height - HEAD_ROWS))
        lines = _changes(state, size.width)
        return View(fill((head, EMPTY, *window_lines(lines, state.window, body)), size))


def _changes(state: Compared, cells: int) -> tuple[Line, ...]:
    if len(state.plans) < 2:
        return ()
    old, new = (
        safe(plan_as_text(state.plans[place])).splitlines() for place in (state.before, state.at)
    )
    rows = list(unified_diff(old, new, lineterm="", n=3))[2:]
    if not rows:
        return (Line.of("  ", Span("the same", DIM)),)
    return diff_lines("\n".join(rows), cells, path="plan")
