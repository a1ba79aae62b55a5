"""The verbs that tell or change something without a run: models, rules, schemas, settings."""

import csv
import io
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from m31a_providers.testing import ModelServer, Script

Command = Callable[..., Any]
DoneDemo = Any


def test_models_are_listed_with_what_the_server_says(command: Command) -> None:
    script = Script(models=("tiny", "tiny-instruct", "huge"), context_tokens=4096)
    with ModelServer(script) as server:
        address = ("--base-url", server.base_url)
        said = command("models", *address)
        few = command("models", "TINY", "instruct", "--json", *address)
        none = command("models", "absent", *address)

    assert (said.code, said.err) == (0, "")
    assert [line.split()[:2] for line in said.out.splitlines()] == [
        ["tiny", "4096"],
        ["tiny-instruct", "4096"],
        ["huge", "4096"],
    ]
    assert [model["id"] for model in json.loads(few.out)["models"]] == ["tiny-instruct"]
    assert (none.code, none.out) == (1, "")


def test_models_that_are_not_told_any_more_are_told_with_their_age(command: Command) -> None:
    with ModelServer(Script(models=("tiny",))) as server:
        address = ("--base-url", server.base_url)
        command("models", *address)
    old, unknown = (
        command("models", "--anew", *address),
        command("models", "--base-url", "http://127.0.0.1:9/v1"),
    )

    assert old.code == 0
    assert old.out.startswith("tiny")
    assert "did not answer" in old.err
    assert unknown.code == 5
    assert "does not tell its models" in unknown.err


def test_servers_of_this_machine_are_looked_for(command: Command) -> None:
    said, told = command("models", "--local", "--json"), command("models", "--local")

    found = json.loads(said.out)
    assert said.code == told.code == (0 if found else 1)
    assert bool(told.out) == bool(found)


def test_schemas_are_complete_and_what_is_printed_fits_them(
    command: Command, done_demo: DoneDemo
) -> None:
    whole = json.loads(command("schema").out)
    report = json.loads(command("schema", "report").out)

    assert list(whole) == ["report", "events", "config"]
    assert report == whole["report"]
    shape = report["$defs"]["RunReport"]
    assert set(shape["required"]) <= set(done_demo.report) <= set(shape["properties"])
    assert whole["config"]["properties"]["model"]
    assert whole["config"]["additionalProperties"] is False
    assert whole["events"]["$schema"].endswith("2020-12/schema")


def test_what_becomes_of_a_command_is_explained(command: Command) -> None:
    asked = command("permissions", "--explain", "rm -rf /", "--permissions", "ask", "--json")
    allowed = command("permissions", "--explain", "ls", "--permissions", "allow_all")
    denied = command("permissions", "--explain", "ls", "--permissions", "deny_all")

    assert (asked.code, json.loads(asked.out)["explanation"]["judgement"]) == (1, "ask")
    assert (allowed.code, allowed.out.split(":")[0]) == (0, "allow")
    assert (denied.code, denied.out.split(":")[0]) == (1, "deny")


