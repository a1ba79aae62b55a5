"""May this project's own settings, instructions and commands be used? Asked before any is."""

from dataclasses import dataclass, replace
from functools import partial

from m31a.desks import desk_of, settled
from m31a.draw.frame import Size, View, fill
from m31a.draw.line import EMPTY, Line, Span, span, wrapped
from m31a.draw.style import ACCENT, BORDER, DIM, OK, STRONG, WARN
from m31a.draw.text import expand_tabs
from m31a.program.ask_lock import LOCK_S, is_locked
from m31a.program.effects import Reread, Toast, Work
from m31a.program.keymap import KeyTable, bind
from m31a.program.messages import Message, Pressed, WorkFailed
from m31a.program.scene import Scene
from m31a.program.screen import Pop, Screen, Step
from m31a.program.services import Services
from m31a.project_reading import ProjectFile, ProjectReading, read_project
from m31a.widgets import listing
from m31a.widgets.facts import note_lines
from m31a.widgets.row_text import one_row, safe
from m31a.widgets.trouble import trouble_foot, trouble_lines

ROOMY = 12
"""Rows from which on blank lines set things apart."""

ASK: KeyTable = (
    bind("trust.yes", "y", "trust it", hint=True),
    bind("trust.no", "n, escape", "not now", hint=True),
    bind("trust.read", "r, enter", "read it first", hint=True),
    *listing.KEYS,
)
TRUSTED: KeyTable = (
    bind("trust.revoke", "x", "trust it no more", hint=True),
    bind("trust.read", "r, enter", "read it", hint=True),
    *listing.KEYS,
    bind("app.back", "escape, q", "back", hint=True),
)
NOTHING: KeyTable = (TRUSTED[-1],)
READ: KeyTable = (
    bind("trust.next", "tab, enter, right", "the next file", hint=True),
    bind("trust.close", "escape, r, q", "back to the question", hint=True),
    *listing.KEYS,
)


@dataclass(frozen=True, slots=True)
class Trusting:
    """What would be put in force, and what of it is being read."""

    seen_s: float
    reading: ProjectReading | None = None
    trusted: bool = False
    file: int | None = None
    """The file that is read; None while the question stands."""
    top: int = 0
    changed: bool = False
    """Whether the project changed under the reader's eyes."""
    trouble: WorkFailed | None = None


@dataclass(frozen=True, slots=True)
class Looked(Message):
    """What the project would have us interpret."""

    reading: ProjectReading
    trusted: bool
    changed: bool = False


@dataclass(frozen=True, slots=True)
class Decided(Message):
    """The folder is trusted, or is not any more."""

    trusted: bool


class TrustScreen(Screen[Trusting]):
    """Nothing of a project is obeyed before somebody has seen it and said yes."""

    id = "trust"
    title = "trust"

    def init(self, argument: object, scene: Scene) -> Step[Trusting]:
        """Reads the project; runs nothing of it."""
        return Step(Trusting(scene.now_s), (Work(_look),))

    def locked(self, state: Trusting, scene: Scene) -> bool:
        """For a moment keys still go where they were meant to go: this may open by itself."""
        return not state.trusted and is_locked(state.seen_s, scene)

    def wake_s(self, state: Trusting, scene: Scene) -> float | None:
        """When the keys unlock."""
        left_s = state.seen_s + LOCK_S - scene.now_s
        return left_s if left_s > 0 else None

    def keys(self, state: Trusting) -> KeyTable:
        """Of the question, of a file, or of a folder that is trusted already."""
        if state.reading is None:
            return NOTHING
        if state.file is not None:
            return READ
        return TRUSTED if state.trusted else ASK

    def update(self, state: Trusting, message: Message, scene: Scene) -> Step[Trusting]:
        """Read, decide."""
        match message:
            case Looked(reading=reading, trusted=trusted, changed=changed):
                found = Trusting(state.seen_s, reading, trusted, changed=changed)
                return Step(found)
            case Decided(trusted=True):
                said = "trusted: its settings and checks are used from the next run on"
                return Step(state, (Toast(said, "ok"), Reread()), Pop(True))
            case Decided():
                said = "not trusted any more: nothing of it is run"
                return Step(state, (Toast(said), Reread()), Pop(False))
            case WorkFailed():
                return Step(replace(state, trouble=message))
            case Pressed(action=action):
                return _pressed(state, action, scene)
            case _:
                return Step(state)

    def view(self, state: Trusting, size: Size, scene: Scene) -> View:
        """The question and everything it is about; or one file, whole."""
        if state.reading is None:
            waiting = note_lines("reading the project …", size.width)
            failed = state.trouble and trouble_lines(state.trouble, size.width)
            return View(fill(failed or waiting, size))
        lines = _lines(state, scene, size.width)
        foot = trouble_foot(state.trouble, size.width)
        room = Size(size.width, max(1, size.height - len(foot)))
        top = min(state.top, max(0, len(lines) - room.height))
        body = list(fill(lines[top:], room))
        if top + room.height < len(lines):
            more = f"  … {len(lines) - top - room.height + 1} more lines (↓)"
            body[-1] = Line.of(Span(more, WARN)).clipped(size.width)
        return View((*body, *foot))


