"""Everything one session waits for, before a person's eyes; then a yes to exactly that."""

from dataclasses import dataclass, replace

from m31a.desks import desk_of
from m31a.draw.frame import Size, View, fill
from m31a.draw.line import EMPTY, Line, Span, wrapped
from m31a.draw.style import DIM, STRONG, WARN
from m31a.program.ask_lock import is_locked
from m31a.program.effects import ApproveRun, ResumeRun, Toast, Work
from m31a.program.keymap import KeyTable, bind
from m31a.program.messages import Message, Pressed, WorkFailed
from m31a.program.scene import Scene
from m31a.program.screen import Pop, Screen, Step
from m31a.program.services import Services
from m31a.widgets import scroll
from m31a.widgets.browse import TOP
from m31a.widgets.facts import counted, fact_lines, note_lines, raw_lines
from m31a.widgets.plan_text import plan_as_text
from m31a.widgets.request_lines import request_lines
from m31a.widgets.scroll import Window, window_lines
from m31a.widgets.trouble import trouble_lines
from m31a_engine import PermissionRequest, Plan, SessionInfo

KEYS: KeyTable = (
    bind("approve.yes", "enter, y", "allow all of it", hint=True),
    bind("approve.each", "a", "go on, asked one by one", hint=True),
    *scroll.KEYS,
    bind("app.back", "escape, q, n", "back", hint=True),
)
BACK: KeyTable = (bind("app.back", "escape, q", "back", hint=True),)
MORE = Toast("a yes counts once all of it was seen", "warn")
GONE = WorkFailed("this session waits for nobody any more", "/sessions shows what became of it")


@dataclass(frozen=True, slots=True)
class Held:
    """What a session waits for: a yes to its plan, leave for calls."""

    plan: Plan | None
    requests: tuple[PermissionRequest, ...]


@dataclass(frozen=True, slots=True)
class Approve:
    """The session, what it waits for (None while it is looked for), since when that is seen."""

    session: SessionInfo
    held: Held | None = None
    seen_s: float = 0.0
    window: Window = TOP
    trouble: WorkFailed | None = None


@dataclass(frozen=True, slots=True)
class Looked(Message):
    """What the session waits for now; `agreed` after a yes to what was shown."""

    held: Held
    agreed: bool = False


class ApproveScreen(Screen[Approve]):
    """A yes is passed on when the session still waits for what was shown, and for nothing else."""

    id = "approve"
    title = "approve"

    def init(self, argument: object, scene: Scene) -> Step[Approve]:
        """Opened with the `SessionInfo`; looks at once."""
        assert isinstance(argument, SessionInfo)
        return _looking(Approve(argument), agreed=False)

    def keys(self, state: Approve) -> KeyTable:
        """Yes, one by one, or back."""
        return KEYS if state.held is not None and state.trouble is None else BACK

    def update(self, state: Approve, message: Message, scene: Scene) -> Step[Approve]:
        """What was found; the yes."""
        match message:
            case Looked(held=held, agreed=True) if held == state.held:
                return Step(state, (ApproveRun(state.session.id),), Pop("approved"))
            case Looked(held=held) if held.plan is None and not held.requests:
                return Step(replace(state, trouble=GONE))
            case Looked(held=held, agreed=agreed):
                shown = replace(state, held=held, seen_s=scene.now_s, window=TOP)
                said = (Toast("it waits for something else now: look again", "warn"),)
                return Step(shown, said if agreed else ())
            case WorkFailed():
                return Step(replace(state, trouble=message))
            case Pressed() if state.held is None or is_locked(state.seen_s, scene):
                return Step(state)  # the key that opened this, held down
            case Pressed(action="approve.yes" | "approve.each") if scene.story.running:
                return Step(state, (Toast("when this run has ended it can be answered", "warn"),))
            case Pressed(action="approve.yes") if _below(state, scene) > 0:
                return Step(_scrolled(state, "scroll.page_down", scene), (MORE,))
            case Pressed(action="approve.yes"):
                return _looking(state, agreed=True)
            case Pressed(action="approve.each"):
                return Step(state, (ResumeRun(state.session.id),), Pop("approved"))
            case Pressed(action=action):
                return Step(_scrolled(state, action, scene))
            case _:
                return Step(state)

    def view(self, state: Approve, size: Size, scene: Scene) -> View:
        """The plan and every call, nothing folded."""
        if state.trouble is not None:
            return View(fill(trouble_lines(state.trouble, size.width), size))
        return View(window_lines(_lines(state, size.width), state.window, size))


def _below(state: Approve, scene: Scene) -> int:
    """How many rows stand below what is seen."""
    return len(_lines(state, scene.size.width)) - state.window.top - scene.size.height


def _scrolled(state: Approve, action: str, scene: Scene) -> Approve:
    rows = len(_lines(state, scene.size.width))
    moved = state.window.applied(action, rows, scene.size.height)
    return state if moved is None else replace(state, window=moved)


def _lines(state: Approve, cells: int) -> tuple[Line, ...]:
    if state.held is None:
        return note_lines("looking …", cells)
    room = max(8, cells - 3)
    plan, requests = state.held.plan, state.held.requests
    calls = f"exactly {counted(len(requests), 'call')} in this run" if requests else ""
    read = "its plan, which counts as read by you" if plan is not None else ""
    whole = " and ".join(filter(None, (calls, read)))
    lines = [
        EMPTY,
        *wrapped((Span("Your yes allows ", STRONG), Span(whole, WARN)), room),
        *fact_lines((("goal", state.session.goal), ("session", state.session.id)), room),
    ]
    for number, request in enumerate(requests, 1):
        count = Span(f"── call {number} of {len(requests)}", DIM)
        lines.extend((EMPTY, Line.of(count), *request_lines(request, room)))
    if plan is not None:
        lines.extend(
            (EMPTY, Line.of(Span("── the plan", DIM)), *raw_lines(plan_as_text(plan), room))
        )
    return tuple(Line.of("  ", *line.spans).clipped(cells) for line in lines)


def _looking(state: Approve, *, agreed: bool) -> Step[Approve]:
    session_id = state.session.id

    def look(services: Services) -> Message:
        pending = desk_of(services).pending(session_id)
        return Looked(Held(pending.plan, pending.requests), agreed)

    return Step(state, (Work(look),))
