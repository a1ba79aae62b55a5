"""A thread that paints: the newest frame alone waits, and a slow terminal slows nobody else."""

import contextlib
import os
import select
import threading
from collections.abc import Callable

from m31a.draw.frame import Frame
from m31a.terminal.differ import Differ
from m31a.terminal.ink import Ink

QUICK_BYTES = 2048
"""A frame this small is written by who shows it, when the terminal takes it at once."""
CLOSE_WAIT_S = 1.0
"""How long the end waits for a terminal that takes nothing."""


class Writer:
    """Owns the terminal's output while it runs. Frames are painted, raw text goes between them.

    The differ works against what was really written: a frame that was never painted leaves no
    trace.
    """

    def __init__(self, output: int, differ: Differ) -> None:
        self._output = output
        self._differ = differ
        self._frame: Frame | None = None
        self._raw: list[str] = []
        self._rest = b""
        self._quick = _without_waiting(output)
        self._tasks: list[Callable[[Differ], None]] = []
        self._busy = False
        self._closing = False
        self._broken = False
        self._change = threading.Condition()
        self._thread = threading.Thread(target=self._work, name="m31a-writer", daemon=True)

    def start(self) -> None:
        """Begin to paint."""
        self._thread.start()

    def show(self, frame: Frame) -> None:
        """Paint this frame next; one that still waits is forgotten. Never blocks."""
        with self._change:
            if self._quick is not None and self._idle() and not self._closing:
                self._paint_now(self._quick, frame)
                return
            self._frame = frame
            self._change.notify_all()

    def _paint_now(self, quick: int, frame: Frame) -> None:
        """Write what the terminal takes without waiting; the thread writes what is left over."""
        tasks, self._tasks = self._tasks, []
        for change in tasks:
            change(self._differ)
        text = self._differ.update(frame)
        data = text.encode("utf-8", "replace")
        sent = 0
        if len(data) <= QUICK_BYTES:
            with contextlib.suppress(OSError):  # full, or gone: the thread finds out which
                sent = os.write(quick, data)
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
        """Write what waits and stop; False when the terminal takes nothing."""
        with self._change:
            self._closing = True
            self._change.notify_all()
        self._thread.join(CLOSE_WAIT_S)
        with self._change:
            quick, self._quick = self._quick, None
        if quick is not None:
            os.close(quick)
        return not self._thread.is_alive()

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
            for change in tasks:
                change(self._differ)
            text = raw + (self._differ.update(frame) if frame is not None else "")
            try:
                _write(self._output, rest + text.encode("utf-8", "replace"))
            except OSError:
                self._broken = True
                with self._change:
                    self._change.notify_all()
                return


def _without_waiting(output: int) -> int | None:
    """The same terminal opened anew for writes that never wait; None when it cannot be.

    The descriptor we were given is shared with the shell: its flags are not ours to change.
    """
    flags = os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
    try:
        return os.open(os.ttyname(output), flags)
    except OSError:
        return None


def write_all(output: int, text: str) -> None:
    """Write all of `text`, however little the terminal takes at once.

    Raises: OSError when the terminal is gone.
    """
    _write(output, text.encode("utf-8", "replace"))


def _write(output: int, whole: bytes) -> None:
    data = memoryview(whole)
    while data:
        try:
            data = data[os.write(output, data) :]
        except BlockingIOError:  # somebody else made the terminal non-blocking
            with contextlib.suppress(InterruptedError):
                select.select([], [output], [])
