"""The first commit on which a command fails, searched in a work tree of its own."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from m31a.desks import desk_of
from m31a.draw.frame import Point, Size, View, fill
from m31a.draw.line import EMPTY, Line, Span, span, wrapped
from m31a.draw.style import ACCENT, DIM, ERR, OK, STRONG, WARN
from m31a.program.effects import CopyText, LongWork, Toast
from m31a.program.keymap import KeyTable, bind
from m31a.program.messages import Message, Pasted, Pressed, Typed, WorkFailed
from m31a.program.scene import Scene
from m31a.program.screen import Screen, Step
from m31a.program.services import Services
from m31a.widgets import field
from m31a.widgets.draft import BLANK, Draft, drafted
from m31a.widgets.editor import applied, typed
from m31a.widgets.field import field_view
from m31a.widgets.row_text import one_row, seconds
from m31a.widgets.trouble import trouble_lines
from m31a_engine import BisectResult
from m31a_engine.desk.bisecting import SKIP, Judged

TIMEOUT_S = 900.0
"""A commit on which the command takes longer cannot be judged."""
LABELS = ("command  ", "good     ", "bad      ")
PLACEHOLDERS = ("what fails, as you would type it", "a commit on which it succeeds", "HEAD")
ASKING: KeyTable = (
    bind("bisect.search", "enter", "search", hint=True),
    bind("bisect.next", "tab, down", "next field", hint=True),
    bind("bisect.before", "shift+tab, up", "field before"),
    *field.KEYS,
    bind("app.back", "escape", "back", hint=True),
)
SHOWING: KeyTable = (
    bind("bisect.copy", "y", "copy the commit", hint=True),
    bind("bisect.anew", "r", "search again", hint=True),
    bind("app.back", "escape, q", "back", hint=True),
)
WAITING: KeyTable = (bind("app.back", "escape, q", "stop and go back", hint=True),)


@dataclass(frozen=True, slots=True)
class Bisect:
    """Three fields, what is searched since when, what was tried, and what was found."""

    drafts: tuple[Draft, Draft, Draft]
    at: int = 0
    since_s: float | None = None
    """None while nothing is searched."""
    found: BisectResult | None = None
    judged: tuple[Judged, ...] = ()
    trouble: WorkFailed | None = None


@dataclass(frozen=True, slots=True)
class Searched(Message):
    """What the search came to."""

    found: BisectResult


@dataclass(frozen=True, slots=True)
class Tried(Message):
    """What the command did on one more commit."""

    judged: Judged


class BisectScreen(Screen[Bisect]):
    """Both ends are tried first, so that a wrong command is told and not searched with."""

    id = "bisect"
    title = "bisect"

    def init(self, argument: object, scene: Scene) -> Step[Bisect]:
        """Opened with a commit that is taken for good, with command, good and bad, or nothing."""
        match argument:
            case (str() as command, str() as good, str() as bad):
                return Step(Bisect((drafted(command), drafted(good), drafted(bad))))
            case str() as good:
                return Step(Bisect((BLANK, drafted(good), BLANK)))
            case _:
                return Step(Bisect((BLANK, BLANK, BLANK)))

    def keys(self, state: Bisect) -> KeyTable:
        """Fields first; afterwards the result."""
        if state.since_s is not None:
            return WAITING
        return ASKING if state.found is None else SHOWING

    def wake_s(self, state: Bisect, scene: Scene) -> float | None:
        """The time it takes is shown."""
        return 1.0 if state.since_s is not None else None

    def update(self, state: Bisect, message: Message, scene: Scene) -> Step[Bisect]:
        """Fill in, search, look at what was found."""
        match message:
            case Searched(found=found):
                return Step(replace(state, since_s=None, found=found))
            case Tried(judged=judged):
                return Step(replace(state, judged=(*state.judged, judged)))
            case WorkFailed():
                return Step(replace(state, since_s=None, trouble=message))
            case Pressed(action="bisect.search"):
                return _begun(state, scene)
            case Pressed(action="bisect.anew"):
                return Step(replace(state, found=None, judged=()))
            case Pressed(action="bisect.copy") if state.found is not None:
                commit = state.found.first_bad
                said = CopyText(commit) if commit else Toast("no commit can be named", "warn")
                return Step(state, (said,))
            case Pressed(action="bisect.next" | "bisect.before" as action):
                step = 1 if action == "bisect.next" else -1
                return Step(replace(state, at=(state.at + step) % len(LABELS)))
            case Pressed(action=action) if state.found is None and state.since_s is None:
                draft = applied(state.drafts[state.at], action)
                return Step(state if draft is None else _with(state, draft))
            case Typed(key=key) if state.found is None and state.since_s is None:
                return Step(_with(state, typed(state.drafts[state.at], key.text)))
            case Pasted(paste=paste) if state.found is None and state.since_s is None:
                return Step(_with(state, field.pasted(state.drafts[state.at], paste.text)))
            case _:
                return Step(state)

    def view(self, state: Bisect, size: Size, scene: Scene) -> View:
        """The fields, and below them what goes on or was found."""
        lines: list[Line] = [EMPTY]
        cursor = None
        for index, (label, draft) in enumerate(zip(LABELS, state.drafts, strict=True)):
            here = index == state.at and state.found is None and state.since_s is None
            row = field_view(
                label, draft, size.width - 4, focused=here, placeholder=PLACEHOLDERS[index]
            )
            if row.cursor is not None:
                cursor = Point(row.cursor + 2, len(lines))
            lines.append(Line.of("  ", *row.line.spans))
        lines.append(EMPTY)
        lines.extend(Line.of("  ", *line.spans) for line in _below(state, scene, size.width - 3))
        return View(fill(lines, size), cursor)


def _with(state: Bisect, draft: Draft) -> Bisect:
    one, two, three = state.drafts
    drafts = ((draft, two, three), (one, draft, three), (one, two, draft))[state.at]
    return replace(state, drafts=drafts, trouble=None)


def _below(state: Bisect, scene: Scene, cells: int) -> tuple[Line, ...]:
    if state.trouble is not None:
        return trouble_lines(state.trouble, cells)
    if state.since_s is not None:
        took = seconds(scene.now_s - state.since_s)
        head = Line.of(Span("searching … ", ACCENT), Span(took, DIM))
        return (head, EMPTY, *reversed(_judged_lines(state.judged)))
    if state.found is not None:
        return _found_lines(state.found, state.judged, cells)
    text = (
        "Exit code 0 is good, 125 cannot tell, any other is bad. It runs as you would run it,"
        " on commits between the two, in a folder of its own."
    )
    return wrapped((Span(text, DIM),), cells)


def _found_lines(found: BisectResult, judged: tuple[Judged, ...], cells: int) -> tuple[Line, ...]:
    if found.first_bad is not None:
        head = (Span("first bad commit  ", ERR), Span(found.first_bad[:12], STRONG))
    else:
        head = (Span("no commit can be named: ", WARN), span(one_row(found.inconclusive or "")))
    return (*wrapped(head, cells), EMPTY, *_judged_lines(judged))


def _judged_lines(judged: tuple[Judged, ...]) -> tuple[Line, ...]:
    return tuple(
        Line.of(
            _mark(each),
            Span(f"{each.commit[:10]}  ", ACCENT),
            "out of time" if each.exit_code is None else f"exit {each.exit_code}",
            Span(f"  {seconds(each.elapsed_s)}", DIM),
        )
        for each in judged
    )


def _mark(judged: Judged) -> Span:
    if judged.exit_code in {None, SKIP}:
        return Span("? ", WARN)
    return Span("✓ ", OK) if judged.exit_code == 0 else Span("✗ ", ERR)


def _begun(state: Bisect, scene: Scene) -> Step[Bisect]:
    command, good, bad = (draft.whole.strip() for draft in state.drafts)
    if not command or not good:
        missing = 0 if not command else 1
        said = Toast(f"say {PLACEHOLDERS[missing]}", "warn")
        return Step(replace(state, at=missing), (said,))

    async def search(services: Services, tell: Callable[[Message], None]) -> Message:
        found = await desk_of(services).bisecting.search(
            good,
            bad or "HEAD",
            [command],
            timeout_s=TIMEOUT_S,
            tell=lambda judged: tell(Tried(judged)),
        )
        return Searched(found)

    begun = replace(state, since_s=scene.now_s, judged=(), trouble=None)
    return Step(begun, (LongWork(search),))
