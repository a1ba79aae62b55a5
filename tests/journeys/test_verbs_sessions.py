"""Sessions that wait, are approved, forked, put away; goals from a file; ways back."""

import json
from pathlib import Path

from calling import called
from journey import Ended, ProjectFolder, ended, script, started
from m31a_providers.testing import Call, ModelServer, Reply, Rule
from scripted import BROKEN, FREE, GOAL, MENDED, mending

PLAN = """# Sums

## Summary
Mend add().

## Task List
```json
[{"id": 1, "action": "Modify", "description": "Mend add()", "category": "Code",
  "dependencies": [], "files": [{"path": "sums.py", "action": "modify"}],
  "acceptance_criteria": ["add() returns the sum"]}]
```

## Verification Plan
### Automated
- `python3 -m unittest`
"""
PLANNED: list[Rule | Reply | str] = [
    Rule(phase="discuss", reply=Reply(text="[]")),
    Rule(phase="plan", reply=Reply(text=PLAN)),
    *mending(),
]


def m31a(project: ProjectFolder, *words: str, stdin: str = "") -> Ended:
    return called(*words, cwd=project.path, env=project.environment, stdin=stdin)


def at(server: ModelServer) -> tuple[str, ...]:
    return ("--base-url", server.base_url, "--model", "any")


def test_a_plan_is_printed_and_carried_out_when_it_is_approved(broken: ProjectFolder) -> None:
    with ModelServer(PLANNED) as server:
        before = broken.state()
        planned = m31a(broken, "plan", GOAL, *at(server), *FREE).expect(0)
        session = m31a(broken, "sessions").stdout.split()[0]
        assert broken.state() == before
        assert "approval of its plan: Sums\n" in m31a(broken, "sessions", "show").stdout

        approved = m31a(broken, "approve", session, *at(server), *FREE, "--output", "json").expect(
            0
        )
        again = m31a(broken, "approve", session, *at(server), *FREE)

    assert planned.stdout.startswith("# Sums\n")
    assert f"to carry it out: m31a-headless approve {session}" in planned.stderr
    assert json.loads(approved.stdout)["commit"] == broken.head
    assert broken.read("sums.py") == MENDED
    assert again.exit_code == 2
    journal = next(Path(broken.environment["M31A_HOME"]).rglob("journal.jsonl")).read_text()
    assert '"plan_read_by_person":true' in journal


def test_a_plan_as_a_document_holds_its_tasks(broken: ProjectFolder) -> None:
    with ModelServer(PLANNED, check=False) as server:
        said = m31a(broken, "plan", GOAL, *at(server), *FREE, "--output", "json").expect(0)

    document = json.loads(said.stdout)
    assert document["outcome"] == "stopped"
    assert [task["description"] for task in document["plan"]["tasks"]] == ["Mend add()"]


def test_a_rejected_plan_waits_and_can_be_approved(broken: ProjectFolder) -> None:
    answers = broken.path.parent / "answers.toml"
    answers.write_text('plan = "reject"\n')
    with ModelServer(PLANNED) as server:
        waits = m31a(
            broken, "run", GOAL, "--mode", "full", *at(server), *FREE, "--answers", str(answers)
        )
        session = m31a(broken, "sessions").stdout.split()[0]
        m31a(broken, "approve", session, *at(server), *FREE).expect(0)

    assert waits.exit_code == 3
    assert broken.read("sums.py") == MENDED


def test_a_call_that_was_put_off_runs_when_it_is_approved(broken: ProjectFolder) -> None:
    call = Call(name="Bash", arguments={"command": "touch mark.txt"})
    rules = [
        Rule(phase="execute", turn=1, reply=Reply(tool_calls=(call,))),
        *(rule for rule in mending() if isinstance(rule, Rule) and rule.turn != 1),
    ]
    deferring = ("--trust-project", "--permissions", "defer")
    with ModelServer(rules, check=False) as server:
        waits = m31a(broken, "run", GOAL, *at(server), *deferring)
        session = m31a(broken, "sessions").stdout.split()[0]
        assert waits.exit_code == 3
        assert "Waits for leave: run touch mark.txt\n" in m31a(broken, "sessions", "show").stdout

        # The write that comes next was never asked about: it waits in its turn.
        assert m31a(broken, "approve", session, *at(server), *deferring).exit_code == 3
        assert "Waits for leave: write sums.py" in m31a(broken, "sessions", "show").stdout
        m31a(broken, "approve", session, *at(server), *deferring).expect(0)

    assert (broken.path / "mark.txt").is_file()
    assert broken.read("sums.py") == MENDED
    assert m31a(broken, "approve", session, *at(server), *deferring).exit_code == 2


