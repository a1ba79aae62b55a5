"""Providers: which one answers, where its key comes from, how it is, who stands in for it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from dataclasses import field as slot
from functools import partial
from types import MappingProxyType

from m31a.desks import Sign
from m31a.draw.frame import Point, Size, View, fill
from m31a.draw.line import EMPTY, Line, Span, span, wrapped
from m31a.draw.style import ACCENT, DIM, ERR, OK, STRONG, WARN
from m31a.draw.text import clip
from m31a.program.effects import AsyncWork, Effect, Reread, Toast, Work
from m31a.program.keymap import KeyTable, bind
from m31a.program.messages import Message, Pasted, Pressed, Returned, Typed, WorkFailed
from m31a.program.scene import Scene
from m31a.program.screen import Push, Screen, Step
from m31a.provider_list import (
    Answered,
    Changed,
    Found,
    ProviderRow,
    add_server,
    ask_provider,
    keep_setting,
    load_providers,
)
from m31a.widgets import editor, field, listing
from m31a.widgets.draft import BLANK, Draft
from m31a.widgets.facts import note_lines
from m31a.widgets.row_text import one_row, safe
from m31a.widgets.trouble import trouble_foot, trouble_lines

LOOK: KeyTable = (
    bind("providers.use", "enter", "use it", hint=True),
    bind("providers.test", "t", "test", hint=True),
    bind("providers.key", "s", "key", hint=True),
    bind("providers.new", "n", "new server", hint=True),
    bind("providers.test_all", "T", "test all"),
    bind("providers.fallback", "f", "stand-ins on or off"),
    bind("providers.member", "o", "may stand in, or not"),
    bind("providers.earlier", "+", "stands in earlier"),
    bind("providers.later", "-", "stands in later"),
    bind("providers.again", "r", "look again"),
    *listing.KEYS,
    bind("app.back", "escape, q", "back", hint=True),
)
NOTHING: KeyTable = (bind("providers.again", "r", "look again", hint=True), LOOK[-1])
WRITE: KeyTable = (
    bind("providers.add", "enter", "add it", hint=True),
    bind("providers.next", "tab, shift+tab, up, down", "other field", hint=True),
    bind("providers.cancel", "escape", "leave it", hint=True),
    *field.KEYS,
)
STATUS = {"live": ("●", OK), "slow": ("◐", WARN), "degraded": ("◐", WARN), "offline": ("✗", ERR)}


@dataclass(frozen=True, slots=True)
class NewServer:
    """A server that is being described."""

    name: Draft = BLANK
    address: Draft = BLANK
    at_address: bool = False


def _no_signs() -> Mapping[str, Sign | None]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Providers:
    """The rows, who is chosen, how they answered, and the server that is being described."""

    rows: tuple[ProviderRow, ...] | None = None
    used: str = ""
    order: tuple[str, ...] = ()
    """Who stands in, first to last."""
    fallback: bool = False
    at: int = 0
    signs: Mapping[str, Sign | None] = slot(default_factory=_no_signs)
    """None while an answer is awaited."""
    new: NewServer | None = None
    trouble: WorkFailed | None = None

    @property
    def chosen(self) -> ProviderRow | None:
        """The chosen row."""
        return self.rows[min(self.at, len(self.rows) - 1)] if self.rows else None


class ProvidersScreen(Screen[Providers]):
    """Nothing is sent to a provider unless it is tested."""

    id = "providers"
    title = "providers"

    def init(self, argument: object, scene: Scene) -> Step[Providers]:
        """Looks at the configuration."""
        return Step(Providers(), (Work(load_providers),))

    def keys(self, state: Providers) -> KeyTable:
        """Of the list, or of the form."""
        if state.rows is None:
            return NOTHING
        return LOOK if state.new is None else WRITE

    def update(self, state: Providers, message: Message, scene: Scene) -> Step[Providers]:
        """Look, test, choose, add."""
        match message:
            case Found(rows=rows, used=used, order=order, fallback=fallback):
                found = replace(state, rows=rows, used=used, order=order, fallback=fallback)
                return Step(_at_used(found) if state.rows is None else found)
            case Answered(sign=sign):
                signs = MappingProxyType({**state.signs, sign.provider: sign})
                return Step(replace(state, signs=signs))
            case Changed(told=told):
                after = replace(state, new=None, trouble=None)
                return Step(after, (Toast(told, "ok"), Work(load_providers), Reread()))
            case Returned():
                return Step(state, (Work(load_providers),))
            case WorkFailed():
                return Step(replace(state, trouble=message))
            case Typed(key=key) if state.new is not None:
                return Step(_filled(state, state.new, editor.typed(_focused(state.new), key.text)))
            case Pasted(paste=paste) if state.new is not None:
                written = field.pasted(_focused(state.new), paste.text)
                return Step(_filled(state, state.new, written))
            case Pressed(action=action) if state.new is not None:
                return _form_pressed(state, state.new, action)
            case Pressed(action=action):
                return _pressed(state, action)
            case _:
                return Step(state)

    def view(self, state: Providers, size: Size, scene: Scene) -> View:
        """The list, the chosen one more closely, the order of stand-ins."""
        if state.rows is None:
            waiting = note_lines("looking at the configuration …", size.width)
            failed = state.trouble and trouble_lines(state.trouble, size.width)
            return View(fill(failed or waiting, size))
        foot, cursor = _foot(state, size.width)
        rows = [_row(state, row, size.width - 2) for row in state.rows]
        height = max(1, size.height - len(foot))
        listed = listing.listing_lines(rows, state.at, Size(size.width, height))
        at = None if cursor is None else Point(cursor.column, cursor.row + height)
        return View(fill((*listed, *foot), size), at)


def _at_used(state: Providers) -> Providers:
    names = [row.name for row in state.rows or ()]
    return replace(state, at=names.index(state.used)) if state.used in names else state


def _pressed(state: Providers, action: str) -> Step[Providers]:
    chosen = state.chosen
    match action:
        case "providers.new":
            return Step(replace(state, new=NewServer(), trouble=None))
        case "providers.again":
            return Step(replace(state, trouble=None), (Work(load_providers),))
        case "providers.fallback":
            value = "false" if state.fallback else "true"
            said = "nobody stands in" if state.fallback else "others stand in when it fails"
            return Step(state, (_setting("provider.auto_fallback", value, said),))
        case "providers.test_all":
            return _tested(state, tuple(row.name for row in state.rows or ()))
        case _ if chosen is not None and action.startswith("providers."):
            return _pressed_on(state, chosen, action)
        case _:
            at = listing.moved(action, state.at, len(state.rows or ()))
            return Step(state if at is None else replace(state, at=at, trouble=None))


def _pressed_on(state: Providers, chosen: ProviderRow, action: str) -> Step[Providers]:
    match action:
        case "providers.use":
            said = f"{chosen.name} answers from the next run on; /models chooses its model"
            return Step(state, (_setting("provider.default", chosen.name, said),))
        case "providers.test":
            return _tested(state, (chosen.name,))
        case "providers.key":
            return Step(state, nav=Push("keys", chosen.name))
        case _:
            order = _reordered(state.order, chosen.name, action)
            if order == state.order:
                return Step(state)
            told = f"order: {', '.join(order) or 'nobody'}"
            return Step(state, (_setting("provider.fallback_priority", ",".join(order), told),))


def _tested(state: Providers, names: tuple[str, ...]) -> Step[Providers]:
    asked = MappingProxyType({**state.signs, **dict.fromkeys(names)})
    effects: tuple[Effect, ...] = tuple(
        AsyncWork(partial(ask_provider, name=name)) for name in names
    )
    return Step(replace(state, signs=asked), effects)


def _reordered(order: tuple[str, ...], name: str, action: str) -> tuple[str, ...]:
    """Who stands in, after one was taken in or out, or moved by one place."""
    if action == "providers.member":
        return tuple(each for each in order if each != name) if name in order else (*order, name)
    if name not in order:
        return order
    rest = [each for each in order if each != name]
    step = -1 if action == "providers.earlier" else 1
    rest.insert(max(0, order.index(name) + step), name)
    return tuple(rest)


def _focused(new: NewServer) -> Draft:
    return new.address if new.at_address else new.name


def _filled(state: Providers, new: NewServer, draft: Draft) -> Providers:
    changed = replace(new, address=draft) if new.at_address else replace(new, name=draft)
    return replace(state, new=changed)


def _form_pressed(state: Providers, new: NewServer, action: str) -> Step[Providers]:
    match action:
        case "providers.next":
            return Step(replace(state, new=replace(new, at_address=not new.at_address)))
        case "providers.cancel":
            return Step(replace(state, new=None, trouble=None))
        case "providers.add" if not new.name.text.strip() or not new.address.text.strip():
            empty = bool(new.name.text.strip())
            return Step(replace(state, new=replace(new, at_address=empty)))
        case "providers.add":
            name, address = new.name.text.strip(), new.address.text.strip()
            return Step(state, (Work(partial(add_server, name=name, address=address)),))
        case _:
            draft = _focused(new)
            return Step(_filled(state, new, editor.applied(draft, action) or draft))


def _row(state: Providers, row: ProviderRow, cells: int) -> Line:
    used = Span("● " if row.name == state.used else "  ", ACCENT)
    name = span(f"{clip(row.name, 16, '…'):<17}", STRONG)
    key = Span("✓ key  " if row.has_key else "– key  ", OK if row.has_key else DIM)
    place = f"{state.order.index(row.name) + 1}. " if row.name in state.order else "   "
    stands = (Span(place, WARN if state.fallback else DIM),) if cells >= 56 else ()
    return Line.of(used, name, key, *stands, *_sign(state, row)).clipped(cells)


def _sign(state: Providers, row: ProviderRow) -> tuple[Span, ...]:
    if row.name not in state.signs:
        return (span(row.address, DIM),)
    sign = state.signs[row.name]
    if sign is None:
        return (Span("asking …", DIM),)
    glyph, style = STATUS.get(sign.status, ("✗", ERR))
    took = "" if sign.latency_ms is None else f" {sign.latency_ms:.0f} ms"
    return (Span(f"{glyph} {sign.status}{took}", style), span(f"  {one_row(sign.detail)}", DIM))


def _foot(state: Providers, cells: int) -> tuple[tuple[Line, ...], Point | None]:
    """What stands below the list; the cursor counted from its first line."""
    trouble = trouble_foot(state.trouble, cells)
    if state.new is not None:
        return _form(state.new, cells, trouble)
    chosen = state.chosen
    if chosen is None:
        return trouble, None
    first = " → ".join(state.order) or "nobody"
    stands = f"{first}" if state.fallback else f"off (would be: {first})"
    sign = state.signs.get(chosen.name)
    rows = [("address", chosen.address), ("key", chosen.key), ("stand-ins", stands)]
    if sign is not None and sign.detail:
        rows.insert(0, ("answer", sign.detail))
    lines: list[Line] = [EMPTY]
    for name, text in rows:
        body = wrapped((span(safe(text)),), cells, first=Span(f"  {name:<10}", DIM), rest=" " * 12)
        lines.extend(body[:2])
    return (*lines, *trouble), None


def _form(
    new: NewServer, cells: int, trouble: tuple[Line, ...]
) -> tuple[tuple[Line, ...], Point | None]:
    name = field.field_view(
        "  name     ", new.name, cells, focused=not new.at_address, placeholder="my-box"
    )
    address = field.field_view(
        "  address  ",
        new.address,
        cells,
        focused=new.at_address,
        placeholder="http://127.0.0.1:8080/v1",
    )
    title = Line.of("  ", Span("a server that speaks chat completions", DIM)).clipped(cells)
    column, row = (address.cursor, 2) if new.at_address else (name.cursor, 1)
    at = None if column is None else Point(column, row)
    return (title, name.line, address.line, *trouble), at


def _setting(key: str, value: str, told: str) -> Work:
    return Work(partial(keep_setting, key=key, value=value, told=told))
