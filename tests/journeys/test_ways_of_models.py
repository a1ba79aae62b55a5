"""Models that ask, change their plan, forget their place or never stop, each in a whole run."""

import json
import shutil

import pytest

from attack import BAD, CASES, GOOD
from attacks_elsewhere import NODE
from calling import called
from journey import Ended, ProjectFolder
from m31a_providers.testing import Call, ModelServer, Reply, Rule
from scripted import GOAL, MENDED, TEST, write
from six_phases import NOTE, planned

Steps = list[Rule | Reply | str]


def run(project: ProjectFolder, steps: Steps, *words: str) -> tuple[Ended, list[str]]:
    """A run, and what the model was asked, request by request."""
    with ModelServer(steps) as server:
        address = ("--base-url", server.base_url, "--model", "any", "--output", "json")
        ended = called("run", GOAL, *words, *address, cwd=project.path, env=project.environment)
        asked = [json.dumps(seen.body, ensure_ascii=False) for seen in server.requests]
    return ended, asked


def test_questions_are_skipped_and_a_plan_is_refined_where_that_is_said(
    broken: ProjectFolder,
) -> None:
    answers = broken.path.parent / "answers.json"
    answers.write_text(json.dumps({"plan": f"refine: {NOTE}"}), encoding="utf-8")
    steps = planned()
    steps[0] = Rule(phase="discuss", reply=Reply(text="1. Which name for the file? - TEXT.md"))

    words = ("--mode", "full", "--no-questions", "--answers", str(answers))
    ended, asked = run(broken, steps, *words)

    report = json.loads(ended.expect(0).stdout)
    assert [task["files"] for task in report["tasks"]] == [["sums.py"], ["NOTES.md"]]
    assert not (broken.path / "TEXT.md").exists()
    assert broken.read("NOTES.md") == "add() adds.\n"
    assert sum(NOTE in text for text in asked) >= 1, "the planner was told"


def test_a_model_that_never_stops_is_stopped_by_its_turns_and_the_work_is_kept(
    broken: ProjectFolder,
) -> None:
    before = broken.state()
    more = [
        Rule(phase="execute", turn=turn, reply=write(f"notes{turn}.md", "more\n"))
        for turn in range(1, 20)
    ]

    ended, asked = run(broken, [*more], "--max-turns", "5", "--mode", "direct")

    report = json.loads(ended.expect(4).stdout)
    assert report["outcome"] == "limit"
    assert len(asked) == 5
    assert broken.state() == before

    go_on: Steps = [
        Rule(phase="execute", turn=6, reply=write("sums.py", MENDED)),
        Rule(reply=Reply(text="Done.")),
    ]
    with ModelServer(go_on) as server:
        words = ("--base-url", server.base_url, "--model", "any", "--max-turns", "50")
        called("resume", *words, cwd=broken.path, env=broken.environment).expect(0)
    assert broken.read("sums.py") == MENDED
    assert broken.read("notes5.md") == "more\n"


def test_a_model_that_goes_in_circles_is_warned_and_then_stopped(broken: ProjectFolder) -> None:
    look = Reply(tool_calls=(Call(name="FileRead", arguments={"path": "sums.py"}),))

    ended, asked = run(broken, [Rule(phase="execute", reply=look)], "--mode", "direct")

    assert ended.exit_code == 4
    assert 3 < len(asked) < 8
    assert any("made several times with the same result" in text for text in asked)


def test_a_model_that_takes_away_the_failing_test_ships_nothing(broken: ProjectFolder) -> None:
    broken.write("test_other.py", CASES.replace("from sums import add", "from operator import add"))
    broken.commit("Another test")
    before = broken.state()
    gone = Call(
        name="Bash",
        arguments={"command": "python3 -c 'import os; os.remove(\"test_sums.py\")'"},
    )
    steps: Steps = [
        Rule(phase="execute", turn=1, reply=Reply(tool_calls=(gone,))),
        Rule(reply=Reply(text="All tests pass now.")),
    ]

    ended, _ = run(broken, steps, "--mode", "direct")

    report = json.loads(ended.expect(1).stdout)
    found = {finding["kind"] for finding in report["findings"]}
    assert {"test-deleted", "fewer-tests"} <= found
    assert report["verification"]["verdict"] == "failed"
    assert broken.state() == before
    assert broken.read("test_sums.py") == TEST


def test_a_task_that_works_on_other_files_than_its_own_is_told(broken: ProjectFolder) -> None:
    steps = planned()
    steps.insert(0, Rule(phase="execute", task="1", turn=2, reply=write("other.py", "X = 1\n")))

    ended, _ = run(broken, steps, "--mode", "full")

    report = json.loads(ended.expect(0).stdout)
    told = {(one["kind"], one["path"]) for one in report["verification"]["findings"]}
    assert ("unpredicted-change", "other.py") in told
    assert ("unpredicted-change", "sums.py") not in told


@pytest.mark.parametrize("works", [True, False], ids=["good", "bad"])
def test_a_repository_of_several_languages_is_checked_in_each_of_its_folders(
    broken: ProjectFolder, works: bool
) -> None:
    if shutil.which("npm") is None:
        pytest.skip("npm is not installed: the web's tests cannot run")
    broken.git("rm", "--quiet", "sums.py", "test_sums.py")
    for name, text in {"setup.cfg": "", "sums.py": GOOD, "test_sums.py": CASES}.items():
        broken.write(f"api/{name}", text)
    for name, text in NODE.items():
        broken.write(f"web/{name}", text)
    broken.commit("Two projects")
    steps: Steps = [
        Rule(phase="execute", turn=1, reply=write("api/sums.py", GOOD + "\n" if works else BAD)),
        Rule(reply=Reply(text="Done.")),
    ]

    ended, _ = run(broken, steps, "--mode", "direct")

    ended.expect(0 if works else 1)
    checks = json.loads(ended.stdout)["verification"]["checks"]
    assert {check["name"]: check["passed"] for check in checks if check["behavioural"]} == {
        "test (api)": works,
        "test (web)": True,
    }
