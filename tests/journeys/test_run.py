"""One goal from the command line to a verified commit, against a scripted model over HTTP."""

import json
import socket
from pathlib import Path

import pytest

from journey import Ended, ProjectFolder, headless
from m31a_providers.testing import Call, ModelServer, Reply, Rule
from scripted import BROKEN, FREE, GOAL, MENDED, TEST, mending, shell, write


def run(project: ProjectFolder, server: str, *words: str, verb: str = "run") -> Ended:
    return headless(
        verb,
        GOAL,
        "--project",
        project.path,
        "--base-url",
        server,
        "--model",
        "any",
        *FREE,
        *words,
        cwd=project.path.parent,
        env=project.environment,
    )


def ledger_of(project: ProjectFolder) -> str:
    return (Path(project.environment["M31A_HOME"]) / "LEDGER.md").read_text(encoding="utf-8")


def test_a_goal_becomes_a_verified_commit_and_nothing_but_json_is_printed(
    broken: ProjectFolder,
) -> None:
    with ModelServer(mending()) as server:
        ended = run(broken, server.base_url, "--output", "json").expect(0)

    report = json.loads(ended.stdout)
    assert report["outcome"] == "shipped"
    assert report["verification"]["verdict"] == "verified"
    assert report["commit"] == broken.head
    assert broken.read("sums.py") == MENDED
    assert broken.git("status", "--porcelain") == ""
    assert broken.run("python3", "-m", "unittest").exit_code == 0
    trailers = broken.git("log", "-1", "--format=%(trailers:only,unfold)")
    assert f"M31A-Session: {report['session']}" in trailers
    assert f"M31A-Base: {report['base_commit']}" in trailers
    assert "M31A-Verdict: verified" in trailers
    assert "M31A-Check: test; exit=0; 1 passed" in trailers
    assert "shipped" in ledger_of(broken)
    assert [
        check["tree"] for check in report["verification"]["checks"] if check["behavioural"]
    ] == [broken.git("rev-parse", "HEAD^{tree}")]
    assert broken.git("branch", "--list", "m31a/*") == ""
    assert broken.git("worktree", "list").count("\n") == 0


def test_red_tests_ship_nothing_and_leave_the_user_as_before(broken: ProjectFolder) -> None:
    broken.write("notes.txt", "untracked\n")
    before = broken.state()

    with ModelServer(mending("def add(a, b):\n    return a * b\n")) as server:
        ended = run(broken, server.base_url, "--output", "json").expect(1)

    report = json.loads(ended.stdout)
    assert report["outcome"] == "failed"
    assert report["verification"]["verdict"] == "failed"
    assert broken.state() == before
    assert "return a * b" in broken.git("show", f"{report['branch']}:sums.py")
    assert "failed" in ledger_of(broken)


def test_a_ghost_leaves_the_commit_on_a_branch_and_prints_the_diff(
    broken: ProjectFolder,
) -> None:
    before = broken.state()

    with ModelServer(mending()) as server:
        ended = run(broken, server.base_url, verb="ghost").expect(0)

    assert "+    return a + b" in ended.stdout
    assert broken.state() == before
    branch = broken.git("branch", "--list", "--format=%(refname:short)", "m31a/*")
    assert broken.git("show", f"{branch}:sums.py") + "\n" == MENDED


@pytest.mark.parametrize("verb", ["run", "ghost"])
def test_what_the_user_has_not_committed_stays_byte_for_byte(
    broken: ProjectFolder, verb: str
) -> None:
    broken.write("other.py", "a = 1\nb = 2\n")
    broken.commit("Other")
    broken.write("stashed.txt", "stash me\n")
    broken.git("stash", "push", "--include-untracked", "--quiet")
    broken.write("other.py", "a = 10\nb = 2\n")
    broken.git("add", "other.py")
    broken.write("other.py", "a = 10\nb = 20\n")
    broken.write("new.txt", "untracked\r\n")
    before = broken.state()

    with ModelServer(mending()) as server:
        run(broken, server.base_url, verb=verb).expect(0)

    after = broken.state()
    expected = dict(before.files)
    if verb == "run":
        expected["sums.py"] = (before.files["sums.py"][0], MENDED.encode())
    assert dict(after.files) == expected
    assert after.stash == before.stash
    assert broken.git("diff", "--cached", "--name-only") == "other.py"
    assert broken.git("diff", "--name-only") == "other.py"
    broken.git("commit", "--quiet", "--message", "Mine")
    assert broken.git("show", "HEAD:sums.py") + "\n" == (MENDED if verb == "run" else BROKEN)


