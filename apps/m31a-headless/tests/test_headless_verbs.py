"""Each verb from its command line, on real files below a home of its own."""

import io
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Command = Callable[..., Any]
DoneDemo = Any

PASS = """#!/bin/sh
store="$HOME/.password-store"
case "$1" in
    show) cat "$store/$2.gpg" ;;
    insert) mkdir -p "$store/m31a" && cat > "$store/$4.gpg" ;;
    rm) rm "$store/$3.gpg" ;;
esac
"""


def test_the_demo_ends_verified_and_its_document_says_so(done_demo: DoneDemo) -> None:
    report = done_demo.report

    assert report["outcome"] == "shipped"
    assert report["verification"]["verdict"] == "verified"
    assert [file["path"] for file in report["files"]] == ["slugs.py"]
    assert report["error"] is None
    assert "the model's words are a recording" in done_demo.said.err
    assert "m31a:   FileRead" in done_demo.said.err
    assert all(line.startswith("m31a: ") for line in done_demo.said.err.splitlines())


def test_the_demo_as_text_says_how_to_look(command: Command) -> None:
    said = command("demo", "my shop", "--quiet")

    assert (said.code, said.err) == (0, "")
    assert said.out.startswith("shipped: ")
    assert "\nverdict   verified\n" in said.out
    assert "\ncheck     test: passed (3 passed)\n" in said.out
    assert "  git -C 'my shop' log --stat\n" in said.out


def test_the_demo_takes_no_option_that_it_would_not_obey(command: Command) -> None:
    said = command("demo", "--model", "any")

    assert (said.code, said.out) == (2, "")
    assert "unknown option --model" in said.err
    assert not Path("any").exists()


def test_the_demo_refuses_a_folder_that_holds_something(command: Command) -> None:
    Path("full").mkdir()
    Path("full/mine").write_text("precious")

    said = command("demo", "full", "--output", "json")

    assert said.code == 2
    assert said.err == "m31a-headless: full is not empty; name a new folder for the demo\n"
    assert json.loads(said.out)["error"]["code"] == "refused"
    assert [item.name for item in Path("full").iterdir()] == ["mine"]
    assert command("demo", "full/mine").err.startswith("m31a-headless: full/mine is not a folder")
    assert "demo takes one folder" in command("demo", "a", "b").err


def test_sessions_are_listed_and_shown(after_demo: Command, done_demo: DoneDemo) -> None:
    session = done_demo.report["session"]

    listed = after_demo("sessions")
    shown = after_demo("sessions", "show", session)

    assert listed.out.startswith(f"{session}  shipped            Make slugify()")
    assert shown.code == 0
    assert shown.out.rstrip().endswith(f"Folder: {done_demo.report['session_path']}")
    assert shown == after_demo("sessions", "show", "--project", done_demo.folder)


def test_a_session_without_a_summary_shows_its_goal(
    after_demo: Command, done_demo: DoneDemo
) -> None:
    summary = Path(done_demo.report["session_path"]) / "SUMMARY.md"
    text = summary.read_bytes()
    summary.unlink()
    try:
        assert after_demo("sessions", "show").out.startswith("Make slugify() keep numbers")
    finally:
        summary.write_bytes(text)


def test_a_session_that_is_not_there_is_named_with_the_nearest(
    after_demo: Command, done_demo: DoneDemo
) -> None:
    session = done_demo.report["session"]

    said = after_demo("sessions", "show", f"{session}x")

    assert said.code == 2
    assert f"there is no session {session}x of" in said.err
    assert f"did you mean '{session}'?" in said.err


def test_a_project_without_sessions_says_so(command: Command) -> None:
    listed, shown = command("sessions", "list"), command("sessions", "show")

    assert (listed.code, listed.out) == (0, "")
    assert listed.err == f"m31a: there are no sessions of {Path.cwd()} yet\n"
    assert shown.code == 2
    assert "there is no session of" in shown.err


