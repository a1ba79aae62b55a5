"""Files of one commit as they were before it; branch and index stay."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from m31a.desks import desk_of
from m31a.draw.frame import Size, View, fill
from m31a.draw.line import EMPTY, Line, Span, span, wrapped
from m31a.draw.style import ACCENT, DIM, STRONG
from m31a.program.effects import AsyncWork, Toast
from m31a.program.keymap import KeyTable, bind
from m31a.program.messages import Message, Pressed, WorkFailed
from m31a.program.scene import Scene
from m31a.program.screen import Placement, Pop, Screen, Step
from m31a.program.services import Services
from m31a.widgets import listing
from m31a.widgets.listing import listing_lines, moved
from m31a.widgets.repository_facts import files_of
from m31a.widgets.row_text import one_row
from m31a.widgets.trouble import trouble_lines
from m31a_engine.desk.undoing import ShippedCommit, WentBack

KEYS: KeyTable = (
    bind("files.mark", "space", "choose", hint=True),
    bind("files.all", "a", "all or none", hint=True),
    bind("files.back", "enter", "put the chosen ones back", hint=True),
    *listing.KEYS,
    bind("app.back", "escape, q", "leave them", hint=True),
)


@dataclass(frozen=True, slots=True)
class Files:
    """The files a commit changed; None while they are looked for."""

    commit: ShippedCommit
    paths: tuple[str, ...] | None = None
    chosen: frozenset[str] = frozenset()
    at: int = 0
    trouble: WorkFailed | None = None


@dataclass(frozen=True, slots=True)
class Looked(Message):
    """The commit's files."""

    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PutBack(Message):
    """Files are as they were before the commit."""

    went: WentBack


class RollbackFilesScreen(Screen[Files]):
    """Nothing is chosen at first, so that enter alone does nothing."""

    id = "rollback_files"
    title = "files of a commit"
    placement = Placement.SHEET

    def init(self, argument: object, scene: Scene) -> Step[Files]:
        """Opened with the `ShippedCommit`."""
        assert isinstance(argument, ShippedCommit)
        return Step(Files(argument), (AsyncWork(_looking(argument.commit)),))

    def keys(self, state: Files) -> KeyTable:
        """Choose, and put back."""
        return KEYS

    def update(self, state: Files, message: Message, scene: Scene) -> Step[Files]:
        """What was found, chosen, put back."""
        match message:
            case Looked(paths=paths):
                return Step(replace(state, paths=paths))
            case PutBack(went=went):
                text = f"put back; before it is kept in {went.snapshot}"
                return Step(state, (Toast(text, "ok"),), Pop())
            case WorkFailed():
                return Step(replace(state, trouble=message))
            case Pressed(action=action) if state.paths:
                return _pressed(replace(state, trouble=None), state.paths, action)
            case _:
                return Step(state)

    def wanted(self, state: Files, limit: Size, scene: Scene) -> Size:
        """As high as the list."""
        return Size(80, len(state.paths or ()) + 5)

    def view(self, state: Files, size: Size, scene: Scene) -> View:
        """The files with their marks, and what enter does."""
        if state.trouble is not None:
            return View(fill(trouble_lines(state.trouble, size.width), size))
        if state.paths is None:
            return View(fill((EMPTY, Line.of(Span("looking …", DIM))), size))
        if not state.paths:
            return View(fill((EMPTY, Line.of(Span("it has changed no file", DIM))), size))
        text = "They become as they were before it. Branch and index stay; u undoes it."
        says = wrapped((Span(text, DIM),), size.width)
        head = (
            Line.of(
                Span(state.commit.commit[:8], ACCENT),
                Span(f" {one_row(state.commit.subject)}", STRONG),
            ).clipped(size.width),
            *says,
            EMPTY,
        )
        head = head if size.height > len(head) + 1 else ()
        rows = [
            Line.of("[x] " if path in state.chosen else "[ ] ", span(one_row(path)))
            for path in state.paths
        ]
        body = Size(size.width, max(1, size.height - len(head)))
        return View((*head, *listing_lines(rows, state.at, body)))


def _pressed(state: Files, paths: tuple[str, ...], action: str) -> Step[Files]:
    at = moved(action, state.at, len(paths))
    if at is not None:
        return Step(replace(state, at=at))
    match action:
        case "files.mark":
            return Step(replace(state, chosen=state.chosen ^ {paths[state.at]}))
        case "files.all":
            every = frozenset(paths)
            return Step(replace(state, chosen=frozenset() if state.chosen == every else every))
        case "files.back" if not state.chosen:
            return Step(state, (Toast("choose files first: space, or a for all", "warn"),))
        case "files.back":
            commit, chosen = state.commit.commit, tuple(p for p in paths if p in state.chosen)
            return Step(state, (AsyncWork(_putting(commit, chosen)),))
        case _:
            return Step(state)


def _looking(commit: str) -> Callable[[Services], Awaitable[Message]]:
    async def do(services: Services) -> Message:
        return Looked(await files_of(services, commit))

    return do


def _putting(commit: str, paths: tuple[str, ...]) -> Callable[[Services], Awaitable[Message]]:
    async def do(services: Services) -> Message:
        return PutBack(await desk_of(services).undoing.files(commit, paths))

    return do