def test_a_file_the_user_has_changed_too_is_not_touched_and_the_way_out_is_named(
    broken: ProjectFolder,
) -> None:
    broken.write("sums.py", BROKEN + "\n# my own note\n")
    before = broken.state()

    with ModelServer(mending()) as server:
        ended = run(broken, server.base_url, "--output", "json").expect(7)

    report = json.loads(ended.stdout)
    assert report["outcome"] == "shipped_on_branch"
    assert broken.state() == before
    assert "sums.py" in report["error"]["message"]
    assert "git" in report["error"]["remedy"]
    assert broken.git("show", f"{report['branch']}:sums.py") + "\n" == MENDED


def test_a_server_that_is_not_there_is_named_in_one_sentence(broken: ProjectFolder) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{taken.getsockname()[1]}/v1"
        ended = run(broken, address, "--output", "json", "--quiet").expect(5)

    report = json.loads(ended.stdout)
    assert report["outcome"] == "provider"
    assert address in report["error"]["message"]


def test_a_missing_key_names_the_four_places(broken: ProjectFolder) -> None:
    ended = headless(
        "run",
        GOAL,
        "--provider",
        "openrouter",
        "--model",
        "any",
        cwd=broken.path,
        env=broken.environment,
    ).expect(5)

    for place in ("M31A_OPENROUTER_API_KEY", "OPENROUTER_API_KEY", "m31a/openrouter", "api_key"):
        assert place in ended.stderr
    assert ended.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("run", GOAL, "--project", "nowhere"), "nowhere is not a folder"),
        (("run", ""), "the goal is empty"),
        (("run", GOAL, "--modle", "x"), "did you mean '--mode"),
        (("run", GOAL), "no model is named"),
        (("rnu", GOAL), "did you mean 'run'"),
        (("replay", "x"), "there is no session x"),
    ],
)
def test_a_wrong_command_line_is_one_clear_line_and_exit_2(
    broken: ProjectFolder, words: tuple[str, ...], says: str
) -> None:
    ended = headless(*words, cwd=broken.path, env=broken.environment).expect(2)
    assert says in ended.stderr
    assert ended.stderr.count("\n") == 1
    assert ended.stdout == ""


def test_an_unknown_configuration_key_names_file_line_and_the_nearest_key(
    broken: ProjectFolder,
) -> None:
    home = Path(broken.environment["M31A_HOME"])
    home.mkdir()
    (home / "config.toml").write_text('[model]\ndefualt = "x"\n', encoding="utf-8")

    ended = headless("run", GOAL, cwd=broken.path, env=broken.environment).expect(2)

    assert "config.toml:2" in ended.stderr
    assert "default" in ended.stderr


def test_a_merge_in_progress_is_refused_and_nothing_is_changed(broken: ProjectFolder) -> None:
    broken.git("checkout", "--quiet", "-b", "other")
    broken.write("sums.py", "def add(a, b):\n    return b\n")
    broken.commit("Theirs")
    broken.git("checkout", "--quiet", "main")
    broken.write("sums.py", "def add(a, b):\n    return a\n")
    broken.commit("Ours")
    assert broken.run("git", "merge", "other").exit_code == 1
    before = broken.state()

    ended = run(broken, "http://127.0.0.1:9/v1").expect(2)

    assert "merge" in ended.stderr
    assert broken.state() == before
    assert broken.git("branch", "--list", "m31a/*") == ""


def test_all_six_phases_with_two_tasks_beside_one_another_end_in_one_merge(
    broken: ProjectFolder,
) -> None:
    plan = (
        "# Sums and products\n\n## Summary\nTwo functions.\n\n## Task List\n```json\n"
        + json.dumps(
            [
                {
                    "id": 1,
                    "action": "Modify",
                    "description": "Mend add",
                    "category": "Code",
                    "dependencies": [],
                    "files": ["sums.py"],
                    "acceptance_criteria": ["sums.py contains add"],
                },
                {
                    "id": 2,
                    "action": "Create",
                    "description": "Add products",
                    "category": "Code",
                    "dependencies": [],
                    "files": [{"path": "products.py", "action": "create"}],
                    "acceptance_criteria": [{"run": "python3 -c 'import products'"}],
                },
            ]
        )
        + "\n```\n"
    )
    script = [
        Rule(phase="discuss", reply=Reply(text="1. Which name for the module? - products.py")),
        Rule(phase="plan", turn=1, reply=Reply(text="I have no plan.")),
        Rule(phase="plan", contains="cannot be run", reply=Reply(text=plan)),
        Rule(phase="execute", task="1", turn=1, reply=write("sums.py", MENDED)),
        Rule(
            phase="execute",
            task="2",
            turn=1,
            reply=write("products.py", "def mul(a, b):\n    return a * b\n"),
        ),
        Rule(phase="execute", reply=Reply(text="Done.")),
        Rule(phase="ship", reply=Reply(text="Sums and products. Try: import products")),
    ]
    with ModelServer(script) as server:
        ended = run(broken, server.base_url, "--output", "json", "--mode", "full").expect(0)

    report = json.loads(ended.stdout)
    assert [task["outcome"] for task in report["tasks"]] == ["done", "done"]
    assert report["commit"] == broken.head
    parents = broken.git("log", "-1", "--format=%P").split()
    assert len(parents) == 2
    assert parents[0] == report["base_commit"]
    assert broken.read("products.py").startswith("def mul")
    assert broken.read("sums.py") == MENDED