@pytest.mark.parametrize("verb", ["sessions", "trust", "config", "doctor"])
def test_a_project_that_is_no_folder_is_named(command: Command, verb: str) -> None:
    said = command(verb, "--project", "nowhere")

    assert said.code == 2
    assert said.err.startswith("m31a-headless: --project nowhere is not a folder")


def test_a_session_that_has_ended_cannot_go_on(after_demo: Command, done_demo: DoneDemo) -> None:
    options = ("--base-url", "http://127.0.0.1:9/v1", "--model", "m")

    for words in ((), (done_demo.report["session"],), ("nope",)):
        said = after_demo("resume", *words, *options)
        assert said.code == 2
        assert said.err.count("\n") == 1
    assert "resume takes one session id" in after_demo("resume", "a", "b").err


def test_the_ledger_is_listed_and_added_up(after_demo: Command) -> None:
    listed, added = after_demo("ledger"), after_demo("ledger", "stats")

    assert "shipped" in listed.out
    assert added.code == 0
    assert added.out.startswith("sessions         ")


def test_an_empty_ledger_says_how_to_fill_it(command: Command) -> None:
    said = command("ledger", "list")

    assert (said.code, said.out) == (0, "")
    assert said.err == (
        "m31a: the ledger is empty; a run that ended leaves a row,"
        " a first one: m31a-headless demo\n"
    )
    assert command("ledger", "list", "--limit", "0").code == 2


def test_a_hostile_ledger_commands_no_terminal(command: Command) -> None:
    home = Path(os.environ["M31A_HOME"])
    home.mkdir()
    (home / "LEDGER.md").write_text("| Session | Project |\n|---|---|\n| a | x\x1b[2J\u202ey |\n")

    said = command("ledger")

    assert said.code == 0
    assert not {"\x1b", "\u202e"} & set(said.out)


def test_trust_is_given_listed_and_taken_back(command: Command) -> None:
    here = str(Path.cwd())

    assert "no folder is trusted yet" in command("trust", "list").err
    assert command("trust").out == f"{here} is trusted\n"
    assert command("trust", "list").out == f"{here}\n"
    revoked, again = command("trust", "revoke"), command("trust", "revoke")
    assert (0, f"{here} is not trusted any more\n") == (revoked.code, revoked.out)
    assert (1, f"{here} is not trusted (it was not before)\n") == (again.code, again.out)


def test_a_home_is_never_trusted_as_a_whole(command: Command) -> None:
    said = command("trust", "grant", "--project", os.environ["HOME"])

    assert said.code == 2
    assert "never trusted as a whole; trust the project's own folder" in said.err


