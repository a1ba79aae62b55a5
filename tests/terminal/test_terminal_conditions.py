"""Terminals as they are: silent, far away, slow, resized all the time; and far too much at once.

Usable means that keys are answered and a run is seen through. Nothing lost means that the last
frame is the right one, that what was typed is there, and that the terminal is given back.
"""

import hashlib
import os
import re
import select
import signal
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from journey import ProjectFolder
from m31a_providers.testing import Call, ModelServer, Reply, Rule
from scripted import BROKEN, FREE, GOAL, MENDED, TEST, mending
from window import DEADLINE_S, Open, Window, windows_on
from wire import wire_to

DRAFT = "and after that a changelog"
LINES = "".join(f"Line {number} of a long answer that goes on and on.\n\n" for number in range(400))
LAST = "Line 399 of a long answer"
FRAME_S = 0.02
LOUD_BYTES = 100_000_000 if "M31A_CAMPAIGN" in os.environ else 20_000_000
MOST_MEMORY = 140 * 1024
"""KiB a program may ever have, whatever a command prints."""
MORE_MEMORY = 48 * 1024
"""KiB a program may grow by while it is behind: frames that nobody takes are not kept."""


@pytest.fixture
def broken(tmp_path: Path, environment: dict[str, str]) -> ProjectFolder:
    files = {"sums.py": BROKEN, "test_sums.py": TEST}
    return ProjectFolder.create(tmp_path / "work", environment, files)


@pytest.fixture
def window(tmp_path: Path, broken: ProjectFolder) -> Iterator[Open]:
    with windows_on(broken.path, tmp_path / "home") as opened:
        yield opened


def started(window: Open, server: ModelServer, *words: str, answers: bool = True) -> Window:
    options = ("--mode", "direct", "--base-url", server.base_url, "--model", "any")
    return window(GOAL, *options, *words, answers=answers)


def left(shown: Window) -> None:
    """Leave the app with a key; the terminal is as it was."""
    shown.type("\x15\x04")
    assert shown.ended() == 0
    assert shown.modes == []


def repainted(shown: Window) -> tuple[str, str]:
    """The screen as it stands, and as it is after it was painted whole."""
    before, count = shown.text, shown.sent.count(b"\x1b[2K")
    shown.type("\x0c")
    shown.until(
        lambda: shown.sent.count(b"\x1b[2K") > count and shown.sent.endswith(b"\x1b[?2026l")
    )
    return before, shown.text


def over(shown: Window) -> None:
    """Wait until the run has shipped and the app is ready, by a frame that is there whole.

    Without the first a window that is behind may still show how it was before the run.
    """
    shown.until(
        lambda: (
            "shipped" in shown.text.partition("\n")[0]
            and "ready │" in shown.text
            and shown.sent.endswith(b"\x1b[?2026l")
        )
    )


def resize(shown: Window, columns: int, rows: int) -> None:
    """Drag the window's corner: it has its new size before the program hears of it."""
    shown.screen.resize(columns, rows)
    termios.tcsetwinsize(shown.master, (rows, columns))


def memory_kib(shown: Window, what: str = "VmRSS") -> int:
    status = Path(f"/proc/{shown.child.pid}/status").read_text()
    found = re.search(rf"{what}:\s+(\d+)", status)
    assert found is not None
    return int(found[1])


def test_a_run_is_seen_through_on_a_terminal_that_never_answers(
    broken: ProjectFolder, window: Open
) -> None:
    with ModelServer(mending()) as server:
        shown = started(window, server, "--trust-project", answers=False)
        shown.until("FileWrite wants to run")
        shown.until("it is put off")
        shown.type("y")
        shown.until("■ shipped  verified")
        shown.type(DRAFT)
        shown.until(f"❯ {DRAFT}")
        left(shown)

    assert broken.read("sums.py") == MENDED
    assert shown.is_cooked


def test_a_run_is_seen_through_from_far_away_and_late_answers_are_not_typed(
    broken: ProjectFolder, window: Open
) -> None:
    with ModelServer(mending()) as server:
        shown = started(window, server, "--trust-project")
        with wire_to(shown, delay_s=0.15):
            shown.type(DRAFT)  # before the terminal's answers are there
            shown.until("FileWrite wants to run")
            shown.until("it is put off")
            shown.type("y")
            shown.until("■ shipped  verified")
            shown.until(lambda: b"\x1b[?2031h" in shown.sent)  # they have come
            row = next(row for row in shown.text.splitlines() if "❯" in row)
            assert row.strip() == f"❯ {DRAFT}"
            left(shown)

    assert broken.read("sums.py") == MENDED
    assert shown.is_cooked


def test_a_window_that_reads_slowly_holds_up_nobody_and_catches_up(
    broken: ProjectFolder, window: Open
) -> None:
    talk = Rule(phase="execute", turn=3, reply=Reply(text=LINES, chunk=400, delay_ms=2))
    with ModelServer([*mending()[:2], talk, *mending()[3:]]) as server:
        shown = started(window, server, *FREE)
        with wire_to(shown, bytes_per_s=2_000) as wire:
            shown.until("starting")
            memory = memory_kib(shown)
            server.wait_requests(3, timeout_s=30)
            shown.type(DRAFT)
            shown.until(
                lambda: broken.read("sums.py") == MENDED
            )  # landed while the window is behind
            grown = memory_kib(shown) - memory
            wire.widen()
            over(shown)
            shown.until(LAST)
            shown.until(f"❯ {DRAFT}")
            before, after = repainted(shown)
            assert before == after
            left(shown)

    assert grown < MORE_MEMORY
    assert len(shown.sent) < 300_000


