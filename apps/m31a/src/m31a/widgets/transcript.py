"""A long conversation in a small window: only what is seen is laid out."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from m31a.draw.frame import Size
from m31a.draw.line import EMPTY, Line, Span
from m31a.draw.style import ACCENT
from m31a.program.keymap import KeyTable, bind
from m31a.story.blocks import (
    Block,
    CheckCard,
    FindingCard,
    Said,
    ShellCard,
    Thought,
    ToolCard,
    UserSaid,
)
from m31a.widgets.block_lines import block_lines

KEYS: KeyTable = (
    bind("scroll.page_up", "pageup", "a page back"),
    bind("scroll.page_down", "pagedown", "a page on"),
    bind("scroll.line_up", "shift+up, wheelup", "a line back"),
    bind("scroll.line_down", "shift+down, wheeldown", "a line on"),
    bind("scroll.top", "ctrl+home", "to the beginning"),
    bind("scroll.bottom", "ctrl+end", "to the end, and follow"),
    bind("scroll.prompt_up", "ctrl+up", "to the goal before"),
    bind("scroll.prompt_down", "ctrl+down", "to the goal after"),
    bind("scroll.open", "ctrl+o", "open or fold what tools printed"),
)


@dataclass(frozen=True, slots=True)
class Scroll:
    """Which row stands at the top; `block` None follows the end."""

    block: int | None = None
    row: int = 0
    seen: int = 0
    """How many blocks there were when the reader left the end."""
    opened: bool = False
    """Whether what is long is shown whole."""
    turned: frozenset[int] = frozenset()
    """Blocks that are shown the other way."""

    def following(self) -> "Scroll":
        """The same at the end."""
        return replace(self, block=None, row=0, seen=0)

    def opens(self, index: int) -> bool:
        """Whether this block is shown whole."""
        return self.opened != (index in self.turned)


FOLLOW = Scroll()


class _Ref:
    """A block by identity: the same value laid out once, without comparing long texts."""

    __slots__ = ("block",)

    def __init__(self, block: Block) -> None:
        self.block = block

    def __hash__(self) -> int:
        return id(self.block)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Ref) and other.block is self.block


def _laid_out(ref: _Ref, cells: int, opened: bool) -> tuple[Line, ...]:
    return block_lines(ref.block, cells, opened=opened)


_standing = lru_cache(maxsize=2048)(_laid_out)
_growing = lru_cache(maxsize=64)(_laid_out)
"""Each piece of a growing block makes another one: what is over is soon forgotten."""


def lines_of(block: Block, cells: int, opened: bool) -> tuple[Line, ...]:
    """A block's lines, kept for the next frame."""
    match block:
        case Said(done=False) | Thought() | ToolCard(display=None) | ShellCard(exit_code=None):
            return _growing(_Ref(block), cells, opened)
        case _:
            return _standing(_Ref(block), cells, opened)


def rows_of(blocks: Sequence[Block], index: int, cells: int, opened: bool) -> tuple[Line, ...]:
    """A block's lines where it stands: checks and findings are one list, set apart at its end."""
    lines = lines_of(blocks[index], cells, opened)
    last = index + 1 < len(blocks) and not isinstance(blocks[index + 1], CheckCard | FindingCard)
    return (*lines, EMPTY) if last and isinstance(blocks[index], CheckCard | FindingCard) else lines


def rows_between(blocks: Sequence[Block], start: int, stop: int, cells: int) -> tuple[Line, ...]:
    """The rows of some blocks, folded, as they follow on those before them."""
    lists = CheckCard | FindingCard
    apart = 0 < start < stop and isinstance(blocks[start - 1], lists)
    lines = [EMPTY] if apart and not isinstance(blocks[start], lists) else []
    for index in range(start, stop):
        inner = index + 1 < stop
        rows = (
            rows_of(blocks, index, cells, False) if inner else lines_of(blocks[index], cells, False)
        )
        lines.extend(rows)
    return tuple(lines)


