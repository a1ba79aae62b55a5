"""However the real program ends, its terminal is given back, and nothing that was typed is lost."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from journey import ProjectFolder, isolated_environment
from m31a.draw.frame import Frame, Size
from m31a.draw.line import Line
from m31a.draw.theme import THEMES
from m31a.terminal.differ import Differ
from m31a.terminal.ink import Depth, Ink
from m31a.terminal.writer import Writer
from m31a_providers.testing import Call, ModelServer, Reply, Rule
from scripted import BROKEN, FREE, GOAL, MENDED, TEST, mending
from window import Open, windows_on

SIGNALS = [(signal.SIGTERM, 143), (signal.SIGHUP, 129)]


@pytest.fixture
def broken(tmp_path: Path) -> ProjectFolder:
    files = {"sums.py": BROKEN, "test_sums.py": TEST}
    return ProjectFolder.create(tmp_path / "work", isolated_environment(tmp_path / "home"), files)


@pytest.fixture
def window(tmp_path: Path, broken: ProjectFolder) -> Iterator[Open]:
    with windows_on(broken.path, tmp_path / "home") as opened:
        yield opened


@pytest.mark.parametrize(("number", "code"), SIGNALS)
def test_a_signal_that_comes_while_it_is_still_loading_gives_the_terminal_back(
    window: Open, number: signal.Signals, code: int
) -> None:
    shown = window()
    shown.until(lambda: shown.screen.mode(1049))

    shown.child.send_signal(number)

    assert shown.ended() == code
    assert shown.modes == []
    assert shown.is_cooked


@pytest.mark.parametrize(("number", "code"), SIGNALS)
def test_a_signal_in_the_middle_of_a_run_leaves_a_run_that_can_go_on(
    broken: ProjectFolder, window: Open, number: signal.Signals, code: int
) -> None:
    before = broken.state()
    talk = Rule(phase="execute", reply=Reply(text="Let me think. " * 9, hold="think"))
    with ModelServer([talk], check=False) as server:
        server.hold("think")
        options = ("--mode", "direct", "--base-url", server.base_url, "--model", "any")
        shown = window(GOAL, *options, *FREE)
        server.wait_held("think", timeout_s=30)
        shown.child.send_signal(number)
        assert shown.ended() == code
        server.release("think")

    assert shown.modes == []
    assert shown.is_cooked
    assert "■ interrupted" in shown.left_behind
    assert broken.state() == before


def test_a_command_of_the_runs_that_is_killed_is_told_to_the_model_and_the_run_goes_on(
    broken: ProjectFolder, window: Open
) -> None:
    killed = Reply(tool_calls=(Call(name="Bash", arguments={"command": "kill -9 $$"}),))
    _, write, *rest = mending()
    with ModelServer([Rule(phase="execute", turn=1, reply=killed), write, *rest]) as server:
        options = ("--mode", "direct", "--base-url", server.base_url, "--model", "any")
        shown = window(GOAL, *options, *FREE)
        shown.until("■ shipped  verified")
        shown.type("\x04")
        assert shown.ended() == 0

    assert shown.modes == []
    assert broken.read("sums.py") == MENDED


def test_an_editor_that_is_killed_gives_the_draft_and_the_terminal_back(
    tmp_path: Path, window: Open
) -> None:
    editor = tmp_path / "editor"
    editor.write_text("#!/bin/sh\nkill -9 $$\n")
    editor.chmod(0o755)
    shown = window("--trust-project", EDITOR=str(editor))
    shown.until("Say what should be true")
    shown.type("half a goal")
    shown.until("❯ half a goal")

    shown.type("\x07")
    shown.until("the text is as it was")
    shown.type(" more")
    shown.until("❯ half a goal more")
    shown.type("\x15\x04")

    assert shown.ended() == 0
    assert shown.modes == []
    assert shown.is_cooked


class Faulty(Differ):
    """One that has a bug."""

    def update(self, frame: Frame) -> str:
        raise ValueError("a planted bug")


def test_a_bug_on_the_painting_thread_comes_out_where_the_next_frame_is_shown() -> None:
    read, write = os.pipe()  # no terminal: only the thread paints
    writer = Writer(write, Faulty(Ink(THEMES["dark"], Depth.MONO)))
    writer.start()
    frame = Frame(Size(80, 24), (Line.of("x"),))
    writer.show(frame)
    assert writer.settle()

    with pytest.raises(ValueError, match="a planted bug"):
        writer.show(frame)

    assert writer.broken
    assert writer.close()
    os.close(read)
    os.close(write)
