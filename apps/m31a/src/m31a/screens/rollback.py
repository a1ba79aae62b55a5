"""Back behind a run's commit: softly, hard or safely, each said plainly before it is done."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from m31a.desks import desk_of
from m31a.draw.frame import Size, View, fill
from m31a.draw.line import EMPTY, Line, Span, span, wrapped
from m31a.draw.style import ACCENT, DIM, OK, STRONG, WARN
from m31a.program.effects import AsyncWork, Toast
from m31a.program.keymap import KeyTable, bind
from m31a.program.messages import Message, Pressed, Returned, Typed, WorkFailed
from m31a.program.scene import Scene
from m31a.program.screen import Push, Screen, Step
from m31a.program.services import Services
from m31a.widgets import browse
from m31a.widgets.browse import FIRST, Browse, browse_lines
from m31a.widgets.facts import fact_lines, list_lines, note_lines, title_lines, trouble_line
from m31a.widgets.repository_facts import Between, went_lines, what_leaves
from m31a.widgets.rollback_question import LETTERS, SAYS, Sure, scrolled, sure_lines
from m31a.widgets.row_text import one_row
from m31a.widgets.trouble import trouble_lines
from m31a_engine.desk.undoing import Reset, ShippedCommit, WaysBack, WentBack

KEYS: KeyTable = (
    *browse.KEYS,
    bind("rollback.safe", "s", "safe", hint=True),
    bind("rollback.soft", "f", "soft", hint=True),
    bind("rollback.hard", "h", "hard", hint=True),
    bind("rollback.undo", "u", "undo the last one", hint=True),
    bind("rollback.files", "w", "files of this commit alone", hint=True),
    bind("rollback.bisect", "x", "find the first bad commit", hint=True),
    bind("rollback.diff", "enter, d", "its session's changes"),
    bind("rollback.again", "r", "look again"),
    bind("app.back", "escape, q", "back", hint=True),
)
NOTHING: KeyTable = (
    bind("rollback.undo", "u", "undo the last one", hint=True),
    bind("rollback.again", "r", "look again", hint=True),
    KEYS[-1],
)
BUSY = Toast("a run is in progress: stop it first", "warn")
READ: KeyTable = (
    bind("scroll.line_up", "up, wheelup", "up"),
    bind("scroll.line_down", "down, wheeldown", "down"),
    bind("scroll.page_up", "pageup", "a page up"),
    bind("scroll.page_down", "pagedown", "a page down"),
)
SURE: KeyTable = (
    bind("rollback.sure", "y, enter", "do it", hint=True),
    bind("rollback.keep", "escape, n", "leave it as it is", hint=True),
    *READ,
)
TYPED_SURE: KeyTable = (
    bind("rollback.erase", "backspace", "delete back"),
    bind("rollback.keep", "escape", "leave it as it is", hint=True),
    *READ,
)


@dataclass(frozen=True, slots=True)
class Rollback:
    """The ways back; None while they are looked for."""

    ways: WaysBack | None = None
    browse: Browse = FIRST
    sure: Sure | None = None
    wanted: str = ""
    """What it was opened for: a way back for the newest commit, or `undo`."""
    went: WentBack | None = None
    """What the last deed here came to."""
    trouble: WorkFailed | None = None


@dataclass(frozen=True, slots=True)
class Looked(Message):
    """The ways back, and what has just been done."""

    ways: WaysBack
    went: WentBack | None = None


@dataclass(frozen=True, slots=True)
class Weighed(Message):
    """What a reset would take off the branch."""

    between: Between


class RollbackScreen(Screen[Rollback]):
    """Choose a commit of a run; what is gone to is the commit before it."""

    id = "rollback"
    title = "rollback"

    def init(self, argument: object, scene: Scene) -> Step[Rollback]:
        """Looks at once; `--hard`, `--soft`, `--safe` and `undo` go on to that question."""
        wanted = argument.removeprefix("--") if isinstance(argument, str) else ""
        return Step(Rollback(wanted=wanted), (AsyncWork(_look),))

    def keys(self, state: Rollback) -> KeyTable:
        """Choose a way, or say whether it is meant."""
        if state.sure is None:
            return KEYS if state.ways is not None and state.ways.commits else NOTHING
        return TYPED_SURE if state.sure.how is Reset.HARD else SURE

    def update(self, state: Rollback, message: Message, scene: Scene) -> Step[Rollback]:
        """What was found, what is chosen, what is meant."""
        match message:
            case Looked(ways=ways, went=went):
                return _looked(state, ways, went, scene)
            case Weighed(between=between) if state.sure is not None:
                return Step(replace(state, sure=replace(state.sure, between=between)))
            case WorkFailed():
                return Step(replace(state, trouble=message, sure=None))
            case Returned():
                return Step(state, (AsyncWork(_look),))
            case Typed(key=key) if state.sure is not None and state.sure.how is Reset.HARD:
                return _typed(state, state.sure, state.sure.typed + key.text)
            case Pressed(action=action) if state.sure is not None:
                return _meant(state, state.sure, action, scene)
            case Pressed(action=action):
                return _pressed(replace(state, trouble=None), action, scene)
            case _:
                return Step(state)

    def view(self, state: Rollback, size: Size, scene: Scene) -> View:
        """The commits and what each way does; or what is about to happen."""
        if state.ways is None:
            if state.trouble is not None:
                return View(fill(trouble_lines(state.trouble, size.width), size))
            return View(fill(note_lines("looking …", size.width), size))
        if state.sure is not None:
            return View(sure_lines(state.sure, size))
        ways = state.ways
        foot: tuple[Line, ...] = ()
        if state.trouble is not None:
            foot = (trouble_line(state.trouble, size.width),)
        body = Size(size.width, max(1, size.height - len(foot)))
        lines = browse_lines(
            [_row(commit) for commit in ways.commits],
            lambda cells: _detail(state, ways, cells),
            state.browse,
            body,
            empty="No commit of a run is among the newest of this branch.",
        )
        return View((*fill(lines, body), *foot))


def _row(commit: ShippedCommit) -> Line:
    proven = commit.verdict.startswith("verified")
    mark = Span("✓ " if proven else "! ", OK if proven else WARN)
    return Line.of(mark, Span(f"{commit.commit[:8]} ", ACCENT), span(one_row(commit.subject)))


def _detail(state: Rollback, ways: WaysBack, cells: int) -> tuple[Line, ...]:
    commit = ways.commits[min(state.browse.at, len(ways.commits) - 1)]
    lines = [
        *title_lines(one_row(commit.subject), cells),
        *fact_lines(
            (
                ("commit", commit.commit[:12]),
                ("verdict", commit.verdict.replace("_", " ") or "none"),
                ("at", commit.at[:16].replace("T", " ")),
                ("session", commit.session),
                ("back to", commit.parent[:12] or "nothing: it is the first commit"),
            ),
            cells,
        ),
        EMPTY,
    ]
    for letter, how in (("s", Reset.SAFE), ("f", Reset.SOFT), ("h", Reset.HARD)):
        head = Span(f"{letter} {how.value:5} ", STRONG)
        lines.extend(wrapped((Span(SAYS[how], DIM),), cells, first=head, rest=" " * 8))
    if state.went is not None:
        lines.extend(went_lines(state.went, cells))
    backups = tuple(f"{head[:10]} {branch}" for branch, head in ways.backups.items())
    lines.extend(list_lines("backup branches", backups, cells))
    lines.extend(list_lines("snapshots of uncommitted work", ways.snapshots[:5], cells))
    return tuple(lines)


def _pressed(state: Rollback, action: str, scene: Scene) -> Step[Rollback]:
    ways = state.ways
    if action == "rollback.again":
        return Step(Rollback(), (AsyncWork(_look),))
    if ways is None:
        return Step(state)
    if action == "rollback.undo":
        return (
            Step(state, (BUSY,)) if scene.story.running else Step(replace(state, sure=Sure(None)))
        )
    if not ways.commits:
        return Step(state)
    commit = ways.commits[min(state.browse.at, len(ways.commits) - 1)]
    match action:
        case "rollback.safe" | "rollback.soft" | "rollback.hard":
            return _weighing(state, commit, Reset(action.removeprefix("rollback.")), scene)
        case "rollback.files":
            return Step(state, nav=Push("rollback_files", commit))
        case "rollback.bisect":
            return Step(state, nav=Push("bisect", commit.parent))
        case "rollback.diff":
            return Step(state, nav=Push("diff", commit.session))
        case _:
            moved = state.browse.applied(
                action, len(ways.commits), lambda cells: _detail(state, ways, cells), scene.size
            )
            return Step(state if moved is None else replace(state, browse=moved))


def _looked(state: Rollback, ways: WaysBack, went: WentBack | None, scene: Scene) -> Step[Rollback]:
    at = state.browse.within(len(ways.commits))
    found = Rollback(ways, at, went=went or state.went)
    if went is not None:
        return Step(found, (Toast(f"HEAD is {went.head[:10]}: u undoes it", "ok"),))
    if state.wanted in {"undo", *Reset}:
        return _pressed(found, f"rollback.{state.wanted}", scene)
    return Step(found)


def _weighing(state: Rollback, commit: ShippedCommit, how: Reset, scene: Scene) -> Step[Rollback]:
    if scene.story.running:
        return Step(state, (BUSY,))
    if not commit.parent:
        return Step(state, (Toast("nothing comes before the first commit", "warn"),))
    sure = Sure(how, commit)
    return Step(
        replace(state, sure=sure),
        (AsyncWork(_weighing_of(commit.parent)),),
    )


def _typed(state: Rollback, sure: Sure, text: str) -> Step[Rollback]:
    """A hard reset is done when the letters are there."""
    typed = replace(sure, typed=text[:LETTERS])
    if typed.meant and sure.between is not None:
        return Step(replace(state, sure=None), (AsyncWork(_doing(typed)),))
    return Step(replace(state, sure=typed))


def _meant(state: Rollback, sure: Sure, action: str, scene: Scene) -> Step[Rollback]:
    match action:
        case "rollback.keep":
            return Step(replace(state, sure=None))
        case "rollback.erase":
            return Step(replace(state, sure=replace(sure, typed=sure.typed[:-1])))
        case "rollback.sure" if sure.how is None or sure.between is not None:
            return Step(replace(state, sure=None), (AsyncWork(_doing(sure)),))
        case _:
            return Step(replace(state, sure=scrolled(sure, action, scene.size)))


async def _look(services: Services) -> Message:
    return Looked(await desk_of(services).undoing.list())


def _weighing_of(target: str) -> Callable[[Services], Awaitable[Message]]:
    async def do(services: Services) -> Message:
        return Weighed(await what_leaves(services, target))

    return do


def _doing(sure: Sure) -> Callable[[Services], Awaitable[Message]]:
    async def do(services: Services) -> Message:
        undoing = desk_of(services).undoing
        deed = undoing.undo() if sure.how is None else undoing.reset(sure.how, sure.target)
        went = await deed
        return Looked(await undoing.list(), went)

    return do