def test_a_window_that_takes_nothing_is_left_within_moments_and_given_back_clean(
    window: Open,
) -> None:
    talk = Rule(phase="execute", reply=Reply(text=LINES, chunk=200, delay_ms=20))
    with ModelServer([talk], check=False) as server:
        shown = started(window, server, *FREE)
        with wire_to(shown) as wire:
            shown.until("of a long answer")
            wire.stopped.set()
            overfill(shown)
            shown.type("\x03\x03")
            assert shown.child.wait(DEADLINE_S) == 130
            wire.widen()
            while shown.read(0.3):
                pass

        assert shown.modes == []
        assert shown.is_cooked
        assert re.findall(r"\x1b\[\d+;\d+H", shown.left_behind) == []  # no piece of a frame


def overfill(shown: Window) -> None:
    """Have the app paint until its terminal takes no more, and once again."""
    end = time.monotonic() + DEADLINE_S
    screen = os.open(f"/proc/{shown.child.pid}/fd/1", os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK)
    try:
        while True:
            is_full = not select.select([], [screen], [], 0)[1]
            shown.type("\x0c")
            select.select([], [], [], FRAME_S)
            if is_full:
                return
            assert time.monotonic() < end
    finally:
        os.close(screen)


def test_a_storm_of_sizes_while_an_answer_streams_ends_in_the_right_frame(window: Open) -> None:
    talk = Rule(phase="execute", turn=3, reply=Reply(text=LINES, chunk=100, delay_ms=2))
    with ModelServer([*mending()[:2], talk, *mending()[3:]]) as server:
        shown = started(window, server, *FREE)
        shown.until("of a long answer")
        for width in (*range(21, 140, 2), 72):
            resize(shown, width, 10 + width % 30 if width != 72 else 20)
            shown.type("x")
        over(shown)
        shown.until(LAST)
        shown.until("x" * 61)
        before, after = repainted(shown)

        assert before == after
        assert "─" * 72 in after
        left(shown)


def test_a_window_that_was_made_small_and_large_again_is_painted_whole(window: Open) -> None:
    shown = window("--trust-project")
    shown.until("Say what should be true")
    shown.type(DRAFT)
    shown.until(DRAFT)
    before = shown.text

    shown.screen.resize(30, 8)
    shown.screen.resize(80, 24)  # so soon that the program sees one size only
    shown.screen.feed("\x1b[2J")
    shown.child.send_signal(signal.SIGWINCH)

    shown.until(lambda: shown.text == before)


def test_a_megabyte_that_was_pasted_comes_whole_to_the_editor(tmp_path: Path, window: Open) -> None:
    text = "0123456789 äöü 日本語\n" * 40_000
    kept = tmp_path / "kept.md"
    editor = tmp_path / "editor"
    editor.write_text(f'#!/bin/sh\ncp "$1" {kept}\n')
    editor.chmod(0o755)
    shown = window("--trust-project", EDITOR=str(editor))
    shown.until(lambda: b"\x1b[?2031h" in shown.sent)

    shown.type("\x1b[200~" + text.replace("\n", "\r") + "\x1b[201~")
    shown.until("[paste 1: 40001 lines]")
    shown.type("!")
    shown.until("lines]!")
    shown.type("\x07")

    shown.until(kept.exists)
    assert len(text.encode()) > 1_000_000
    wanted = hashlib.sha256(f"{text}!".encode()).hexdigest()
    assert hashlib.sha256(kept.read_bytes()).hexdigest() == wanted


@pytest.mark.parametrize("by", ["the model", "the person"])
def test_a_command_that_prints_far_too_much_is_shown_by_its_end(window: Open, by: str) -> None:
    command = f"yes 0123456789abcde | head -c {LOUD_BYTES}; echo; echo the very e''nd"
    loud = Reply(tool_calls=(Call(name="Bash", arguments={"command": command}),))
    with ModelServer([Rule(phase="execute", turn=1, reply=loud), *_after()], check=False) as server:
        if by == "the model":
            shown = started(window, server, *FREE)
            shown.until("starting")
        else:
            shown = window(*FREE)
            shown.until("Say what should be true")
            shown.type(f"!{command}\r")
        shown.type(DRAFT)
        shown.until(f"❯ {DRAFT}")
        shown.until("the very end")
        if by == "the model":
            shown.until("■ shipped")
        peak = memory_kib(shown, "VmHWM")
        left(shown)

    assert peak < MOST_MEMORY


def _after() -> list[Rule]:
    rules = mending()
    return [
        Rule(phase="execute", turn=2, reply=rules[1].reply),  # type: ignore[union-attr]
        Rule(phase="execute", reply=Reply(text="It adds now.")),
        Rule(phase="ship", reply=Reply(text="It adds now.")),
    ]
