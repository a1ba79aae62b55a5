"""SIGKILL at every place where something has just been, or is about to be, written down."""

import json
import os
import signal
import sys
from collections import Counter
from pathlib import Path

import pytest

from journey import ProjectFolder, headless, run_program
from m31a_providers.testing import Call, ModelServer, Reply, Rule
from scripted import BROKEN, FREE, GOAL, MENDED, TEST

POINTS = 22
"""An uninterrupted run of the script below syncs its journal about so often."""
DEFAULT_CASES = 8

DIES = """
import os, signal, sys
real, left, early = os.fdatasync, [int(sys.argv[1])], sys.argv[2] == "before"
def dying(descriptor):
    left[0] -= 1
    if left[0] == 0 and early:
        os.kill(os.getpid(), signal.SIGKILL)
    real(descriptor)
    if left[0] == 0:
        os.kill(os.getpid(), signal.SIGKILL)
os.fdatasync = dying
from m31a_headless.cli import main
sys.exit(main(sys.argv[3:]))
"""

SCRIPT = [
    Rule(
        phase="execute",
        turn=1,
        reply=Reply(
            tool_calls=(
                Call(name="FileRead", arguments={"path": "sums.py"}),
                Call(name="FileRead", arguments={"path": "test_sums.py"}),
            )
        ),
    ),
    Rule(
        phase="execute",
        turn=2,
        reply=Reply(
            tool_calls=(Call(name="FileWrite", arguments={"path": "sums.py", "content": MENDED}),)
        ),
    ),
    # A write that was cut off is looked at, then made again: as a sensible model would.
    Rule(
        phase="execute",
        contains="was stopped while this call ran",
        reply=Reply(
            tool_calls=(Call(name="FileWrite", arguments={"path": "sums.py", "content": MENDED}),)
        ),
    ),
    Rule(phase="execute", reply=Reply(text="add() returns the sum now.")),
]


def cases() -> list[tuple[int, str]]:
    every = [(point, when) for point in range(1, POINTS + 1) for when in ("before", "after")]
    wanted = int(os.environ.get("M31A_CAMPAIGN", DEFAULT_CASES))
    step = max(1, len(every) // wanted)
    return every[::step]


@pytest.mark.parametrize(("point", "when"), cases())
def test_a_killed_run_ends_as_an_uninterrupted_one(
    tmp_path: Path, environment: dict[str, str], point: int, when: str
) -> None:
    project = ProjectFolder.create(
        tmp_path / "project", environment, {"sums.py": BROKEN, "test_sums.py": TEST, "o.txt": "o\n"}
    )
    project.write("o.txt", "staged\n")
    project.git("add", "o.txt")
    project.write("o.txt", "changed again\n")
    project.write("mine.txt", "untracked\n")
    before = project.state()
    with ModelServer(SCRIPT) as server:
        words = ("--base-url", server.base_url, "--model", "any", "--output", "json", *FREE)
        first = run_program(
            sys.executable,
            "-c",
            DIES,
            str(point),
            when,
            "run",
            GOAL,
            *words,
            cwd=project.path,
            env=environment,
        )
        if first.exit_code == -signal.SIGKILL:
            second = headless("resume", *words, cwd=project.path, env=environment)
            if second.exit_code == 2:  # killed before the session stood, or after its end
                assert "session" in second.stderr
                if project.read("sums.py") == BROKEN:
                    headless("run", GOAL, *words, cwd=project.path, env=environment).expect(0)
            else:
                second.expect(0)
        else:
            first.expect(0)
        asked = Counter(
            (seen.labels.get("session"), seen.asked.turn)
            for seen in server.requests
            if seen.finished
        )

    assert project.read("sums.py") == MENDED
    assert project.git("rev-list", "--count", "HEAD") == "2"
    assert project.run("python3", "-B", "-m", "unittest").exit_code == 0
    after = project.state()
    assert after.stash == before.stash
    assert {**before.files, "sums.py": after.files["sums.py"]} == dict(after.files)
    assert project.git("diff", "--cached", "--name-only") == "o.txt"
    ledger = (Path(environment["M31A_HOME"]) / "LEDGER.md").read_text(encoding="utf-8")
    session = project.git("log", "-1", "--format=%(trailers:key=M31A-Session,valueonly)").strip()
    assert ledger.count(session) == 1
    assert not (project.path / ".git" / "index.lock").exists()
    # At most the one turn that was cut off is asked for twice.
    assert sum(count - 1 for count in asked.values()) <= 1, json.dumps(
        {str(key): count for key, count in asked.items()}
    )
