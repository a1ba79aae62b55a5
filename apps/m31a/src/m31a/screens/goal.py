"""A goal and what is chosen for it: mode, money, permissions, uncommitted work, models."""

from dataclasses import replace
from functools import partial
from types import MappingProxyType

from m31a.commands import goal_effects
from m31a.draw.frame import Point, Size, View, fill
from m31a.draw.line import EMPTY, Line, Span, span
from m31a.draw.style import ACCENT, BORDER, DIM, OK, STRONG, WARN
from m31a.goal_choices import PHASES, Found, Ready, keep, look
from m31a.goal_form import CHOICES, DIRTY, FIELDS, MODES, NAMES, GoalForm
from m31a.program.effects import ChangeSettings, EditText, Effect, Reread, StartRun, Toast, Work
from m31a.program.keymap import KeyTable, bind
from m31a.program.messages import Edited, Message, Pasted, Pressed, Returned, Typed, WorkFailed
from m31a.program.scene import Scene
from m31a.program.screen import Pop, Push, Screen, Step
from m31a.widgets import editor, field
from m31a.widgets.choice import choice_line
from m31a.widgets.draft import drafted, pasted
from m31a.widgets.draft_rows import editor_view, height_of
from m31a.widgets.model_rows import ForPhase
from m31a.widgets.row_text import one_row
from m31a.widgets.trouble import trouble_foot
from m31a_engine import Mode, Options

LABEL = 14
ROOMY = 12
"""Rows from which on blank lines set things apart."""

WRITE: KeyTable = (
    bind("goal.start", "enter", "start", hint=True),
    bind("goal.next", "tab", "next field", hint=True),
    bind("goal.before", "shift+tab", "field before"),
    bind("goal.edit", "ctrl+g", "write in your editor"),
    *editor.KEYS,
)
LINE: KeyTable = (
    *WRITE[:1],
    bind("goal.next", "tab, down", "next field", hint=True),
    bind("goal.before", "shift+tab, up", "field before"),
    *field.KEYS,
)
CHOOSE: KeyTable = (
    *LINE[:3],
    bind("goal.right", "right, space, l", "other choice", hint=True),
    bind("goal.left", "left, h", "the one before"),
)
OPEN: KeyTable = (
    *LINE[:3],
    bind("goal.model", "space, right, m", "choose a model", hint=True),
    bind("goal.same", "backspace, delete", "as configured"),
)


