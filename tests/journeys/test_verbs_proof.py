"""What is done with a run afterwards: its proof repeated, its tree rebuilt, its commit applied."""

import json

import pytest

from calling import called
from journey import Ended, ProjectFolder
from m31a_providers.testing import Call, ModelServer, Reply, Rule
from m31a_tools import Sandbox
from scripted import FREE, GOAL, MENDED, mending


def m31a(project: ProjectFolder, *words: str) -> Ended:
    return called(*words, cwd=project.path, env=project.environment)


def goal(project: ProjectFolder, verb: str, server: str, *words: str) -> dict[str, object]:
    """The report of a run that went well."""
    options = ("--base-url", server, "--model", "any", "--output", "json", *FREE)
    return dict(json.loads(m31a(project, verb, GOAL, *options, *words).expect(0).stdout))


@pytest.fixture
def shipped(broken: ProjectFolder) -> ProjectFolder:
    """A project in which a run has landed its commit."""
    with ModelServer(mending()) as server:
        goal(broken, "run", server.base_url)
    return broken


def test_the_proof_of_a_shipped_commit_holds_in_a_fresh_clone(shipped: ProjectFolder) -> None:
    shipped.git("clone", "--quiet", ".", "../clone")
    clone = ProjectFolder(shipped.path.parent / "clone", shipped.environment)

    untrusted = m31a(clone, "verify")
    shown = m31a(clone, "verify", "--show").expect(0)
    proof = json.loads(m31a(clone, "verify", "--trust-project", "--json").expect(0).stdout)

    confines = Sandbox.detect(clone.path.parent / "cache").works
    assert untrusted.exit_code == (0 if confines else 2), untrusted
    assert confines or "the folder is not trusted" in untrusted.stderr
    assert "test: python3 -m unittest" in shown.stdout
    assert proof["holds"]
    assert proof["tree"] == clone.git("rev-parse", "HEAD^{tree}")
    assert [check["same"] for check in proof["checks"]] == [True] * len(proof["checks"])
    assert clone.git("worktree", "list").count("\n") == 0
    assert clone.git("status", "--porcelain") == ""


def test_a_proof_that_was_forged_does_not_hold(shipped: ProjectFolder) -> None:
    message = shipped.git("log", "-1", "--format=%B")
    shipped.write("sums.py", "def add(a, b):\n    return 0\n")
    shipped.git("commit", "--quiet", "--all", "--amend", "--message", message)

    said = m31a(shipped, "verify", "--trust-project")

    assert said.exit_code == 1
    assert said.stdout.startswith("does not hold: ")
    assert "test: the commit says exit 0 (1 passed), now it is exit 1" in said.stdout


@pytest.mark.parametrize(
    ("told", "instead", "against"),
    [
        ("M31A-Check: test; ", "X-Check: test; ", "none of its checks shows behaviour"),
        ("; cmd=python3 -m unittest", "; cmd=true; python3 -m unittest", "cannot be read: test;"),
    ],
    ids=["a check left out", "a check that cannot be read"],
)
def test_a_check_that_is_missing_or_not_to_be_read_speaks_against_the_commit(
    shipped: ProjectFolder, told: str, instead: str, against: str
) -> None:
    message = shipped.git("log", "-1", "--format=%B")
    assert told in message
    shipped.git("commit", "--quiet", "--amend", "--message", message.replace(told, instead))

    said = m31a(shipped, "verify", "--trust-project")

    assert said.exit_code == 1
    assert said.stdout.startswith("does not hold: ")
    assert against in said.stdout


def test_evidence_of_another_kind_speaks_against_the_commit(shipped: ProjectFolder) -> None:
    kept = shipped.git("for-each-ref", "--format=%(refname)", "refs/m31a/evidence")
    shipped.git("update-ref", kept, "HEAD")

    said = m31a(shipped, "verify", "--trust-project")

    assert said.exit_code == 1
    assert "against   the evidence kept with the commit cannot be read" in said.stdout


