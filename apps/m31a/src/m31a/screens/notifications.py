"""What the run had to say beside the conversation, the newest first."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from m31a.draw.frame import Size, View
from m31a.draw.line import Line, Span, span, wrapped
from m31a.draw.style import DIM, ERR, OK, STRONG, WARN
from m31a.program.effects import CopyText
from m31a.program.keymap import KeyTable, bind
from m31a.program.messages import Message, Pressed
from m31a.program.scene import Remark, Scene
from m31a.program.screen import Screen, Step
from m31a.story.blocks import Block, CommitCard, Ending, FindingCard, Notice
from m31a.widgets import browse
from m31a.widgets.browse import FIRST, Browse, Drawn, browse_lines
from m31a.widgets.ending import GOOD
from m31a.widgets.facts import fact_lines
from m31a.widgets.row_text import one_row, safe
from m31a_engine import Severity

KEYS: KeyTable = (
    *browse.KEYS,
    bind("notifications.copy", "y", "copy", hint=True),
    bind("app.back", "escape, q", "back", hint=True),
)
MARKS = {"err": ("✗", ERR), "warn": ("!", WARN), "ok": ("✓", OK), "info": ("·", DIM)}


@dataclass(frozen=True, slots=True)
class Note:
    """Something that was said, how grave it is, and what to do about it."""

    level: str
    text: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Notifications:
    """Which note is chosen."""

    browse: Browse = FIRST


class NotificationsScreen(Screen[Notifications]):
    """Errors, warnings, findings, landings, ends and toasts, so that none is missed."""

    id = "notifications"
    title = "notifications"

    def init(self, argument: object, scene: Scene) -> Step[Notifications]:
        """At the newest."""
        return Step(Notifications())

    def keys(self, state: Notifications) -> KeyTable:
        """Look and copy."""
        return KEYS

    def update(self, state: Notifications, message: Message, scene: Scene) -> Step[Notifications]:
        """Another note, or a copy of this one."""
        notes = notes_of(scene.story.blocks, scene.notes)
        match message:
            case Pressed(action="notifications.copy") if notes:
                note = notes[min(state.browse.at, len(notes) - 1)]
                return Step(state, (CopyText(f"{note.text}\n{note.remedy}".strip()),))
            case Pressed(action=action):
                moved = state.browse.applied(
                    action, len(notes), lambda cells: _detail(state, notes, cells), scene.size
                )
                return Step(state if moved is None else replace(state, browse=moved))
            case _:
                return Step(state)

    def view(self, state: Notifications, size: Size, scene: Scene) -> View:
        """The notes, and the chosen one in full."""
        notes = notes_of(scene.story.blocks, scene.notes)
        lines = browse_lines(
            Drawn(notes, _row),
            lambda cells: _detail(state, notes, cells),
            state.browse.within(len(notes)),
            size,
            empty="Nothing to tell: no warning, no finding, no end of a run yet.",
        )
        return View(lines)


def notes_of(blocks: Sequence[Block], remarks: Sequence[Remark] = ()) -> tuple[Note, ...]:
    """What of a conversation is news for a person, and what was said beside; the newest first."""
    notes: list[Note] = []
    said = list(remarks)
    for at in range(len(blocks) - 1, -1, -1):
        while said and said[-1].blocks > at:
            notes.append(_remarked(said.pop()))
        match blocks[at]:
            case Notice(text=text, remedy=remedy, level=level):
                notes.append(Note(level, text, remedy))
            case FindingCard(finding=finding):
                level = "err" if finding.severity is Severity.BLOCKING else "warn"
                place = f"{finding.path}: " if finding.path else ""
                notes.append(Note(level, f"{place}{finding.text}", f"--allow {finding.kind.value}"))
            case CommitCard(commit=commit, landed_on=branch) if branch:
                notes.append(Note("ok", f"{commit[:12]} is on {branch}"))
            case Ending(report=report):
                good = report.outcome in GOOD
                text = f"{report.outcome.value.replace('_', ' ')}: {report.goal}"
                remedy = report.error.remedy if report.error is not None else ""
                notes.append(Note("ok" if good else "err", text, remedy))
            case _:
                continue
    return (*notes, *map(_remarked, reversed(said)))


def _remarked(remark: Remark) -> Note:
    return Note(remark.level, remark.text)


def _row(note: Note) -> Line:
    glyph, style = MARKS.get(note.level, MARKS["info"])
    return Line.of(Span(f"{glyph} ", style), span(one_row(note.text)))


def _detail(state: Notifications, notes: tuple[Note, ...], cells: int) -> tuple[Line, ...]:
    note = notes[min(state.browse.at, len(notes) - 1)]
    glyph, style = MARKS.get(note.level, MARKS["info"])
    said = (Span(safe(note.text), STRONG),)
    return (
        *wrapped(said, cells, first=Span(f"{glyph} ", style), rest="  "),
        *fact_lines((("do", note.remedy),), cells, name_cells=4),
    )
