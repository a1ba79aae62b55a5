"""What hindered a screen's work, as lines: the sentence, and what to do about it."""

from m31a.draw.line import EMPTY, Line, Span, wrapped
from m31a.draw.style import DIM, ERR
from m31a.program.messages import WorkFailed
from m31a.widgets.row_text import safe


def trouble_lines(trouble: WorkFailed, cells: int) -> tuple[Line, ...]:
    """A blank line, the sentence, and the remedy when there is one."""
    said = wrapped((Span(safe(trouble.text), ERR),), cells, first=Span("  ✗ ", ERR), rest="    ")
    more = wrapped((Span(safe(trouble.remedy), DIM),), cells, first="    ", rest="    ")
    return (EMPTY, *said, *(more if trouble.remedy else ()))


def trouble_foot(trouble: WorkFailed | None, cells: int) -> tuple[Line, ...]:
    """The same at the foot of a form: at most three lines, none without trouble."""
    if trouble is None:
        return ()
    remedy = f" — {trouble.remedy}" if trouble.remedy else ""
    text = " ".join(safe(f"{trouble.text}{remedy}").split())
    return wrapped((Span(text, ERR),), cells, first=Span("  ✗ ", ERR), rest="    ")[:3]
