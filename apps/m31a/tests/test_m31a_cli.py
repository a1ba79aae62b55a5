"""The `m31a` command: verbs go through, everything else is for the terminal app."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from journey import isolated_environment
from m31a.__about__ import __version__
from m31a.cli import main
from m31a.command_line import UsageError, wish_of
from m31a.opening import can_be_fullscreen, shortened


def test_version_is_that_of_this_distribution(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert re.fullmatch(
        rf"m31a {re.escape(__version__)} \(.*Python 3\S+, \w+\)\n", capsys.readouterr().out
    )


@pytest.mark.parametrize("words", [["--help"], ["help"], ["run", "--help"]])
def test_flags_and_verbs_go_through(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 0

    assert capsys.readouterr().out.startswith("usage: m31a ")


def test_without_a_terminal_and_without_a_goal_it_asks_for_one(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["--plain"]) == 2
    assert capsys.readouterr() == ("", 'm31a: say what is to be done: m31a "GOAL"\n')


@pytest.mark.parametrize(
    ("words", "goal", "resume", "session_id"),
    [
        ([], "", False, None),
        (["fix the bug"], "fix the bug", False, None),
        (["--", "demo"], "demo", False, None),
        (["--resume"], "", True, None),
        (["--resume", "abc"], "", True, "abc"),
        (["--", "--resume"], "--resume", False, None),
    ],
)
def test_what_a_command_line_asks_of_the_app(
    words: list[str], goal: str, resume: bool, session_id: str | None
) -> None:
    wish = wish_of(words)

    assert (goal, resume, session_id) == (wish.goal, wish.resume, wish.session_id)


def test_options_are_those_of_a_run() -> None:
    wish = wish_of(["make it so", "--mode", "direct", "--model", "small", "--trust-project"])

    assert wish.overrides == {"model.default": "small"}
    assert wish.options.mode == "direct"
    assert wish.trust_project


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (
            ["sesions"],
            "sesions is no command; did you mean 'sessions'?; as a goal: m31a -- sesions",
        ),
        (["--resume", "a", "b"], "--resume takes one session id"),
        (["--versoin"], "unknown option --versoin; did you mean '--verbose'?"),
        ([""], "the goal is empty: say in quotes what is to be done"),
    ],
)
def test_what_cannot_be_meant_is_one_sentence(words: list[str], sentence: str) -> None:
    with pytest.raises(UsageError) as caught:
        wish_of(words)

    assert sentence == str(caught.value)


@pytest.mark.parametrize("environ", [{"TERM": "dumb"}, {}, {"TERM": "xterm", "ACCESSIBLE": "1"}])
def test_some_terminals_get_plain_text(environ: dict[str, str]) -> None:
    assert not can_be_fullscreen(environ)


def test_a_folder_below_home_is_written_short() -> None:
    environ = {"HOME": "/home/ada"}

    assert shortened(Path("/home/ada/slugs"), environ) == "~/slugs"
    assert shortened(Path("/home/ada"), environ) == "~"
    assert shortened(Path("/home/adam"), environ) == "/home/adam"


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
