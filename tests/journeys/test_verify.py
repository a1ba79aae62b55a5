"""Verify in whole runs: what broke a check is named, and what is asked of coverage is looked at."""

import json
import sys
from pathlib import Path

import pytest

from attack import BAD, CASES, GOOD, UNITTEST, with_pytest
from calling import called
from journey import Ended, ProjectFolder
from m31a_providers.testing import ModelServer, Reply, Rule
from scripted import write

TASKS = 6
FAULTY = 3


def six_tasks() -> str:
    """A plan of tasks one after another; the third works on what the tests test."""
    tasks = [
        {
            "id": number,
            "action": "Modify",
            "description": f"Do part {number}",
            "dependencies": [number - 1] if number > 1 else [],
            "files": [path_of(number)],
            "acceptance_criteria": [f"{path_of(number)} exists"],
        }
        for number in range(1, TASKS + 1)
    ]
    return f"# Parts\n\n## Summary\nSix.\n\n## Task List\n```json\n{json.dumps(tasks)}\n```\n"


def path_of(number: int) -> str:
    return "sums.py" if number == FAULTY else f"part{number}.py"


def model() -> list[Rule | Reply | str]:
    """Six tasks, one of which breaks add(); then it is mended."""
    work = [
        Rule(
            phase="execute",
            task=str(number),
            turn=1,
            reply=write(path_of(number), BAD if number == FAULTY else f"PART = {number}\n"),
        )
        for number in range(1, TASKS + 1)
    ]
    return [
        Rule(phase="discuss", reply=Reply(text="Nothing to ask.")),
        Rule(phase="plan", reply=Reply(text=six_tasks())),
        *work,
        Rule(phase="heal", turn=1, reply=write("sums.py", GOOD)),
        Rule(reply=Reply(text="Done.")),
    ]


def run(project: ProjectFolder, server: ModelServer, *words: str) -> Ended:
    address = ("--base-url", server.base_url, "--model", "any")
    return called("run", *words, *address, cwd=project.path, env=project.environment)


def test_a_fault_of_task_3_of_6_is_found_and_told_to_who_mends_it(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    project = ProjectFolder.create(tmp_path / "project", environment, UNITTEST)
    with ModelServer(model()) as server:
        ended = run(project, server, "do six parts", "--mode", "full", "--output", "stream-json")
        asked = [json.dumps(seen.body) for seen in server.requests]

    events = [json.loads(line)["event"] for line in ended.stdout.splitlines()]
    report = events[-1]["report"]
    faulty = report["tasks"][FAULTY - 1]["commit"]
    found = [event["culprit"] for event in events if event["type"] == "culprit.found"]
    assert [(one["check"], one["task_id"], one["commit"]) for one in found] == [
        ("test", FAULTY, faulty)
    ]
    assert f"test is red from task 3, {faulty[:12]} on: Do part 3" in ended.stderr
    assert any(f"green before commit {faulty[:12]} (task 3: Do part 3)" in text for text in asked)
    ended.expect(0)
    assert report["verification"]["verdict"] == "verified"
    assert project.read("sums.py") == GOOD
    assert project.read("part6.py") == "PART = 6\n"


LONGER = (
    GOOD + "\n\ndef unused(a):\n    if a:\n        return 1\n    return 2\n\n\n"
    "def unused_too(a):\n    while a:\n        a -= 1\n    return a\n"
)
TESTED = CASES.replace("import add", "import add, unused, unused_too") + (
    "\n    def test_unused(self):\n        self.assertEqual([1, 2], [unused(1), unused(0)])\n"
    "        self.assertEqual(0, unused_too(2))\n"
)


@pytest.mark.parametrize("tested", [True, False], ids=["tested", "not tested"])
def test_what_the_tests_do_not_run_is_red_where_coverage_is_asked_for(
    tmp_path: Path, environment: dict[str, str], tested: bool
) -> None:
    environment = with_pytest(environment, Path(sys.executable).parent)
    project = ProjectFolder.create(tmp_path / "project", environment, UNITTEST)
    home = Path(environment["M31A_HOME"])
    home.mkdir()
    (home / "config.toml").write_text("[verify]\ncoverage_min = 90\n", encoding="utf-8")
    work = [Rule(phase="execute", turn=1, reply=write("sums.py", LONGER))]
    work += [Rule(phase="execute", turn=2, reply=write("test_sums.py", TESTED))] if tested else []
    with ModelServer([*work, Rule(reply=Reply(text="Done."))]) as server:
        ended = run(project, server, "add two functions", "--mode", "fast", "--output", "json")
        asked = [json.dumps(seen.body) for seen in server.requests]

    report = json.loads(ended.stdout)
    (gate,) = [one for one in report["verification"]["checks"] if one["name"] == "coverage"]
    if tested:
        ended.expect(0)
        assert gate["status"] == "passed"
        assert gate["note"] == "100 % covered, 90 % are asked for"
        assert "M31A-Check: coverage; exit=0; 3 passed" in project.git("log", "-1", "--format=%B")
        proof = called("verify", "--trust-project", cwd=project.path, env=project.environment)
        proof.expect(0)
    else:
        ended.expect(1)
        assert gate["status"] == "failed"
        assert "100 % on the base" in gate["note"]
        assert any("% are asked for" in text for text in asked), "who mends it is told why"
