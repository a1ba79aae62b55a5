"""A thread that paints: the newest frame alone waits, and a slow terminal slows nobody else."""

import contextlib
import threading
from collections.abc import Callable

from m31a.draw.frame import Frame
from m31a.terminal.differ import Differ
from m31a.terminal.ink import Ink
from m31a.terminal.outlet import Outlet

QUICK_BYTES = 2048
"""A frame this small is written by who shows it, when the terminal takes it at once."""
CLOSE_WAIT_S = 1.0
"""How long the end waits for a terminal that takes nothing."""
LOOK_S = 0.1
"""How soon the thread notices that nobody waits any more for a terminal that is full."""


class Writer:
    """Owns the terminal's output while it runs. Frames are painted, raw text goes between them.

    The differ works against what was really written: a frame that was never painted leaves no
    trace.
    """

    def __init__(self, output: int, differ: Differ) -> None:
        self._outlet = Outlet(output)
        self._differ = differ
        self._frame: Frame | None = None
        self._raw: list[str] = []
        self._rest = b""
        self._tasks: list[Callable[[Differ], None]] = []
        self._busy = False
        self._closing = False
        self._broken = False
        self._given_up = False
        self._failed: Exception | None = None
        self._change = threading.Condition()
        self._thread = threading.Thread(target=self._work, name="m31a-writer", daemon=True)

    def start(self) -> None:
        """Begin to paint."""
        self._thread.start()

    def show(self, frame: Frame) -> None:
        """Paint this frame next; one that still waits is forgotten. Never blocks.

        Raises: what an earlier frame raised while it was painted: a bug.
        """
        if self._failed is not None:
            raise self._failed
        with self._change:
            if self._idle() and not (self._closing or self._outlet.waits):
                self._paint_now(frame)
                return
            self._frame = frame
            self._change.notify_all()

    def _paint_now(self, frame: Frame) -> None:
        """Write what the terminal takes without waiting; the thread writes what is left over."""
        tasks, self._tasks = self._tasks, []
        for change in tasks:
            change(self._differ)
        text = self._differ.update(frame)
        data = text.encode("utf-8", "replace")
        sent = 0
        if len(data) <= QUICK_BYTES:
            with contextlib.suppress(OSError):  # gone: the thread finds out
                sent = self._outlet.offer(data)
        if sent < len(data):
            self._rest = data[sent:]
            self._change.notify_all()

    def send(self, text: str) -> None:
        """Write sequences of our own (a query, a copy to the clipboard), in order."""
        with self._change:
            self._raw.append(text)
            self._change.notify_all()

    def repaint(self) -> None:
        """Paint the next frame whole."""
        self._adjust(Differ.forget)

    def use(self, ink: Ink) -> None:
        """Paint with another theme from the next frame on."""

        def change(differ: Differ) -> None:
            differ.ink = ink
            differ.forget()

        self._adjust(change)

    def configure(self, *, sync: bool, scroll: bool) -> None:
        """Use or leave out what the terminal has or lacks."""

        def change(differ: Differ) -> None:
            differ.sync, differ.scroll = sync, scroll

        self._adjust(change)

    def _adjust(self, change: Callable[[Differ], None]) -> None:
        with self._change:
            self._tasks.append(change)

    @property
    def busy(self) -> bool:
        """Whether a frame waits or is being written."""
        return self._busy or self._frame is not None or bool(self._rest)

    @property
    def broken(self) -> bool:
        """Whether the terminal is gone."""
        return self._broken

    def settle(self, wait_s: float = CLOSE_WAIT_S) -> bool:
        """Wait until everything is written; False when the terminal did not take it in time."""
        with self._change:
            return self._change.wait_for(lambda: self._idle() or self._broken, wait_s)

    def close(self) -> bool:
        """Write what waits and stop; False when the terminal takes nothing: the rest is dropped."""
        with self._change:
            self._closing = True
            self._change.notify_all()
        self._thread.join(CLOSE_WAIT_S)
        took_all = not self._thread.is_alive()
        self._given_up = True
        self._thread.join(CLOSE_WAIT_S)
        if not self._thread.is_alive():
            self._outlet.close()
        return took_all

    def _idle(self) -> bool:
        return not (self._busy or self._frame or self._raw or self._rest)

    def _work(self) -> None:
        while True:
            with self._change:
                self._busy = False
                self._change.notify_all()
                self._change.wait_for(
                    lambda: self._frame or self._raw or self._rest or self._closing
                )
                frame, self._frame = self._frame, None
                raw, self._raw = "".join(self._raw), []
                rest, self._rest = self._rest, b""
                tasks, self._tasks = self._tasks, []
                if frame is None and not raw and not rest:
                    return
                self._busy = True
            try:
                for change in tasks:
                    change(self._differ)
                text = raw + (self._differ.update(frame) if frame is not None else "")
                self._send(rest + text.encode("utf-8", "replace"))
            except Exception as exc:
                self._failed = None if isinstance(exc, OSError) else exc  # a bug is told, not lost
                self._broken = True
                with self._change:
                    self._change.notify_all()
                return

    def _send(self, data: bytes) -> None:
        left = memoryview(data)
        while left and not self._given_up:
            left = left[self._outlet.offer(left) :]
            if left:
                self._outlet.has_room(LOOK_S)
