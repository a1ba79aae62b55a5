"""A list and what its chosen row is about: side by side, or one below the other when narrow."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Generic, NamedTuple, TypeVar, overload

from m31a.draw.frame import Size
from m31a.draw.line import Line, Span
from m31a.draw.style import BORDER
from m31a.program.keymap import KeyTable, bind
from m31a.widgets.facts import note_lines
from m31a.widgets.listing import listing_lines, moved
from m31a.widgets.scroll import Window, window_lines

T = TypeVar("T")

WIDE = 76
"""From so many cells on the two stand side by side."""
GAP = " │ "
KEYS: KeyTable = (
    bind("list.up", "up, k, wheelup", "the one above"),
    bind("list.down", "down, j, wheeldown", "the one below"),
    bind("list.first", "home, g", "the first"),
    bind("list.last", "end, G", "the last"),
    bind("scroll.line_up", "shift+up, K", "the text a line back"),
    bind("scroll.line_down", "shift+down, J", "the text a line on"),
    bind("scroll.page_up", "pageup, b", "the text a page back"),
    bind("scroll.page_down", "pagedown, space", "the text a page on"),
)


class Panes(NamedTuple):
    """The two areas; `wide` when they stand side by side."""

    rows: Size
    detail: Size
    wide: bool


def panes(size: Size, count: int, share: float = 0.4) -> Panes:
    """How an area is shared out between `count` rows and a text."""
    if size.width >= WIDE:
        left = min(60, max(24, int(size.width * share)))
        right = max(1, size.width - left - len(GAP))
        return Panes(Size(left, size.height), Size(right, size.height), True)
    rows = max(1, min(count, size.height * 2 // 5))
    return Panes(Size(size.width, rows), Size(size.width, max(1, size.height - rows - 1)), False)


TOP = Window()
"""A text from its beginning."""


@dataclass(frozen=True, slots=True)
class Browse:
    """Which row is chosen, and how far its text is scrolled."""

    at: int = 0
    window: Window = TOP

    def applied(
        self, action: str, count: int, detail: Callable[[int], Sequence[Line]], size: Size
    ) -> "Browse | None":
        """After an action of `KEYS` on `count` rows; None when it is none.

        `detail` gives the text of the chosen row in so many cells.
        """
        at = moved(action, self.at, count)
        if at is not None:
            return Browse(at) if at != self.at else self
        if not action.startswith("scroll."):
            return None
        area = panes(size, count).detail
        window = self.window.applied(action, len(_fitted(detail, area)), area.height)
        return None if window is None else replace(self, window=window)

    def within(self, count: int) -> "Browse":
        """The same on a list that may have become shorter."""
        return self if self.at < count else Browse(max(0, count - 1))


FIRST = Browse()


class Drawn(Sequence[Line], Generic[T]):
    """Rows that are drawn when they are looked at: a list of thousands costs what is seen of it."""

    __slots__ = ("_draw", "_items")

    def __init__(self, items: Sequence[T], draw: Callable[[T], Line]) -> None:
        self._items = items
        self._draw = draw

    def __len__(self) -> int:
        """How many there are."""
        return len(self._items)

    @overload
    def __getitem__(self, at: int) -> Line: ...

    @overload
    def __getitem__(self, at: slice) -> Sequence[Line]: ...

    def __getitem__(self, at: int | slice) -> Line | Sequence[Line]:
        """One row, or some of them."""
        if isinstance(at, slice):
            return [self._draw(item) for item in self._items[at]]
        return self._draw(self._items[at])


def browse_lines(
    rows: Sequence[Line],
    detail: Callable[[int], Sequence[Line]],
    browse: Browse,
    size: Size,
    *,
    empty: str = "nothing here",
) -> tuple[Line, ...]:
    """Exactly `size.height` lines: the rows around the chosen one, and its text."""
    if not rows:
        return note_lines(empty, size.width)
    area = panes(size, len(rows))
    listed = listing_lines(rows, browse.at, area.rows)
    text = window_lines(_fitted(detail, area.detail), browse.window, area.detail)
    if not area.wide:
        return (*listed, Line.of(Span("─" * size.width, BORDER)), *text)
    bar = Span(GAP, BORDER)
    return tuple(
        line.fitted(area.rows.width).plus(bar, *other.spans)
        for line, other in zip(listed, text, strict=True)
    )


def _fitted(detail: Callable[[int], Sequence[Line]], size: Size) -> Sequence[Line]:
    """The text in the cells that are left: two less when it is long enough for a scroll bar."""
    lines = detail(size.width)
    return lines if len(lines) <= size.height else detail(max(1, size.width - 2))
