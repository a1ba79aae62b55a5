"""API keys: where each comes from, one stored, one removed. A key itself is never shown."""

from dataclasses import dataclass, replace
from functools import partial

from m31a.desks import KEYLESS, KeyStored, StoreKey, provider_names
from m31a.draw.frame import Point, Size, View, fill
from m31a.draw.line import EMPTY, Line, Span, span, wrapped
from m31a.draw.style import DIM, OK, STRONG, WARN
from m31a.draw.text import clip
from m31a.program.effects import Toast, Work
from m31a.program.keymap import KeyTable, bind
from m31a.program.messages import Message, Pasted, Pressed, Typed, WorkFailed
from m31a.program.scene import Scene
from m31a.program.screen import Screen, Step
from m31a.program.services import Services
from m31a.widgets import editor, field, listing
from m31a.widgets.draft import BLANK, Draft
from m31a.widgets.facts import note_lines
from m31a.widgets.row_text import one_row, safe
from m31a.widgets.trouble import trouble_foot, trouble_lines
from m31a_engine import secrets_of_system

LOOK: KeyTable = (
    bind("keys.set", "enter, s", "set a key", hint=True),
    bind("keys.delete", "d, delete", "remove it", hint=True),
    bind("keys.again", "r", "look again"),
    *listing.KEYS,
    bind("app.back", "escape, q", "back", hint=True),
)
WRITE: KeyTable = (
    bind("keys.store", "enter", "store it in the keychain", hint=True),
    bind("keys.cancel", "escape", "leave it", hint=True),
    *field.KEYS,
)
SURE: KeyTable = (
    bind("keys.gone", "d, y", "remove it for good", hint=True),
    bind("keys.cancel", "escape, n, enter", "leave it", hint=True),
)


@dataclass(frozen=True, slots=True)
class KeyRow:
    """A provider and where its key comes from."""

    provider: str
    told: str
    found: bool


@dataclass(frozen=True, slots=True)
class Keys:
    """The rows, and what is being done to the chosen one."""

    wanted: str = ""
    rows: tuple[KeyRow, ...] | None = None
    at: int = 0
    draft: Draft | None = None
    deleting: bool = False
    trouble: WorkFailed | None = None

    @property
    def chosen(self) -> KeyRow | None:
        """The chosen row."""
        return self.rows[min(self.at, len(self.rows) - 1)] if self.rows else None


@dataclass(frozen=True, slots=True)
class Found(Message):
    """Where the keys come from."""

    rows: tuple[KeyRow, ...]


@dataclass(frozen=True, slots=True)
class Removed(Message):
    """What became of a removal."""

    told: str


class KeysScreen(Screen[Keys]):
    """What is typed here is shown as dots and forgotten as soon as it is stored."""

    id = "keys"
    title = "keys"

    def init(self, argument: object, scene: Scene) -> Step[Keys]:
        """Opened with a provider's name, or with nothing."""
        wanted = argument if isinstance(argument, str) else scene.settings.provider
        return Step(Keys(wanted), (Work(_load),))

    def keys(self, state: Keys) -> KeyTable:
        """Of the list, of the field, or of the question."""
        if state.draft is not None:
            return WRITE
        return SURE if state.deleting else LOOK

    def update(self, state: Keys, message: Message, scene: Scene) -> Step[Keys]:
        """Look, write, store, remove."""
        match message:
            case Found(rows=rows):
                return Step(_with_rows(state, rows))
            case KeyStored(told=told) | Removed(told=told):
                after = replace(state, draft=None, deleting=False, trouble=None)
                return Step(after, (Toast(told, "ok"), Work(_load)))
            case WorkFailed():
                return Step(replace(state, trouble=message, deleting=False))
            case Typed(key=key) if state.draft is not None:
                return Step(replace(state, draft=editor.typed(state.draft, key.text)))
            case Pasted(paste=paste) if state.draft is not None:
                return Step(replace(state, draft=field.pasted(state.draft, paste.text)))
            case Pressed(action=action):
                return _pressed(state, action)
            case _:
                return Step(state)

    def view(self, state: Keys, size: Size, scene: Scene) -> View:
        """The providers; the field, the question or the trouble at the bottom."""
        if state.rows is None:
            waiting = note_lines("looking for keys …", size.width)
            failed = state.trouble and trouble_lines(state.trouble, size.width)
            return View(fill(failed or waiting, size))
        foot, column = _foot(state, size.width)
        room = Size(size.width, max(1, size.height - len(foot)))
        rows = [_row(row, size.width - 2) for row in state.rows]
        lines = (*listing.listing_lines(rows, state.at, room), *foot)
        cursor = None if column is None else Point(column, room.height + 1)
        return View(fill(lines, size), cursor)


