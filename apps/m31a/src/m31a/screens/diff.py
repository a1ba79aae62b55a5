"""Everything a run has changed, file by file, with jumps between the hunks."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

import anyio.to_thread

from m31a.draw.frame import Size, View, fill
from m31a.draw.line import Line, Span, span
from m31a.draw.style import ACCENT, BORDER, DIM, STRONG, WARN, Style, Tone
from m31a.program.effects import AsyncWork, CopyText, Toast
from m31a.program.keymap import KeyTable, bind
from m31a.program.messages import Message, Pressed, RunOver, WorkFailed
from m31a.program.scene import Scene
from m31a.program.screen import Screen, Step
from m31a.program.services import Services
from m31a.widgets import scroll
from m31a.widgets.browse import TOP
from m31a.widgets.facts import note_lines
from m31a.widgets.patch import Laid, patch_lines
from m31a.widgets.patch_reader import FilePatch, new_text, read_patch
from m31a.widgets.row_text import one_row
from m31a.widgets.scroll import Window, window_lines
from m31a.widgets.trouble import trouble_lines
from m31a_engine import NothingToResume, RunReport
from m31a_engine.desk.opened import opened, refusing
from m31a_engine.paths import shown_path
from m31a_engine.session.state import Session
from m31a_engine.shelf import report_in, stored

BESIDE_CELLS = 120
"""From so many cells on old and new can stand beside each other."""
KEYS: KeyTable = (
    bind("diff.next_file", "right, l, tab", "next file", hint=True),
    bind("diff.last_file", "left, h, shift+tab", "file before"),
    bind("diff.next_hunk", "n, ]", "next change", hint=True),
    bind("diff.last_hunk", "p, N, [", "change before"),
    bind("diff.beside", "s", "side by side, or not", hint=True),
    bind("diff.copy", "y", "copy this file's patch", hint=True),
    bind("diff.copy_new", "c", "copy the new text of this change, without signs"),
    bind("diff.again", "r", "look again"),
    *scroll.KEYS,
    bind("app.back", "escape, q", "back", hint=True),
)
NOTHING: KeyTable = (bind("diff.again", "r", "look again", hint=True), KEYS[-1])
HEAD_ROWS = 2


@dataclass(frozen=True, slots=True)
class Changes:
    """The files, the one that is shown, and how far it is scrolled."""

    files: tuple[FilePatch, ...] | None = None
    """None while they are looked for."""
    session: str | None = None
    at: int = 0
    window: Window = TOP
    beside: bool = True
    """Where there is room for it."""
    cut: bool = False
    """The patch is longer than what is shown."""
    trouble: WorkFailed | None = None


@dataclass(frozen=True, slots=True)
class Found(Message):
    """The patch of a session."""

    patch: str
    cut: bool


class DiffScreen(Screen[Changes]):
    """After a run the report's own diff; while one works, what its branch has so far."""

    id = "diff"
    title = "diff"

    def init(self, argument: object, scene: Scene) -> Step[Changes]:
        """Opened with a session's id, or with nothing: then it is the run of the story."""
        if isinstance(argument, str):
            return _look(Changes(session=argument))
        report = scene.story.report
        if report is not None and not scene.story.running:
            return Step(Changes(read_patch(report.diff), report.session))
        return _look(Changes(session=scene.story.session or None))

    def keys(self, state: Changes) -> KeyTable:
        """Files, hunks, copying."""
        return KEYS if state.files and state.trouble is None else NOTHING

    def update(self, state: Changes, message: Message, scene: Scene) -> Step[Changes]:
        """Another file or hunk; what was found."""
        match message:
            case Found(patch=patch, cut=cut):
                files = read_patch(patch)
                at = min(state.at, max(0, len(files) - 1))
                return Step(replace(state, files=files, cut=cut, at=at, trouble=None))
            case WorkFailed():
                return Step(replace(state, trouble=message))
            case RunOver() if scene.story.report is not None:
                return Step(replace(state, files=read_patch(scene.story.report.diff), cut=False))
            case Pressed(action="diff.again"):
                return _look(replace(state, trouble=None))
            case Pressed(action="diff.beside"):
                return _turned(state, scene)
            case Pressed(action=action) if state.files:
                return _pressed(state, state.files, action, scene)
            case _:
                return Step(state)

    def view(self, state: Changes, size: Size, scene: Scene) -> View:
        """The file's name and figures above, its changes below."""
        if state.trouble is not None:
            return View(fill(trouble_lines(state.trouble, size.width), size))
        if not state.files:
            text = "looking at the changes …" if state.files is None else "Nothing has changed."
            return View(fill(note_lines(text, size.width), size))
        patch = state.files[state.at]
        body = Size(size.width, max(1, size.height - HEAD_ROWS))
        lines = window_lines(_laid(state, patch, size.width).lines, state.window, body)
        rule = Line.of(Span("─" * size.width, BORDER))
        return View(fill((_head(state, patch, len(state.files), size.width), rule, *lines), size))