def test_a_failed_session_is_not_approved_and_lands_when_that_is_said(
    broken: ProjectFolder,
) -> None:
    wrong = "def add(a, b):\n    return a * b\n"
    with ModelServer(mending(wrong)) as server:
        m31a(broken, "run", GOAL, *at(server), *FREE).expect(1)
        session = m31a(broken, "sessions").stdout.split()[0]
        said = m31a(broken, "approve", session, *at(server), *FREE)
        landing = ("--on-failure", "land", "--allow", "unverified-tree")
        landed = m31a(broken, "resume", session, *at(server), *FREE, *landing)

    assert said.exit_code == 2
    assert f"session {session} waits for nobody's approval" in said.stderr
    assert landed.exit_code == 6, landed
    assert broken.read("sums.py") == wrong
    assert "M31A-Verdict: failed" in broken.git("log", "-1", "--format=%B")


def test_an_answer_that_was_kept_lets_the_same_call_run_in_the_next_session(
    broken: ProjectFolder,
) -> None:
    home = Path(broken.environment["M31A_HOME"])
    home.mkdir()
    kept = {
        "id": "a1",
        "project": str(broken.path),
        "at": "2026-01-01T00:00:00Z",
        "rule": {"action": "allow", "tool": "FileWrite", "path": "/sums.py"},
    }
    file = home / "permissions.json"
    file.write_text(json.dumps({"version": 1, "rules": [kept]}))
    file.chmod(0o600)

    with ModelServer(mending()) as server:
        options = ("--trust-project", "--permissions", "defer")
        m31a(broken, "run", GOAL, *at(server), *options).expect(0)

    assert broken.read("sums.py") == MENDED


def test_a_fork_goes_on_from_the_plan_on_a_branch_of_its_own(broken: ProjectFolder) -> None:
    wrong = [*PLANNED[:2], *mending("def add(a, b):\n    return a * b\n")]
    with ModelServer(wrong) as server:
        m31a(broken, "run", GOAL, "--mode", "full", *at(server), *FREE).expect(1)
    first = m31a(broken, "sessions").stdout.split()[0]

    forked = m31a(broken, "sessions", "fork", first, "--after", "plan").expect(0).stdout.strip()
    with ModelServer(mending()) as server:  # which knows no plan: none is asked for
        report = json.loads(
            m31a(broken, "resume", forked, *at(server), *FREE, "--output", "json").expect(0).stdout
        )

    assert report["session"] == forked != first
    assert report["commit"] == broken.head
    assert f"M31A-Session: {forked}" in broken.git("log", "-1", "--format=%B")
    assert f"m31a/{first}" in broken.git("branch", "--list", "m31a/*")
    assert m31a(broken, "sessions", "fork", first, "--after", "ship").exit_code == 2


def test_a_session_is_put_away_brought_back_exported_and_deleted(broken: ProjectFolder) -> None:
    with ModelServer(mending()) as server:
        m31a(broken, "ghost", GOAL, *at(server), *FREE).expect(0)
    session = m31a(broken, "sessions").stdout.split()[0]
    head = broken.git("rev-parse", f"m31a/{session}")

    m31a(broken, "sessions", "archive", session).expect(0)
    assert m31a(broken, "sessions").stdout == ""
    assert session in m31a(broken, "sessions", "--archived").stdout
    m31a(broken, "sessions", "unarchive", session).expect(0)
    text = m31a(broken, "sessions", "export", session[:-1]).expect(0).stdout
    document = json.loads(m31a(broken, "sessions", "export", session, "--json").expect(0).stdout)
    deleted = m31a(broken, "sessions", "delete", session).expect(0)

    assert "add() returns the sum now." in text
    assert document["report"]["session"] == session
    assert f"refs/m31a/backup/{session}" in deleted.stdout
    assert broken.git("rev-parse", f"refs/m31a/backup/{session}") == head
    assert broken.git("branch", "--list", "m31a/*") == ""
    assert m31a(broken, "sessions").stdout == ""
    assert m31a(broken, "sessions", "delete", "../..").exit_code == 2


