"""Frames on the main screen: what is whole goes into the terminal's own history, once.

The last rows are live and painted anew. They stand wherever the cursor was; nothing is known of
the screen above them, and nothing of it is touched. A frame without history of its own takes the
alternate screen until the next one that has some.
"""

from m31a.draw.frame import Frame, Point, Size
from m31a.draw.line import Line
from m31a.terminal.differ import BEGIN_SYNC, END_SYNC, HIDE, SHOW, Differ
from m31a.terminal.ink import Ink

ALTERNATE, MAIN = "\x1b[?1049h\x1b[?7l", "\x1b[?7h\x1b[?1049l"
"""Auto-wrap stays on beside the history: some terminals break rows anew only then."""


class InlineDiffer(Differ):
    """Knows which rows at the cursor are ours, and how much of the history is written."""

    def __init__(
        self, ink: Ink, *, sync: bool = True, scroll: bool = True, written: int = 0
    ) -> None:
        super().__init__(ink, sync=sync, scroll=scroll)
        self.written = written
        """How many items of the history the terminal has already."""
        self._alternate = False
        self._rows: tuple[Line, ...] = ()
        self._at = Point(0, 0)
        self._size = Size(0, 0)
        self._known = False
        self._named = ""

    def forget(self) -> None:
        """Take what is ours of the screen for unknown."""
        super().forget()
        self._known = False

    def update(self, frame: Frame) -> str:
        """What to write so that the terminal shows `frame`."""
        if frame.above is None:
            turn = "" if self._alternate else ALTERNATE
            if turn:
                self._alternate = True
                super().forget()
            return turn + super().update(frame)
        turn = ""
        if self._alternate:
            turn, self._alternate, self._known = MAIN, False, False
        live = self._live(frame)
        if not live:
            return self._name(frame)
        text = f"{turn}{HIDE}{self._name(frame)}{live}"
        return f"{BEGIN_SYNC}{text}{END_SYNC}" if self.sync else text

    def end(self) -> str:
        """What takes our rows off the screen again; the history stays."""
        turn = MAIN if self._alternate else ""
        self._alternate = False
        up = self._up(self._size)
        self._rows, self._at = (), Point(0, 0)
        return f"{turn}{up}\x1b[J"

    def _name(self, frame: Frame) -> str:
        if not frame.title or frame.title == self._named:
            return ""
        self._named = frame.title
        return f"\x1b]2;{frame.title}\x1b\\"

    def _live(self, frame: Frame) -> str:
        above = frame.above
        assert above is not None
        new = above.rows(self.written, above.count) if above.count > self.written else ()
        at = frame.cursor
        same = self._known and self._size == frame.size
        if same and not new and frame.lines == self._rows and at == self._at:
            return ""
        up = self._up(frame.size)
        if new or not same:
            history = "".join(f"{self._written(line, 0)}\r\n" for line in new)
            body = f"\x1b[J{history}" + "\r\n".join(self._written(line, 0) for line in frame.lines)
        else:
            body = self._repainted(frame.lines)
        self.written = max(self.written, above.count)
        self._rows, self._size, self._known = frame.lines, frame.size, True
        return f"{up}{body}{self._placed(frame)}"

    def _repainted(self, lines: tuple[Line, ...]) -> str:
        """The rows that differ written anew, from the first of ours on."""
        parts: list[str] = []
        for row, line in enumerate(lines):
            if row >= len(self._rows):
                parts.append(self._written(line, 0))
            elif line != self._rows[row]:
                parts.append(f"\x1b[2K{self._written(line, 0)}")
            else:
                parts.append("")
        text = "\r\n".join(parts)
        return f"{text}\r\n\x1b[J\x1b[A" if len(lines) < len(self._rows) else text

    def _placed(self, frame: Frame) -> str:
        last = max(0, len(frame.lines) - 1)
        at = frame.cursor or Point(0, last)
        self._at = at
        up = f"\x1b[{last - at.row}A" if last > at.row else ""
        return f"{up}\x1b[{at.column + 1}G{SHOW if frame.cursor is not None else ''}"

    def _up(self, size: Size) -> str:
        """From the cursor to our first row, also after the terminal has broken rows anew."""
        wide = max(1, size.width)
        rows = sum(max(1, -(-line.width // wide)) for line in self._rows[: self._at.row])
        rows += self._at.column // wide
        return f"\r\x1b[{rows}A" if rows else "\r"
