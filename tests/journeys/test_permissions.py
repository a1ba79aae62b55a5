"""What a model may do without a person: nothing but what the mode says."""

import json

import pytest

from journey import Ended, ProjectFolder, headless
from m31a_providers.testing import ModelServer, Reply, Rule
from scripted import GOAL, MENDED, shell, write


def commanding(command: str) -> list[Rule | Reply | str]:
    """A model that runs a command, then does its work."""
    return [
        Rule(phase="execute", turn=1, reply=shell(command)),
        Rule(phase="execute", turn=2, reply=write("sums.py", MENDED)),
        Rule(phase="execute", reply=Reply(text="Done.")),
    ]


def run(project: ProjectFolder, server: ModelServer, *words: str, verb: str = "run") -> Ended:
    """A run of the goal, or the verb that goes on with it, in a trusted project."""
    goal = (GOAL,) if verb == "run" else ()
    words = ("--base-url", server.base_url, "--model", "any", "--trust-project", *words)
    return headless(verb, *goal, *words, cwd=project.path, env=project.environment)


def results(server: ModelServer) -> list[str]:
    """The tool results that the model was told."""
    last = server.requests[-1].body
    assert isinstance(last, dict)
    return [str(message["content"]) for message in last["messages"] if message["role"] == "tool"]


def test_in_mode_rules_a_command_that_is_no_check_does_not_run(broken: ProjectFolder) -> None:
    mark = broken.path.parent / "mark"
    with ModelServer(commanding(f"touch '{mark}'")) as server:
        run(broken, server, "--permissions", "rules").expect(0)
        told = results(server)

    assert not mark.exists()
    assert "no rule allows" in told[0]


def test_in_mode_rules_the_projects_own_check_runs(broken: ProjectFolder) -> None:
    with ModelServer(commanding("python3 -m unittest discover")) as server:
        ended = run(broken, server, "--permissions", "rules", "--output", "json").expect(0)
        told = results(server)

    commands = {c["name"]: c["command"] for c in json.loads(ended.stdout)["verification"]["checks"]}
    assert commands["test"].startswith("python3 -m unittest")
    if commands["test"] == "python3 -m unittest discover":
        assert "FAILED" in told[0]


@pytest.mark.parametrize("path", ["../outside.txt", "/etc/m31a-test", ".git/hooks/pre-commit"])
def test_file_tools_do_not_leave_the_work_tree(broken: ProjectFolder, path: str) -> None:
    script = commanding("true")
    script[0] = Rule(phase="execute", turn=1, reply=write(path, "x"))
    with ModelServer(script) as server:
        run(broken, server).expect(0)

    assert not (broken.path.parent / "outside.txt").exists()
    assert not (broken.path / ".git" / "hooks" / "pre-commit").exists()


def test_mode_defer_waits_and_the_session_goes_on_when_it_is_allowed(
    broken: ProjectFolder,
) -> None:
    with ModelServer(commanding("echo hello")) as server:
        waiting = run(broken, server, "--permissions", "defer", "--output", "json").expect(3)
        assert json.loads(waiting.stdout)["outcome"] == "waiting"

        run(broken, server, "--permissions", "allow_all", verb="resume").expect(0)
        told = results(server)

    assert "hello" in told[0]
    assert broken.read("sums.py") == MENDED


def test_git_commit_is_refused_with_the_reason(broken: ProjectFolder) -> None:
    with ModelServer(commanding("git commit -am mine")) as server:
        run(broken, server, "--permissions", "allow_all").expect(0)
        assert "commit" in results(server)[0]
    assert broken.git("rev-list", "--count", "HEAD") == "2"
