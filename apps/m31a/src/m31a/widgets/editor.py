"""A multi-line text editor as a value: graphemes, soft wrap, undo, kill ring, paste markers.

A long paste stands in the text as one character of a private plane and is shown as
`[paste 1: 48 lines]`: it is moved over and deleted as one, and sent whole.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

import wcwidth

from m31a.draw.frame import Point, Size, View
from m31a.draw.line import Line, Span
from m31a.draw.style import ACCENT, DIM, PLAIN, Style
from m31a.draw.text import expand_tabs, graphemes, scrub
from m31a.program.keymap import KeyTable, bind

PASTE_LINES, PASTE_CHARS = 10, 1000
"""A longer paste stands in the text as a marker."""
MOST_UNDO = 200
MOST_KILLS = 30
_FIRST_MARK = 0xF0000
_MARKS = re.compile("[\U000f0000-\U000ffffd]")
_NOT_TYPED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\U000f0000-\U000ffffd]")
_WORD = re.compile(r"\w+|[^\w\s]+")

KEYS: KeyTable = (
    bind("edit.left", "left", "a character back"),
    bind("edit.right", "right, ctrl+f", "a character on"),
    bind("edit.up", "up", "a line up, then older history"),
    bind("edit.down", "down", "a line down, then newer history"),
    bind("edit.word_left", "alt+b, ctrl+left, alt+left", "a word back"),
    bind("edit.word_right", "alt+f, ctrl+right, alt+right", "a word on"),
    bind("edit.home", "home, ctrl+a", "to the line's beginning"),
    bind("edit.end", "end, ctrl+e", "to the line's end"),
    bind("edit.newline", "alt+enter, ctrl+j, shift+enter", "a new line", hint=True),
    bind("edit.backspace", "backspace, shift+backspace", "delete back"),
    bind("edit.delete", "delete", "delete on"),
    bind("edit.kill_word_back", "ctrl+w, alt+backspace, ctrl+backspace", "cut the word before"),
    bind("edit.kill_word", "alt+d, ctrl+delete", "cut the word after"),
    bind("edit.kill_line", "ctrl+k", "cut to the line's end"),
    bind("edit.kill_back", "ctrl+u", "cut to the line's beginning"),
    bind("edit.yank", "ctrl+y", "put back what was cut"),
    bind("edit.undo", "ctrl+_, ctrl+x u", "undo"),
    bind("edit.redo", "ctrl+x r, alt+shift+_", "redo"),
    bind("edit.unfold", "ctrl+x p", "show a pasted text in full"),
)


@dataclass(frozen=True, slots=True)
class Draft:
    """A text being written and where the cursor stands in it."""

    text: str = ""
    at: int = 0
    column: int | None = None
    """The column that up and down keep to."""
    pastes: tuple[str, ...] = ()
    kills: tuple[str, ...] = ()
    undos: tuple[tuple[str, int], ...] = ()
    redos: tuple[tuple[str, int], ...] = ()
    last: str = ""
    """What was done last: typing in a row is undone at once, cuts in a row are one."""

    @property
    def whole(self) -> str:
        """The text with pastes in full: what is sent."""
        return _MARKS.sub(lambda mark: self._paste(mark[0]), self.text)

    @property
    def empty(self) -> bool:
        """Whether there is nothing at all."""
        return not self.text

    def _paste(self, mark: str) -> str:
        index = ord(mark) - _FIRST_MARK
        return self.pastes[index] if index < len(self.pastes) else ""

    def label(self, mark: str) -> str:
        """What a marker shows."""
        text = self._paste(mark)
        index = ord(mark) - _FIRST_MARK + 1
        lines = text.count("\n") + 1
        return f"[paste {index}: {f'{lines} lines' if lines > 1 else f'{len(text)} characters'}]"


BLANK = Draft()


def drafted(text: str) -> Draft:
    """A draft of a text, the cursor at its end."""
    clean = _NOT_TYPED.sub("", text)
    return Draft(clean, len(clean))


def typed(draft: Draft, text: str) -> Draft:
    """The draft with text at the cursor."""
    text = _NOT_TYPED.sub("", text)
    if not text:
        return draft
    word = "type" if not text.isspace() else "space"
    changed = _edited(draft, draft.at, draft.at, text, word, merge=draft.last == "type" == word)
    return replace(changed, last=word)


def pasted(draft: Draft, text: str) -> Draft:
    """The draft with a pasted text; a long one as a marker."""
    text = _NOT_TYPED.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    if text.count("\n") < PASTE_LINES and len(text) <= PASTE_CHARS:
        return _edited(draft, draft.at, draft.at, text, "paste")
    mark = chr(_FIRST_MARK + len(draft.pastes))
    draft = replace(draft, pastes=(*draft.pastes, text))
    return _edited(draft, draft.at, draft.at, mark, "paste")


def applied(draft: Draft, action: str, cells: int = 80) -> Draft | None:
    """The draft after an editing action; None when it moves out of the text, or is none of ours.

    `cells` is how wide the editor is drawn: up and down go by what is seen.
    """
    match action:
        case "edit.up" | "edit.down":
            return _vertical(draft, -1 if action == "edit.up" else 1, cells)
        case "edit.newline":
            return _edited(draft, draft.at, draft.at, "\n", "newline")
        case "edit.backspace":
            return _edited(draft, _before(draft.text, draft.at), draft.at, "", "backspace")
        case "edit.delete":
            return _edited(draft, draft.at, _after(draft.text, draft.at), "", "delete")
        case "edit.yank":
            killed = draft.kills[-1] if draft.kills else ""
            return _edited(draft, draft.at, draft.at, killed, "yank")
        case "edit.undo":
            return _undone(draft)
        case "edit.redo":
            return _redone(draft)
        case "edit.unfold":
            return _edited(draft, 0, len(draft.text), draft.whole, "unfold")
        case _ if action.startswith("edit.kill"):
            return _killed(draft, action)
        case _:
            target = _target(draft, action)
            return None if target is None else replace(draft, at=target, column=None, last="move")


def _target(draft: Draft, action: str) -> int | None:
    text, at = draft.text, draft.at
    match action:
        case "edit.left":
            return _before(text, at)
        case "edit.right":
            return _after(text, at)
        case "edit.word_left":
            return _word_before(text, at)
        case "edit.word_right":
            return _word_after(text, at)
        case "edit.home":
            return text.rfind("\n", 0, at) + 1
        case "edit.end":
            end = text.find("\n", at)
            return len(text) if end < 0 else end
        case _:
            return None


def _killed(draft: Draft, action: str) -> Draft | None:
    text, at = draft.text, draft.at
    match action:
        case "edit.kill_word_back":
            start, stop = _word_before(text, at), at
        case "edit.kill_word":
            start, stop = at, _word_after(text, at)
        case "edit.kill_line":
            end = text.find("\n", at)
            start, stop = at, len(text) if end < 0 else max(end, at + (end == at))
        case "edit.kill_back":
            start, stop = text.rfind("\n", 0, at) + 1, at
        case _:
            return None
    if start == stop:
        return draft
    cut = text[start:stop]
    kills = draft.kills
    if draft.last == "kill" and kills:
        joined = cut + kills[-1] if start < at else kills[-1] + cut
        kills = (*kills[:-1], joined)
    else:
        kills = (*kills[-MOST_KILLS:], cut)
    return replace(_edited(draft, start, stop, "", "kill"), kills=kills)


def _edited(
    draft: Draft, start: int, stop: int, text: str, word: str, *, merge: bool = False
) -> Draft:
    """The draft with `start:stop` replaced, and a way back."""
    if start == stop and not text:
        return draft
    undos = draft.undos if merge else (*draft.undos[-MOST_UNDO:], (draft.text, draft.at))
    return replace(
        draft,
        text=draft.text[:start] + text + draft.text[stop:],
        at=start + len(text),
        column=None,
        undos=undos,
        redos=(),
        last=word,
    )


def _undone(draft: Draft) -> Draft:
    if not draft.undos:
        return draft
    text, at = draft.undos[-1]
    redos = (*draft.redos, (draft.text, draft.at))
    return replace(
        draft, text=text, at=at, column=None, undos=draft.undos[:-1], redos=redos, last="undo"
    )


def _redone(draft: Draft) -> Draft:
    if not draft.redos:
        return draft
    text, at = draft.redos[-1]
    undos = (*draft.undos, (draft.text, draft.at))
    return replace(
        draft, text=text, at=at, column=None, undos=undos, redos=draft.redos[:-1], last="redo"
    )


def _before(text: str, at: int) -> int:
    """Where the cluster before `at` begins."""
    if at <= 0:
        return 0
    if text[:at].isascii():
        return at - 1
    return int(wcwidth.grapheme_boundary_before(text, at))


def _after(text: str, at: int) -> int:
    """Where the cluster at `at` ends."""
    first = next((cluster for cluster, _ in graphemes(text[at : at + 64])), "")
    return at + len(first)


def _word_before(text: str, at: int) -> int:
    starts = [found.start() for found in _WORD.finditer(text, 0, at)]
    return starts[-1] if starts else 0


def _word_after(text: str, at: int) -> int:
    found = _WORD.search(text, at)
    return found.end() if found else len(text)


@dataclass(frozen=True, slots=True)
class Row:
    """One row as it is drawn: which part of the text it shows."""

    start: int
    stop: int


def rows_of(draft: Draft, cells: int) -> tuple[Row, ...]:
    """The text broken into rows of at most `cells`."""
    rows: list[Row] = []
    start = 0
    for line in draft.text.split("\n"):
        rows.extend(_line_rows(draft, start, line, max(2, cells)))
        start += len(line) + 1
    return tuple(rows)


def _line_rows(draft: Draft, start: int, line: str, cells: int) -> Iterator[Row]:
    begin, used, at, blank = start, 0, start, -1
    for cluster, wide in _shown(draft, line):
        if used + wide > cells and at > begin:
            stop = blank if blank > begin else at
            yield Row(begin, stop)
            begin = stop
            used = sum(width for _, width in _shown(draft, draft.text[begin:at]))
            blank = -1
        used += wide
        at += len(cluster)
        if cluster == " ":
            blank = at
    yield Row(begin, at)


def _shown(draft: Draft, text: str) -> Iterator[tuple[str, int]]:
    """The clusters of a piece of the text, each with the cells it takes when drawn."""
    for cluster, cells in graphemes(text):
        if _MARKS.match(cluster):
            yield cluster, len(draft.label(cluster[0]))
        else:
            yield cluster, 4 if cluster == "\t" else cells


def _column(draft: Draft, row: Row, at: int) -> int:
    return sum(cells for _, cells in _shown(draft, draft.text[row.start : at]))


def _row_at(rows: tuple[Row, ...], at: int) -> int:
    return max(index for index, row in enumerate(rows) if row.start <= at)


def _vertical(draft: Draft, step: int, cells: int) -> Draft | None:
    rows = rows_of(draft, cells)
    here = _row_at(rows, draft.at)
    if not 0 <= here + step < len(rows):
        return None
    column = draft.column if draft.column is not None else _column(draft, rows[here], draft.at)
    row = rows[here + step]
    at, used = row.start, 0
    for cluster, wide in _shown(draft, draft.text[row.start : row.stop]):
        if used + wide > column:
            break
        used += wide
        at += len(cluster)
    if at == row.stop and here + step + 1 < len(rows) and rows[here + step + 1].start == at:
        at = max(row.start, _before(draft.text, at))  # the end of a wrapped row belongs to the next
    return replace(draft, at=at, column=column, last="move")


def editor_view(draft: Draft, size: Size, *, placeholder: str = "", secret: bool = False) -> View:
    """The rows around the cursor, exactly `size.height` of them, and where the cursor stands."""
    if draft.empty:
        hint = Line.of(Span(scrub(placeholder), DIM)).clipped(size.width)
        return View((hint, *(Line.of(),) * (size.height - 1)), Point(0, 0))
    cells = max(2, size.width - 1)  # the cursor may stand behind the last character
    rows = rows_of(draft, cells)
    here = _row_at(rows, draft.at)
    first = max(0, min(here - size.height + 1, len(rows) - size.height), here - size.height + 1)
    shown = rows[first : first + size.height]
    lines = tuple(_drawn(draft, row, secret) for row in shown)
    filled = (*lines, *(Line.of(),) * (size.height - len(lines)))
    return View(filled, Point(_column(draft, rows[here], draft.at), here - first))


def _drawn(draft: Draft, row: Row, secret: bool) -> Line:
    text = draft.text[row.start : row.stop]
    if secret:
        return Line.of("•" * len(text))
    parts: list[Span] = []
    style: Style = PLAIN
    for piece in re.split(f"({_MARKS.pattern})", text):
        if _MARKS.fullmatch(piece):
            parts.append(Span(draft.label(piece), ACCENT))
        else:
            parts.append(Span(expand_tabs(piece).replace("\t", "    "), style))
    return Line.of(*parts)


def height_of(draft: Draft, cells: int, most: int) -> int:
    """How many rows the draft takes, at least one and at most `most`."""
    return max(1, min(most, len(rows_of(draft, max(2, cells - 1)))))