def _head(state: Changes, patch: FilePatch, count: int, cells: int) -> Line:
    figure = Line.of(
        Span(f" +{patch.added}", Style(fg=Tone.DIFF_ADD)),
        Span(f" -{patch.removed}", Style(fg=Tone.DIFF_DEL)),
        Span(f"  {patch.note}" if patch.note else "", ACCENT),
        Span(f"  file {state.at + 1} of {count} ", DIM),
        Span(" cut " if state.cut else "", WARN),
    )
    name = Line.of(" ", span(one_row(patch.path), STRONG))
    return name.fitted(max(1, cells - figure.width)).plus(*figure.spans).clipped(cells)


def _laid(state: Changes, patch: FilePatch, cells: int) -> Laid:
    return patch_lines(patch, cells - 1, beside=state.beside and cells >= BESIDE_CELLS)


def _turned(state: Changes, scene: Scene) -> Step[Changes]:
    if scene.size.width < BESIDE_CELLS:
        return Step(state, (Toast(f"side by side needs {BESIDE_CELLS} columns"),))
    return Step(replace(state, beside=not state.beside, window=TOP))


def _pressed(
    state: Changes, files: tuple[FilePatch, ...], action: str, scene: Scene
) -> Step[Changes]:
    laid = _laid(state, files[state.at], scene.size.width)
    height = max(1, scene.size.height - HEAD_ROWS)
    match action:
        case "diff.next_file" | "diff.last_file":
            step = 1 if action == "diff.next_file" else -1
            return Step(replace(state, at=(state.at + step) % len(files), window=TOP))
        case "diff.next_hunk" | "diff.last_hunk":
            return Step(_jumped(state, laid, height, ahead=action == "diff.next_hunk"))
        case "diff.copy":
            return Step(state, (CopyText(files[state.at].raw),))
        case "diff.copy_new":
            place = sum(start <= state.window.top for start in laid.starts)
            if not files[state.at].hunks:
                return Step(state, (Toast("there is no text to copy", "warn"),))
            return Step(state, (CopyText(new_text(files[state.at].hunks[max(0, place - 1)])),))
        case _:
            moved = state.window.applied(action, len(laid.lines), height)
            return Step(state if moved is None else replace(state, window=moved))


def _jumped(state: Changes, laid: Laid, height: int, *, ahead: bool) -> Changes:
    """At the next hunk, or the one before."""
    top = state.window.top
    others = [start for start in laid.starts if (start > top if ahead else start < top)]
    if not others:
        return state
    last = max(0, len(laid.lines) - height)
    return replace(state, window=Window(min(last, others[0] if ahead else others[-1])))


def _look(state: Changes) -> Step[Changes]:
    return Step(state, (AsyncWork(_looking(state.session)),))


def _looking(session_id: str | None) -> Callable[[Services], Awaitable[Message]]:
    async def look(services: Services) -> Message:
        session, report = await anyio.to_thread.run_sync(_kept, services, session_id)
        repository = await opened(services.project)
        with refusing():
            head = await repository.read_ref(f"refs/heads/{session.branch}")
            if head is None:  # it has landed, or ended without a change
                return Found(report.diff if report is not None else "", cut=False)
            diff = await repository.diff(session.base, head)
            return Found(shown_path(diff.patch), diff.patch_cut)

    return look


def _kept(services: Services, session_id: str | None) -> tuple[Session, RunReport | None]:
    """A session and its report; None is the newest session."""
    shelf = services.sessions()
    folder = shelf.home.session(shelf.named(session_id).id)
    session = stored(folder)
    if session is None or not session.base:
        raise NothingToResume(f"session {folder.root.name} has changed nothing")
    return session, report_in(folder)