def test_a_batch_goes_on_after_a_failure_and_ends_with_the_worst(broken: ProjectFolder) -> None:
    bare = broken.path.parent / "bare"
    broken.git("init", "--quiet", "--bare", str(bare))
    lines = [
        {"goal": GOAL, "project": "nowhere"},
        {"goal": GOAL, "ghost": True, "mode": "direct"},
        {"gaol": GOAL},
        {"goal": GOAL, "verbose": True},
        {"goal": GOAL, "project": str(bare)},
    ]
    text = "\n".join(["", *map(json.dumps, lines), "not json", json.dumps([1])])
    with ModelServer(mending()) as server:
        said = m31a(broken, "batch", "-", *at(server), *FREE, stdin=text)

    rows = [json.loads(line) for line in said.stdout.splitlines()]
    assert said.exit_code == 2
    assert [(row["line"], row["exit_code"]) for row in rows] == [
        (2, 2),
        (3, 0),
        (4, 2),
        (5, 2),
        (6, 2),
        (7, 2),
        (8, 2),
    ]
    assert rows[4]["report"]["outcome"] == "refused"
    assert rows[1]["report"]["outcome"] == "shipped"
    assert rows[1]["report"]["branch"]
    assert broken.read("sums.py") == BROKEN


def test_what_a_run_has_done_is_undone_and_brought_back(broken: ProjectFolder) -> None:
    base = broken.head
    with ModelServer(mending()) as server:
        m31a(broken, "run", GOAL, *at(server), *FREE).expect(0)
    shipped = broken.head
    broken.write("notes.txt", "not committed\n")

    listed = json.loads(m31a(broken, "rollback", "--json").expect(0).stdout)
    m31a(broken, "rollback", "safe", base).expect(0)
    told = m31a(broken, "rollback").expect(0)
    assert f"{shipped[:12]}  backup m31a/rollback-backup-" in told.stdout
    assert "snapshot  refs/m31a/backup/" in told.stdout
    assert "no commit of a run" in told.stderr
    assert (broken.head, broken.read("sums.py")) == (base, BROKEN)
    assert broken.read("notes.txt") == "not committed\n"
    m31a(broken, "rollback", "undo").expect(0)
    assert (broken.head, broken.read("sums.py")) == (shipped, MENDED)
    m31a(broken, "rollback", "file", shipped, "sums.py").expect(0)
    assert (broken.head, broken.read("sums.py")) == (shipped, BROKEN)

    assert [(one["commit"], one["parent"]) for one in listed["commits"]] == [(shipped, base)]
    refused = m31a(broken, "rollback", "safe", f"{base}~1")
    assert refused.exit_code == 2
    assert m31a(broken, "rollback", "hard").exit_code == 2
    assert m31a(broken, "rollback", "soft", base, "sums.py").exit_code == 2


def test_the_commit_that_broke_a_command_is_found(project: ProjectFolder) -> None:
    good = project.head
    project.write("other.py", "x = 1\n")
    project.commit("Nothing")
    project.write("sums.py", BROKEN)
    bad = project.commit("Break")
    project.write("other.py", "x = 2\n")
    project.commit("Nothing again")
    before = project.state()

    found = m31a(project, "bisect", "--good", good, "--", "python3", "-m", "unittest").expect(0)
    none = m31a(project, "bisect", "--good", good, "--json", "--", "test -f sums.py")
    missing = m31a(project, "bisect", "--good", good, "--", "no-such-program-anywhere")

    assert found.stdout == f"{bad}\n"
    assert f"{bad[:12]}: exit 1" in found.stderr
    assert none.exit_code == 1
    assert json.loads(none.stdout)["inconclusive"]
    assert missing.exit_code == 2
    assert "that says nothing about the commit" in missing.stderr
    assert project.state() == before
    assert project.git("worktree", "list").count("\n") == 0


def test_a_verb_that_is_terminated_clears_up(project: ProjectFolder) -> None:
    good = project.head
    project.write("other.py", "x = 1\n")
    project.commit("Nothing")
    command = "test -f other.py && exit 1; sleep 60"
    words = (script("m31a-headless"), "bisect", "--good", good, "--", command)
    with started(*words, cwd=project.path, env=project.environment) as process:
        assert process.stderr is not None
        assert "exit 1" in process.stderr.readline()
        process.terminate()
        said = ended(process)

    assert said.exit_code == 143, said
    assert "Traceback" not in said.stderr
    assert project.git("worktree", "list").count("\n") == 0
