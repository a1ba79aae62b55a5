"""What people do with the app, done in tmux: real shell, real runs, the screen read back."""

import os
import re
import select
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from journey import ProjectFolder
from m31a_providers.testing import ModelServer, Reply, Rule
from panes import DEADLINE_S, WHY_NOT, Pane, has_tmux, pane_in
from scripted import BROKEN, MENDED, TEST, mending, write
from six_phases import GOAL, NOTE, PRODUCT, TYPO, planned
from window import MODEL_NAMED

pytestmark = pytest.mark.skipif(not has_tmux(), reason=WHY_NOT)

FREE = ("--trust-project", "--permissions", "allow_all")
OpenPane = Callable[..., Pane]


@pytest.fixture
def broken(tmp_path: Path, environment: dict[str, str]) -> ProjectFolder:
    files = {"sums.py": BROKEN, "test_sums.py": TEST}
    return ProjectFolder.create(tmp_path / "work", environment, files)


@pytest.fixture
def pane_of() -> Iterator[OpenPane]:
    """`pane_of(project)`: a pane in its folder, 100 columns by 30 rows."""
    with ExitStack() as stack:

        def opened(project: ProjectFolder, **variables: str) -> Pane:
            env = {**project.environment, **MODEL_NAMED, **variables}
            return stack.enter_context(pane_in(project.path, env, columns=100, rows=30))

        yield opened


def model(server: ModelServer) -> tuple[str, ...]:
    return ("--base-url", server.base_url, "--model", "any")


def left(pane: Pane) -> str:
    """Leave the app; what the shell shows then."""
    pane.press("C-d")
    return pane.prompt()


def test_a_plan_is_refined_approved_carried_out_and_shipped(
    broken: ProjectFolder, pane_of: OpenPane
) -> None:
    pane = pane_of(broken)
    with ModelServer(planned()) as server:
        pane.run(GOAL, "--mode", "full", *FREE, *model(server))
        pane.until("version 1", "Write TEXT.md", "a approve")
        pane.press("r")
        pane.until("what should be different?")
        pane.type(NOTE)
        pane.press("Enter")
        pane.until("version 2", "Write NOTES.md", "a approve")
        pane.press("a")
        shown = pane.until("■ shipped  verified", "add() adds, and NOTES.md says so.")
        assert "2 files" in shown or "NOTES.md  +1 -0" in shown
        kept = left(pane)

    assert "■ shipped" in kept
    assert pane.fact("alternate_on") == "0"
    assert (broken.read("sums.py"), broken.read("NOTES.md")) == (MENDED, "add() adds.\n")
    assert "M31A-Verdict: verified" in broken.git("log", "-1", "--format=%B")
    assert broken.git("status", "--porcelain") == ""


def test_a_call_is_denied_with_a_reason_and_the_next_one_allowed(
    broken: ProjectFolder, pane_of: OpenPane
) -> None:
    pane = pane_of(broken)
    script = [
        Rule(phase="execute", turn=1, reply=write("sums.py", PRODUCT)),
        Rule(phase="execute", contains="a sum, not", reply=write("sums.py", MENDED)),
        Rule(phase="execute", reply=Reply(text="add() returns the sum now.")),
    ]
    with ModelServer(script) as server:
        pane.run(GOAL, "--mode", "direct", "--trust-project", *model(server))
        asked = pane.until("FileWrite wants to run", "it is put off")
        assert "return a * b" in asked
        pane.press("n")
        pane.until("why not?")
        pane.type("a sum, not a product")
        pane.press("Enter")
        pane.until("return a + b", "it is put off")
        assert broken.read("sums.py") == BROKEN
        pane.press("y")
        pane.until("■ shipped  verified")

    assert broken.read("sums.py") == MENDED


def test_a_task_that_does_not_parse_is_healed_before_eyes(
    broken: ProjectFolder, pane_of: OpenPane
) -> None:
    pane = pane_of(broken)
    mended = Reply(tool_calls=write("sums.py", MENDED).tool_calls, hold="heal")
    held = Rule(phase="heal", turn=1, reply=mended)
    with ModelServer([held, *planned(TYPO)]) as server:
        server.hold("heal")
        pane.run(GOAL, "--mode", "fast", *FREE, *model(server))
        pane.until("healing, try 1")
        server.release("heal")
        pane.until("■ shipped  verified")

    assert broken.read("sums.py") == MENDED


def test_what_stays_red_is_kept_on_its_branch_and_nothing_is_landed(
    broken: ProjectFolder, pane_of: OpenPane
) -> None:
    pane = pane_of(broken)
    before = broken.state()
    with ModelServer(mending(PRODUCT)) as server:
        pane.run(GOAL, *FREE, *model(server))
        shown = pane.until("■ failed  failed")
        pane.type("/verify")
        pane.press("Enter")
        pane.until("the changes")
        pane.press("Down", "Down", "Down")
        evidence = pane.until("FAIL: test_add")
        pane.press("Escape")
        pane.until("❯")
        left(pane)

    branch = re.search(r"on (m31a/\S+)", shown)
    assert branch is not None
    assert "python3 -m unittest" in evidence
    assert broken.state() == before
    assert "return a * b" in broken.git("show", f"{branch[1]}:sums.py")


