"""The command line from outside: verbs, versions, errors in one line, streams that go away."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from journey import run_program
from m31a_engine import (
    BudgetSpent,
    ConfigError,
    LimitReached,
    NothingToResume,
    ProviderFailed,
    Refused,
    WaitingForApproval,
)
from m31a_headless.cli import VERBS, build_facts, main, version_line
from m31a_headless.dispatch import run_verb

Command = Callable[..., Any]
PROGRAM = [sys.executable, "-m", "m31a_headless"]


def plant(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> str:
    """A verb that fails in this way."""
    module = ModuleType("m31a_headless.verbs.planted")

    def fail(program: str, words: list[str]) -> int:
        raise error

    module.main = fail  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return "planted"


def test_version_is_one_line_with_name_version_python_and_platform(command: Command) -> None:
    said = command("--version")

    assert said.code == 0
    assert re.fullmatch(r"m31a-headless \d+\.\d+\.\d+ \(.*Python 3\.\d+\.\d+, \w+\)\n", said.out)
    assert said.err == ""


def test_a_wheel_tells_the_commit_it_was_built_from(monkeypatch: pytest.MonkeyPatch) -> None:
    facts = ModuleType("m31a_headless._build")
    facts.COMMIT, facts.DATE = "0123456789ab", "2026-11-21"  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, facts.__name__, facts)

    assert version_line("x", "1.2.3").startswith("x 1.2.3 (0123456789ab, 2026-11-21, Python 3")
    assert build_facts("m31a_headless.no_such_module") == ()


@pytest.mark.parametrize("word", ["--help", "-h", "help"])
def test_help_lists_every_verb(command: Command, word: str) -> None:
    said = command(word)

    assert said.code == 0
    assert all(f"  {verb} " in said.out for verb in VERBS)


def test_without_a_word_the_help_is_no_result(command: Command) -> None:
    said = command()

    assert (said.code, said.out) == (2, "")
    assert "usage:" in said.err


def test_a_mistyped_verb_gets_the_nearest(command: Command) -> None:
    said = command("sesions")

    assert said.code == 2
    assert "unknown command 'sesions'; did you mean 'sessions'?" in said.err
    assert said.err.count("\n") == 1


def test_a_mistyped_flag_is_an_option(command: Command) -> None:
    assert "unknown option '--verson'; did you mean '--version'?" in command("--verson").err


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help_and_names_the_nearest_option(command: Command, verb: str) -> None:
    helped = command(verb, "--help")
    wrong = command(verb, "--helpp")

    assert (helped.code, helped.err) == (0, "")
    assert helped.out.startswith(f"usage: m31a-headless {verb}")
    assert wrong.code == 2
    assert wrong.out == ""
    if verb != "keys":  # which first misses what to do
        assert "unknown option --helpp; did you mean '--help'?" in wrong.err


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConfigError("is wrong", remedy="do this"), 2),
        (Refused("is wrong", remedy="do this"), 2),
        (NothingToResume("is wrong", remedy="do this"), 2),
        (ProviderFailed("is wrong", remedy="do this"), 5),
        (LimitReached("is wrong", remedy="do this"), 4),
        (WaitingForApproval("is wrong", remedy="do this"), 3),
    ],
)
def test_an_error_is_one_line_with_its_remedy(
    error: Exception,
    code: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert code == run_verb("m31a", plant(monkeypatch, error), [])

    assert capsys.readouterr() == ("", "m31a: is wrong; do this\n")


def test_a_spent_budget_ends_with_4(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    verb = plant(monkeypatch, BudgetSpent("spent", limit_usd=1, spent_usd=1))

    assert run_verb("m31a", verb, []) == 4
    assert "--budget-usd" in capsys.readouterr().err


def test_an_error_from_outside_cannot_command_the_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    verb = plant(monkeypatch, Refused("a\x1b]0;title\x07b\nm31a: all is well\u202e"))

    assert run_verb("m31a", verb, []) == 2
    assert capsys.readouterr().err == "m31a: ab m31a: all is well\n"


@pytest.mark.parametrize("error", [ZeroDivisionError("division"), RecursionError("too deep")])
def test_a_bug_is_one_line_and_the_traceback_is_kept(
    error: Exception,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("M31A_HOME", str(tmp_path / "home"))

    assert run_verb("m31a", plant(monkeypatch, error), []) == 70

    said = capsys.readouterr().err
    log = tmp_path / "home" / "logs" / "crash.log"
    assert said.count("\n") == 1
    assert said.endswith(f"please report it with {log}\n")
    assert "Traceback" in log.read_text()
    assert "Traceback" not in said


def test_a_bug_without_a_place_to_keep_it_is_told_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("M31A_HOME", str(tmp_path / "file"))

    assert run_verb("m31a", plant(monkeypatch, ValueError("x")), []) == 70
    assert capsys.readouterr().err == (
        "m31a: this is a bug in M31A: ValueError: x; please report it\n"
    )


def test_what_the_system_refuses_names_the_file(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    verb = plant(monkeypatch, PermissionError(13, "Permission denied", "/some/file"))

    assert run_verb("m31a", verb, []) == 1
    assert capsys.readouterr().err == "m31a: /some/file: Permission denied\n"


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (KeyboardInterrupt(), 130, "m31a: interrupted\n"),
        (BrokenPipeError(32, "Broken pipe"), 1, ""),
    ],
    ids=["interrupt", "pipe"],
)
def test_an_interrupt_or_a_lost_reader_leaves_no_traceback(
    error: BaseException,
    code: int,
    text: str,
    command: Command,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    verb = plant(monkeypatch, error)
    monkeypatch.setitem(VERBS, verb, "fails")

    assert code == main([verb], "m31a")
    assert ("", text) == capsys.readouterr()


def piped(words: list[str], cwd: Path, *, take_lines: int) -> tuple[int, str]:
    """Exit code and standard error of a program whose reader goes away."""
    with subprocess.Popen(
        [*PROGRAM, *words], cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout
        assert process.stderr
        for _ in range(take_lines):
            process.stdout.readline()
        process.stdout.close()
        said = process.stderr.read().decode()
        return process.wait(60), said


def test_a_reader_that_left_before_the_help_is_no_failure_to_tell(
    command: Command, tmp_path: Path
) -> None:
    assert piped(["--help"], tmp_path, take_lines=0) == (1, "")


def test_a_run_whose_events_nobody_reads_is_stopped_and_says_so(
    command: Command, tmp_path: Path
) -> None:
    code, said = piped(
        ["demo", "shop", "--output", "stream-json", "--quiet"], tmp_path, take_lines=1
    )

    assert code == 1
    assert "nobody reads the output any more" in said
    assert "Traceback" not in said
    assert "a bug" not in said


def test_a_full_disk_is_told(command: Command, tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*PROGRAM, "--help"], cwd=tmp_path, stdout=full, stderr=subprocess.PIPE, check=False
        )

    assert done.returncode == 1
    assert b"m31a-headless: the output cannot be written: No space left" in done.stderr
    assert b"Traceback" not in done.stderr


def test_closed_streams_are_survived(command: Command, tmp_path: Path) -> None:
    for words in ("sessions list", "keys set acme", "run -"):
        done = run_program(
            "/bin/sh", "-c", f"'{sys.executable}' -m m31a_headless {words} <&- >&-",
            cwd=tmp_path, env=os.environ,
        )  # fmt: skip

        assert done.exit_code in {0, 2}, done
        assert "bug" not in done.stderr


def test_a_stream_that_lacks_letters_shows_escapes(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "m31a\N{LATIN SMALL LETTER E WITH ACUTE}").mkdir()
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    monkeypatch.setenv("M31A_HOME", str(tmp_path / "m31a\N{LATIN SMALL LETTER E WITH ACUTE}"))

    done = subprocess.run(
        [*PROGRAM, "config", "path"], cwd=tmp_path, capture_output=True, check=False
    )

    assert done.returncode == 0
    assert b"m31a\\xe9/config.toml" in done.stdout
