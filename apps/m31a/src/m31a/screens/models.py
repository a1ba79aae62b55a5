"""The models on offer: found by some letters, compared by what they cost, chosen for a phase."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial

from m31a.desks import desk_of
from m31a.draw.frame import Point, Size, View, fill
from m31a.draw.line import EMPTY, Line, Span, span
from m31a.draw.style import DIM, STRONG, WARN
from m31a.program.effects import AsyncWork, ChangeSettings, Effect, Reread, SendCommand, Toast, Work
from m31a.program.keymap import KeyTable, bind
from m31a.program.messages import Message, Pasted, Pressed, Typed, WorkFailed
from m31a.program.scene import Scene
from m31a.program.screen import Pop, Screen, Step
from m31a.program.services import Services
from m31a.widgets import picker
from m31a.widgets.facts import note_lines
from m31a.widgets.model_detail import detail_lines
from m31a.widgets.model_rows import ForPhase, header, row, sample_cost
from m31a.widgets.picker import Picker, picker_view
from m31a.widgets.row_text import one_row
from m31a.widgets.trouble import trouble_foot, trouble_lines
from m31a_engine import Catalogue, ModelInfo, SetPhaseModel

OLD_S = 86_400.0
"""Prices that were true so long ago may be others now."""
PHASES = ("", "discuss", "research", "plan", "execute", "verify", "ship")
"""What a model can be chosen for; empty is all."""

KEYS: KeyTable = (
    bind("pick.choose", "enter", "use it", hint=True),
    bind("models.phase", "space", "phase", hint=True),
    bind("models.sort", "tab", "sort", hint=True),
    bind("models.anew", "ctrl+r", "ask anew", hint=True),
    bind("pick.down", "down, ctrl+n, ctrl+j", "down"),
    *(each for each in picker.KEYS if each.action not in {"pick.choose", "pick.down"}),
)


class Sort(StrEnum):
    """What comes first."""

    MATCH = "match"
    PRICE = "price"
    CONTEXT = "context"


ORDERS: Mapping[Sort, Callable[[ModelInfo], float]] = {
    Sort.PRICE: lambda model: _known(sample_cost(model)),
    Sort.CONTEXT: lambda model: -(model.context_tokens or 0),
}


def _known(cost: float | None) -> float:
    return float("inf") if cost is None else cost


def model_name(model: ModelInfo) -> str:
    """What a model is found by."""
    return model.id


@dataclass(frozen=True, slots=True)
class Choosing:
    """The models, what was typed, and for which phase one is chosen."""

    picker: Picker[ModelInfo]
    current: str
    catalogue: Catalogue | None = None
    trouble: WorkFailed | None = None
    sort: Sort = Sort.MATCH
    phase: str = ""
    returns: bool = False
    """Whether the choice goes back to the screen below instead of being kept."""

    @property
    def model(self) -> ModelInfo | None:
        """The model in use, when it is on offer."""
        return next((each for each in self.picker.items if each.id == self.current), None)

    @property
    def ordered(self) -> Picker[ModelInfo]:
        """The picker as it is seen: what fits, in the order that was asked for."""
        if self.sort is Sort.MATCH:
            return self.picker
        fitting = sorted((model for model, _ in self.picker.found), key=ORDERS[self.sort])
        return replace(self.picker, items=tuple(fitting), filter="")

    @property
    def chosen(self) -> str:
        """The chosen model's id; with nothing found what was typed counts as one."""
        choice = self.ordered.choice
        return choice.id if choice is not None else self.picker.filter.strip()


@dataclass(frozen=True, slots=True)
class Offered(Message):
    """What the provider offers."""

    catalogue: Catalogue


@dataclass(frozen=True, slots=True)
class Kept(Message):
    """The choice stands in the person's configuration."""

    text: str


class ModelsScreen(Screen[Choosing]):
    """Enter uses the model from now on and keeps the choice."""

    id = "models"
    title = "models"

    def init(self, argument: object, scene: Scene) -> Step[Choosing]:
        """Opened with letters to look for, or with `ForPhase` to choose for another screen."""
        state = Choosing(Picker((), model_name), scene.settings.model)
        match argument:
            case ForPhase(phase=phase, current=current):
                current = current or scene.settings.model
                state = replace(state, phase=phase, current=current, returns=True)
            case str():
                state = replace(state, picker=state.picker.typed(argument))
            case _:
                pass
        return Step(state, (AsyncWork(partial(_list, anew=False)),))

    def keys(self, state: Choosing) -> KeyTable:
        """Those of a picker, and more; for another screen the phase is given."""
        return KEYS[:1] + KEYS[2:] if state.returns else KEYS

    def update(self, state: Choosing, message: Message, scene: Scene) -> Step[Choosing]:
        """Filter, sort, choose."""
        match message:
            case Offered(catalogue=catalogue):
                return Step(_offered(state, catalogue))
            case WorkFailed():
                return Step(replace(state, trouble=message))
            case Kept(text=text):
                return Step(state, (Toast(text, "ok"), Reread()), Pop())
            case Pressed(action=action):
                return _pressed(state, action, scene)
            case Typed(key=key):
                return Step(replace(state, picker=state.picker.typed(key.text)))
            case Pasted(paste=paste):
                text = " ".join(paste.text.split())
                return Step(replace(state, picker=state.picker.typed(text)))
            case _:
                return Step(state)

    def view(self, state: Choosing, size: Size, scene: Scene) -> View:
        """Whose list it is, the filter, the rows; what the chosen one costs below."""
        if state.catalogue is None and state.trouble is None:
            text = "asking the provider for its models …"
            return View(fill(note_lines(text, size.width), size))
        detail = detail_lines(state.ordered.choice, state.model, size)
        head = _head(state, size.width)
        room = Size(size.width, max(3, size.height - len(head) - len(detail)))
        listed = picker_view(
            state.ordered, room, lambda model, cells: row(model, state.model, cells), empty=""
        )
        first, count = _filter_line(state, size.width)
        lines = [*head, first, header(size.width), *listed.lines[2:]]
        if not state.ordered.items or not state.picker.found:
            lines = [*head, first, *_nothing(state, size.width)]
        lines = [*fill(lines, Size(size.width, size.height - len(detail))), *detail]
        return View(tuple(lines), Point(min(size.width - 1, count), len(head)))


