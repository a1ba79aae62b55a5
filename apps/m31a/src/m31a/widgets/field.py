"""A field of one line: a label, what is written in it, and a mask for what nobody may read."""

from dataclasses import dataclass

from m31a.draw.frame import Size
from m31a.draw.line import Line, Span
from m31a.draw.style import ACCENT, DIM
from m31a.program.keymap import KeyTable
from m31a.widgets import editor
from m31a.widgets.draft import Draft
from m31a.widgets.draft_rows import editor_view

_LINES = {"edit.newline", "edit.up", "edit.down", "edit.unfold"}
KEYS: KeyTable = tuple(each for each in editor.KEYS if each.action not in _LINES)
"""The editor's keys that make sense on one line."""


@dataclass(frozen=True, slots=True)
class Field:
    """How a field is drawn: the cursor's column is None while it has no focus."""

    line: Line
    cursor: int | None


def pasted(draft: Draft, text: str) -> Draft:
    """The draft with a pasted text on one line, never as a marker."""
    return editor.typed(draft, " ".join(text.split()))


def field_view(
    label: str,
    draft: Draft,
    cells: int,
    *,
    focused: bool = True,
    secret: bool = False,
    placeholder: str = "",
) -> Field:
    """The field in so many cells; a secret shows dots, one for each character."""
    head = Line.of(Span(label, ACCENT if focused else DIM)).clipped(max(0, cells - 4))
    room = max(2, cells - head.width)
    view = editor_view(draft, Size(room, 1), placeholder=placeholder, secret=secret)
    line = head.plus(*view.lines[0].spans).clipped(cells)
    at = view.cursor
    shown = focused and at is not None
    return Field(line, min(cells - 1, head.width + at.column) if shown and at else None)