def test_rules_are_listed_with_their_source_and_answers_revoked(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Path(os.environ["M31A_HOME"])
    home.mkdir()
    (home / "config.toml").write_text(
        '[permissions]\nmode = "rules"\n[[permissions.rules]]\naction = "deny"\ntool = "Bash"\n'
        'command = "git push *"\nreason = "I push"\n'
    )
    rule = {"action": "allow", "tool": "Bash", "command": "make"}
    kept = {"id": "abc", "project": str(Path.cwd()), "at": "2026-01-01T00:00:00Z", "rule": rule}
    (home / "permissions.json").write_text(json.dumps({"version": 1, "rules": [kept]}))
    (home / "permissions.json").chmod(0o600)

    listed = command("permissions")
    rows = json.loads(command("permissions", "--json").out)
    revoked, again = (
        command("permissions", "revoke", "abc"),
        command("permissions", "revoke", "abc"),
    )

    assert "deny   user file      Bash git push *  (I push)" in listed.out
    assert "abc      allow  answered       Bash make" in listed.out
    assert {row["source"] for row in rows} == {"user file", "answered", "built in"}
    assert (revoked.code, again.code) == (0, 1)
    assert command("permissions", "revoke", "all").code == 1
    assert command("permissions", "revoke").code == 2


def test_a_setting_is_changed_and_taken_out(command: Command) -> None:
    kept = command("config", "set", "features.max_turns", "7")
    shown = json.loads(command("config", "--json").out)
    wrong = command("config", "set", "features.max_turns", "many")
    gone, again = (
        command("config", "unset", "features.max_turns"),
        command("config", "unset", "features.max_turns"),
    )

    assert (kept.code, kept.out) == (0, "features.max_turns = 7\n")
    assert shown["features.max_turns"] == {"value": 7, "source": "user file"}
    assert wrong.code == 2
    assert (gone.code, again.code) == (0, 1)
    for words in (("set", "a.b"), ("unset",), ("unset", "a.b", "c"), ("show", "x")):
        assert command("config", *words).code == 2


def test_keys_of_all_providers_are_told(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENROUTER_API_KEY", "sk-secret")

    told, rows = command("keys", "status"), json.loads(command("keys", "status", "--json").out)

    assert told.code == 0
    assert told.out.startswith("openrouter: from environment variable OPENROUTER_API_KEY\nzen: no")
    assert [(row["provider"], row["found"]) for row in rows] == [
        ("openrouter", True),
        ("zen", False),
        ("anthropic", False),
    ]


def test_the_ledger_is_searched_and_written_down(after_demo: Command, done_demo: DoneDemo) -> None:
    found = json.loads(after_demo("ledger", "query", "--outcome", "shipped", "--json").out)
    none = after_demo("ledger", "query", "quaternions")
    rows = list(csv.reader(io.StringIO(after_demo("ledger", "export", "--form", "csv").out)))
    whole = json.loads(after_demo("ledger", "export").out)

    assert done_demo.report["session"] in [entry["session"] for entry in found]
    assert (none.code, none.out) == (1, "")
    assert rows[0][0] == "session"
    assert len(rows) == len(whole) + 1
    assert after_demo("ledger", "stats", "--json").code == 0
    assert after_demo("ledger", "list", "--json").code == 0
    assert after_demo("ledger", "list", "word").code == 2
    assert after_demo("ledger", "query", "--since", "2999-01-01").code == 1
    assert after_demo("ledger", "query", "--in", "shop").code == 0


def test_runs_are_found_by_words_of_their_goals(command: Command) -> None:
    home = Path(os.environ["M31A_HOME"])
    home.mkdir()
    (home / "LEDGER.md").write_text(
        "| Session | Time | Project | Keywords | Outcome |\n|---|---|---|---|---|\n"
        "| a | 2026-11-20T00:00:00Z | =shop | parser; empty | shipped |\n"
        "| b | 2026-11-21T00:00:00Z | shop | colours | failed |\n"
    )

    found = command("ledger", "query", "mend", "the", "parser")
    table = command("ledger", "export", "--form", "csv", "--outcome", "shipped")

    assert (found.code, found.out.count("\n")) == (0, 1)
    assert "parser empty" in found.out
    assert ",'=shop," in table.out


def test_the_doctors_findings_are_a_document(command: Command) -> None:
    said = command("doctor", "--json")

    document = json.loads(said.out)
    assert said.code == 1
    assert not document["ready"]
    assert any(missing.startswith("a key") for missing in document["missing"])
    assert {"git", "project", "provider"} <= {fact["name"] for fact in document["facts"]}


def test_trusted_folders_and_sessions_are_documents(
    after_demo: Command, done_demo: DoneDemo
) -> None:
    session = done_demo.report["session"]

    assert json.loads(after_demo("trust", "list", "--json").out) == []
    assert [row["id"] for row in json.loads(after_demo("sessions", "--json").out)] == [session]
    assert json.loads(after_demo("sessions", "show", session, "--json").out)["id"] == session
    assert "Make slugify()" in after_demo("sessions", "export").out
    assert "nothing is archived" in after_demo("sessions", "--archived").err


def test_what_follows_two_dashes_is_a_goal_whatever_it_is_called(command: Command) -> None:
    said = command("--", "demo")

    assert said.code == 2
    assert "no model is named" in said.err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("apply",), "which session?"),
        (("apply", "nope"), "there is no session nope of"),
        (("replay",), "there is no session of"),
        (("approve",), "approve takes one session id"),
        (("approve", "nope", "--model", "m", "--base-url", "http://127.0.0.1:9/v1"), "no session"),
        (("verify",), "is not in a git repository"),
        (("rollback",), "is not in a git repository"),
        (("rollback", "soft"), "which commit?"),
        (("rollback", "undo", "HEAD"), "takes no commit"),
        (("bisect", "--", "true"), "--good: name a commit"),
        (("bisect", "--good", "HEAD"), "say after -- which command"),
        (("bisect", "--good", "HEAD", "--", "true"), "is not in a git repository"),
        (("plan", "x", "--mode", "direct"), "only --mode full has a plan"),
        (("plan", "x", "--output", "diff"), "there is no diff yet"),
        (("plan", "x"), "no model is named"),
        (("batch",), "batch takes one file"),
        (("batch", "nope.jsonl"), "nope.jsonl: No such file"),
        (("batch", "notes.txt"), "notes.txt holds no goal"),
        (("batch", "notes.txt", "--output", "json"), "leave --output out"),
        (("sessions", "delete"), "which session?"),
        (("sessions", "fork", "nope"), "there is no session nope of"),
        (("schema", "reprot"), "invalid choice"),
    ],
)
def test_a_verb_that_cannot_begin_says_why_in_one_line(
    words: tuple[str, ...], sentence: str, command: Command
) -> None:
    said = command(*words)

    assert (said.code, said.out) == (2, "")
    assert sentence in said.err
    assert said.err.count("\n") == 1
    assert "bug" not in said.err


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ('{"goal": 1}', 'an object with a "goal"'),
        ('{"goal": "x", "ghost": "yes"}', "ghost is true or false"),
        ('{"goal": "x", "output": "json"}', "output cannot be said in a line"),
        ('{"goal": "x", "mode": {"a": 1}}', "mode is a text, a number"),
        ('{"goal": "x", "modle": "m"}', "unknown option --modle"),
        ('{"goal": " ", "no_questions": true, "init": false}', "the goal is empty"),
        ("[" * (sys.getrecursionlimit() * 20), "not JSON"),
    ],
)
def test_a_line_of_a_batch_that_is_wrong_is_told_in_its_place(
    line: str, sentence: str, command: Command
) -> None:
    Path("goals.jsonl").write_text(f"\n{line}\n", encoding="utf-8")

    said = command("batch", "goals.jsonl")

    row = json.loads(said.out)
    assert (said.code, row["line"], row["exit_code"]) == (2, 2, 2)
    assert sentence in row["error"]["message"]
