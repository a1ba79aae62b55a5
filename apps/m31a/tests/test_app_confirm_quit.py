"""Leaving while a run works, and leaving when nothing does."""

from collections.abc import Callable

import pytest

from m31a.program.effects import Quit
from m31a.program.messages import RunOver
from m31a.testing import Desk, sample_scene
from m31a_engine import Mode, Phase, PhaseStarted, RunStarted

Snapshot = Callable[[Callable[[], Desk], str], None]
RUNNING = (
    RunStarted(goal="Keep digits", project="/p", mode=Mode.FULL, model="m", provider="p"),
    PhaseStarted(phase=Phase.EXECUTE),
)


def running() -> Desk:
    desk = Desk("confirm_quit", scene=sample_scene(RUNNING, goal="Keep digits"))
    desk.effects.clear()
    return desk


def test_the_question(snapshot: Snapshot) -> None:
    snapshot(running, "confirm_quit/running")


def test_with_nothing_at_work_the_app_is_left_at_once() -> None:
    desk = Desk("confirm_quit")

    assert desk.effects == [Quit()]
    assert desk.top.id == "repl"


@pytest.mark.parametrize("key", ["escape", "enter", "n", "q"])
def test_enter_and_escape_stay(key: str) -> None:
    desk = running().press(key)

    assert desk.top.id == "repl"
    assert desk.effects == []


def test_stopping_takes_a_letter() -> None:
    assert running().press("s").effects == [Quit()]


def test_a_run_that_ends_meanwhile_takes_the_question_away() -> None:
    assert running().send(RunOver()).top.id == "repl"


def test_slash_quit_asks_while_a_run_works() -> None:
    desk = Desk("repl", scene=sample_scene(RUNNING, goal="Keep digits"))

    assert desk.type("/quit").press("enter").top.id == "confirm_quit"
