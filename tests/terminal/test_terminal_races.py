"""Keys that were meant for something else."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from journey import ProjectFolder
from m31a_providers.testing import ModelServer, Reply, Rule
from scripted import BROKEN, GOAL, MENDED, TEST, write
from window import Open, windows_on

KEY_EVERY_S = 0.01


@pytest.fixture
def broken(tmp_path: Path, environment: dict[str, str]) -> ProjectFolder:
    files = {"sums.py": BROKEN, "test_sums.py": TEST}
    return ProjectFolder.create(tmp_path / "work", environment, files)


@pytest.fixture
def window(tmp_path: Path, broken: ProjectFolder) -> Iterator[Open]:
    with windows_on(broken.path, tmp_path / "home") as opened:
        yield opened


def test_a_key_typed_just_before_the_question_opens_does_not_answer_it(
    broken: ProjectFolder, window: Open
) -> None:
    held = Reply(tool_calls=write("sums.py", MENDED).tool_calls, hold="call")
    script = [
        Rule(phase="execute", turn=1, reply=held),
        Rule(phase="execute", reply=Reply(text="Done.")),
    ]
    with ModelServer(script, check=False) as server:
        server.hold("call")
        shown = window(
            GOAL, "--mode", "direct", "--trust-project", "--base-url", server.base_url
        )  # fmt: skip
        server.wait_held("call", timeout_s=20)
        server.release("call")
        typed = 0
        while "FileWrite wants to run" not in shown.text:  # a key every 10 ms until it is seen
            shown.type("y")
            typed += 1
            assert typed * KEY_EVERY_S < 20, shown.text
            end = time.monotonic() + KEY_EVERY_S
            while time.monotonic() < end:
                shown.read(KEY_EVERY_S)

        asked = shown.until("it is put off")  # its keys are unlocked, and it is still open

        assert "FileWrite wants to run" in asked
        assert broken.read("sums.py") == BROKEN
        shown.type("n")
        shown.until("why not?")
        shown.type("\x1b")
        shown.until("deny, say why")
        shown.type("\x1b")
        shown.until("❯ " + "y" * min(typed, 60))
