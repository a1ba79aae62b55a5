"""The real program on a real pseudo-terminal: start, modes, signals, answers that never come."""

import errno
import os
import pty
import re
import select
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pyghostty  # type: ignore[import-untyped]
import pytest

from journey import ProjectFolder, isolated_environment
from m31a.draw.frame import Size
from m31a_providers.testing import ModelServer, Rule
from scripted import BROKEN, GOAL, MENDED, TEST, mending

DEADLINE_S = 30.0
MODES = (1049, 2004, 1004, 1002, 1006)
"""Private modes that must be off again: alternate screen, paste marks, focus, mouse."""


class Window:
    """A terminal window with the app in it: an emulator core answers, or stays silent."""

    def __init__(self, child: "subprocess.Popen[bytes]", master: int, size: Size, *, answers: bool):
        self.child = child
        self.master = master
        self.screen = pyghostty.Terminal(*size)
        self.sent = b""
        self.refused: list[int] = []
        if answers:
            self.screen.on_reply(self._reply)

    def _reply(self, reply: bytes) -> None:
        os.write(self.master, reply)

    def type(self, text: str) -> None:
        data = text.encode()
        while data:
            _, ready, _ = select.select([], [self.master], [], 0.01)
            if ready:
                data = data[os.write(self.master, data[:512]) :]
            self.read()

    def read(self, wait_s: float = 0.0) -> bool:
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
        return str(self.screen.text())

    def until(self, seen: str | Callable[[], bool]) -> str:
        """Wait until the screen shows a text (or something holds)."""
        end = time.monotonic() + DEADLINE_S
        holds = seen if callable(seen) else lambda: seen in self.text
        while not holds():
            assert time.monotonic() < end, f"never seen: {seen}\n{self.text}"
            self.read(0.05)
        return self.text

    def ended(self) -> int:
        end = time.monotonic() + DEADLINE_S
        while self.child.poll() is None:
            assert time.monotonic() < end, f"it does not end\n{self.text}"
            self.read(0.02)
        while self.read(0.05):
            pass
        return self.child.returncode


Open = Callable[..., Window]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    place = tmp_path / "work"
    place.mkdir()
    (place / "notes.txt").write_text("notes\n")
    return place


@pytest.fixture
def window(tmp_path: Path, project: Path) -> Iterator[Open]:
    with _windows(tmp_path, project) as opened:
        yield opened


@contextmanager
def _windows(tmp_path: Path, project: Path) -> Iterator[Open]:
    windows: list[tuple[Window, int]] = []

    def open_window(*words: str, answers: bool = True, **environ: str) -> Window:
        size = Size(80, 24)
        master, slave = pty.openpty()
        termios.tcsetwinsize(slave, (size.height, size.width))
        env = {
            **isolated_environment(tmp_path / "home"),
            "TERM": "xterm-256color",
            "M31A_MOTION": "0",
            **environ,
        }
        child = subprocess.Popen(
            [sys.executable, "-m", "m31a", *words],
            cwd=project,
            env=env,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
        )
        shown = Window(child, master, size, answers=answers)
        windows.append((shown, slave))
        return shown

    try:
        yield open_window
    finally:
        for shown, slave in windows:
            shown.child.kill()
            shown.child.wait()
            os.close(shown.master)
            os.close(slave)


def modes_of(shown: Window) -> list[int]:
    return [mode for mode in MODES if shown.screen.mode(mode)]


def is_cooked(shown: Window) -> bool:
    return bool(termios.tcgetattr(shown.master)[3] & termios.ICANON)


def test_a_first_look_and_a_clean_way_out(window: Open) -> None:
    shown = window()
    shown.until("Say what should be true")
    assert modes_of(shown) == [1049, 2004, 1004]

    shown.type("\x04")

    assert shown.ended() == 0
    assert modes_of(shown) == []
    assert is_cooked(shown)


def test_keys_typed_before_the_app_is_ready_are_not_lost(window: Open) -> None:
    shown = window()
    shown.until(lambda: shown.screen.mode(1049))

    shown.type("an early bird")

    shown.until("❯ an early bird")


def test_a_terminal_that_answers_nothing_is_as_usable(window: Open) -> None:
    shown = window(answers=False)

    shown.until("Say what should be true")
    shown.type("hello")
    shown.until("❯ hello")
    shown.type("\x1b[A\x15\x04")

    assert shown.ended() == 0


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)]
)
def test_a_signal_ends_it_with_the_terminal_restored(
    window: Open, number: signal.Signals, code: int
) -> None:
    shown = window()
    shown.until("Say what should be true")

    shown.child.send_signal(number)

    assert shown.ended() == code
    assert modes_of(shown) == []
    assert is_cooked(shown)


def test_ctrl_c_twice_leaves(window: Open) -> None:
    shown = window()
    shown.until("Say what should be true")

    shown.type("\x03")
    shown.until("ctrl+c again quits")
    shown.type("\x03")

    assert shown.ended() == 0


def test_a_run_that_cannot_begin_says_why_and_what_to_do(window: Open) -> None:
    shown = window("make it so")

    shown.until("--model ID")
    shown.type("\x04")
    assert shown.ended() == 0
    assert "no model is named" in shown.sent.decode().rpartition("\x1b[?1049l")[2]


def test_the_demo_from_goal_to_commit(window: Open) -> None:
    shown = window()
    shown.until("Say what should be true")

    shown.type("/demo\r")
    shown.until("a approve")
    shown.type("a")
    shown.until("■ shipped")
    shown.type("\x04")

    assert shown.ended() == 0
    kept = shown.sent.decode().rpartition("\x1b[?1049l")[2]
    assert "shipped" in kept
    assert "/sessions/" in kept


