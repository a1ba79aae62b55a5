"""The repository's commit hooks and signatures, obeyed by a run as a person's own commit would."""

import json
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from journey import Ended, ProjectFolder, headless, script, started
from m31a_providers.testing import Call, ModelServer, Reply, Rule
from m31a_tools import Sandbox
from scripted import FREE, GOAL, MENDED, mending

RULES = ("--trust-project", "--permissions", "rules")
UGLY = MENDED.replace("a + b", "a  +  b")
NO_DOUBLE_BLANKS = "if grep -n 'a  +' sums.py; then echo 'two blanks' >&2; exit 4; fi"
needs_sandbox = pytest.mark.skipif(
    not Sandbox.detect().mounts, reason="bubblewrap does not work here: nothing is confined by it"
)


def hook(project: ProjectFolder, name: str, text: str) -> None:
    project.write(f".git/hooks/{name}", f"#!/bin/sh\n{text}\n", executable=True)


def write(content: str) -> Reply:
    call = Call(name="FileWrite", arguments={"path": "sums.py", "content": content})
    return Reply(tool_calls=(call,))


def words(server: ModelServer, *more: str) -> tuple[str, ...]:
    return ("--base-url", server.base_url, "--model", "any", "--output", "json", *more)


def run(
    project: ProjectFolder,
    steps: list[Rule | Reply | str],
    *more: str,
    verb: tuple[str, ...] = ("run", GOAL),
) -> tuple[Ended, list[str]]:
    """A run, and what the model was asked, request by request."""
    with ModelServer(steps) as server:
        done = headless(
            *verb, *words(server, *(more or RULES)), cwd=project.path, env=project.environment
        )
        asked = [json.dumps(seen.body, ensure_ascii=False) for seen in server.requests]
    return done, asked


def subjects(project: ProjectFolder) -> list[str]:
    return project.git("log", "--format=%s", "--all", "--", "sums.py").splitlines()


@pytest.mark.parametrize("then", ["git add sums.py", "exit 1"], ids=["stages", "refuses"])
def test_what_a_hook_reformats_is_in_the_verified_commit(broken: ProjectFolder, then: str) -> None:
    reformat = f"if grep -q 'a  +' sums.py; then sed -i 's/a  +  b/a + b/' sums.py; {then}; fi"
    hook(broken, "pre-commit", reformat)
    before = broken.state()

    ended, _ = run(broken, mending(UGLY))

    report = json.loads(ended.expect(0).stdout)
    assert report["tasks"][0]["heals"] == 0
    assert report["verification"]["verdict"] == "verified"
    assert broken.git("show", f"{report['commit']}:sums.py") == MENDED.strip()
    assert broken.read("sums.py") == MENDED
    assert broken.state().index != before.index
    assert broken.git("status", "--porcelain") == ""
    assert report["ignored"] == []


def test_what_a_hook_refuses_is_mended_by_the_model_in_the_same_files(
    broken: ProjectFolder,
) -> None:
    hook(broken, "pre-commit", NO_DOUBLE_BLANKS)
    steps = [
        Rule(phase="execute", turn=1, reply=write(UGLY)),
        Rule(phase="execute", reply=Reply(text="Done.")),
        Rule(
            phase="heal",
            turn=1,
            reply=Reply(
                tool_calls=(
                    Call(name="FileRead", arguments={"path": "sums.py"}),
                    Call(
                        name="Edit",
                        arguments={
                            "path": "sums.py",
                            "old_string": "a  +  b",
                            "new_string": "a + b",
                        },
                    ),
                )
            ),
        ),
        Rule(phase="heal", reply=Reply(text="Mended.")),
        Rule(reply=Reply(text="Fine.")),
    ]

    ended, asked = run(broken, list(steps))

    report = json.loads(ended.expect(0).stdout)
    assert broken.read("sums.py") == MENDED
    assert any("pre-commit hook refused the commit (exit 4)" in text for text in asked)
    assert any("two blanks" in text for text in asked)
    assert report["tasks"][0]["heals"] == 1
    assert len(subjects(broken)) == 2


