"""A whole screen as a value: its size, its lines, where the cursor stands."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from m31a.draw.line import EMPTY, Line


class Size(NamedTuple):
    """Cells across and down."""

    width: int
    height: int


class Point(NamedTuple):
    """A cell, from 0, 0 at the top left."""

    column: int
    row: int


@dataclass(frozen=True, slots=True)
class View:
    """What a screen shows in its area: as many lines as the area is high, none wider."""

    lines: tuple[Line, ...]
    cursor: Point | None = None
    """Where the hardware cursor stands, for input methods too; None hides it."""


@dataclass(frozen=True, slots=True)
class Scrollback:
    """What the terminal itself keeps: items that will not change any more, laid out on demand."""

    count: int
    rows: Callable[[int, int], tuple[Line, ...]]
    """The rows of the items from the first number up to, not with, the second."""


@dataclass(frozen=True, slots=True)
class Frame:
    """What the whole terminal shows; with `above`, its last rows below a history of its own."""

    size: Size
    lines: tuple[Line, ...]
    cursor: Point | None = None
    title: str = ""
    above: Scrollback | None = None


def fill(lines: Sequence[Line], size: Size) -> tuple[Line, ...]:
    """Exactly `size.height` lines, each at most `size.width` wide: cut, or filled with nothing."""
    taken = [line.clipped(size.width) for line in lines[: size.height]]
    taken.extend([EMPTY] * (size.height - len(taken)))
    return tuple(taken)


def laid_over(base: Sequence[Line], top: View, at: Point, width: int) -> tuple[Line, ...]:
    """Lines with a smaller view upon them, its corner at `at`."""
    lines = list(base)
    for index, line in enumerate(top.lines):
        row = at.row + index
        if 0 <= row < len(lines):
            lines[row] = lines[row].under(at.column, line, width)
    return tuple(lines)