def _offered(state: Choosing, catalogue: Catalogue) -> Choosing:
    """The list; when it comes first the model in use is the chosen one."""
    models = state.picker.with_items(catalogue.models)
    if state.catalogue is None and not models.filter:
        ids = [model.id for model in catalogue.models]
        models = replace(models, chosen=ids.index(state.current) if state.current in ids else 0)
    return replace(state, picker=models, catalogue=catalogue, trouble=None)


def _pressed(state: Choosing, action: str, scene: Scene) -> Step[Choosing]:
    match action:
        case "models.sort":
            order = tuple(Sort)
            following = order[(order.index(state.sort) + 1) % len(order)]
            top = replace(state.picker, chosen=0)
            return Step(replace(state, sort=following, picker=top))
        case "models.phase":
            place = PHASES.index(state.phase) if state.phase in PHASES else 0
            return Step(replace(state, phase=PHASES[(place + 1) % len(PHASES)]))
        case "models.anew":
            return Step(replace(state, trouble=None), (AsyncWork(partial(_list, anew=True)),))
        case "pick.choose":
            return _used(state, scene)
        case _:
            moved = state.picker.applied(action)
            return Step(state if moved is None else replace(state, picker=moved))


def _used(state: Choosing, scene: Scene) -> Step[Choosing]:
    """The choice kept, told to the app, and to a run in progress."""
    model = state.chosen
    if not model:
        return Step(state)
    if state.returns:
        return Step(state, nav=Pop(model))
    effects: list[Effect] = [Work(partial(_keep, phase=state.phase, model=model))]
    if not state.phase or state.phase == "execute":
        effects.append(ChangeSettings(model=model))
    if scene.story.running:
        phases = (state.phase,) if state.phase else PHASES[1:]
        effects += [SendCommand(SetPhaseModel(phase=phase, model=model)) for phase in phases]
    return Step(state, tuple(effects))


def _head(state: Choosing, cells: int) -> tuple[Line, ...]:
    """For which phase, whose list, how old; what went wrong."""
    phase = state.phase or "all phases"
    lines = [Line.of(" ", Span("for ", DIM), Span(phase, STRONG), *_source(state))]
    if state.trouble is not None and state.catalogue is not None:
        lines.extend(trouble_foot(state.trouble, cells))
    elif state.catalogue is not None and state.catalogue.trouble:
        text = f" ! offline: {one_row(state.catalogue.trouble)}"
        lines.append(Line.of(Span(text, WARN)))
    return tuple(line.clipped(cells) for line in lines)


def _source(state: Choosing) -> tuple[Span, ...]:
    if state.catalogue is None:
        return ()
    age_s = state.catalogue.age_s
    named = span(f" · {one_row(state.catalogue.provider)} · ", DIM)
    return (named, Span(ago(age_s), WARN if age_s > OLD_S else DIM))


def ago(seconds: float) -> str:
    """How old something is, for people."""
    for unit, length in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds / length:.0f} {unit} old"
    return "fresh"


def _filter_line(state: Choosing, cells: int) -> tuple[Line, int]:
    """What was typed, how it is sorted, how many fit; and where the cursor stands."""
    head = Line.of(" ", Span("search ", DIM), span(state.picker.filter))
    count = f"{len(state.picker.found)} / {len(state.picker.items)} "
    tail = Line.of(Span(f"sort ‹{state.sort.value}›  " if cells >= 50 else "", DIM), count)
    line = head.fitted(max(0, cells - tail.width)).plus(*tail.spans)
    return line, head.width


def _nothing(state: Choosing, cells: int) -> tuple[Line, ...]:
    """Why no row is seen, and what can be done all the same."""
    lines: list[Line] = []
    if state.trouble is not None and state.catalogue is None:
        lines.extend(trouble_lines(state.trouble, cells))
    elif not state.picker.items:
        lines += note_lines("the provider offers no model", cells)
    else:
        lines += note_lines("no model has these letters", cells)
    wanted = state.picker.filter.strip()
    text = f"enter uses {wanted!r} as it is" if wanted else "type an id: enter uses it as it is"
    lines += [EMPTY, Line.of("  ", span(text, DIM))]
    return tuple(line.clipped(cells) for line in lines)


async def _list(services: Services, *, anew: bool) -> Message:
    """What the chosen provider offers; a list of the last minutes will do unless it is `anew`."""
    return Offered(await desk_of(services).models.list(anew=anew))


def _keep(services: Services, *, phase: str, model: str) -> Message:
    """Write the choice into the person's own file."""
    key = f"agents.{phase}" if phase else "model.default"
    desk = desk_of(services)
    desk.settings.set(key, model)
    config = services.config()
    agents = () if phase else PHASES[1:]
    others = [each for each in agents if config.model_for(each) != config.model.default]
    note = f"; {', '.join(others)} keep their own" if others else ""
    return Kept(f"{model} for {phase or 'all phases'}{note}")