def test_what_no_attempt_mends_is_not_committed_and_not_landed(broken: ProjectFolder) -> None:
    hook(broken, "pre-commit", NO_DOUBLE_BLANKS)
    before = broken.state()

    ended, _ = run(broken, mending(UGLY))

    report = json.loads(ended.expect(1).stdout)
    assert report["commit"] is None
    assert "two blanks" in report["tasks"][0]["reason"]
    assert broken.state() == before
    assert len(subjects(broken)) == 1

    hook(broken, "pre-commit", "exit 0")
    again, _ = run(broken, mending(MENDED), verb=("resume",))
    again.expect(0)
    assert broken.read("sums.py") == MENDED


def test_a_repair_of_red_checks_passes_the_hooks_as_well(broken: ProjectFolder) -> None:
    hook(broken, "pre-commit", NO_DOUBLE_BLANKS)
    steps: list[Rule | Reply | str] = [
        Rule(phase="execute", turn=1, reply=write(MENDED.replace("+", "*"))),
        Rule(phase="execute", reply=Reply(text="Done.")),
        Rule(phase="heal", contains="What became of the last attempt", turn=1, reply=write(MENDED)),
        Rule(phase="heal", turn=1, reply=write(UGLY)),
        Rule(phase="heal", reply=Reply(text="Mended.")),
        Rule(reply=Reply(text="Fine.")),
    ]

    ended, asked = run(broken, steps, *RULES, verb=("run", GOAL, "--mode", "fast"))

    report = json.loads(ended.expect(0).stdout)
    assert report["verification"]["verdict"] == "verified"
    assert broken.read("sums.py") == MENDED
    assert any("What became of the last attempt" in text for text in asked)


def test_a_form_that_commit_msg_demands_is_asked_of_the_model_once(broken: ProjectFolder) -> None:
    hook(broken, "pre-commit", "echo ran >> seen.log")
    broken.write(".git/info/exclude", "seen.log\n")
    form = "grep -qE '^(fix|feat): ' \"$1\" || { echo 'use fix: or feat:' >&2; exit 1; }"
    hook(broken, "commit-msg", f"{form}\necho 'Change-Id: I1' >> \"$1\"")
    steps = [
        Rule(
            phase="ship",
            contains="hook refuses this commit message",
            reply=Reply(text="```\nfix: return the sum\n\nIt subtracted.\n```"),
        ),
        *mending(),
    ]

    ended, asked = run(broken, list(steps))

    report = json.loads(ended.expect(0).stdout)
    message = broken.git("show", "-s", "--format=%B", report["commit"])
    assert message.startswith("fix: return the sum\n\nIt subtracted.\n")
    trailers = broken.git("show", "-s", "--format=%(trailers:key=Change-Id)", report["commit"])
    assert trailers.strip() == "Change-Id: I1"
    assert broken.git("show", "-s", "--format=%(trailers:key=M31A-Verdict,valueonly)").strip()
    refusals = [text for text in asked if "hook refuses this commit message" in text]
    assert len(refusals) == 2  # the task's commit, and the one that is shipped


def test_a_message_that_no_hook_accepts_fails_the_task_in_plain_words(
    broken: ProjectFolder,
) -> None:
    hook(broken, "commit-msg", "echo 'never' >&2; exit 1")
    before = broken.state()

    ended, asked = run(broken, mending())

    report = json.loads(ended.expect(1).stdout)
    assert "commit-msg hook refused the commit (exit 1)" in report["tasks"][0]["reason"]
    assert sum("hook refuses this commit message" in text for text in asked) == 1
    assert report["tasks"][0]["heals"] == 0
    assert broken.state() == before


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        ("sed -i '/^M31A-Verdict/d' \"$1\"", "trailers that hold the proof"),
        ("echo x >> stamp.txt", "files that are verified already"),
    ],
)
def test_a_hook_that_spoils_the_proof_keeps_the_commit_from_being_shipped(
    broken: ProjectFolder, spoil: str, told: str
) -> None:
    hook(broken, "commit-msg", spoil)
    before = broken.state()

    ended, _ = run(broken, mending())

    report = json.loads(ended.expect(1).stdout)
    refused = [one["text"] for one in report["findings"] if one["kind"] == "hook-refused"]
    assert told in refused[0]
    assert broken.state() == before


