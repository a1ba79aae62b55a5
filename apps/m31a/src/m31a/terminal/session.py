"""The terminal as this program uses it, and as it was before.

`Session` turns modes on, and off again whatever happens: at the end, after an error, before a
stop by job control. What it turns on is a handful of private modes (xterm's ctlseqs and kitty's
keyboard protocol).
"""

import contextlib
import os
import select
import termios
import tty

from m31a.terminal.outlet import write_all

MODES_ON = "\x1b[?2004h\x1b[?1004h\x1b[?25l\x1b[22;0t"
MODES_OFF = (
    "\x1b[0m\x1b[?1002l\x1b[?1006l\x1b[?1004l\x1b[?2004l\x1b[?2031l\x1b[?7h\x1b[?25h\x1b[23;0t"
)
ENTER = f"\x1b[?1049h\x1b[?7l{MODES_ON}"
LEAVE = f"\x1b[r{MODES_OFF}\x1b[?1049l"
KITTY_ON, KITTY_OFF = "\x1b[>1u", "\x1b[<u"
OTHER_KEYS_ON, OTHER_KEYS_OFF = "\x1b[>4;2m", "\x1b[>4m"
MOUSE_ON, MOUSE_OFF = "\x1b[?1002h\x1b[?1006h", "\x1b[?1002l\x1b[?1006l"
PATIENCE_S = 1.0
"""How long the end waits for a terminal that takes nothing."""
DRAIN_S = 0.05
"""How long the end of the session listens for what was still on its way, such as key releases."""


Modes = list[int | list[bytes | int]]
"""What `tcgetattr` gives and `tcsetattr` takes."""


class Session:
    """Raw mode and the alternate screen on one terminal; inline, the main screen."""

    def __init__(self, keyboard: int, screen: int, *, inline: bool = False) -> None:
        self.keyboard = keyboard
        self.screen = screen
        self.inline = inline
        self._before: Modes | None = None
        self._extra: list[str] = []

    @property
    def entered(self) -> bool:
        """Whether the terminal is ours now."""
        return self._before is not None

    def enter(self) -> None:
        """Take the terminal; keys are neither echoed nor lost from here on."""
        if self._before is None:
            self._before = termios.tcgetattr(self.keyboard)
            tty.setraw(self.keyboard, termios.TCSADRAIN)
            write_all(self.screen, MODES_ON if self.inline else ENTER)

    def renew(self) -> None:
        """Turn on again what somebody else may have turned off; nothing when the window is gone."""
        with contextlib.suppress(OSError, termios.error):
            tty.setraw(self.keyboard, termios.TCSANOW)
            write_all(self.screen, MODES_ON if self.inline else ENTER, patience_s=PATIENCE_S)

    def remember(self, undo: str) -> None:
        """A sequence that has to be sent when the terminal is given back."""
        self._extra.append(undo)

    def leave(self, last: str = "") -> None:
        """Give the terminal back as it was, `last` written first; a second call does nothing."""
        before, self._before = self._before, None
        if before is None:
            return
        with contextlib.suppress(OSError):
            _make_way(self.screen)
            off = MODES_OFF if self.inline else LEAVE
            undone = "".join(reversed(self._extra))
            write_all(self.screen, last + undone + off, patience_s=PATIENCE_S)
        self._extra.clear()
        with contextlib.suppress(OSError, termios.error):
            self._drain()
        with contextlib.suppress(termios.error):
            termios.tcsetattr(self.keyboard, termios.TCSADRAIN, before)

    def _drain(self) -> None:
        while select.select([self.keyboard], [], [], DRAIN_S)[0]:
            if not os.read(self.keyboard, 65_536):
                return


def _make_way(screen: int) -> None:
    """Throw away what a stopped terminal has not taken, so that giving it back cannot hang."""
    if not select.select([], [screen], [], DRAIN_S)[1]:
        with contextlib.suppress(termios.error):
            termios.tcflush(screen, termios.TCOFLUSH)
