"""One row of a screen as spans: cut, padded, laid over another, wrapped."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from m31a.draw.style import PLAIN, Style
from m31a.draw.text import graphemes, scrub, width


class Span(NamedTuple):
    """Text in one style; made by `span`, which lets no control character through."""

    text: str
    style: Style


def span(text: str, style: Style = PLAIN) -> Span:
    """Text in a style, harmless to a terminal whatever it holds."""
    return Span(scrub(text), style)


Part = Span | str


@dataclass(frozen=True, slots=True)
class Line:
    """A row: spans and how many cells they take together."""

    spans: tuple[Span, ...]
    width: int

    @classmethod
    def of(cls, *parts: Part) -> "Line":
        """A line of spans and plain strings, in order."""
        spans: list[Span] = []
        for part in parts:
            text, style = (part, PLAIN) if isinstance(part, str) else part
            if not text:
                continue
            text = scrub(text)
            if spans and spans[-1].style is style:
                spans[-1] = Span(spans[-1].text + text, style)
            else:
                spans.append(Span(text, style))
        return cls(tuple(spans), _total(spans))

    @property
    def text(self) -> str:
        """The characters without their styles."""
        return "".join(text for text, _ in self.spans)

    def plus(self, *parts: Part) -> "Line":
        """The line with more at its end."""
        return Line.of(*self.spans, *parts)

    def clipped(self, cells: int, mark: str = "…") -> "Line":
        """The line cut to at most `cells`; a cut is told by `mark`."""
        if self.width <= cells:
            return self
        room = max(0, cells - width(mark))
        head = self.cut(0, room)
        last = head.spans[-1].style if head.spans else PLAIN
        return head.plus(Span(mark, last)) if width(mark) <= cells else head

    def padded(self, cells: int, style: Style = PLAIN) -> "Line":
        """The line with blanks up to `cells`."""
        missing = cells - self.width
        if missing <= 0:
            return self
        return Line((*self.spans, Span(" " * missing, style)), cells)

    def fitted(self, cells: int, style: Style = PLAIN) -> "Line":
        """The line exactly `cells` wide: cut with a mark, or padded."""
        return self.clipped(cells).padded(cells, style)

    def cut(self, start: int, stop: int) -> "Line":
        """The cells from `start` to `stop`; half of a wide character becomes a blank."""
        taken: list[Span] = []
        column = 0
        for text, style in self.spans:
            if column >= stop:
                break
            wide = width(text)
            if start <= column and column + wide <= stop:
                taken.append(Span(text, style))
            elif column + wide > start:
                taken.append(Span(_cut_text(text, start - column, stop - column), style))
            column += wide
        return Line.of(*taken)

    def under(self, column: int, other: "Line", cells: int) -> "Line":
        """This line, `cells` wide, with `other` laid over it from `column` on."""
        base = self.padded(cells)
        end = column + other.width
        return Line.of(*base.cut(0, column).spans, *other.spans, *base.cut(end, cells).spans)

    def restyled(self, style: Style) -> "Line":
        """The same text in one style."""
        return Line(tuple(Span(text, style) for text, _ in self.spans), self.width)

    def grounded(self, style: Style) -> "Line":
        """The same line on the ground of `style`, each span keeping the rest of its look."""
        spans = tuple(Span(text, own.on(style.bg)) for text, own in self.spans)
        return Line(spans, self.width)


EMPTY = Line((), 0)
_WORD = re.compile(" +|[^ ]+")


def _total(spans: Iterable[Span]) -> int:
    cells = 0
    for text, _ in spans:
        cells += len(text) if text.isascii() else width(text)
    return cells


def _cut_text(text: str, start: int, stop: int) -> str:
    taken: list[str] = []
    column = 0
    for cluster, wide in graphemes(text):
        if column >= stop:
            break
        end = column + wide
        if column >= start and end <= stop:
            taken.append(cluster)
        elif end > start and wide:
            taken.append(" " * (min(end, stop) - max(column, start)))
        column = end
    return "".join(taken)


def wrapped(
    parts: Iterable[Part], cells: int, *, first: Part = "", rest: Part = ""
) -> tuple[Line, ...]:
    """Spans laid out in lines of at most `cells`, broken at blanks where there are any.

    `first` stands before the first line and `rest` before the others. Line ends in the text end
    a line. There is always at least one line.
    """
    heads = (Line.of(first), Line.of(rest))
    if max(head.width for head in heads) > cells - 2:  # no room for a wide character
        heads = (EMPTY, EMPTY)
    lines: list[Line] = []
    for row in _rows(parts):
        for body in _broken(row, cells - heads[0].width, cells - heads[1].width, not lines):
            head = heads[1] if lines else heads[0]
            lines.append(head.plus(*body) if head.spans else Line.of(*body))
    return tuple(lines)


def _rows(parts: Iterable[Part]) -> Iterator[list[Span]]:
    row: list[Span] = []
    for part in parts:
        text, style = (part, PLAIN) if isinstance(part, str) else part
        pieces = text.split("\n")
        for index, piece in enumerate(pieces):
            if index:
                yield row
                row = []
            if piece:
                row.append(span(piece, style))
    yield row


def _broken(row: list[Span], first: int, rest: int, at_first: bool) -> Iterator[list[Span]]:
    """One logical row as bodies that fit: `first` cells for the first of all, else `rest`."""
    room = first if at_first else rest
    if _total(row) <= room:
        yield row
        return
    body: list[Span] = []
    used = 0
    for text, style in row:
        begin = 0  # of what this body has of the span
        for word in _WORD.finditer(text):
            at, end = word.span()
            wide = width(word[0])
            if used + wide > room and used:
                yield [*body, Span(text[begin:at], style)]
                body, used, room, begin = [], 0, rest, at
                if text[at] == " ":
                    begin = end
                    continue
            for piece, cells in ((word[0], wide),) if wide <= room else graphemes(word[0]):
                if used + cells > room and used:
                    yield [*body, Span(text[begin:at], style)]
                    body, used, room, begin = [], 0, rest, at
                used += cells
                at += len(piece)
        body.append(Span(text[begin:], style))
    yield body
