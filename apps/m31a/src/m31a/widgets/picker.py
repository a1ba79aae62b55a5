"""A list to choose from, with a filter: rows ranked as they are typed at."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from m31a.draw.frame import Point, Size, View, fill
from m31a.draw.line import Line, Part, Span, span
from m31a.draw.style import ACCENT, DIM, SELECTED, Style, Tone
from m31a.program.keymap import KeyTable, bind
from m31a.widgets.fuzzy import Match, ranked

T = TypeVar("T")

KEYS: KeyTable = (
    bind("pick.up", "up, ctrl+p, ctrl+k, wheelup", "up"),
    bind("pick.down", "down, ctrl+n, ctrl+j, tab, wheeldown", "down"),
    bind("pick.page_up", "pageup", "a page up"),
    bind("pick.page_down", "pagedown", "a page down"),
    bind("pick.first", "home", "the first"),
    bind("pick.last", "end", "the last"),
    bind("pick.choose", "enter", "choose", hint=True),
    bind("pick.erase", "backspace", "delete back"),
    bind("pick.clear", "ctrl+u", "empty the filter"),
    bind("app.back", "escape", "back", hint=True),
)
PAGE = 10


@dataclass(frozen=True, slots=True)
class Picker(Generic[T]):
    """Items, what was typed to find one, and which is chosen."""

    items: tuple[T, ...]
    key: Callable[[T], str]
    """What the filter looks at, and what identifies an item."""
    filter: str = ""
    chosen: int = 0

    @property
    def found(self) -> tuple[tuple[T, Match], ...]:
        """The items that the filter leaves, the best first."""
        return ranked(self.filter, self.items, self.key)

    @property
    def choice(self) -> T | None:
        """The chosen item; None when nothing is left."""
        found = self.found
        return found[min(self.chosen, len(found) - 1)][0] if found else None

    def typed(self, text: str) -> "Picker[T]":
        """With more in the filter."""
        return replace(self, filter=self.filter + text, chosen=0)

    def with_items(self, items: tuple[T, ...]) -> "Picker[T]":
        """With other items; the choice stays on the same one when it is still there."""
        before = self.choice
        new = replace(self, items=items)
        if before is None:
            return new
        names = [self.key(item) for item, _ in new.found]
        name = self.key(before)
        return replace(new, chosen=names.index(name) if name in names else 0)

    def applied(self, action: str) -> "Picker[T] | None":
        """After an action of `KEYS`; None when it is none."""
        last = max(0, len(self.found) - 1)
        at = min(self.chosen, last)
        steps = {"pick.up": -1, "pick.down": 1, "pick.page_up": -PAGE, "pick.page_down": PAGE}
        match action:
            case _ if action in steps:
                at = min(last, max(0, at + steps[action]))
            case "pick.first":
                at = 0
            case "pick.last":
                at = last
            case "pick.erase":
                return replace(self, filter=self.filter[:-1], chosen=0)
            case "pick.clear":
                return replace(self, filter="", chosen=0)
            case _:
                return None
        return replace(self, chosen=at)


def picker_view(
    picker: Picker[T],
    size: Size,
    row: Callable[[T, int], Sequence[Part]],
    *,
    empty: str = "nothing fits",
    prompt: str = "search ",
) -> View:
    """The filter on the first line, the rows below; `row` draws an item in so many cells."""
    head = Line.of(" ", Span(prompt, DIM), span(picker.filter))
    found = picker.found
    count = Line.of(Span(f"{len(found)} / {len(picker.items)} ", DIM))
    top = head.fitted(max(0, size.width - count.width)).plus(*count.spans)
    room = max(1, size.height - 2)
    at = min(picker.chosen, max(0, len(found) - 1))
    first = max(0, min(at - room // 2, len(found) - room))
    lines = [top, Line.of()]
    for index, (item, match) in enumerate(found[first : first + room], first):
        chosen = index == at
        mark = Span("▸ " if chosen else "  ", ACCENT)
        body = _marked(Line.of(*row(item, size.width - 2)), match, picker.key(item))
        line = Line.of(mark, *body.spans).fitted(size.width)
        lines.append(line.grounded(SELECTED) if chosen else line)
    if not found:
        lines.append(Line.of("  ", Span(empty, DIM)))
    return View(fill(lines, size), Point(min(size.width - 1, head.width), 0))


def _marked(line: Line, match: Match, name: str) -> Line:
    """The line with the letters that were typed made visible, where it begins with the name."""
    if not match.places or not line.text.startswith(name):
        return line
    places = set(match.places)
    parts: list[Span] = []
    at = 0
    for text, style in line.spans:
        for letter in text:
            hit = at in places
            parts.append(Span(letter, _hit(style) if hit else style))
            at += 1
    return Line.of(*_joined(parts))


def _hit(style: Style) -> Style:
    return replace(style, fg=Tone.MATCH, bold=True, underline=True)


def _joined(parts: Sequence[Span]) -> list[Span]:
    joined: list[Span] = []
    for part in parts:
        if joined and joined[-1].style == part.style:
            joined[-1] = Span(joined[-1].text + part.text, part.style)
        else:
            joined.append(part)
    return joined
