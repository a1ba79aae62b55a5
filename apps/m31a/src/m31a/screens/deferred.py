"""Calls that were put off, in every session that waits: nothing here has been carried out."""

from dataclasses import dataclass, replace

from m31a.desks import desk_of
from m31a.draw.frame import Size, View, fill
from m31a.draw.line import EMPTY, Line, Span, span, wrapped
from m31a.draw.style import ACCENT, DIM, STRONG, Style
from m31a.program.effects import ResumeRun, Toast, Work
from m31a.program.keymap import KeyTable, bind
from m31a.program.messages import Message, Pressed, Returned, RunOver, WorkFailed
from m31a.program.scene import Scene
from m31a.program.screen import Pop, Push, Screen, Step
from m31a.program.services import Services
from m31a.widgets import browse
from m31a.widgets.browse import FIRST, Browse, Drawn, browse_lines
from m31a.widgets.facts import fact_lines, note_lines
from m31a.widgets.request_lines import TONES, request_lines
from m31a.widgets.row_text import one_row
from m31a.widgets.trouble import trouble_lines
from m31a_engine import JournalBroken, Outcome, PermissionRequest, Plan, SessionInfo

MOST_SESSIONS = 50
KEYS: KeyTable = (
    *browse.KEYS,
    bind("deferred.approve", "enter", "look it over, allow it", hint=True),
    bind("deferred.answer", "a", "go on, asked one by one", hint=True),
    bind("deferred.again", "r", "look again", hint=True),
    bind("app.back", "escape, q", "back", hint=True),
)
NOTHING: KeyTable = KEYS[-2:]


@dataclass(frozen=True, slots=True)
class Waiting:
    """One thing a session waits for: a call, or a yes to its plan."""

    session: SessionInfo
    what: PermissionRequest | Plan


@dataclass(frozen=True, slots=True)
class Deferred:
    """What waits; None while it is looked for."""

    waiting: tuple[Waiting, ...] | None = None
    browse: Browse = FIRST
    trouble: WorkFailed | None = None


@dataclass(frozen=True, slots=True)
class Looked(Message):
    """What waits now, the newest session first."""

    waiting: tuple[Waiting, ...]


class DeferredScreen(Screen[Deferred]):
    """A yes is given on a screen that shows all of it; going on asks for each call anew."""

    id = "deferred"
    title = "put off"

    def init(self, argument: object, scene: Scene) -> Step[Deferred]:
        """Looks at once."""
        return Step(Deferred(), (Work(_look),))

    def keys(self, state: Deferred) -> KeyTable:
        """Choose, answer, look again."""
        return KEYS if state.waiting else NOTHING

    def update(self, state: Deferred, message: Message, scene: Scene) -> Step[Deferred]:
        """What was found; the session to be taken up."""
        waiting = state.waiting or ()
        match message:
            case Looked(waiting=found):
                return Step(Deferred(found, state.browse.within(len(found))))
            case WorkFailed():
                return Step(replace(state, trouble=message))
            case Pressed(action="deferred.again") | RunOver():
                return Step(replace(state, waiting=None, trouble=None), (Work(_look),))
            case Returned(screen="approve", result="approved"):
                return Step(state, nav=Pop())
            case Pressed(action="deferred.approve" | "deferred.answer" as action) if waiting:
                return _answered(state, waiting, action, scene)
            case Pressed(action=action):
                moved = state.browse.applied(
                    action, len(waiting), lambda cells: _detail(state, waiting, cells), scene.size
                )
                return Step(state if moved is None else replace(state, browse=moved))
            case _:
                return Step(state)

    def view(self, state: Deferred, size: Size, scene: Scene) -> View:
        """The calls, and the chosen one in full."""
        if state.trouble is not None:
            return View(fill(trouble_lines(state.trouble, size.width), size))
        if state.waiting is None:
            return View(fill(note_lines("looking …", size.width), size))
        waiting = state.waiting
        lines = browse_lines(
            Drawn(waiting, _row),
            lambda cells: _detail(state, waiting, cells),
            state.browse,
            size,
            empty="Nothing was put off: no session waits for you.",
        )
        return View(lines)


def _row(waiting: Waiting) -> Line:
    match waiting.what:
        case PermissionRequest() as request:
            risk = Span(f"{request.risk.value:<11} ", Style(fg=TONES[request.risk], bold=True))
            return Line.of(
                risk, span(one_row(request.tool), STRONG), span(f"  {one_row(request.summary)}")
            )
        case Plan() as plan:
            return Line.of(
                Span(f"{'plan':<11} ", ACCENT),
                Span("Plan", STRONG),
                span(f"  {one_row(plan.title)}"),
            )


def _detail(state: Deferred, waiting: tuple[Waiting, ...], cells: int) -> tuple[Line, ...]:
    chosen = waiting[min(state.browse.at, len(waiting) - 1)]
    info = chosen.session
    session = fact_lines((("goal", info.goal), ("session", info.id)), cells)
    match chosen.what:
        case Plan() as plan:
            text = "Its plan waits for a yes. Going on shows it again, to be approved or refined."
            tasks = (f"{task.id} {one_row(task.description)}" for task in plan.tasks)
            rows = (line for task in tasks for line in wrapped((span(task),), cells, rest="  "))
            return (*session, EMPTY, *wrapped((Span(text, DIM),), cells), EMPTY, *rows)
        case PermissionRequest() as request:
            return (*request_lines(request, cells), EMPTY, *session)


def _answered(
    state: Deferred, waiting: tuple[Waiting, ...], action: str, scene: Scene
) -> Step[Deferred]:
    if scene.story.running:
        return Step(state, (Toast("when this run has ended it can be answered", "warn"),))
    chosen = waiting[min(state.browse.at, len(waiting) - 1)]
    if action == "deferred.approve":
        return Step(state, nav=Push("approve", chosen.session))
    return Step(state, (ResumeRun(chosen.session.id),), Pop())


def _look(services: Services) -> Message:
    """Sessions whose journal cannot be read wait for nobody that could be told."""
    desk = desk_of(services)
    found: list[Waiting] = []
    sessions = [info for info in desk.sessions.list() if info.outcome in {None, Outcome.WAITING}]
    for info in sessions[:MOST_SESSIONS]:
        try:
            pending = desk.pending(info.id)
        except JournalBroken:
            continue
        found.extend(Waiting(info, request) for request in pending.requests)
        unread = info.outcome is Outcome.WAITING and not pending.requests
        if pending.plan is not None and (pending.answer_key or unread):
            found.append(Waiting(info, pending.plan))
    return Looked(tuple(found))
