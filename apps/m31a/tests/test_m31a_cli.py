"""The `m31a` command: verbs go through, everything else says what to type instead."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from journey import isolated_environment
from m31a.__about__ import __version__
from m31a.cli import main


def test_version_is_that_of_this_distribution(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert re.fullmatch(
        rf"m31a {re.escape(__version__)} \(.*Python 3\S+, \w+\)\n", capsys.readouterr().out
    )


@pytest.mark.parametrize("words", [["--help"], ["help"], ["run", "--help"], ["plan", "x"]])
def test_flags_and_verbs_go_through(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == (2 if words[0] == "plan" else 0)

    out, err = capsys.readouterr()
    assert (out + err).startswith(("usage: m31a ", "m31a: plan is not built yet"))


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([], 'work on a goal with: m31a run "GOAL", look around with: m31a --help'),
        (["fix the bug"], "work on this goal with: m31a run 'fix the bug'"),
        (["it's red"], "work on this goal with: m31a run 'it'\"'\"'s red'"),
        (["sesions"], "work on this goal with: m31a run sesions; did you mean 'sessions'?"),
        (["--", "demo"], 'work on a goal with: m31a run "GOAL"'),
        (["--resume"], "go on with a session with: m31a resume"),
        (["--resume", "abc"], "go on with a session with: m31a resume abc"),
    ],
)
def test_what_is_for_the_terminal_app_says_what_to_type_instead(
    words: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    assert ("", f"m31a: the terminal app is not built yet; {sentence}\n") == capsys.readouterr()


def test_an_unknown_option_is_no_goal(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--versoin"]) == 2
    assert capsys.readouterr().err == (
        "m31a: unknown option '--versoin'; m31a --help lists what there is\n"
    )


def test_a_goal_cannot_command_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["a\x1b]0;t\x07b\nm31a: done"]) == 2
    err = capsys.readouterr().err
    assert "\x1b" not in err
    assert err.count("\n") == 1


def test_windows_is_told_to_be_unsupported(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.platform", "win32")

    assert main(["run", "x"]) == 2
    assert "on Windows use it inside WSL" in capsys.readouterr().err
    assert main(["--version"]) == 0


def test_the_module_runs_as_a_program(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "m31a", "config", "path"],
        cwd=tmp_path,
        env=isolated_environment(tmp_path / "home"),
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("/.m31a/config.toml\n")
