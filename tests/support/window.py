"""A terminal window with the app in it: a pseudo-terminal, and an emulator core that reads it."""

import errno
import os
import pty
import select
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pyghostty  # type: ignore[import-untyped]

from journey import isolated_environment
from m31a.draw.frame import Size

DEADLINE_S = 30.0
"""How long something may take to be seen; generous, for a busy machine."""
MODES = (1049, 2004, 1004, 1002, 1006)
"""Private modes that must be off again: alternate screen, paste marks, focus, mouse."""
SIZE = Size(80, 24)
_OWN_TERMINAL = (  # signals of the terminal reach a session that has it for its own
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0);"
    "os.execv(sys.argv[1], sys.argv[1:])"
)
MODEL_NAMED = {"M31A_MODEL_DEFAULT": "any"}
"""Variables of a person who is past the first steps."""


class Window:
    """The emulator answers what the app asks the terminal, or stays silent."""

    def __init__(self, child: "subprocess.Popen[bytes]", master: int, size: Size, *, answers: bool):
        self.child = child
        self.master = master
        self.screen = pyghostty.Terminal(*size)
        self.sent = b""
        if answers:
            self.screen.on_reply(self._reply)

    def _reply(self, reply: bytes) -> None:
        os.write(self.master, reply)

    def type(self, text: str) -> None:
        """Press keys, as many as the app takes, while what it paints is read."""
        data = text.encode()
        while data:
            _, ready, _ = select.select([], [self.master], [], 0.01)
            if ready:
                data = data[os.write(self.master, data[:512]) :]
            self.read()

    def read(self, wait_s: float = 0.0) -> bool:
        """Take what the app has painted; whether there was anything."""
        if not select.select([self.master], [], [], wait_s)[0]:
            return False
        try:
            data = os.read(self.master, 65_536)
        except OSError as exc:
            if exc.errno != errno.EIO:
                raise
            return False
        self.sent += data
        self.screen.feed(data)
        return bool(data)

    @property
    def text(self) -> str:
        """What can be read on the screen."""
        return str(self.screen.text())

    @property
    def modes(self) -> list[int]:
        """Which of `MODES` are on."""
        return [mode for mode in MODES if self.screen.mode(mode)]

    @property
    def is_cooked(self) -> bool:
        """Whether the line discipline is as a shell wants it."""
        return bool(termios.tcgetattr(self.master)[3] & termios.ICANON)

    @property
    def left_behind(self) -> str:
        """What was printed after the alternate screen had been left."""
        return self.sent.rpartition(b"\x1b[?1049l")[2].decode()

    def until(self, seen: str | Callable[[], bool]) -> str:
        """Wait until the screen shows a text (or something holds); the screen."""
        end = time.monotonic() + DEADLINE_S
        holds = seen if callable(seen) else lambda: seen in self.text
        while not holds():
            assert time.monotonic() < end, f"never seen: {seen}\n{self.text}"
            self.read(0.05)
        return self.text

    def ended(self) -> int:
        """Wait until the app has left; its exit code."""
        end = time.monotonic() + DEADLINE_S
        while self.child.poll() is None:
            assert time.monotonic() < end, f"it does not end\n{self.text}"
            self.read(0.02)
        while self.read(0.05):
            pass
        return self.child.returncode


Open = Callable[..., Window]
"""`open(*words, answers=True, size=Size(80, 24), **environ)` starts the app in a window."""


@contextmanager
def windows_on(project: Path, home: Path) -> Iterator[Open]:
    """Windows of a person with this home in this folder; closed and killed at the end."""
    opened: list[tuple[Window, int]] = []

    def open_window(*words: str, answers: bool = True, size: Size = SIZE, **environ: str) -> Window:
        master, slave = pty.openpty()
        termios.tcsetwinsize(slave, (size.height, size.width))
        own = {"TERM": "xterm-256color", "M31A_MOTION": "0", "TMPDIR": str(home.parent)}
        own |= {**MODEL_NAMED, **environ}
        shown = Window(
            _started(words, project, {**isolated_environment(home), **own}, slave),
            master,
            size,
            answers=answers,
        )
        opened.append((shown, slave))
        return shown

    try:
        yield open_window
    finally:
        for shown, slave in opened:
            shown.child.kill()
            shown.child.wait()
            os.close(shown.master)
            os.close(slave)


def _started(
    words: tuple[str, ...], cwd: Path, env: Mapping[str, str], terminal: int
) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-S", "-c", _OWN_TERMINAL, sys.executable, "-m", "m31a", *words],
        cwd=cwd,
        env=env,
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        start_new_session=True,
    )