def test_a_commit_without_a_proof_is_not_verified(project: ProjectFolder) -> None:
    said = m31a(project, "verify", "--trust-project")

    assert said.exit_code == 1
    assert "against   the commit carries no proof of a run" in said.stdout
    assert m31a(project, "verify", "nothing").exit_code == 2


def test_the_journal_of_a_session_rebuilds_its_very_tree(shipped: ProjectFolder) -> None:
    before = shipped.state()

    replayed = json.loads(m31a(shipped, "replay", "--json").expect(0).stdout)

    assert replayed["same"]
    assert replayed["tree"] == shipped.git("rev-parse", "HEAD^{tree}")
    assert [piece["calls"] for piece in replayed["pieces"]] == [1]
    assert shipped.state() == before
    assert shipped.git("worktree", "list").count("\n") == 0


def test_what_a_command_changed_is_taken_from_the_record_and_named(broken: ProjectFolder) -> None:
    call = Call(name="Bash", arguments={"command": "echo note > NOTE.md"})
    script = [
        Rule(phase="execute", turn=1, reply=Reply(tool_calls=(call,))),
        *(rule for rule in mending() if not (isinstance(rule, Rule) and rule.turn == 1)),
    ]
    with ModelServer(script) as server:
        goal(broken, "run", server.base_url)

    said = m31a(broken, "replay").expect(0)

    assert said.stdout.startswith("same: ")
    assert "echo note > NOTE.md" in said.stdout
    assert "restored  NOTE.md\n" in said.stdout
    assert "sums.py" not in said.stdout


@pytest.fixture
def haunted(broken: ProjectFolder) -> tuple[ProjectFolder, str]:
    """A project with a ghost's verified commit on a branch, and the session."""
    with ModelServer(mending()) as server:
        report = goal(broken, "ghost", server.base_url)
    return broken, str(report["session"])


def test_a_ghosts_commit_is_applied_once(haunted: tuple[ProjectFolder, str]) -> None:
    project, session = haunted
    project.write("mine.txt", "not committed\n")

    applied = json.loads(m31a(project, "apply", session, "--json").expect(0).stdout)
    again = m31a(project, "apply", session).expect(0)

    assert applied["landed"]
    assert applied["commit"] == project.head
    assert project.read("sums.py") == MENDED
    assert project.git("status", "--porcelain") == "?? mine.txt"
    assert project.git("branch", "--list", "m31a/*") == ""
    assert "is on your branch already" in again.stdout


def test_what_cannot_land_is_left_and_named(haunted: tuple[ProjectFolder, str]) -> None:
    project, session = haunted
    project.write("sums.py", "mine = 1\n")
    before = project.state()

    said = m31a(project, "apply", session)

    assert said.exit_code == 1
    assert "could not land: tree changed" in said.stdout
    assert "  sums.py\n" in said.stdout
    assert "to merge it: git merge" in said.stderr
    assert project.state() == before


def test_what_is_not_verified_is_applied_only_by_name(broken: ProjectFolder) -> None:
    wrong = "def add(a, b):\n    return a * b\n"
    with ModelServer(mending(wrong)) as server:
        options = ("--base-url", server.base_url, "--model", "any", "--output", "json", *FREE)
        report = json.loads(m31a(broken, "run", GOAL, *options).expect(1).stdout)
    before = broken.state()

    refused = m31a(broken, "apply", report["session"])
    assert refused.exit_code == 2
    assert "the verification failed" in refused.stderr
    assert "--allow unverified-tree" in refused.stderr
    assert broken.state() == before

    m31a(broken, "apply", report["session"], "--allow", "unverified-tree").expect(0)
    assert broken.read("sums.py") == wrong
    assert "M31A-Verdict: failed" in broken.git("log", "-1", "--format=%B")
    assert m31a(broken, "verify", "--trust-project").exit_code == 1
