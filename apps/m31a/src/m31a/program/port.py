"""What the loop needs of a terminal; the real one is `terminal.tty_port`, tests have their own."""

from collections.abc import AsyncIterator
from contextlib import AbstractContextManager
from typing import Protocol

from m31a.draw.frame import Frame, Size
from m31a.terminal.events import InputEvent
from m31a.terminal.probe import Capabilities


class Port(Protocol):
    """A keyboard to read and a screen to paint."""

    def events(self) -> AsyncIterator[tuple[InputEvent, ...]]:
        """What came in one read after another; ends when the terminal is gone."""
        ...

    def size(self) -> Size:
        """How large the screen is now."""
        ...

    def show(self, frame: Frame) -> None:
        """Paint a frame; returns at once."""
        ...

    @property
    def busy(self) -> bool:
        """Whether the last frame is still on its way."""
        ...

    def send(self, text: str) -> None:
        """Send a sequence of our own between frames."""
        ...

    def redraw(self) -> None:
        """Paint the next frame whole."""
        ...

    def adapt(self, known: Capabilities) -> None:
        """Use what the terminal says it can do."""
        ...

    def theme(self, name: str) -> None:
        """Paint with this theme."""
        ...

    def mouse(self, wanted: bool) -> None:
        """Take the mouse, or leave it to the terminal."""
        ...

    def suspended(self) -> AbstractContextManager[None]:
        """The terminal as the shell had it, while the block lasts."""
        ...