def test_red_checks_are_mended_once_the_model_sees_them(broken: ProjectFolder) -> None:
    script = [
        Rule(phase="execute", turn=1, reply=write("sums.py", "def add(a, b):\n    return 0\n")),
        Rule(phase="execute", reply=Reply(text="Done.")),
        Rule(phase="discuss", reply=Reply(text="Nothing to ask.")),
        Rule(phase="heal", turn=1, reply=write("sums.py", MENDED)),
        Rule(phase="heal", reply=Reply(text="Mended.")),
        Rule(phase="ship", reply=Reply(status=400, error="not today")),
    ]
    with ModelServer(script) as server:
        ended = run(broken, server.base_url, "--output", "json", "--mode", "fast").expect(0)

    report = json.loads(ended.stdout)
    assert report["verification"]["verdict"] == "verified"
    assert report["answer"] == "Done.", "a summary that fails stops nothing"
    assert broken.read("sums.py") == MENDED


def test_a_syntax_error_in_a_task_is_healed_before_the_checks(broken: ProjectFolder) -> None:
    script = [
        Rule(phase="execute", turn=1, reply=write("sums.py", "def add(a, b:\n")),
        Rule(phase="execute", reply=Reply(text="Done.")),
        Rule(phase="heal", turn=1, reply=write("sums.py", MENDED)),
        Rule(phase="heal", reply=Reply(text="Mended.")),
        Rule(phase="ship", reply=Reply(status=400, error="not today")),
    ]
    with ModelServer(script) as server:
        ended = run(broken, server.base_url, "--output", "json").expect(0)

    assert json.loads(ended.stdout)["tasks"][0]["heals"] == 1


@pytest.mark.parametrize("words", [(), ("--permissions", "rules")], ids=["default", "rules"])
def test_an_untrusted_project_is_checked_in_the_sandbox(
    broken: ProjectFolder, words: tuple[str, ...]
) -> None:
    home = Path(broken.environment["HOME"])
    (home / ".ssh").mkdir()
    (home / ".ssh" / "id").write_text("private")
    snoop = (
        "import pathlib, unittest\n\n\nclass Snoop(unittest.TestCase):\n"
        "    def test_out_of_sight(self):\n"
        "        home = pathlib.Path.home()\n"
        "        self.assertFalse((home / '.ssh' / 'id').exists())\n"
        "        with self.assertRaises(OSError):\n"
        "            (home / 'mark').write_text('x')\n"
    )
    broken.write("test_snoop.py", snoop)
    broken.commit("A test that looks around")
    with ModelServer(mending()) as server:
        ended = headless(
            "run",
            GOAL,
            "--base-url",
            server.base_url,
            "--model",
            "any",
            "--output",
            "json",
            *words,
            cwd=broken.path,
            env=broken.environment,
        ).expect(0)

    assert json.loads(ended.stdout)["verification"]["verdict"] == "verified"
    assert broken.read("sums.py") == MENDED


def test_a_run_that_changes_nothing_is_not_called_done(broken: ProjectFolder) -> None:
    with ModelServer([Rule(reply=Reply(text="It is fine as it is."))]) as server:
        ended = run(broken, server.base_url, "--output", "json").expect(1)
    assert json.loads(ended.stdout)["outcome"] == "failed"


def test_a_question_is_answered_without_branch_or_commit(broken: ProjectFolder) -> None:
    before = broken.state()
    with ModelServer([Rule(phase="chat", reply=Reply(text="It subtracts."))]) as server:
        ended = headless(
            "run",
            "What does add() in sums.py do?",
            "--base-url",
            server.base_url,
            "--model",
            "any",
            "--output",
            "json",
            cwd=broken.path,
            env=broken.environment,
        ).expect(0)

    report = json.loads(ended.stdout)
    assert (report["outcome"], report["answer"]) == ("answered", "It subtracts.")
    assert broken.state() == before


def test_a_budget_ends_the_run_before_the_request_that_could_exceed_it(
    broken: ProjectFolder,
) -> None:
    home = Path(broken.environment["M31A_HOME"])
    home.mkdir()
    (home / "config.toml").write_text(
        "[provider.local]\nprice_in = 1.0\nprice_out = 1000000.0\n", encoding="utf-8"
    )
    with ModelServer(mending()) as server:
        ended = run(broken, server.base_url, "--output", "json", "--budget-usd", "5").expect(4)
        assert server.requests == ()

    assert json.loads(ended.stdout)["error"]["code"] == "budget"


