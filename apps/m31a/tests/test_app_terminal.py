"""The real program on a real pseudo-terminal: start, modes, signals, answers that never come."""

import os
import re
import signal
import termios
from collections.abc import Iterator
from pathlib import Path

import pytest

from journey import ProjectFolder, isolated_environment
from m31a_providers.testing import ModelServer, Rule
from scripted import BROKEN, GOAL, MENDED, TEST, mending
from window import DEADLINE_S, Open, windows_on


@pytest.fixture
def project(tmp_path: Path) -> Path:
    place = tmp_path / "work"
    place.mkdir()
    (place / "notes.txt").write_text("notes\n")
    return place


@pytest.fixture
def window(tmp_path: Path, project: Path) -> Iterator[Open]:
    with windows_on(project, tmp_path / "home") as opened:
        yield opened


def test_a_first_look_and_a_clean_way_out(window: Open) -> None:
    shown = window()
    shown.until("Say what should be true")
    assert shown.modes == [1049, 2004, 1004]

    shown.type("\x04")

    assert shown.ended() == 0
    assert shown.modes == []
    assert shown.is_cooked


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
    assert shown.modes == []
    assert shown.is_cooked


def test_ctrl_c_twice_leaves(window: Open) -> None:
    shown = window()
    shown.until("Say what should be true")

    shown.type("\x03")
    shown.until("ctrl+c again quits")
    shown.type("\x03")

    assert shown.ended() == 0


def test_a_run_that_cannot_begin_says_why_and_what_to_do(window: Open) -> None:
    shown = window("make it so", M31A_MODEL_DEFAULT="")

    shown.until("--model ID")
    shown.type("\x04")
    assert shown.ended() == 0
    assert "no model is named" in shown.left_behind


def test_the_demo_from_goal_to_commit(window: Open) -> None:
    shown = window()
    shown.until("Say what should be true")

    shown.type("/demo\r")
    shown.until("a approve")
    shown.type("a")
    shown.until("■ shipped")
    shown.type("\x04")

    assert shown.ended() == 0
    kept = shown.left_behind
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
    shown = window("make it so", TERM="dumb", M31A_MODEL_DEFAULT="")
    shown.until("goal (an empty line leaves):")
    shown.type("\n")

    assert shown.ended() == 2
    assert b"\x1b" not in shown.sent
    assert b"no model is named" in shown.sent


def test_a_window_that_is_closed_ends_the_app(tmp_path: Path, project: Path) -> None:
    with windows_on(project, tmp_path / "home") as open_window:
        shown = open_window()
        shown.until("Say what should be true")
        os.close(shown.master)
        shown.master = os.open(os.devnull, os.O_RDWR)

        assert shown.child.wait(DEADLINE_S) == 129

    assert list((tmp_path / "home").rglob("crash.log")) == []


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
    assert shown.modes == []
    assert shown.is_cooked
    assert b"this is a bug in M31A" in shown.sent


def broken_project(tmp_path: Path, project: Path) -> ProjectFolder:
    """The window's folder as a repository whose one test is red."""
    (project / "notes.txt").unlink()
    project.rmdir()
    files = {"sums.py": BROKEN, "test_sums.py": TEST}
    return ProjectFolder.create(project, isolated_environment(tmp_path / "home"), files)


def options(server: ModelServer) -> list[str]:
    return ["--base-url", server.base_url, "--model", "any", "--trust-project"]


def test_a_project_nobody_trusts_yet_is_asked_about_first(
    tmp_path: Path, project: Path, window: Open
) -> None:
    broken_project(tmp_path, project)
    shown = window()

    shown.until("Do you trust")
    shown.until("y trust it")
    shown.type("n")

    shown.until("Say what should be true")
    shown.type("\x04")
    assert shown.ended() == 0


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