def failed_work(project: ProjectFolder) -> str:
    """The session of a run that shipped nothing: its work is red and stays on its branch."""
    ended, _ = run(project, mending("def add(a, b):\n    return a * b\n"))
    return str(json.loads(ended.expect(1).stdout)["session"])


@pytest.mark.parametrize(
    ("trust", "subject", "told"),
    [
        ("--trust-project", f"JIRA-1 {GOAL}", ""),
        ("--json", GOAL, "hooks were not run: commit-msg (folder not trusted)"),
    ],
)
def test_work_that_is_applied_passes_the_hooks_of_a_trusted_folder(
    broken: ProjectFolder, trust: str, subject: str, told: str
) -> None:
    session = failed_work(broken)
    hook(broken, "commit-msg", "sed -i '1s/^/JIRA-1 /' \"$1\"")

    words_ = ("apply", session, "--allow", "unverified-tree", trust)
    done = headless(*words_, cwd=broken.path, env=broken.environment).expect(0)

    assert broken.git("log", "-1", "--format=%s") == subject
    assert told in done.stdout
    assert "M31A-Verdict: failed" in broken.git("log", "-1", "--format=%B")
    assert "scratch-" not in broken.git("worktree", "list")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("echo 'no ticket'; exit 3", "exit 3: no ticket"),
        ("sed -i '/^M31A-Verdict/d' \"$1\"", "it changed the trailers that hold the proof"),
    ],
)
def test_work_that_is_applied_is_refused_by_a_hook_and_nothing_is_changed(
    broken: ProjectFolder, text: str, why: str
) -> None:
    session = failed_work(broken)
    hook(broken, "commit-msg", text)
    before = broken.state()

    words_ = ("apply", session, "--allow", "unverified-tree", "--trust-project")
    refused = headless(*words_, cwd=broken.path, env=broken.environment).expect(2)

    assert "commit-msg hook refuses the commit of session" in refused.stderr
    assert why in refused.stderr
    assert "git merge --squash m31a/" in refused.stderr
    assert broken.state() == before
    assert "scratch-" not in broken.git("worktree", "list")


@pytest.mark.parametrize("how", ["untrusted", "switched off"])
def test_hooks_that_do_not_run_are_named(broken: ProjectFolder, how: str) -> None:
    mark = broken.path.parent / "mark"
    hook(broken, "pre-commit", f"touch '{mark}'; exit 1")
    env = {**broken.environment, "M31A_GIT_HOOKS": "on" if how == "untrusted" else "off"}
    project = ProjectFolder(broken.path, env)
    leave = ("--permissions", "allow_all") if how == "untrusted" else FREE

    ended, _ = run(project, mending(), *leave)

    report = json.loads(ended.expect(0).stdout)
    assert not mark.exists()
    assert any("hooks were not run: pre-commit" in text for text in report["ignored"])