class GoalScreen(Screen[GoalForm]):
    """Enter starts, from whichever field."""

    id = "goal"
    title = "new goal"

    def init(self, argument: object, scene: Scene) -> Step[GoalForm]:
        """Opened with the words of a goal, with a `Mode`, or with nothing."""
        mode = argument if isinstance(argument, Mode) else scene.settings.mode
        words = argument if isinstance(argument, str) and not isinstance(argument, Mode) else ""
        return Step(GoalForm(goal=drafted(words), mode=mode.value), (Work(look),))

    def keys(self, state: GoalForm) -> KeyTable:
        """Of the field that has them."""
        match state.name:
            case "goal":
                return WRITE
            case "budget":
                return LINE
            case name:
                return CHOOSE if name in CHOICES else OPEN

    def update(self, state: GoalForm, message: Message, scene: Scene) -> Step[GoalForm]:
        """Write, choose, start."""
        match message:
            case Found(standing=standing):
                return Step(state.standing_on(standing))
            case Ready():
                step = _started(state, scene)
                return replace(step, effects=(*step.effects, Reread()))
            case Returned(screen="models", result=str() as model) if state.name in PHASES:
                models = MappingProxyType({**state.models, state.name: model})
                return Step(replace(state, models=models))
            case Edited(text=text):
                return Step(replace(state, goal=drafted(text.rstrip("\n"))))
            case WorkFailed(text=text, remedy=remedy):
                for key, name in NAMES.items():
                    text = text.replace(key, name)
                return Step(replace(state, trouble=WorkFailed(text, remedy)))
            case Typed(key=key):
                return Step(_written(state, key.text))
            case Pasted(paste=paste) if state.name == "goal":
                return Step(replace(state, goal=pasted(state.goal, paste.text)))
            case Pasted(paste=paste):
                return Step(_written(state, " ".join(paste.text.split())))
            case Pressed(action=action):
                return _pressed(state, action, scene)
            case _:
                return Step(state)

    def view(self, state: GoalForm, size: Size, scene: Scene) -> View:
        """The goal on top, its choices below it; the focused one is always seen."""
        rows = height_of(state.goal, size.width - 6, max(2, size.height // 3))
        written = editor_view(
            state.goal,
            Size(max(1, size.width - 6), rows),
            placeholder="what should be true when this run is done?",
        )
        bar = Span("  ┃ ", ACCENT if state.name == "goal" else BORDER)
        gap = (EMPTY,) if size.height >= ROOMY else ()
        head = [*gap, *(Line.of(bar, *line.spans) for line in written.lines), *gap]
        foot = _foot(state, size.width)
        room = max(1, size.height - len(head) - len(foot))
        lines, cursor, at = _choices(state, size.width, roomy=bool(gap))
        first = max(0, min(at - room // 2, len(lines) - room))
        shown = fill(lines[first : first + room], Size(size.width, room))
        point = None
        if state.name == "goal" and written.cursor is not None:
            point = Point(written.cursor.column + 4, written.cursor.row + len(gap))
        elif cursor is not None:
            point = Point(cursor, len(head) + at - first)
        return View(fill((*head, *shown, *foot), size), point)


def _written(state: GoalForm, text: str) -> GoalForm:
    match state.name:
        case "goal":
            return replace(state, goal=editor.typed(state.goal, text), trouble=None)
        case "budget":
            return replace(state, budget=editor.typed(state.budget, text), trouble=None)
        case _:
            return state


def _pressed(state: GoalForm, action: str, scene: Scene) -> Step[GoalForm]:
    match action:
        case "goal.start":
            return _start(state, scene)
        case "goal.next" | "goal.before":
            step = 1 if action == "goal.next" else -1
            return Step(replace(state, at=(state.at + step) % len(FIELDS)))
        case "goal.edit":
            return Step(state, (EditText(state.goal.whole),))
        case "goal.right" | "goal.left":
            return Step(state.stepped(1 if action == "goal.right" else -1))
        case "goal.model":
            current = state.models.get(state.name) or state.standing.models.get(state.name, "")
            return Step(state, nav=Push("models", ForPhase(state.name, current)))
        case "goal.same":
            left = {phase: model for phase, model in state.models.items() if phase != state.name}
            return Step(replace(state, models=MappingProxyType(left)))
        case _:
            return Step(_edited(state, action, scene.size.width - 6))


def _edited(state: GoalForm, action: str, cells: int) -> GoalForm:
    if state.name == "budget":
        return replace(state, budget=editor.applied(state.budget, action) or state.budget)
    draft = editor.applied(state.goal, action, cells)
    if draft is not None:
        return replace(state, goal=draft)
    step = {"edit.up": -1, "edit.down": 1}.get(action, 0)  # out of the text: to another field
    return replace(state, at=(state.at + step) % len(FIELDS))


def _start(state: GoalForm, scene: Scene) -> Step[GoalForm]:
    """Begin at once, or first keep what was chosen."""
    if not state.goal.whole.strip():
        said = Toast("say what should be true when it is done", "warn")
        return Step(replace(state, at=0), (said,))
    if state.changes:
        return Step(replace(state, trouble=None), (Work(partial(keep, changes=state.changes)),))
    return _started(state, scene)


def _started(state: GoalForm, scene: Scene) -> Step[GoalForm]:
    goal, mode = state.goal.whole.strip(), Mode(state.mode)
    effects: tuple[Effect, ...] = ()
    if model := state.models.get("execute"):
        effects = (ChangeSettings(model=model),)
    if scene.story.running:
        return Step(state, (*effects, *goal_effects(goal, scene, mode)), Pop())
    options = Options(mode=mode, dirty=state.uncommitted)
    return Step(state, (*effects, StartRun(goal, options)), Pop())


def _choices(state: GoalForm, cells: int, *, roomy: bool) -> tuple[list[Line], int | None, int]:
    """The fields but the goal, where the cursor stands in its line, and which line has the keys."""
    words = {
        "mode": (MODES, state.mode),
        "permissions": (state.offered_permissions, state.permissions),
        "uncommitted": (DIRTY, state.uncommitted),
    }
    lines: list[Line] = []
    cursor, at = None, 0
    for name in FIELDS[1:]:
        focused = name == state.name
        if name == PHASES[0] and roomy:
            lines.append(Line.of(Span("  models", BORDER)))
        at = len(lines) if focused else at
        label = f"{'▸ ' if focused else '  '}{name:<{LABEL}}"
        if name in words:
            line = choice_line(label, *words[name], cells, focused=focused)
        elif name == "budget":
            drawn = field.field_view(
                f"{label}$ ", state.budget, cells, focused=focused, placeholder="no limit"
            )
            line, cursor = drawn.line, drawn.cursor
        else:
            line = _model_line(state, name, label, focused)
        lines.append(line.clipped(cells))
    return lines, cursor, at


def _model_line(state: GoalForm, phase: str, label: str, focused: bool) -> Line:
    chosen = state.models.get(phase)
    stands = state.standing.models.get(phase) or "no model is named"
    head = Span(label, ACCENT if focused else DIM)
    if chosen:
        return Line.of(head, span(one_row(chosen), STRONG), Span("  chosen here", OK))
    return Line.of(head, span(one_row(stands), STRONG if focused else DIM))


def _foot(state: GoalForm, cells: int) -> tuple[Line, ...]:
    """What went wrong, what hinders, or what becomes of the choices."""
    if state.trouble is not None:
        return trouble_foot(state.trouble, cells)
    dirty = len(state.standing.dirty)
    if state.standing.trouble:
        text, style = f"  ! {one_row(state.standing.trouble)}", WARN
    elif state.changes:
        text, style = "  budget, permissions and models are kept for later runs too", DIM
    elif dirty:
        paths = f"{dirty} uncommitted path{'s' if dirty > 1 else ''}"
        kept = {
            "leave": "left as they are",
            "commit": "committed first",
            "refuse": "no run begins",
        }[state.uncommitted]
        text, style = f"  {paths}: {kept}", WARN
    else:
        return (EMPTY,)
    return (Line.of(Span(text, style)).clipped(cells),)