def _with_rows(state: Keys, rows: tuple[KeyRow, ...]) -> Keys:
    names = [row.provider for row in rows]
    if state.wanted and state.wanted not in names:
        rows = (*rows, KeyRow(state.wanted, "not a configured provider", found=False))
        names.append(state.wanted)
    at = names.index(state.wanted) if state.rows is None and state.wanted else state.at
    return replace(state, rows=rows, at=at)


def _pressed(state: Keys, action: str) -> Step[Keys]:
    chosen = state.chosen
    if state.draft is not None:
        return _written(state, state.draft, action)
    match action:
        case "keys.again":
            return Step(replace(state, trouble=None), (Work(_load),))
        case "keys.set" if chosen is not None:
            return Step(replace(state, draft=BLANK, trouble=None))
        case "keys.delete" if chosen is not None and chosen.found:
            return Step(replace(state, deleting=True, trouble=None))
        case "keys.gone" if chosen is not None:
            removal = Work(partial(_remove, provider=chosen.provider))
            return Step(replace(state, deleting=False), (removal,))
        case "keys.cancel":
            return Step(replace(state, deleting=False))
        case _:
            at = listing.moved(action, state.at, len(state.rows or ()))
            return Step(state if at is None else replace(state, at=at, trouble=None))


def _written(state: Keys, draft: Draft, action: str) -> Step[Keys]:
    chosen = state.chosen
    match action:
        case "keys.store" if chosen is not None and draft.text.strip():
            storing = Work(StoreKey(chosen.provider, draft.text.strip()))
            return Step(replace(state, draft=BLANK), (storing,))
        case "keys.store":
            return Step(state, (Toast("the key is empty; nothing was stored", "warn"),))
        case "keys.cancel":
            return Step(replace(state, draft=None, trouble=None))
        case _:
            return Step(replace(state, draft=editor.applied(draft, action) or draft))


def _row(row: KeyRow, cells: int) -> Line:
    mark = Span("✓ ", OK) if row.found else Span("– ", DIM)
    name = span(f"{clip(row.provider, 18, '…'):<19}", STRONG)
    return Line.of(mark, name, Span(one_row(row.told).partition(";")[0], DIM)).clipped(cells)


def _foot(state: Keys, cells: int) -> tuple[tuple[Line, ...], int | None]:
    """What stands below the list, and where the cursor is in its second line."""
    chosen = state.chosen
    trouble = trouble_foot(state.trouble, cells)
    if state.draft is not None and chosen is not None:
        drawn = field.field_view(
            "  key  ",
            state.draft,
            cells,
            secret=True,
            placeholder="paste or type it: dots are shown",
        )
        note = Line.of(Span(f"  for {one_row(chosen.provider)}", DIM)).clipped(cells)
        return (note, drawn.line, *trouble), drawn.cursor
    if state.deleting and chosen is not None:
        text = f"remove the key of {one_row(chosen.provider)} from the keychain?  d yes · esc no"
        return wrapped((Span(text, WARN),), cells, first="  ", rest="  "), None
    if chosen is None:
        return trouble, None
    told = wrapped((Span(safe(chosen.told), DIM),), cells, first="  ", rest="  ")
    return (EMPTY, *told[:4], *trouble), None


def _load(services: Services) -> Message:
    """Where the keys of all providers come from; asks the keychain, so it may take a moment."""
    config = services.config()
    secrets = secrets_of_system(services.environ)
    rows = []
    for name in provider_names(config):
        settings = config.providers.get(name)
        line, found = secrets.status(name, settings)
        keyless = not found and settings is not None and settings.base_url
        told = KEYLESS if keyless else line.removeprefix(f"{name}: ")
        rows.append(KeyRow(name, told, found))
    return Found(tuple(rows))


def _remove(services: Services, *, provider: str) -> Message:
    was = secrets_of_system(services.environ).delete(provider)
    if was:
        return Removed(f"{provider}: removed from the keychain")
    return Removed(f"{provider}: the keychain has none (it comes from elsewhere)")
