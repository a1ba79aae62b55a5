"""A shell in tmux, as a person has it: keys are sent, the screen is read back."""

import os
import select
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from journey import script

DEADLINE_S = 30.0
LOOK_S = 0.25
"""The screen is looked at when something was painted, and at least this often."""
WHY_NOT = "tmux is not installed (Debian: apt-get install tmux)"
PROMPT = "here$"
_CONFIG = "set -g default-terminal tmux-256color\nset -g status off\nset -s escape-time 0\n"


def has_tmux() -> bool:
    """Whether there is a tmux to show things in."""
    return shutil.which("tmux") is not None


@dataclass(frozen=True, slots=True)
class Pane:
    """One pane; the programs in it are children of its shell."""

    socket: Path
    painted: int
    """A descriptor on which tmux repeats what is painted: the sign to look again."""

    def tmux(self, *words: str, stdin: str = "") -> str:
        """Have tmux do something and give what it says."""
        done = subprocess.run(
            ["tmux", "-S", self.socket, *words],
            input=stdin,
            capture_output=True,
            encoding="utf-8",
            timeout=DEADLINE_S,
            check=True,
        )
        return done.stdout

    def type(self, text: str) -> None:
        """Type text, letter by letter."""
        self.tmux("send-keys", "-l", "--", text)

    def press(self, *keys: str) -> None:
        """Press keys by tmux's names: `Enter`, `Escape`, `C-z`."""
        self.tmux("send-keys", *keys)

    def run(self, *words: str) -> None:
        """Type a command line of `m31a` into the shell and send it."""
        line = " ".join(f"'{word}'" for word in words)
        self.type(f"{script('m31a')} {line}")
        self.press("Enter")

    @property
    def text(self) -> str:
        """What can be read in the pane."""
        return self.tmux("capture-pane", "-p")

    def fact(self, name: str) -> str:
        """What tmux knows of the pane: `alternate_on`, `cursor_x`, `pane_current_command`."""
        return self.tmux("display-message", "-p", f"#{{{name}}}").rstrip("\n")

    def prompt(self) -> str:
        """Wait until the shell wants its next command; the screen."""
        end = time.monotonic() + DEADLINE_S
        while not (text := self.text.rstrip()).endswith(f"\n{PROMPT}") and text != PROMPT:
            assert time.monotonic() < end, f"the shell is not there\n{text}"
            self._look_again()
        return text

    def until(self, *seen: str, gone: str = "") -> str:
        """Wait until the pane shows all these texts, and no longer that one; the screen."""
        end = time.monotonic() + DEADLINE_S
        while True:
            text = self.text
            if all(each in text for each in seen) and not (gone and gone in text):
                return text
            assert time.monotonic() < end, f"never seen: {seen}\n{text}"
            self._look_again()

    def _look_again(self) -> None:
        """Return when something was painted, or it is time to look anyway."""
        if select.select([self.painted], [], [], LOOK_S)[0]:
            os.read(self.painted, 65_536)


@contextmanager
def pane_in(folder: Path, env: Mapping[str, str], *, columns: int, rows: int) -> Iterator[Pane]:
    """A pane with a plain shell in this folder, on a tmux server of its own."""
    with tempfile.TemporaryDirectory(prefix="m31a-", dir="/tmp") as short:  # sockets' names are
        socket, fifo, config = (Path(short) / name for name in ("socket", "fifo", "tmux.conf"))
        config.write_text(_CONFIG, encoding="utf-8")
        os.mkfifo(fifo)
        painted = os.open(fifo, os.O_RDWR | os.O_NONBLOCK)
        pane = Pane(socket, painted)
        try:
            size = ("-x", str(columns), "-y", str(rows))
            own = {"PS1": f"{PROMPT} ", "ENV": "", "M31A_MOTION": "0", "SHELL": "/bin/sh"}
            own["TMPDIR"] = str(folder.parent)
            subprocess.run(
                ["tmux", "-S", socket, "-f", config, "new-session", "-d", *size, "/bin/sh", "-i"],
                cwd=folder,
                env={**env, **own, "TERM": "xterm-256color"},
                check=True,
            )
            pane.tmux("pipe-pane", f"cat > {fifo}")
            pane.prompt()
            yield pane
        finally:
            subprocess.run(["tmux", "-S", socket, "kill-server"], capture_output=True, check=False)
            os.close(painted)