def test_a_run_that_was_killed_is_taken_up_where_it_stood(
    broken: ProjectFolder, pane_of: OpenPane
) -> None:
    pane = pane_of(broken)
    with ModelServer(planned()) as server:
        pane.run(GOAL, "--mode", "full", *FREE, *model(server))
        pane.until("version 1", "a approve")
        kill(app_in(pane))
        pane.type("stty sane; tput rmcup; clear")
        pane.press("C-j")
        pane.prompt()
        pane.run("--resume", "--mode", "full", *FREE, *model(server))
        pane.until("version 1", "a approve")
        pane.press("a")
        pane.until("■ shipped")
        planned_again = [seen for seen in server.requests if seen.labels.get("phase") == "plan"]

    assert len(planned_again) == 1
    assert broken.read("sums.py") == MENDED


def kill(process: int) -> None:
    """End a process at once; return when it is gone. What the shell says may stand anywhere."""
    handle = os.pidfd_open(process)
    try:
        os.kill(process, signal.SIGKILL)
        assert select.select([handle], [], [], DEADLINE_S)[0]
    finally:
        os.close(handle)


def app_in(pane: Pane) -> int:
    """The process id of the app, the shell's only child."""
    shell = pane.fact("pane_pid")
    children = Path(f"/proc/{shell}/task/{shell}/children").read_text().split()
    return int(children[0])


def test_escape_stops_the_run_and_keeps_what_was_being_written(
    broken: ProjectFolder, pane_of: OpenPane
) -> None:
    pane = pane_of(broken)
    before = broken.state()
    talk = Rule(phase="execute", reply=Reply(text="Let me think. " * 3, hold="think"))
    with ModelServer([talk], check=False) as server:
        server.hold("think")
        pane.run(GOAL, "--mode", "direct", *FREE, *model(server))
        pane.until("execute ")
        pane.type("and after that, a changelog")
        pane.until("❯ and after that, a changelog")
        pane.press("Escape")
        shown = pane.until("■ interrupted")
        server.release("think")

    assert "❯ and after that, a changelog" in shown
    assert broken.state() == before


def test_ctrl_z_and_fg_are_the_shells(broken: ProjectFolder, pane_of: OpenPane) -> None:
    pane = pane_of(broken)
    pane.run("--trust-project")
    pane.until("Say what should be true")
    pane.type("half a goal")
    pane.until("❯ half a goal")

    pane.press("C-z")
    pane.prompt()
    assert pane.fact("alternate_on") == "0"
    pane.type("echo $((20 + 3)); fg")
    pane.press("Enter")

    pane.until("❯ half a goal")
    pane.type(" more")
    pane.until("❯ half a goal more")
    pane.press("C-c")
    assert "23" in left(pane)


def test_the_first_run_knows_no_provider_and_the_demo_is_one_key_away(
    broken: ProjectFolder, pane_of: OpenPane
) -> None:
    pane = pane_of(broken, M31A_MODEL_DEFAULT="")
    pane.run()
    pane.until("Who answers?", "d see the demo instead")
    pane.type("d")
    pane.until("a approve")
    pane.type("a")
    pane.until("■ shipped  verified")
    kept = left(pane)

    assert "■ shipped" in kept
    assert broken.git("status", "--porcelain") == ""


def test_a_storm_of_sizes_in_mid_run_loses_nothing(
    broken: ProjectFolder, pane_of: OpenPane
) -> None:
    pane = pane_of(broken)
    with ModelServer(planned()) as server:
        pane.run(GOAL, "--mode", "full", *FREE, *model(server))
        pane.until("a approve")
        for columns, rows in ((40, 12), (200, 60), (20, 6), (132, 43), (80, 24)):
            pane.tmux("resize-window", "-x", str(columns), "-y", str(rows))
        narrow = pane.until("a approve", "Write sums.py")
        pane.press("a")
        shown = pane.until("■ shipped")

    assert max(map(len, narrow.splitlines())) <= 80
    assert "─" * 80 in shown
    assert "─" * 81 not in shown


def test_a_megabyte_pasted_by_tmux_is_one_marker_in_a_prompt_that_goes_on(
    broken: ProjectFolder, pane_of: OpenPane
) -> None:
    pane = pane_of(broken)
    pane.run("--trust-project")
    pane.until("Say what should be true")
    pane.tmux("load-buffer", "-", stdin="0123456789abcde\n" * 65_536)

    pane.tmux("paste-buffer", "-p")

    pane.until("[paste 1: 65537 lines]")
    pane.type("!")
    pane.until("lines]!")
    pane.press("C-c")
    pane.until("what should be true when it is done?")
    left(pane)
