"""Screens as people see them: pictures in all sizes, and what their keys do."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from m31a.draw.frame import Size
from m31a.program.effects import AnswerAsk, InterruptRun, StartRun
from m31a.screens.repl import Remembered
from m31a.testing import Desk, sample_scene
from m31a_engine import (
    AskOpened,
    Grant,
    Options,
    PermissionAnswer,
    PermissionAsk,
    PermissionRequest,
    Risk,
    Usage,
    UsageChanged,
)
from m31a_engine.sample import sample_events

Snapshot = Callable[[Callable[[], Desk], str], None]
ASK = PermissionAsk(
    ask_id="permission-1",
    task="task 4",
    request=PermissionRequest(
        tool="Bash",
        summary="rm -rf build/ && python -m build",
        detail="rm -rf build/ && python -m build",
        command="rm -rf build/ && python -m build",
        risk=Risk.DESTRUCTIVE,
        paths=("build/",),
        destroys=("rm -r",),
        reason="no rule allows it",
    ),
)
OPENED = AskOpened(ask=ASK, timeout_s=300.0)


def test_the_empty_home_screen(snapshot: Snapshot) -> None:
    snapshot(lambda: Desk("repl"), "repl/empty")


def test_the_home_screen_after_a_whole_run(snapshot: Snapshot) -> None:
    snapshot(
        lambda: Desk("repl", scene=sample_scene(sample_events(), goal="Make it so")), "repl/run"
    )


def test_the_permission_sheet(snapshot: Snapshot) -> None:
    snapshot(lambda: Desk("repl").tell(OPENED).wait(0.5), "permission/open")


@pytest.mark.parametrize(
    ("keys", "grant", "feedback"),
    [
        (["y"], Grant.ONCE, ""),
        (["a"], Grant.ALWAYS, ""),
        (["n", *"no!", "enter"], Grant.DENY, "no!"),
        (["escape"], Grant.DEFER, ""),
    ],
)
def test_each_answer_to_a_permission_is_one_key(
    keys: list[str], grant: Grant, feedback: str
) -> None:
    desk = Desk("repl").tell(OPENED).wait(0.5)
    desk.effects.clear()

    desk.press(*keys)

    answer = PermissionAnswer(ask_id="permission-1", grant=grant, feedback=feedback)
    assert desk.effects == [AnswerAsk(answer)]


def test_exit_denies_and_stops_the_run() -> None:
    desk = Desk("repl").tell(OPENED).wait(0.5)
    desk.effects.clear()

    desk.press("e")

    denied = PermissionAnswer(ask_id="permission-1", grant=Grant.DENY)
    assert desk.effects == [AnswerAsk(denied), InterruptRun()]


def test_keys_pressed_as_the_sheet_opens_go_to_the_draft() -> None:
    desk = Desk("repl").type("fix ").tell(OPENED)
    desk.effects.clear()

    desk.wait(0.39).type("yes")

    assert desk.effects == []
    assert " ❯ fix yes" in desk.text
    desk.wait(0.02).press("y")
    assert desk.effects == [AnswerAsk(PermissionAnswer(ask_id="permission-1", grant=Grant.ONCE))]


def test_enter_sends_the_goal_and_empties_the_prompt() -> None:
    desk = Desk("repl")
    desk.effects.clear()

    desk.type("make it so").press("enter")

    assert desk.effects == [StartRun("make it so", Options())]
    assert "make it so" not in desk.text


def test_a_command_far_too_long_for_the_sheet_can_be_read_to_its_end() -> None:
    long = "\n".join(f"echo line {number}" for number in range(60))
    ask = PermissionAsk(
        ask_id="p", request=PermissionRequest(tool="Bash", summary="", detail=long, risk=Risk.SAFE)
    )
    desk = Desk("repl", size=Size(80, 24)).tell(AskOpened(ask=ask, timeout_s=9.0)).wait(0.5)

    assert "more lines" in desk.text
    for _ in range(30):
        desk.press("pagedown")

    assert "echo line 59" in desk.text


def test_a_denial_that_is_being_explained(snapshot: Snapshot) -> None:
    snapshot(
        lambda: Desk("repl").tell(OPENED).wait(0.5).press("n").type("use make clean"),
        "permission/reason",
    )


def test_commands_that_are_offered(snapshot: Snapshot) -> None:
    snapshot(lambda: Desk("repl").type("/re"), "repl/commands")


def test_files_that_are_offered(snapshot: Snapshot) -> None:
    snapshot(lambda: Desk("repl").type("look at @slu"), "repl/files")


def test_lines_that_are_looked_for(snapshot: Snapshot) -> None:
    goals = ("Keep digits in slugs", "Rate limit the login route", "Log in with a passkey")
    snapshot(
        lambda: Desk("repl").send(Remembered(goals)).press("ctrl+r").type("log"), "repl/search"
    )


def test_a_run_at_work_with_goals_that_wait_and_a_full_window(snapshot: Snapshot) -> None:
    def make() -> Desk:
        begun = tuple(sample_events())[:22]
        desk = Desk("repl", scene=sample_scene(begun, goal="Keep digits in slugs"))
        usage = Usage(input_tokens=90_000)
        desk.tell(UsageChanged(usage=usage, requests=7, context_tokens=111_000))
        scene = replace(desk.app.scene, queue=("Then tell about it in the README",))
        desk.app = replace(desk.app, scene=scene).told("queued")
        return desk.type("and the changelog\nwith a line for users")

    snapshot(make, "repl/working")


def test_the_keys_of_a_screen(snapshot: Snapshot) -> None:
    snapshot(lambda: Desk("repl").press("?"), "help/conversation")


def test_all_commands(snapshot: Snapshot) -> None:
    snapshot(lambda: Desk("palette"), "palette/all")


def test_commands_by_their_letters(snapshot: Snapshot) -> None:
    snapshot(lambda: Desk("palette").type("rol"), "palette/found")


def test_no_command_with_these_letters(snapshot: Snapshot) -> None:
    snapshot(lambda: Desk("palette").type("zzzz"), "palette/nothing")