def test_a_paste_of_a_megabyte_is_one_marker(window: Open) -> None:
    shown = window()
    shown.until("Say what should be true")
    shown.until(lambda: b"\x1b[?2031h" in shown.sent)  # the terminal has answered

    shown.type("\x1b[200~" + "0123456789abcde\n" * 65_536 + "\x1b[201~")

    shown.until("[paste 1: 65537 lines]")


def test_a_storm_of_sizes_ends_in_the_last_one(window: Open) -> None:
    shown = window()
    shown.until("Say what should be true")

    for width in (*range(20, 120, 3), 64):
        termios.tcsetwinsize(shown.master, (20, width))
        shown.read()
    shown.screen.resize(64, 20)
    shown.type("\x0c")

    shown.until(lambda: "─" * 64 in shown.text and "─" * 65 not in shown.text)
    assert shown.child.poll() is None


def test_it_can_be_stopped_and_brought_back(window: Open) -> None:
    shown = window()
    shown.until("Say what should be true")
    shown.type("a draft")
    shown.until("❯ a draft")

    shown.child.send_signal(signal.SIGSTOP)
    shown.screen.feed("\x1b[?1049l")
    shown.child.send_signal(signal.SIGCONT)

    shown.until(lambda: shown.screen.mode(1049))
    shown.until("❯ a draft")


def test_ctrl_z_gives_the_terminal_back_meanwhile(window: Open) -> None:
    shown = window()  # its session has no shell: the kernel does not stop an orphaned job
    shown.until("Say what should be true")
    shown.type("draft")
    shown.until("❯ draft")

    shown.type("\x1a")

    shown.until(lambda: shown.sent.count(b"\x1b[?1049h") == 2)
    assert shown.sent.count(b"\x1b[?1049l") == 1
    shown.until("❯ draft")


def test_no_color_sends_no_colour(window: Open) -> None:
    shown = window(NO_COLOR="1")
    shown.until("Say what should be true")

    shown.type("/the")
    shown.until("/theme")

    assert re.search(rb"\x1b\[[0-9;]*(?:3[0-8]|4[0-8]|9[0-7])[;m]", shown.sent) is None


def test_a_dumb_terminal_gets_plain_text(window: Open) -> None:
    shown = window("make it so", TERM="dumb")
    shown.until("goal (an empty line leaves):")
    shown.type("\n")

    assert shown.ended() == 2
    assert b"\x1b" not in shown.sent
    assert b"no model is named" in shown.sent


def test_a_window_that_is_closed_ends_the_app(tmp_path: Path, project: Path) -> None:
    with _windows(tmp_path, project) as open_window:
        shown = open_window()
        shown.until("Say what should be true")
        os.close(shown.master)
        shown.master = os.open(os.devnull, os.O_RDWR)

        assert shown.child.wait(DEADLINE_S) == 129


def test_an_error_of_ours_leaves_the_terminal_as_it_was(
    tmp_path: Path, project: Path, window: Open
) -> None:
    folder = tmp_path / "broken"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(
        "import m31a.program.app as app\n"
        "def broken(*_): raise RuntimeError('a planted bug')\n"
        "app.Stage.paste = broken\n"
    )
    shown = window(PYTHONPATH=f"{folder}:{os.environ.get('PYTHONPATH', '')}")
    shown.until("Say what should be true")

    shown.type("\x1b[200~x\x1b[201~")

    assert shown.ended() == 70
    assert modes_of(shown) == []
    assert is_cooked(shown)
    assert b"this is a bug in M31A" in shown.sent


def broken_project(tmp_path: Path, project: Path) -> ProjectFolder:
    """The window's folder as a repository whose one test is red."""
    (project / "notes.txt").unlink()
    project.rmdir()
    files = {"sums.py": BROKEN, "test_sums.py": TEST}
    return ProjectFolder.create(project, isolated_environment(tmp_path / "home"), files)


def options(server: ModelServer) -> list[str]:
    return ["--base-url", server.base_url, "--model", "any", "--trust-project"]


def test_a_run_asks_before_it_writes_and_ships_what_was_allowed(
    tmp_path: Path, project: Path, window: Open
) -> None:
    broken = broken_project(tmp_path, project)
    with ModelServer(mending()) as server:
        shown = window(GOAL, "--mode", "direct", *options(server))
        asked = shown.until("y allow once")
        assert "FileWrite wants to run" in asked
        shown.until("it is put off")  # the keys are unlocked
        shown.type("y")
        shown.until("■ shipped")
        shown.type("\x04")
        assert shown.ended() == 0

    assert broken.read("sums.py") == MENDED
    assert broken.git("status", "--porcelain") == ""


def test_a_run_that_was_killed_is_taken_up_again(
    tmp_path: Path, project: Path, window: Open
) -> None:
    broken = broken_project(tmp_path, project)
    before = broken.state()
    first, write, *rest = mending()
    assert isinstance(write, Rule)
    again = Rule(phase="execute", turn=3, reply=write.reply)  # told that the first was cut off
    with ModelServer([first, write, again, *rest]) as server:
        words = ["--mode", "direct", "--permissions", "allow_all", *options(server)]
        asking = window(GOAL, "--mode", "direct", *options(server))
        asking.until("y allow once")
        asking.child.kill()
        asking.child.wait()
        assert broken.state() == before

        shown = window("--resume", *words)
        shown.until("■ shipped")
        shown.type("\x04")
        assert shown.ended() == 0

    assert broken.read("sums.py") == MENDED
