"""Every key of the configuration: its value, where that comes from, changed in place."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from m31a.draw.frame import Point, Size, View, fill
from m31a.draw.line import EMPTY, Line, Part, Span, span
from m31a.draw.style import ACCENT, DIM, PLAIN, WARN
from m31a.draw.text import clip, width
from m31a.program.effects import ChangeSettings, Effect, Reread, Toast, Work
from m31a.program.keymap import KeyTable, bind
from m31a.program.messages import Message, Pasted, Pressed, Typed, WorkFailed
from m31a.program.scene import Scene
from m31a.program.screen import Screen, Step
from m31a.setting_rows import (
    Loaded,
    Row,
    clear_setting,
    load_settings,
    row_key,
    words_of,
    write_setting,
)
from m31a.widgets import editor, field, picker
from m31a.widgets.choice import choice_line, stepped
from m31a.widgets.draft import Draft, drafted
from m31a.widgets.facts import note_lines
from m31a.widgets.picker import Picker, picker_view
from m31a.widgets.row_text import one_row
from m31a.widgets.trouble import trouble_foot, trouble_lines

ROOMY, WIDEST_VALUE = 12, 64
"""Rows from which on blank lines set things apart; cells of a value at most."""

LOOK: KeyTable = (
    bind("settings.edit", "enter", "change", hint=True),
    bind("settings.reset", "ctrl+r", "back to the default", hint=True),
    *(each for each in picker.KEYS if each.action != "pick.choose"),
)
NOTHING: KeyTable = (bind("app.back", "escape, q", "back", hint=True),)
WRITE: KeyTable = (
    bind("settings.set", "enter", "keep it", hint=True),
    bind("settings.cancel", "escape", "leave it", hint=True),
    *field.KEYS,
)
CHOOSE: KeyTable = (
    bind("settings.set", "enter", "keep it", hint=True),
    bind("settings.next", "right, down, tab, space, l, j", "the next", hint=True),
    bind("settings.before", "left, up, shift+tab, h, k", "the one before"),
    bind("settings.cancel", "escape", "leave it", hint=True),
)


@dataclass(frozen=True, slots=True)
class Editing:
    """The key that is being changed: among words, or as text."""

    row: Row
    draft: Draft
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SettingsState:
    """All keys, what was typed to find one, and the change in progress."""

    picker: Picker[Row]
    loaded: bool = False
    editing: Editing | None = None
    trouble: WorkFailed | None = None


class SettingsScreen(Screen[SettingsState]):
    """A value is checked before it is written; a theme is seen while it is chosen."""

    id = "settings"
    title = "settings"

    def init(self, argument: object, scene: Scene) -> Step[SettingsState]:
        """Opened with letters to look for, or with nothing."""
        letters = argument if isinstance(argument, str) else ""
        return Step(SettingsState(Picker((), row_key, filter=letters)), (Work(load_settings),))

    def keys(self, state: SettingsState) -> KeyTable:
        """Of the list, of the field, or of the words."""
        if not state.loaded:
            return NOTHING
        if state.editing is None:
            return LOOK
        return CHOOSE if state.editing.words else WRITE

    def update(self, state: SettingsState, message: Message, scene: Scene) -> Step[SettingsState]:
        """Find, change, reset."""
        match message:
            case Loaded():
                return _loaded(state, message)
            case WorkFailed():
                return Step(replace(state, trouble=message))
            case Pressed(action=action) if state.editing is not None:
                return _edit_pressed(state, state.editing, action, scene)
            case Pressed(action=action):
                return _pressed(state, action, scene)
            case Typed(key=key) if state.editing is not None:
                return Step(_written(state, editor.typed(state.editing.draft, key.text)))
            case Typed(key=key):
                return Step(replace(state, picker=state.picker.typed(key.text), trouble=None))
            case Pasted(paste=paste) if state.editing is not None:
                return Step(_written(state, field.pasted(state.editing.draft, paste.text)))
            case _:
                return Step(state)

    def view(self, state: SettingsState, size: Size, scene: Scene) -> View:
        """The keys; the change in progress, or what the value comes from, below."""
        if not state.loaded:
            waiting = note_lines("reading the configuration …", size.width)
            failed = state.trouble and trouble_lines(state.trouble, size.width)
            return View(fill(failed or waiting, size))
        foot, at = _foot(state, size)
        room = Size(size.width, max(3, size.height - len(foot)))
        listed = picker_view(state.picker, room, _drawn, empty="no key has these letters")
        cursor = listed.cursor if state.editing is None else None
        if at is not None:
            cursor = Point(at.column, at.row + room.height)
        return View(fill((*listed.lines, *foot), size), cursor)


def _loaded(state: SettingsState, message: Loaded) -> Step[SettingsState]:
    after = replace(
        state,
        picker=state.picker.with_items(message.rows),
        loaded=True,
        editing=None if message.changed else state.editing,
        trouble=None,
    )
    if not message.changed:
        return Step(after)
    value = next((row.value for row in message.rows if row.key == message.changed), "")
    return Step(after, (Toast(message.told, "ok"), *felt(message.changed, value), Reread()))


def felt(key: str, value: str) -> tuple[Effect, ...]:
    """What a changed key changes in the app that runs."""
    match key:
        case "ui.theme":
            return (ChangeSettings(theme=value),)
        case "ui.mouse":
            return (ChangeSettings(mouse=value == "true"),)
        case "features.workflow_mode":
            return (ChangeSettings(mode=value),)
        case "model.default" | "agents.execute" | "agents.default" if value:
            return (ChangeSettings(model=value),)
        case _:
            return ()


def _pressed(state: SettingsState, action: str, scene: Scene) -> Step[SettingsState]:
    row = state.picker.choice
    match action:
        case "settings.edit" if row is not None and row.editable:
            words = words_of(row.key, scene.themes)
            return Step(replace(state, editing=Editing(row, drafted(row.value), words)))
        case "settings.edit" if row is not None:
            return Step(state, (Toast("this one is changed in the file itself", "warn"),))
        case "settings.reset" if row is not None:
            return Step(state, (Work(partial(clear_setting, key=row.key)),))
        case _:
            moved = state.picker.applied(action)
            return Step(state if moved is None else replace(state, picker=moved, trouble=None))


def _edit_pressed(
    state: SettingsState, editing: Editing, action: str, scene: Scene
) -> Step[SettingsState]:
    match action:
        case "settings.set":
            text = editing.draft.whole
            return Step(state, (Work(partial(write_setting, key=editing.row.key, text=text)),))
        case "settings.cancel":
            before = (ChangeSettings(theme=scene.settings.theme),)
            undone = before if editing.row.key == "ui.theme" else ()
            if undone and editing.row.value:
                undone = (ChangeSettings(theme=editing.row.value),)
            return Step(replace(state, editing=None, trouble=None), undone)
        case "settings.next" | "settings.before":
            step = 1 if action == "settings.next" else -1
            word = stepped(editing.words, editing.draft.text, step)
            preview = (ChangeSettings(theme=word),) if editing.row.key == "ui.theme" else ()
            return Step(_written(state, drafted(word)), preview)
        case _:
            draft = editor.applied(editing.draft, action)
            return Step(state if draft is None else _written(state, draft))


def _written(state: SettingsState, draft: Draft) -> SettingsState:
    assert state.editing is not None
    return replace(state, editing=replace(state.editing, draft=draft), trouble=None)


def _drawn(row: Row, cells: int) -> Sequence[Part]:
    """Key, value and source; narrow, the source is left to the foot."""
    sourced = cells >= 64
    room = min(36, max(18, cells // 2))
    key = clip(row.key, room - 1, "…")
    tail = f" {row.source}" if sourced else ""
    space = max(4, min(WIDEST_VALUE, cells - room - width(tail)))
    style = DIM if row.source == "default" else PLAIN
    value = clip(one_row(row.value) or "–", space, "…")
    return (
        span(key),
        " " * (room - width(key)),
        span(value, style),
        " " * (space - width(value)),
        Span(tail, DIM if row.source == "default" else ACCENT),
    )


def _foot(state: SettingsState, size: Size) -> tuple[tuple[Line, ...], Point | None]:
    """What stands below the list, and where the cursor is in it."""
    cells = size.width
    gap = (EMPTY,) if size.height >= ROOMY else ()
    trouble = trouble_foot(state.trouble, cells) or gap
    editing = state.editing
    if editing is not None:
        label = f"  {editing.row.key}  "
        if editing.words:
            line = choice_line(label, editing.words, editing.draft.text, cells)
            return (*gap, line, *trouble), None
        drawn = field.field_view(label, editing.draft, cells, placeholder="nothing")
        at = None if drawn.cursor is None else Point(drawn.cursor, len(gap))
        return (*gap, drawn.line, *trouble), at
    row = state.picker.choice
    if row is None:
        return trouble, None
    style = WARN if row.source in {"environment", "command line"} else DIM
    origin = Line.of("  ", Span(_origin(row), style)).clipped(cells)
    return (*gap, origin, *trouble), None


def _origin(row: Row) -> str:
    match row.source:
        case "environment" | "command line":
            return f"set by the {row.source}: that wins over your file"
        case "project file":
            return "set by the project's m31a.toml: that wins over your file"
        case "user file":
            return "set in your own file"
        case _:
            return "the default"