def test_the_configuration_is_shown_with_its_sources_and_no_key(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Path(os.environ["M31A_HOME"])
    home.mkdir()
    file = home / "config.toml"
    file.write_text('[provider.acme]\nbase_url = "http://127.0.0.1:1/v1"\napi_key = "sk-secret"\n')
    file.chmod(0o600)
    monkeypatch.setenv("M31A_MODEL_DEFAULT", "some-model")

    said = command("config")

    assert said.code == 0
    assert 'model.default = "some-model"    # environment' in said.out
    assert 'provider.acme.base_url = "http://127.0.0.1:1/v1"    # ' in said.out
    assert "features.max_parallel_tasks = 4    # default\n" in said.out
    assert "sk-secret" not in said.out
    assert command("config", "path").out == f"{file}\n"
    assert command("config", "check").out == "the configuration can be used\n"


def test_a_wrong_configuration_is_named_by_file_line_and_key(command: Command) -> None:
    home = Path(os.environ["M31A_HOME"])
    home.mkdir()
    (home / "config.toml").write_text("[model]\ndefalt = 'x'\n")

    said = command("config", "check")

    assert (said.code, said.out) == (2, "")
    assert f"{home / 'config.toml'}" in said.err
    assert "default" in said.err


def test_what_a_folder_says_without_being_trusted_is_listed(command: Command) -> None:
    Path("m31a.toml").write_text("[model]\ndefault = 'x'\n")

    said = command("config", "check")

    assert said.code == 0
    assert said.out.startswith("ignored: ")


def test_a_missing_key_names_the_places_that_were_tried(command: Command) -> None:
    said = command("keys", "status", "acme")

    assert said.code == 1
    assert said.out.startswith("acme: no key; looked in: ")
    assert "M31A_ACME_API_KEY" in said.out


def test_a_key_is_found_in_the_environment_and_never_shown(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ACME_API_KEY", "sk-secret")

    said = command("keys", "status", "acme")

    assert (said.code, said.out) == (0, "acme: from environment variable ACME_API_KEY\n")


def test_a_key_in_the_configuration_is_found(command: Command) -> None:
    file = Path(os.environ["M31A_HOME"]) / "config.toml"
    file.parent.mkdir()
    file.write_text('[provider.acme]\nbase_url = "https://acme.invalid/v1"\napi_key = "sk-1"\n')
    file.chmod(0o600)

    said = command("keys", "status", "acme")

    assert (said.code, said.out) == (0, "acme: from provider.acme.api_key in the configuration\n")


def typed(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode("latin-1"))))


def test_a_key_is_stored_asked_for_and_removed(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "pass").write_text(PASS)
    (tmp_path / "bin" / "pass").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    store = Path(os.environ["HOME"]) / ".password-store"
    store.mkdir()
    (store / ".gpg-id").write_text("me")

    typed("\n sk-secret \nmore\n", monkeypatch)
    kept = command("keys", "set", "acme")
    assert (kept.code, kept.out) == (0, "acme: stored in pass\n")
    assert (store / "m31a" / "acme.gpg").read_text() == "sk-secret\n"
    assert command("keys", "status", "acme").out == "acme: from entry m31a/acme in pass\n"
    removed, again = command("keys", "delete", "acme"), command("keys", "delete", "acme")
    assert (removed.code, removed.out) == (0, "acme: removed\n")
    assert (again.code, again.out) == (1, "acme: there was no key\n")


