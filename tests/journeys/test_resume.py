"""A run that is killed goes on: nothing asked twice, nothing done twice."""

import json
import signal
from collections import Counter
from pathlib import Path

import pytest

from calling import called
from dying import dies
from journey import ProjectFolder, ended, headless, script, started
from m31a_providers.testing import Call, ModelServer, Reply, Rule
from scripted import FREE, GOAL, MENDED, mending

STEPS = [
    Rule(
        phase="execute",
        turn=1,
        reply=Reply(tool_calls=(Call(name="FileRead", arguments={"path": "sums.py"}),)),
    ),
    Rule(
        phase="execute",
        turn=2,
        reply=Reply(
            hold="second",
            tool_calls=(Call(name="FileWrite", arguments={"path": "sums.py", "content": MENDED}),),
        ),
    ),
    Rule(phase="execute", turn=3, reply=Reply(hold="third", text="add() returns the sum now.")),
]


def words(project: ProjectFolder, server: str) -> tuple[str | Path, ...]:
    return (
        "--project",
        project.path,
        "--base-url",
        server,
        "--model",
        "any",
        "--output",
        "json",
        *FREE,
    )


def test_a_kill_during_execute_is_resumed_without_asking_a_finished_turn_again(
    broken: ProjectFolder,
) -> None:
    with ModelServer(STEPS) as server:
        server.hold("second")
        program = (script("m31a-headless"), "run", GOAL, *words(broken, server.base_url))
        with started(*program, cwd=broken.path, env=broken.environment) as process:
            server.wait_held("second", timeout_s=30)
            process.kill()
            process.wait(timeout=30)
        server.release("second")

        resumed = headless(
            "resume", *words(broken, server.base_url), cwd=broken.path, env=broken.environment
        ).expect(0)
        asked = Counter(seen.asked.turn for seen in server.requests)

    assert asked == Counter({1: 1, 2: 2, 3: 1})
    report = json.loads(resumed.stdout)
    assert report["verification"]["verdict"] == "verified"
    assert report["commit"] == broken.head
    assert broken.read("sums.py") == MENDED
    ledger = (Path(broken.environment["M31A_HOME"]) / "LEDGER.md").read_text(encoding="utf-8")
    assert ledger.count(report["session"]) == 1


@pytest.mark.parametrize("syncs", [3, 12, 24])
def test_a_full_disk_ends_the_run_in_plain_words_and_it_goes_on_later(
    broken: ProjectFolder, syncs: int
) -> None:
    before = broken.state()
    with ModelServer(mending()) as server:
        options = [str(word) for word in words(broken, server.base_url)]
        stopped = dies(broken, "full", syncs, "run", GOAL, *options).expect(1)
        untouched = broken.state()
        resumed = called("resume", *options, cwd=broken.path, env=broken.environment).expect(0)

    report = json.loads(stopped.stdout)
    assert report["outcome"] == "failed"
    assert "No space left on device" in report["error"]["message"]
    assert "resume the session" in report["error"]["remedy"]
    assert untouched == before
    assert json.loads(resumed.stdout)["session"] == report["session"]
    assert broken.read("sums.py") == MENDED


def test_an_interrupt_ends_in_130_and_the_session_goes_on(broken: ProjectFolder) -> None:
    with ModelServer(STEPS) as server:
        server.hold("third")
        program = (script("m31a-headless"), "run", GOAL, *words(broken, server.base_url))
        with started(*program, cwd=broken.path, env=broken.environment) as process:
            server.wait_held("third", timeout_s=30)
            process.send_signal(signal.SIGINT)
            stopped = ended(process)
        server.release("third")
        assert stopped.exit_code == 130, stopped.stderr
        assert json.loads(stopped.stdout)["outcome"] == "interrupted"
        assert "Traceback" not in stopped.stderr

        headless(
            "resume", *words(broken, server.base_url), cwd=broken.path, env=broken.environment
        ).expect(0)

    assert broken.read("sums.py") == MENDED


def test_a_finished_session_cannot_be_resumed(broken: ProjectFolder) -> None:
    with ModelServer(STEPS) as server:
        run = headless(
            "run", GOAL, *words(broken, server.base_url), cwd=broken.path, env=broken.environment
        ).expect(0)
        session = json.loads(run.stdout)["session"]
        again = headless(
            "resume",
            session,
            *words(broken, server.base_url),
            cwd=broken.path,
            env=broken.environment,
        ).expect(2)
    assert "has ended" in again.stderr


def test_two_sessions_of_one_project_do_not_run_at_once(broken: ProjectFolder) -> None:
    with ModelServer(STEPS) as server:
        server.hold("second")
        program = (script("m31a-headless"), "run", GOAL, *words(broken, server.base_url))
        with started(*program, cwd=broken.path, env=broken.environment) as process:
            server.wait_held("second", timeout_s=30)
            second = headless(
                "run",
                GOAL,
                *words(broken, server.base_url),
                cwd=broken.path,
                env=broken.environment,
            ).expect(2)
            assert f"process {process.pid}" in second.stderr
            server.release("second")
            assert ended(process).exit_code == 0


def test_a_folder_of_our_own_that_cannot_be_written_starts_nothing(broken: ProjectFolder) -> None:
    before, home = broken.state(), Path(broken.environment["M31A_HOME"])
    home.mkdir()
    (home / "projects").write_text("a file in the way")
    with ModelServer(STEPS, check=False) as server:
        options = [str(word) for word in words(broken, server.base_url)]
        said = called("run", GOAL, *options, cwd=broken.path, env=broken.environment).expect(2)
        assert not server.requests
    assert f"{home} cannot be written: Not a directory; free disk space, or set M31A" in said.stderr
    assert broken.state() == before