def test_stream_json_is_one_envelope_a_line_with_the_first_and_last_in_place(
    broken: ProjectFolder,
) -> None:
    with ModelServer(mending()) as server:
        ended = run(broken, server.base_url, "--output", "stream-json").expect(0)

    envelopes = [json.loads(line) for line in ended.stdout.splitlines()]
    assert envelopes[0]["event"]["type"] == "run.started"
    assert envelopes[-1]["event"]["type"] == "run.ended"
    assert [envelope["seq"] for envelope in envelopes] == list(range(1, len(envelopes) + 1))


def test_an_empty_folder_becomes_a_repository(tmp_path: Path, environment: dict[str, str]) -> None:
    folder = tmp_path / "new"
    folder.mkdir()
    script = [
        Rule(
            phase="execute",
            turn=1,
            reply=Reply(
                tool_calls=(
                    Call(name="FileWrite", arguments={"path": "sums.py", "content": MENDED}),
                    Call(name="FileWrite", arguments={"path": "test_sums.py", "content": TEST}),
                )
            ),
        ),
        Rule(reply=Reply(text="Done.")),
    ]
    with ModelServer(script) as server:
        ended = headless(
            "run",
            GOAL,
            "--mode",
            "direct",
            "--base-url",
            server.base_url,
            "--model",
            "any",
            *FREE,
            "--output",
            "json",
            cwd=folder,
            env=environment,
        )
    report = json.loads(ended.stdout)
    assert report["landed"], ended.stderr
    assert (folder / "sums.py").read_text(encoding="utf-8") == MENDED


def test_files_without_a_repository_need_init(tmp_path: Path, environment: dict[str, str]) -> None:
    folder = tmp_path / "plain"
    folder.mkdir()
    (folder / "a.txt").write_text("a\n", encoding="utf-8")

    ended = headless(
        "run",
        GOAL,
        "--base-url",
        "http://127.0.0.1:9/v1",
        "--model",
        "any",
        cwd=folder,
        env=environment,
    ).expect(2)

    assert "--init" in ended.stderr
    assert not (folder / ".git").exists()


def test_with_init_the_first_commit_holds_everything_but_keys_and_huge_files(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    folder = tmp_path / "plain"
    folder.mkdir()
    (folder / "sums.py").write_text(BROKEN, encoding="utf-8")
    (folder / "test_sums.py").write_text(TEST, encoding="utf-8")
    key = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
    (folder / "notes.txt").write_text(f"token = {key}\n", encoding="utf-8")
    with (folder / "huge.bin").open("wb") as file:
        file.truncate(11_000_000)

    with ModelServer(mending()) as server:
        headless(
            "run",
            GOAL,
            "--init",
            "--base-url",
            server.base_url,
            "--model",
            "any",
            *FREE,
            cwd=folder,
            env=environment,
        ).expect(0)

    project = ProjectFolder(folder, environment)
    assert project.git("ls-tree", "-r", "--name-only", "HEAD~1").split() == [
        "sums.py",
        "test_sums.py",
    ]
    assert (folder / "notes.txt").exists()
    assert (folder / "sums.py").read_text(encoding="utf-8") == MENDED


def test_dirty_commit_puts_the_users_work_below_the_run(broken: ProjectFolder) -> None:
    broken.write("mine.txt", "mine\n")
    with ModelServer(mending()) as server:
        run(broken, server.base_url, "--dirty", "commit").expect(0)

    assert broken.git("status", "--porcelain") == ""
    assert broken.git("log", "--format=%s").splitlines()[1:] == ["Work in progress", "Start"]
    assert broken.git("show", "HEAD~1:mine.txt") == "mine"


def test_dirty_refuse_changes_nothing(broken: ProjectFolder) -> None:
    broken.write("mine.txt", "mine\n")
    before = broken.state()
    ended = run(broken, "http://127.0.0.1:9/v1", "--dirty", "refuse").expect(2)
    assert "mine.txt" in ended.stderr
    assert broken.state() == before


def test_names_that_are_no_utf8_are_carried_through(broken: ProjectFolder) -> None:
    broken.write("old-\udcff.txt", "old\n")
    broken.commit("A name of bytes")
    script = mending()
    script[0] = Rule(phase="execute", turn=1, reply=shell("printf new > $'new-\\xfe.txt'; ls"))
    with ModelServer(script) as server:
        ended = run(broken, server.base_url, "--output", "json").expect(0)

    paths = {file["path"] for file in json.loads(ended.stdout)["files"]}
    assert paths == {"sums.py", "new-\\xfe.txt"}
    assert (broken.path / "new-\udcfe.txt").read_text(encoding="utf-8") == "new"