def test_a_key_is_typed_without_being_shown(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, theirs = os.openpty()
    with io.TextIOWrapper(io.FileIO(theirs)) as stream:
        monkeypatch.setattr("sys.stdin", stream)
        monkeypatch.setattr("getpass.getpass", lambda prompt: " ")
        said = command("keys", "set", "acme")
        monkeypatch.undo()
    os.close(ours)

    assert said.code == 2
    assert said.err.startswith("m31a-headless: the key is empty; nothing was stored")


@pytest.mark.parametrize(
    ("words", "text", "sentence"),
    [
        (["set", "acme"], "", "the key is empty; nothing was stored"),
        (["set", "acme"], "\xff\xfe", "the key is not text; nothing was stored"),
        (["set", "acme"], "sk-1", "put the key into the variable M31A_ACME_API_KEY"),
        (["set", "a b"], "sk-1", "'a b' is no provider's name"),
        (["delete", "acme"], "", "put the key into the variable M31A_ACME_API_KEY"),
        (["status", "../x"], "", "'../x' is no provider's name"),
        (["shwo"], "", "invalid choice: 'shwo'"),
        ([], "", "the following arguments are required: action"),
    ],
)
def test_a_key_that_cannot_be_kept_is_told_with_the_remedy(
    words: list[str],
    text: str,
    sentence: str,
    command: Command,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    typed(text, monkeypatch)

    said = command("keys", *words)

    assert (said.code, said.out) == (2, "")
    assert sentence in said.err
    assert said.err.count("\n") == 1


def test_the_doctor_says_what_is_missing_and_then_that_all_is_there(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = command("doctor")
    monkeypatch.setenv("M31A_MODEL_DEFAULT", "some-model")
    monkeypatch.setenv("OPENROUTER_API_KEY", "sk-1")
    after = command("doctor")
    monkeypatch.setenv("PATH", "/nowhere")
    without_git = command("doctor")
    monkeypatch.setenv("M31A_PERMISSIONS_MODE", "allow_all")
    unconfined = command("doctor")

    assert before.code == 1
    assert before.out.endswith(
        "missing   a model, a key (set one with: m31a-headless keys set openrouter)\n"
    )
    assert after.code == 0
    assert "model     some-model\n" in after.out
    assert re.search(r"^sandbox   (bubblewrap|landlock|none)", after.out, re.MULTILINE)
    assert "\nsandbox   not used: " in unconfined.out
    assert re.search(
        r"^sandbox   (landlock in part: a command can|none: .* wait)", without_git.out, re.MULTILINE
    )
    assert after.out.endswith("ready     run a goal\n")
    assert without_git.code == 1
    assert without_git.out.endswith("missing   git\n")


def test_the_doctor_sees_what_a_run_would_refuse(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    subprocess.run(["git", "init", "--quiet", "."], check=True)
    (Path.home() / ".gitconfig").write_text("")
    monkeypatch.setenv("M31A_MODEL_DEFAULT", "some-model")
    monkeypatch.setenv("OPENROUTER_API_KEY", "sk-1")

    said = command("doctor")

    assert said.code == 1
    assert "state     git has no user.name and user.email" in said.out
    assert said.out.endswith("missing   a repository in order (state)\n")


SERVER = ("--base-url", "http://127.0.0.1:9/v1", "--model", "m")


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (("run", "x"), 2, "no model is named; use --model ID"),
        (("run", "x", "--model", "m", "--provider", "openrouter"), 5, "no API key for openrouter"),
        (("run", "x", *SERVER), 2, "is not a git repository"),
        (("ghost", "x", *SERVER), 2, "is not a git repository"),
        (("run", "x", *SERVER, "--project", "nope"), 2, "--project nope is not a folder"),
        (("run", "x", *SERVER, "--answers", "nope"), 2, "--answers nope: No such file"),
        (("run", *SERVER), 2, "the goal is empty"),
        (("resume", *SERVER), 2, "can go on; start one: m31a run GOAL"),
    ],
)
def test_a_run_that_cannot_begin_says_why_and_what_to_do(
    words: tuple[str, ...], code: int, sentence: str, command: Command
) -> None:
    said = command(*words)

    assert (code, "") == (said.code, said.out)
    assert sentence in said.err
    assert said.err.count("\n") == 1


def test_a_refused_run_is_a_document_for_who_reads_documents(command: Command) -> None:
    said = command("run", "fix", "it", *SERVER, "--output", "json")

    document = json.loads(said.out)
    assert (document["outcome"], document["goal"]) == ("refused", "fix it")
    assert document["error"]["code"] == "refused"
    assert document["error"]["remedy"]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_stops_a_run_that_reports_all_the_same(
    number: int, code: int, command: Command
) -> None:
    words = ["demo", "shop", "--output", "stream-json", "--quiet"]
    with subprocess.Popen(
        [sys.executable, "-m", "m31a_headless", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    ) as process:
        assert process.stdout
        assert process.stderr
        first = process.stdout.readline()
        process.stdout.readline()  # whatever comes next, the signals are minded by then
        process.send_signal(number)
        last = [first, *process.stdout][-1]
        said = process.stderr.read()
        got = process.wait(60)

    assert code == got, said
    assert json.loads(last)["event"]["outcome"] == "interrupted"
    assert "Traceback" not in said


def test_a_run_whose_time_is_over_ends_with_4(command: Command) -> None:
    said = command("demo", "shop", "--timeout", "0", "--output", "json", "--quiet")

    assert said.code == 4
    assert json.loads(said.out)["outcome"] == "interrupted"
