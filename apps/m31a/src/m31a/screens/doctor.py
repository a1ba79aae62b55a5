"""What is here, what is missing, and what to do about it."""

from dataclasses import dataclass, replace

from m31a.desks import desk_of, settled
from m31a.draw.frame import Size, View, fill
from m31a.draw.line import EMPTY, Line, Span, wrapped
from m31a.draw.style import DIM, ERR, OK, STRONG, WARN
from m31a.program.effects import CopyText, Work
from m31a.program.keymap import KeyTable, bind
from m31a.program.messages import Message, Pressed, WorkFailed
from m31a.program.scene import Scene
from m31a.program.screen import Screen, Step
from m31a.program.services import Services
from m31a.widgets import listing
from m31a.widgets.facts import note_lines
from m31a.widgets.row_text import safe
from m31a.widgets.trouble import trouble_lines
from m31a_engine.desk.doctor import Fact

KEYS: KeyTable = (
    bind("doctor.again", "r", "look again", hint=True),
    bind("doctor.copy", "y", "copy", hint=True),
    *listing.KEYS,
    bind("app.back", "escape, q", "back", hint=True),
)
NAME_CELLS = 11


@dataclass(frozen=True, slots=True)
class Health:
    """What was found; None while it is looked for."""

    facts: tuple[Fact, ...] | None = None
    ignored: tuple[str, ...] = ()
    trouble: WorkFailed | None = None
    top: int = 0


@dataclass(frozen=True, slots=True)
class Looked(Message):
    """What the doctor found, and what of the project's settings is not obeyed."""

    facts: tuple[Fact, ...]
    ignored: tuple[str, ...]


class DoctorScreen(Screen[Health]):
    """Looks around when it is opened, and again on demand; changes nothing."""

    id = "doctor"
    title = "doctor"

    def init(self, argument: object, scene: Scene) -> Step[Health]:
        """Looks at once."""
        return Step(Health(), (Work(_look),))

    def keys(self, state: Health) -> KeyTable:
        """Look again, copy, scroll."""
        return KEYS

    def update(self, state: Health, message: Message, scene: Scene) -> Step[Health]:
        """What was found, or what hindered looking."""
        match message:
            case Looked(facts=facts, ignored=ignored):
                return Step(replace(state, facts=facts, ignored=ignored, trouble=None))
            case WorkFailed():
                return Step(replace(state, trouble=message))
            case Pressed(action="doctor.again"):
                return Step(Health(), (Work(_look),))
            case Pressed(action="doctor.copy") if state.facts is not None:
                text = "\n".join(line.text for line in _lines(state, 200))
                return Step(state, (CopyText(text),))
            case Pressed(action=action):
                rows = len(_lines(state, scene.size.width))
                top = listing.scrolled(action, state.top, max(1, rows - scene.size.height + 1))
                return Step(state if top is None else replace(state, top=top))
            case _:
                return Step(state)

    def view(self, state: Health, size: Size, scene: Scene) -> View:
        """A line for each fact; what is missing has its remedy below it."""
        lines = _lines(state, size.width)
        top = min(state.top, max(0, len(lines) - size.height))
        return View(fill(lines[top:], size))


def _lines(state: Health, cells: int) -> tuple[Line, ...]:
    if state.trouble is not None:
        return trouble_lines(state.trouble, cells)
    if state.facts is None:
        return note_lines("looking around …", cells)
    missing = sum(1 for fact in state.facts if fact.missing)
    verdict = (
        Span(f"{missing} thing{'s' if missing > 1 else ''} missing for a run", ERR)
        if missing
        else Span("everything a run needs is here", OK)
    )
    lines = [EMPTY, Line.of("  ", verdict).clipped(cells), EMPTY]
    for fact in state.facts:
        mark = _mark(fact)
        name = Span(f"{fact.name:<{NAME_CELLS}}", STRONG)
        indent = " " * (4 + NAME_CELLS)
        first = Line.of(mark, name)
        body = wrapped((Span(safe(fact.text), DIM),), max(8, cells - first.width))
        lines.append(first.plus(*body[0].spans).clipped(cells))
        lines.extend(Line.of(indent, *line.spans).clipped(cells) for line in body[1:])
        if fact.missing:
            need = (Span(f"needs {safe(fact.missing)}", WARN),)
            lines.extend(wrapped(need, cells, first=indent, rest=indent))
    for sentence in state.ignored:
        lines.extend(
            wrapped((Span(safe(sentence), DIM),), cells, first=Span("  ! ", WARN), rest="    ")
        )
    return tuple(lines)


def _mark(fact: Fact) -> Span:
    if fact.missing:
        return Span("  ✗ ", ERR)
    return Span("  – ", DIM) if fact.text.startswith("missing") else Span("  ✓ ", OK)


def _look(services: Services) -> Message:
    """In a thread with an event loop of its own: the keychain may take its time."""
    desk = desk_of(services)
    diagnosis = settled(desk.doctor.examine)
    return Looked(diagnosis.facts, desk.config.ignored)
