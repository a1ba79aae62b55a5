"""The app as text that only grows: what it prints, and how a person answers it."""

import io
import os
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest

from journey import ProjectFolder, isolated_environment
from m31a.plain import Plain
from m31a.program.scene import Settings
from m31a.wish import Wish
from m31a_engine import (
    AskOpened,
    Busy,
    Grant,
    Options,
    PermissionAnswer,
    PermissionAsk,
    PermissionRequest,
    PlanAnswer,
    PlanChoice,
    QuestionsAnswer,
    Risk,
    Run,
)
from m31a_engine.testing import ScriptedRun, sample_run
from m31a_providers.testing import ModelServer
from scripted import BROKEN, GOAL, MENDED, TEST, mending

pytestmark = pytest.mark.anyio
REQUEST = PermissionRequest(
    tool="Bash", summary="rm", detail="rm -rf build", risk=Risk.DESTRUCTIVE, destroys=("rm -r",)
)


class Typist(io.StringIO):
    """Standard input with a person at it."""

    def isatty(self) -> bool:
        return True


class Played:
    """Runs that play scripts; none left is a project where somebody else works."""

    def __init__(self, *runs: ScriptedRun) -> None:
        self.runs = list(runs)
        self.goals: list[str] = []

    @asynccontextmanager
    async def start(self, goal: str, options: Options, settings: Settings) -> AsyncGenerator[Run]:
        self.goals.append(goal)
        if not self.runs:
            raise Busy("another session works in this project", remedy="wait for it")
        yield self.runs.pop(0)

    @asynccontextmanager
    async def resume(self, session_id: str | None, settings: Settings) -> AsyncGenerator[Run]:
        yield self.runs.pop(0)

    @asynccontextmanager
    async def approve(self, session_id: str, settings: Settings) -> AsyncGenerator[Run]:
        yield self.runs.pop(0)

    @asynccontextmanager
    async def demo(self) -> AsyncGenerator[Run]:
        yield self.runs.pop(0)


async def said(monkeypatch: pytest.MonkeyPatch, typed: str, runs: Played, wish: Wish) -> int:
    monkeypatch.setattr(sys, "stdin", Typist(typed))
    with anyio.fail_after(10):
        return await Plain(runs, wish).run()


async def test_a_run_is_told_in_lines_and_answered_in_lines(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = sample_run()
    wish = Wish(project=Path(), goal="make it so")

    code = await said(monkeypatch, "no\n\nwhat\nr\nmore tests\n\n", Played(run), wish)

    out = capsys.readouterr().out
    assert code == 0
    assert run.answers == [
        QuestionsAnswer(ask_id="questions-1", answers=("no", "no")),
        PlanAnswer(
            ask_id="plan-2", choice=PlanChoice.REFINE, feedback="more tests", by_person=True
        ),
    ]
    assert "1. Are leading zeros to be kept?" in out
    assert out.index("Two things would change the plan.") < out.index("the plan waits for you")
    assert "■ shipped  verified" in out
    assert "\x1b" not in out


@pytest.mark.parametrize(
    ("typed", "grant", "feedback"),
    [
        ("1\n", Grant.ONCE, ""),
        ("always\n", Grant.ALWAYS, ""),
        ("n\nkeep it\n", Grant.DENY, "keep it"),
        ("later\n", Grant.DEFER, ""),
        ("", Grant.DEFER, ""),
    ],
)
async def test_a_permission_is_a_numbered_list(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    typed: str,
    grant: Grant,
    feedback: str,
) -> None:
    ask = AskOpened(ask=PermissionAsk(ask_id="p", request=REQUEST), timeout_s=9)
    run = ScriptedRun([ask])

    await said(monkeypatch, typed, Played(run), Wish(project=Path(), goal="x"))

    assert run.answers == [PermissionAnswer(ask_id="p", grant=grant, feedback=feedback)]
    out = capsys.readouterr().out
    assert "permission needed: Bash, risk destructive\n  rm -rf build\n" in out
    assert "  destroys: rm -r\n" in out


async def test_each_line_is_a_goal_until_an_empty_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = Played(ScriptedRun([]))

    code = await said(monkeypatch, "first\nsecond\n\n", runs, Wish(project=Path()))

    assert runs.goals == ["first", "second"]
    assert code == 2
    assert "another session works in this project; wait for it" in capsys.readouterr().err


async def test_a_session_is_taken_up_again(monkeypatch: pytest.MonkeyPatch) -> None:
    wish = Wish(project=Path(), resume=True, session_id="abc")

    assert await said(monkeypatch, "", Played(ScriptedRun([])), wish) == 0


def test_in_a_pipe_a_run_goes_on_without_a_person(tmp_path: Path) -> None:
    home = isolated_environment(tmp_path / "home")
    files = {"sums.py": BROKEN, "test_sums.py": TEST}
    project = ProjectFolder.create(tmp_path / "work", home, files)
    with ModelServer(mending()) as server:
        words = ["--base-url", server.base_url, "--model", "any", "--trust-project"]
        done = subprocess.run(
            [sys.executable, "-m", "m31a", GOAL, *words, "--permissions", "allow_all"],
            cwd=project.path,
            env=home | {"PATH": os.environ["PATH"]},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    assert done.returncode == 0, done.stderr
    assert "■ shipped" in done.stdout
    assert "\x1b" not in done.stdout
    assert project.read("sums.py") == MENDED