@needs_sandbox
def test_a_hook_can_change_nothing_but_the_tasks_work_tree(broken: ProjectFolder) -> None:
    outside = broken.path.parent
    (outside / "theirs").write_text("theirs\n", encoding="utf-8")
    attempts = (
        f"echo x > '{broken.path}/.git/config'",
        f"echo x > '{broken.path}/.git/hooks/post-checkout'",
        'echo x > "$GIT_DIR/commondir"',
        'echo x > "$GIT_DIR/HEAD"',
        "git update-ref refs/heads/evil HEAD",
        "git stash",
        "git config core.fsmonitor /bin/true",
        f"touch '{broken.environment['HOME']}/evil'",
        'rm -rf "$GIT_ALTERNATE_OBJECT_DIRECTORIES"/*',
    )
    tried = "\n".join(f"( {each} ) && echo did {n} >> done.txt" for n, each in enumerate(attempts))
    tried += f"\necho x > '{outside}/theirs'"  # into a folder of its own: /tmp is not the machine's
    hook(broken, "pre-commit", f"{tried}\necho tried >> done.txt\nexit 0")
    config = (broken.path / ".git/config").read_bytes()

    ended, _ = run(broken, mending())

    report = json.loads(ended.expect(0).stdout)
    assert broken.git("show", f"{report['commit']}:done.txt") == "tried"
    assert (outside / "theirs").read_text(encoding="utf-8") == "theirs\n"
    assert (broken.path / ".git/config").read_bytes() == config
    assert not (Path(broken.environment["HOME"]) / "evil").exists()
    assert broken.git("for-each-ref", "refs/heads/evil", "refs/stash") == ""
    broken.git("fsck", "--strict")


def test_a_run_killed_while_a_hook_runs_goes_on_and_commits_once(broken: ProjectFolder) -> None:
    mark = broken.path / ".git" / "hooks" / "ready"
    hook(
        broken,
        "pre-commit",
        "echo ran >> ran.log\n"
        f'[ -e \'{mark}\' ] || [ -e "$(dirname "$0")/ready" ] || {{ : > begun; sleep 600; }}',
    )
    broken.write(".git/info/exclude", "ran.log\nbegun\n")
    trees = Path(broken.environment["M31A_HOME"])
    with ModelServer(mending()) as server:
        program = script("m31a-headless")
        with started(
            program, "run", GOAL, *words(server, *RULES), cwd=broken.path, env=broken.environment
        ) as process:
            wait_for(process, trees, "begun")
            process.send_signal(signal.SIGKILL)
            process.wait(timeout=30)
        mark.touch()
        before = len(server.requests)
        done = headless(
            "resume", *words(server, *RULES), cwd=broken.path, env=broken.environment
        ).expect(0)
        turns = [seen.asked.turn for seen in server.requests[before:] if seen.labels]

    assert json.loads(done.stdout)["commit"] == broken.head
    assert broken.git("rev-list", "--count", "HEAD") == "2"
    assert broken.read("sums.py") == MENDED
    assert all(turn == 1 for turn in turns)  # the closing words; no turn of the task again


def wait_for(process: "subprocess.Popen[str]", folder: Path, name: str) -> None:
    """Return once a file of that name is somewhere below the folder; fail when the program ends."""
    for _ in range(600):
        if any(folder.rglob(name)):
            return
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(timeout=0.1)
    pytest.fail(f"{name} was never made")


def give_key(project: ProjectFolder) -> Path:
    """Have the person sign with a throw-away key by ssh."""
    key = project.path.parent / "key"
    made = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "ada", "-f", str(key)]
    subprocess.run(made, check=True)
    signers = project.path.parent / "signers"
    signers.write_text(f"* {key.with_suffix('.pub').read_text()}", encoding="utf-8")
    project.git("config", "--global", "commit.gpgSign", "true")
    project.git("config", "--global", "gpg.format", "ssh")
    project.git("config", "--global", "user.signingKey", str(key))
    project.git("config", "--global", "gpg.ssh.allowedSignersFile", str(signers))
    return key


@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="ssh-keygen is not installed")
def test_commits_are_signed_where_the_users_are_and_refused_where_they_cannot_be(
    broken: ProjectFolder,
) -> None:
    key = give_key(broken)
    hidden = key.rename(key.with_name("elsewhere"))
    refused, asked = run(broken, mending(), "--permissions", "allow_all")
    assert "cannot be" in refused.expect(2).stderr
    assert "commit.gpgSign" in refused.stderr
    assert asked == []

    hidden.rename(key)
    ended, _ = run(broken, mending(), "--permissions", "allow_all")

    report = json.loads(ended.expect(0).stdout)
    broken.git("verify-commit", report["commit"])
    assert report["ignored"] == []
