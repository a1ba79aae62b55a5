"""A window on lines that are there already: for screens whose text is not long."""

from collections.abc import Sequence
from dataclasses import dataclass

from m31a.draw.frame import Size
from m31a.draw.line import EMPTY, Line, Span
from m31a.draw.style import Style, Tone
from m31a.program.keymap import KeyTable, bind

KEYS: KeyTable = (
    bind("scroll.line_up", "up, k, wheelup", "up"),
    bind("scroll.line_down", "down, j, wheeldown", "down", hint=True),
    bind("scroll.page_up", "pageup, b", "a page up"),
    bind("scroll.page_down", "pagedown, space", "a page down"),
    bind("scroll.top", "home, g", "to the beginning"),
    bind("scroll.bottom", "end, G", "to the end"),
)
_STEPS = {"scroll.line_up": -1, "scroll.line_down": 1}
_PAGES = {"scroll.page_up": -1, "scroll.page_down": 1}


@dataclass(frozen=True, slots=True)
class Window:
    """Which row stands at the top."""

    top: int = 0

    def applied(self, action: str, rows: int, height: int) -> "Window | None":
        """After an action of `KEYS` on so many rows in so much height; None when it is none."""
        last = max(0, rows - height)
        if action in _STEPS:
            return Window(min(last, max(0, self.top + _STEPS[action])))
        if action in _PAGES:
            return Window(min(last, max(0, self.top + _PAGES[action] * max(1, height - 1))))
        if action in {"scroll.top", "scroll.bottom"}:
            return Window(0 if action == "scroll.top" else last)
        return None

    def showing(self, row: int, height: int) -> "Window":
        """Moved as little as it takes to see a row."""
        return Window(min(max(self.top, row - height + 1), row))


def window_lines(lines: Sequence[Line], window: Window, size: Size) -> tuple[Line, ...]:
    """The rows that are seen, exactly `size.height`; a bar on the right says where they are."""
    rows = len(lines)
    if rows <= size.height:
        shown = [line.clipped(size.width) for line in lines]
        return (*shown, *(EMPTY,) * (size.height - rows))
    top = min(window.top, rows - size.height)
    cells = size.width - 1
    bar = _bar(top, rows, size.height)
    return tuple(
        line.fitted(cells).plus(mark)
        for line, mark in zip(lines[top : top + size.height], bar, strict=True)
    )


def _bar(top: int, rows: int, height: int) -> list[Span]:
    length = max(1, height * height // rows)
    first = (height - length) * top // max(1, rows - height)
    return [
        Span("█", Style(fg=Tone.BAR_FILL))
        if first <= index < first + length
        else Span("│", Style(fg=Tone.BAR_REST))
        for index in range(height)
    ]
