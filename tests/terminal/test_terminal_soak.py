"""A long day in one window: run after run, and nothing in the app grows but the conversation."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import pytest

from journey import ProjectFolder
from m31a_providers.testing import Call, ModelServer, Reply, Rule
from scripted import FREE, MENDED, TEST
from window import Open, Window, windows_on

RUNS = int(os.environ.get("M31A_CAMPAIGN", "2"))
TURNS = 50 if "M31A_CAMPAIGN" in os.environ else 8
WORDS = (
    "The parser *accepts* an empty line; now it **says so**, 日本語 and 🙂 as they are.\n\n"
    "- one thing\n- another\n\n```python\nx = parse('')\n```\n\n"
) * 30
"""What is said in a turn: some five kilobytes."""
BYTES_A_LETTER = 4
"""What Python takes for a text with an emoji in it; the conversation is kept whole."""
SPARE_BYTES = 12_000_000
MOST_DEARER = 1.5
"""How much dearer a run may be than an early one: a busy machine's share included."""
TICKS_PER_S = os.sysconf("SC_CLK_TCK")


@pytest.fixture
def project(tmp_path: Path, environment: dict[str, str]) -> ProjectFolder:
    files = {"sums.py": MENDED, "test_sums.py": TEST}
    return ProjectFolder.create(tmp_path / "work", environment, files)


@pytest.fixture
def window(tmp_path: Path, project: ProjectFolder) -> Iterator[Open]:
    with windows_on(project.path, tmp_path / "home") as opened:
        yield opened


def working(run: int) -> Iterator[Rule]:
    """A run that talks and writes for many turns."""
    for turn in range(TURNS):
        written: dict[str, object] = {"path": "NOTES.md", "content": f"run {run}, note {turn}\n"}
        call = Call(name="FileWrite", arguments=written)
        said = Reply(text=f"{run}.{turn} {WORDS}", tool_calls=(call,), chunk=64)
        yield Rule(phase="execute", times=1, reply=said)
    yield Rule(phase="execute", times=1, reply=Reply(text=f"Run {run} is done."))


def memory_kib(shown: Window) -> int:
    found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{shown.child.pid}/status").read_text())
    assert found is not None
    return int(found[1])


def cpu_s(shown: Window) -> float:
    fields = Path(f"/proc/{shown.child.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_S


def test_run_after_run_in_one_window_costs_what_the_first_ones_did(
    project: ProjectFolder, window: Open
) -> None:
    rules = [rule for run in range(RUNS) for rule in working(run)]
    rules.append(Rule(phase="ship", reply=Reply(text="")))
    memory: list[int] = []
    spent = [0.0]
    with ModelServer(rules, keep_bodies=False) as server:
        options = ("--mode", "direct", "--max-turns", str(TURNS + 5), "--model", "any")
        shown = window(*options, *FREE, "--base-url", server.base_url)
        shown.until("Say what should be true")
        for run in range(RUNS):
            shown.type(f"write note {run}\r")
            shown.until(f"Run {run} is done.")
            shown.until("ready │")
            memory.append(memory_kib(shown))
            spent.append(cpu_s(shown) - sum(spent))
            shown.type(f"draft {run}")
            shown.until(f"❯ draft {run}")
            shown.type("\x15")
        shown.type("\x04")
        assert shown.ended() == 0

    assert shown.modes == []
    assert project.git("rev-list", "--count", "HEAD") == str(1 + RUNS)
    warm = RUNS // 4
    said = (RUNS - 1 - warm) * TURNS * len(WORDS) * BYTES_A_LETTER
    assert (memory[-1] - memory[warm]) * 1024 < 1.5 * said + SPARE_BYTES
    if RUNS >= 8:
        early, late = median(spent[2 : RUNS // 2]), median(spent[RUNS // 2 :])
        assert late < MOST_DEARER * early