def _pressed(state: Trusting, action: str, scene: Scene) -> Step[Trusting]:
    reading = state.reading
    files = reading.files if reading is not None else ()
    match action:
        case "trust.yes" if reading is not None:
            return Step(replace(state, trouble=None), (Work(partial(_grant, seen=reading)),))
        case "trust.no":
            said = "not trusted: nothing of the project is run; /trust asks again"
            return Step(state, (Toast(said),), Pop(False))
        case "trust.revoke":
            return Step(state, (Work(_revoke),))
        case "trust.read" if files:
            return Step(replace(state, file=0, top=0))
        case "trust.read" if reading is not None:
            return Step(state, (Toast("it has neither m31a.toml nor AGENTS.md"),))
        case "trust.next" if state.file is not None:
            return Step(replace(state, file=(state.file + 1) % len(files), top=0))
        case "trust.close":
            return Step(replace(state, file=None, top=0))
        case _ if reading is not None:
            rows = len(_lines(state, scene, scene.size.width)) - scene.size.height + 1
            top = listing.scrolled(action, state.top, max(1, rows))
            return Step(state if top is None else replace(state, top=top))
        case _:
            return Step(state)


def _lines(state: Trusting, scene: Scene, cells: int) -> tuple[Line, ...]:
    assert state.reading is not None
    if state.file is not None:
        return _file_lines(state.reading, state.file, cells)
    return _question(state, state.reading, scene, cells)


def _question(
    state: Trusting, reading: ProjectReading, scene: Scene, cells: int
) -> tuple[Line, ...]:
    """What trust would put in force, the most telling first."""
    asked = f"{scene.project} is trusted." if state.trusted else f"Do you trust {scene.project}?"
    gap = (EMPTY,) if scene.size.height >= ROOMY else ()
    lines = [*gap, *wrapped((span(asked, STRONG),), cells, first="  ", rest="  ")]
    if state.changed:
        text = "It has changed while you were reading. Look again."
        lines += wrapped((Span(text, WARN),), cells, first="  ! ", rest="    ")
    elif not state.trusted:
        text = "With your yes, what is below is obeyed and run. Without it, nothing of it is."
        lines += wrapped((Span(text, DIM),), cells, first="  ", rest="  ")
    if reading.state:
        lines += [
            EMPTY,
            *wrapped((Span(safe(reading.state), WARN),), cells, first="  ! ", rest="    "),
        ]
    sections = (
        ("files", [_about(file) for file in reading.files], "neither m31a.toml nor AGENTS.md"),
        ("commands", [f"{each.name}: {each.command}" for each in reading.checks], "none found"),
        ("settings", [f"{key} = {value}" for key, value in reading.settings], ""),
        ("git hooks", list(reading.hooks), ""),
        ("git filters", list(reading.filters), ""),
    )
    for name, texts, nothing in sections:
        if texts or nothing:
            lines += [*gap, Line.of("  ", Span(name, ACCENT))]
        for text in texts:
            lines += wrapped((span(safe(text)),), cells, first="    ", rest="      ")
        if nothing and not texts:
            lines.append(Line.of("    ", Span(nothing, DIM)).clipped(cells))
    for sentence in reading.refused:
        lines += wrapped(
            (Span(safe(sentence), DIM),), cells, first=Span("  refused  ", OK), rest=" " * 11
        )
    return tuple(lines)


def _about(file: ProjectFile) -> str:
    rows = file.text.count("\n") + (not file.text.endswith("\n") and bool(file.text))
    note = f" ({file.note})" if file.note else ""
    return f"{file.name}  {rows} line{'' if rows == 1 else 's'}{note}"


def _file_lines(reading: ProjectReading, index: int, cells: int) -> tuple[Line, ...]:
    """A file with nothing hidden: what cannot be seen is written out."""
    file = reading.files[index]
    place = f"  {index + 1} of {len(reading.files)}"
    head = Line.of(Span(f" {one_row(file.name)}", STRONG), Span(place, DIM))
    lines = [head.clipped(cells), Line.of(Span("─" * cells, BORDER))]
    if file.note:
        lines.append(Line.of(Span(f"  ! {file.note}", WARN)).clipped(cells))
    for row in safe(file.text).split("\n"):
        lines += wrapped((span(expand_tabs(row)),), cells, first="  ", rest="  ↪ ")
    return tuple(lines)


def _look(services: Services) -> Message:
    """In a thread with an event loop of its own: git is asked about the project."""
    reading = settled(partial(read_project, services))
    return Looked(reading, desk_of(services).trust.is_trusted(services.project))


def _grant(services: Services, *, seen: ProjectReading) -> Message:
    """Trust the folder if it still says what was seen; otherwise show it again."""
    trust = desk_of(services).trust
    trust.grant(services.project)
    now = settled(partial(read_project, services))
    if now == seen:
        return Decided(trusted=True)
    trust.revoke(services.project)
    return Looked(now, trusted=False, changed=True)


def _revoke(services: Services) -> Message:
    desk_of(services).trust.revoke(services.project)
    return Decided(trusted=False)