def transcript_lines(blocks: Sequence[Block], scroll: Scroll, size: Size) -> tuple[Line, ...]:
    """The rows that are seen: exactly `size.height`."""
    start, skip = _top(blocks, scroll, size)
    lines: list[Line] = []
    for index in range(start, len(blocks)):
        lines.extend(rows_of(blocks, index, size.width, scroll.opens(index)))
        if len(lines) - skip >= size.height:
            break
    shown = lines[skip : skip + size.height]
    shown.extend([EMPTY] * (size.height - len(shown)))
    if scroll.block is not None and shown:
        new = len(blocks) - scroll.seen
        said = f" ↓ {new} new · ctrl+end " if new > 0 else " ↓ more · ctrl+end "
        pill = Line.of(Span(said, ACCENT)).clipped(size.width)
        shown[-1] = shown[-1].under(max(0, size.width - pill.width), pill, size.width)
    return tuple(line.clipped(size.width) for line in shown)


def _top(blocks: Sequence[Block], scroll: Scroll, size: Size) -> tuple[int, int]:
    """The block and the row in it that stand at the top."""
    if scroll.block is not None:
        return min(scroll.block, max(0, len(blocks) - 1)), scroll.row
    left = size.height
    for index in range(len(blocks) - 1, -1, -1):
        height = len(rows_of(blocks, index, size.width, scroll.opens(index)))
        if height >= left:
            return index, height - left
        left -= height
    return 0, 0


def scrolled(blocks: Sequence[Block], scroll: Scroll, size: Size, rows: int) -> Scroll:
    """Moved by `rows` (negative: back); at the end it follows again."""
    if not blocks:
        return scroll.following()
    block, row = _top(blocks, scroll, size)
    row += rows
    while row < 0 and block > 0:
        block -= 1
        row += len(rows_of(blocks, block, size.width, scroll.opens(block)))
    row = max(0, row)
    while block < len(blocks) - 1 and row >= (
        height := len(rows_of(blocks, block, size.width, scroll.opens(block)))
    ):
        row -= height
        block += 1
    end = _top(blocks, scroll.following(), size)
    if (block, row) >= end:
        return scroll.following()
    seen = scroll.seen if scroll.block is not None else len(blocks)
    return replace(scroll, block=block, row=row, seen=seen)


def scroll_applied(
    blocks: Sequence[Block], scroll: Scroll, size: Size, action: str
) -> Scroll | None:
    """After an action of `KEYS`; None when it is none."""
    page = max(1, size.height - 2)
    steps = {
        "scroll.page_up": -page,
        "scroll.page_down": page,
        "scroll.line_up": -1,
        "scroll.line_down": 1,
    }
    match action:
        case _ if action in steps:
            return scrolled(blocks, scroll, size, steps[action])
        case "scroll.top":
            end = _top(blocks, scroll.following(), size)
            return replace(scroll, block=0, row=0, seen=len(blocks)) if end > (0, 0) else scroll
        case "scroll.bottom":
            return scroll.following()
        case "scroll.prompt_up" | "scroll.prompt_down":
            return _to_goal(blocks, scroll, size, -1 if action == "scroll.prompt_up" else 1)
        case "scroll.open":
            return replace(scroll, row=0, opened=not scroll.opened, turned=frozenset())
        case _:
            return None


def _to_goal(blocks: Sequence[Block], scroll: Scroll, size: Size, step: int) -> Scroll:
    at, row = _top(blocks, scroll, size)
    index = at + step if step > 0 or row == 0 else at
    while 0 <= index < len(blocks):
        if isinstance(blocks[index], UserSaid):
            end = _top(blocks, scroll.following(), size)
            if (index, 0) >= end:
                break
            return replace(scroll, block=index, row=0, seen=len(blocks))
        index += step
    return scroll.following() if step > 0 else scroll


def turned(blocks: Sequence[Block], scroll: Scroll, size: Size, row: int) -> Scroll | None:
    """With the block on a row opened or folded; None where none stands that can be."""
    start, skip = _top(blocks, scroll, size)
    end = -skip
    for index in range(start, len(blocks)):
        end += len(rows_of(blocks, index, size.width, scroll.opens(index)))
        if row < end:
            folds = lines_of(blocks[index], size.width, False)
            if folds == lines_of(blocks[index], size.width, True):
                return None
            return replace(scroll, turned=scroll.turned ^ {index})
    return None
