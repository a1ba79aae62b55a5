"""What stays on the main screen when the app is left: the conversation's last rows."""

from m31a.draw.line import Line, Span
from m31a.draw.style import DIM
from m31a.story.story import Story
from m31a.terminal.ink import Ink
from m31a.widgets.transcript import rows_of

MOST_ROWS = 300


def farewell(story: Story, cells: int, ink: Ink, *, written: int = 0) -> str:
    """The conversation's newest rows as text for the main screen; empty when there are none.

    So many blocks stand there already.
    """
    rows: list[Line] = []
    for index in reversed(range(written, len(story.blocks))):
        rows = [*rows_of(story.blocks, index, cells, opened=False), *rows]
        if len(rows) > MOST_ROWS:
            rows = [Line.of(Span("… the rest is in the session", DIM)), *rows[-MOST_ROWS:]]
            break
    while rows and not rows[-1].text.strip():
        rows.pop()
    session = story.report.session_path if story.report is not None else ""
    if session:
        rows.append(Line.of(Span(f"session {session}", DIM)).clipped(max(cells, 200)))
    return "".join(f"{ink.line(row)}\n" for row in rows)
