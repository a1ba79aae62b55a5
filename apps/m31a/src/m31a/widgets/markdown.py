"""Markdown as lines while it streams: what stands is laid out once.

The text is cut into segments at blank lines outside fences; each is parsed and laid out by
itself and kept, so that a new piece costs the last segment alone. The result depends on the text
and not on the pieces it came in.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

from m31a.draw.code import code_lines, plain_code
from m31a.draw.line import EMPTY, Line, Part, Span, wrapped
from m31a.draw.style import BORDER, DIM, PLAIN, Style, Tone
from m31a.draw.text import expand_tabs

_HEADING = Style(fg=Tone.MD_HEADING, bold=True)
_CODE = Style(fg=Tone.MD_CODE)
_LINK = Style(fg=Tone.MD_LINK, underline=True)
_QUOTE = Style(fg=Tone.MD_QUOTE, italic=True)
BULLETS = ("•", "◦", "▪")
_BAR, _BAR_CELLS = Span("│ ", BORDER), 2
LEAST_COLUMN = 4
Lines = list[Line]

_PARSER = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])


def markdown_lines(text: str, cells: int, *, done: bool, indent: str = "") -> tuple[Line, ...]:
    """The lines of a text that holds no control characters but newlines and tabs.

    `done` says that nothing follows: a row of a table that is not whole yet is left out until then.
    Lines take up to `cells` behind the indent.
    """
    text = text.strip("\n")
    before = _standing(text, cells, indent)
    *whole, last = _segments(text[before.length :])
    lines = list(before.lines)
    for segment in whole:
        _append(lines, _segment_lines(segment, cells, indent))
    if done:
        _append(lines, _segment_lines(last, cells, indent))
        return tuple(lines)
    if whole:
        length = len(text) - len(last)
        _STANDING.append(_Standing(text[: length + 1], length, cells, indent, tuple(lines)))
    _append(lines, _laid_out(_without_torn_row(last), cells, indent))
    return tuple(lines)


def _append(lines: Lines, more: tuple[Line, ...]) -> None:
    if lines and more:
        lines.append(EMPTY)
    lines.extend(more)


@dataclass(frozen=True, slots=True)
class _Standing:
    """What a growing text begins with, laid out: nothing that follows changes it."""

    text: str
    """Its first `length` characters, and the one behind them that begins the next segment."""
    length: int
    cells: int
    indent: str
    lines: tuple[Line, ...]


_STANDING: deque[_Standing] = deque(maxlen=8)
_NOTHING = _Standing("", 0, 0, "", ())


def _standing(text: str, cells: int, indent: str) -> _Standing:
    """The most that is known of a text from when it was shorter."""
    fitting = (
        each
        for each in _STANDING
        if each.cells == cells and each.indent == indent and text.startswith(each.text)
    )
    return max(fitting, key=lambda each: each.length, default=_NOTHING)


def _segments(text: str) -> Iterator[str]:
    """Pieces that mean the same alone: cut before unindented rows after a blank one."""
    rows: list[str] = []
    fence = ""
    for row in text.split("\n"):
        mark = row.lstrip()[:3]
        if fence:
            if mark == fence and not row.strip().strip(fence[0]):
                fence = ""
        else:
            if rows and not rows[-1].strip() and row[:1] not in {" ", "\t", ""}:
                yield "\n".join(rows)
                rows = []
            if mark in {"```", "~~~"}:
                fence = mark
        rows.append(row)
    yield "\n".join(rows)


def _without_torn_row(segment: str) -> str:
    head, newline, last = segment.rpartition("\n")
    return head if newline and last.lstrip().startswith("|") else segment


@lru_cache(maxsize=512)
def _segment_lines(segment: str, cells: int, indent: str) -> tuple[Line, ...]:
    """The lines of a segment that grows no more."""
    return _laid_out(segment, cells, indent)


def _laid_out(segment: str, cells: int, indent: str) -> tuple[Line, ...]:
    root = SyntaxTreeNode(_PARSER.parse(segment))
    lines = _blocks(root.children, max(LEAST_COLUMN, cells), 0)
    if not indent:
        return tuple(lines)
    lead, wide = Span(indent, PLAIN), len(indent)
    return tuple(Line((lead, *line.spans), line.width + wide) for line in lines)


def _blocks(nodes: list[SyntaxTreeNode], cells: int, depth: int, *, tight: bool = False) -> Lines:
    lines: Lines = []
    for node in nodes:
        block = _block(node, cells, depth)
        if lines and block and not tight:
            lines.append(EMPTY)
        lines.extend(block)
    return lines


def _block(node: SyntaxTreeNode, cells: int, depth: int) -> Lines:
    match node.type:
        case "heading":
            return list(wrapped(_inline(node, _HEADING), cells))
        case "paragraph":
            return list(wrapped(_inline(node, PLAIN), cells))
        case "fence" | "code_block":
            return _code(node, cells)
        case "bullet_list" | "ordered_list":
            return _list(node, cells, depth)
        case "blockquote":
            inner = _blocks(node.children, cells - 2, depth)
            return [Line.of(Span("▏ ", _QUOTE), *line.spans) for line in inner]
        case "hr":
            return [Line.of(Span("─" * min(cells, 40), Style(fg=Tone.MD_RULE)))]
        case "table":
            return _table(node, cells)
        case _:
            return list(wrapped((Span(node.content, PLAIN),), cells)) if node.content else []


def _code(node: SyntaxTreeNode, cells: int) -> Lines:
    language = node.info.split()[0].lower() if node.type == "fence" and node.info.split() else ""
    closed = node.type == "code_block" or _is_closed(node)
    body = node.content.rstrip("\n")
    room = max(LEAST_COLUMN, cells - 2)
    head = [Line.of(Span(f"╭ {language}", BORDER)).clipped(cells)] if language else []
    if closed:
        rows = [part for line in code_lines(body, language) for part in _barred(line, room)]
    else:
        rows = [part for row in body.split("\n") for part in _plain_rows(row, room)]
    return [*head, *rows]


@lru_cache(maxsize=4096)
def _plain_rows(row: str, cells: int) -> tuple[Line, ...]:
    """A row of a fence that is still open: it is seen in many frames, alone its end is new."""
    return tuple(part for line in plain_code(row) for part in _barred(line, cells))


def _barred(line: Line, cells: int) -> Iterator[Line]:
    """A row of code behind its bar, as many rows as it takes."""
    parts = (line,) if line.width <= cells else wrapped(line.spans, cells)
    return (Line((_BAR, *part.spans), part.width + _BAR_CELLS) for part in parts)


def _is_closed(node: SyntaxTreeNode) -> bool:
    """Whether the end of a fence has come: it has two rows more than its content."""
    begin, end = node.map or (0, 0)
    torn = bool(node.content) and not node.content.endswith("\n")
    return end - begin >= node.content.count("\n") + torn + 2


def _list(node: SyntaxTreeNode, cells: int, depth: int) -> Lines:
    lines: Lines = []
    start = int(node.attrs.get("start", 1))
    for number, item in enumerate(node.children, start):
        mark = f"{number}. " if node.type == "ordered_list" else f"{BULLETS[depth % 3]} "
        inner = _blocks(item.children, max(LEAST_COLUMN, cells - len(mark)), depth + 1, tight=True)
        for index, line in enumerate(inner or [EMPTY]):
            lead = Span(mark if index == 0 else " " * len(mark), DIM)
            lines.append(Line.of(lead, *line.spans))
    return lines


def _table(node: SyntaxTreeNode, cells: int) -> Lines:
    rows = [
        [Line.of(*_inline(cell, PLAIN)) for cell in row.children]
        for part in node.children
        for row in part.children
    ]
    columns = max((len(row) for row in rows), default=0)
    widths = [
        max((row[at].width for row in rows if at < len(row)), default=0) for at in range(columns)
    ]
    widths = _narrowed(widths, cells - 2 * (columns - 1))
    lines: Lines = []
    for index, row in enumerate(rows):
        lines.extend(_row(row, widths, header=index == 0))
        if index == 0:
            rule = "  ".join("─" * width for width in widths)
            lines.append(Line.of(Span(rule, Style(fg=Tone.MD_RULE))))
    return [line.clipped(cells) for line in lines]


def _narrowed(widths: list[int], room: int) -> list[int]:
    """The widths cut, the widest first, until they fit."""
    widths = [max(1, width) for width in widths]
    while sum(widths) > room and max(widths, default=0) > LEAST_COLUMN:
        widest = widths.index(max(widths))
        widths[widest] -= 1
    return widths


def _row(row: list[Line], widths: list[int], *, header: bool) -> Lines:
    """One row, as high as its highest cell."""
    cells = [wrapped(cell.spans, width) for cell, width in zip(row, widths, strict=False)]
    lines: Lines = []
    for index in range(max((len(cell) for cell in cells), default=0)):
        parts: list[Part] = []
        for cell, width in zip(cells, widths, strict=False):
            part = cell[index] if index < len(cell) else EMPTY
            fitted = part.fitted(width)
            parts.extend(fitted.restyled(_HEADING).spans if header else fitted.spans)
            parts.append("  ")
        lines.append(Line.of(*parts[:-1]))
    return lines


def _inline(node: SyntaxTreeNode, style: Style) -> tuple[Span, ...]:
    """The spans of what stands in a block."""
    return tuple(_spans(node, style))


def _spans(node: SyntaxTreeNode, style: Style) -> Iterator[Span]:
    match node.type:
        case "text":
            yield Span(expand_tabs(node.content), style)
        case "code_inline":
            yield Span(expand_tabs(node.content), _CODE)
        case "softbreak":
            yield Span(" ", style)
        case "hardbreak":
            yield Span("\n", style)
        case "image":
            yield Span(f"[{node.content}]", style)
        case "link":
            yield from _link(node, style)
        case _:
            inner = _styled(node.type, style)
            for child in node.children:
                yield from _spans(child, inner)


def _styled(kind: str, style: Style) -> Style:
    match kind:
        case "strong":
            return replace(style, bold=True)
        case "em":
            return replace(style, italic=True)
        case "s":
            return replace(style, strike=True)
        case _:
            return style


def _link(node: SyntaxTreeNode, style: Style) -> Iterator[Span]:
    """A link's text, and where it leads when the text does not say so."""
    target = str(node.attrs.get("href", ""))
    said = "".join(text for child in node.children for text, _ in _spans(child, style))
    yield Span(said, replace(_LINK, link=target))
    if target and target != said and f"mailto:{said}" != target:
        yield Span(f" ({target})", DIM)
