"""The project's sessions: find one, go on with it, fork, export, archive or delete it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

import anyio.to_thread

from m31a.desks import desk_of
from m31a.draw.frame import Point, Size, View, fill
from m31a.draw.line import Line, Part, Span, span, wrapped
from m31a.draw.style import BORDER, DIM, ERR, OK, STRONG, WARN
from m31a.program.effects import AsyncWork, EditText, ResumeRun, Toast, Work
from m31a.program.keymap import KeyTable, bind
from m31a.program.messages import Message, Pasted, Pressed, RunOver, Typed, WorkFailed
from m31a.program.scene import Scene
from m31a.program.screen import Pop, Push, Screen, Step
from m31a.program.services import Services
from m31a.widgets import picker
from m31a.widgets.facts import fact_lines, note_lines, trouble_line
from m31a.widgets.picker import Picker, picker_view
from m31a.widgets.row_text import one_row
from m31a.widgets.trouble import trouble_lines
from m31a_engine import Outcome, SessionInfo
from m31a_engine.desk.desk import Desk
from m31a_engine.desk.export import Exporting, Form
from m31a_engine.shelf import ENDED

ACTIONS: KeyTable = (
    bind("sessions.fork", "ctrl+f", "fork", hint=True),
    bind("sessions.export", "ctrl+e", "export", hint=True),
    bind("sessions.diff", "ctrl+o", "its changes"),
    bind("sessions.archive", "ctrl+a", "put away"),
    bind("sessions.delete", "ctrl+d, delete", "delete", hint=True),
)
CHOOSING: KeyTable = (
    bind("pick.choose", "enter", "go on with it", hint=True),
    *ACTIONS,
    *(each for each in picker.KEYS if each.action != "pick.choose"),
)
NOTHING: KeyTable = (bind("app.back", "escape, q", "back", hint=True),)
SURE: KeyTable = (
    bind("sessions.sure", "y", "delete it", hint=True),
    bind("sessions.keep", "escape, n, enter", "keep it", hint=True),
)
PREVIEW_ROWS = 6
NARROW = 60
LEAST_ROWS = 14
"""Below this height there is no preview."""


@dataclass(frozen=True, slots=True)
class Sessions:
    """The sessions, the filter, and the one that is about to be deleted."""

    picker: Picker[SessionInfo] | None = None
    """None while they are read."""
    sure: SessionInfo | None = None
    trouble: WorkFailed | None = None
    searched: str = ""
    """What the filter begins with."""


@dataclass(frozen=True, slots=True)
class Listed(Message):
    """The sessions there are, the newest first, and what has just been done."""

    sessions: tuple[SessionInfo, ...]
    done: str = ""


@dataclass(frozen=True, slots=True)
class Exported(Message):
    """A whole session as Markdown."""

    text: str


def session_name(info: SessionInfo) -> str:
    """What a session is found by."""
    return f"{one_row(info.goal)} {info.id} {outcome_word(info)}"


def outcome_word(info: SessionInfo) -> str:
    """How it ended, or that it has not."""
    return "not ended" if info.outcome is None else info.outcome.value.replace("_", " ")


class SessionsScreen(Screen[Sessions]):
    """Enter goes on with a session; deleting asks first and keeps the last commit."""

    id = "sessions"
    title = "sessions"

    def init(self, argument: object, scene: Scene) -> Step[Sessions]:
        """Reads them at once; a text is what is searched for."""
        searched = argument if isinstance(argument, str) else ""
        return Step(Sessions(searched=searched), (Work(_list),))

    def keys(self, state: Sessions) -> KeyTable:
        """Those of a picker, and what can be done with a session."""
        if state.sure is not None:
            return SURE
        return CHOOSING if state.picker is not None and state.picker.items else NOTHING

    def update(self, state: Sessions, message: Message, scene: Scene) -> Step[Sessions]:
        """Filter, choose, and do what was chosen."""
        match message:
            case Listed(sessions=found, done=done):
                toast = (Toast(done, "ok"),) if done else ()
                return Step(_with(state, found), toast)
            case Exported(text=text):
                return Step(state, (EditText(text),))
            case WorkFailed():
                return Step(replace(state, trouble=message, sure=None))
            case RunOver():
                return Step(state, (Work(_list),))
            case Pressed(action="sessions.sure") if state.sure is not None:
                return _deed(replace(state, sure=None), _deleting(state.sure.id))
            case Pressed(action="sessions.keep"):
                return Step(replace(state, sure=None))
            case Pressed(action=action) if state.picker is not None:
                return _pressed(state, state.picker, action, scene)
            case Typed(key=key) if state.picker is not None and state.sure is None:
                return Step(replace(state, picker=state.picker.typed(key.text), trouble=None))
            case Pasted(paste=paste) if state.picker is not None and state.sure is None:
                text = " ".join(paste.text.split())
                return Step(replace(state, picker=state.picker.typed(text)))
            case _:
                return Step(state)

    def view(self, state: Sessions, size: Size, scene: Scene) -> View:
        """The sessions, and what is known of the chosen one."""
        if state.picker is None:
            if state.trouble is not None:
                return View(fill(trouble_lines(state.trouble, size.width), size))
            return View(fill(note_lines("reading …", size.width), size))
        foot = _foot(state, state.picker, size)
        body = Size(size.width, max(1, size.height - len(foot)))
        listed = picker_view(state.picker, body, _row, empty=_empty(state.picker))
        at: Point | None = listed.cursor if state.sure is None else None
        return View((*listed.lines, *foot), at)


def _empty(sessions: Picker[SessionInfo]) -> str:
    return "no session has these letters" if sessions.items else "No session of this project yet."


def _row(info: SessionInfo, cells: int) -> tuple[Part, ...]:
    going = info.outcome not in ENDED
    style = OK if info.outcome is Outcome.SHIPPED else WARN if going else DIM
    goal = span(one_row(info.goal))
    if cells < NARROW:
        return (Span(f"{info.started_at[5:10]} ", DIM), Span(f"{outcome_word(info)} ", style), goal)
    when = info.started_at[:16].replace("T", " ")
    return (Span(f"{when:<17}", DIM), Span(f"{outcome_word(info):<18} ", style), goal)


def _foot(state: Sessions, sessions: Picker[SessionInfo], size: Size) -> tuple[Line, ...]:
    chosen = sessions.choice
    if state.sure is not None:
        return _sure_lines(state.sure, size.width)
    if state.trouble is not None:
        return (trouble_line(state.trouble, size.width),)
    if chosen is None or size.height < LEAST_ROWS:
        return ()
    can = "can go on" if chosen.outcome not in ENDED else "has ended; fork it to go on differently"
    facts = fact_lines(
        (
            ("goal", chosen.goal),
            ("id", chosen.id),
            ("state", f"{outcome_word(chosen)}: it {can}"),
            ("kept in", chosen.path),
        ),
        size.width - 2,
    )
    rule = Line.of(Span("─" * size.width, BORDER))
    rows = tuple(Line.of(" ", *line.spans) for line in facts[: PREVIEW_ROWS - 1])
    return (rule, *rows)


def _sure_lines(info: SessionInfo, cells: int) -> tuple[Line, ...]:
    says = (
        f"Its folder, work trees and branch go. The branch's last commit stays as"
        f" refs/m31a/backup/{info.id}. What has landed on your branch is not touched."
    )
    return (
        Line.of(Span("─" * cells, BORDER)),
        Line.of(Span(" delete ", ERR), span(one_row(info.goal), STRONG), Span(" ?", ERR)).clipped(
            cells
        ),
        *wrapped((Span(says, DIM),), cells, first=" ", rest=" "),
    )


def _with(state: Sessions, found: tuple[SessionInfo, ...]) -> Sessions:
    if state.picker is None:
        return Sessions(Picker(found, session_name, state.searched))
    return Sessions(state.picker.with_items(found))


def _pressed(
    state: Sessions, sessions: Picker[SessionInfo], action: str, scene: Scene
) -> Step[Sessions]:
    moved = sessions.applied(action)
    if moved is not None:
        return Step(replace(state, picker=moved, trouble=None))
    chosen = sessions.choice
    if chosen is None:
        return Step(state)
    match action:
        case "pick.choose" if scene.story.running:
            return Step(state, (Toast("a run is in progress: stop it first", "warn"),))
        case "pick.choose" if chosen.outcome in ENDED:
            return Step(state, (Toast("it has ended: ctrl+f forks it", "warn"),))
        case "pick.choose":
            return Step(state, (ResumeRun(chosen.id),), Pop())
        case "sessions.fork":
            return _deed(state, _forking(chosen.id))
        case "sessions.archive":
            return _deed(state, _archiving(chosen.id))
        case "sessions.export":
            return _deed(state, _exporting(chosen.id))
        case "sessions.diff":
            return Step(state, nav=Push("diff", chosen.id))
        case "sessions.delete":
            return Step(replace(state, sure=chosen))
        case _:
            return Step(state)


def _deed(state: Sessions, do: Callable[[Services], Awaitable[Message]]) -> Step[Sessions]:
    return Step(replace(state, trouble=None), (AsyncWork(do),))


def _list(services: Services) -> Message:
    return Listed(services.sessions().list())


def _exporting(session_id: str) -> Callable[[Services], Awaitable[Message]]:
    async def do(services: Services) -> Message:
        exporting = Exporting(home=services.sessions().home)
        text = await anyio.to_thread.run_sync(exporting.export, session_id, Form.MARKDOWN)
        return Exported(text)

    return do


def _forking(session_id: str) -> Callable[[Services], Awaitable[Message]]:
    async def do(services: Services) -> Message:
        desk = desk_of(services)
        new = await desk.forking.fork(session_id)
        return await _after(desk, f"forked: {new.id} can go on")

    return do


def _archiving(session_id: str) -> Callable[[Services], Awaitable[Message]]:
    async def do(services: Services) -> Message:
        desk = desk_of(services)
        await desk.keeping.archive(session_id)
        return await _after(desk, f"put away; back with: m31a sessions unarchive {session_id}")

    return do


def _deleting(session_id: str) -> Callable[[Services], Awaitable[Message]]:
    async def do(services: Services) -> Message:
        desk = desk_of(services)
        kept = await desk.keeping.delete(session_id)
        return await _after(desk, f"deleted; its last commit is {kept}" if kept else "deleted")

    return do


async def _after(desk: Desk, done: str) -> Message:
    return Listed(await anyio.to_thread.run_sync(desk.sessions.list), done)
