"""The mouse, when it is taken: the wheel is an arrow key, a click opens and folds."""

import pytest

from m31a.draw.frame import Size
from m31a.testing import Desk, sample_scene
from m31a_engine import CommandOutput, Event, ToolEnded, ToolStarted
from m31a_engine.sample import sample_events

LONG = "\n".join(f"row {number}" for number in range(60))
CALLED: tuple[Event, ...] = (
    ToolStarted(conversation="c", call_id="1", tool="Bash", arguments="{}"),
    ToolEnded(
        conversation="c",
        call_id="1",
        tool="Bash",
        is_error=False,
        display=CommandOutput(command="seq 60", text=LONG, exit_code=0),
    ),
)


def row_with(desk: Desk, text: str) -> int:
    """The first row of the terminal that has a text."""
    return next(at for at, row in enumerate(desk.text.split("\n")) if text in row)


def test_a_click_opens_what_is_long_and_another_folds_it() -> None:
    desk = Desk("repl", scene=sample_scene(CALLED), size=Size(80, 80))
    folded = desk.text
    assert "row 30" not in folded

    desk.mouse("press", 10, row_with(desk, "seq 60"))
    assert "row 30" in desk.text
    desk.mouse("release", 10, row_with(desk, "seq 60"))
    assert "row 30" in desk.text

    desk.mouse("press", 10, row_with(desk, "seq 60"))
    assert folded == desk.text


def test_a_click_on_what_cannot_be_opened_changes_nothing() -> None:
    desk = Desk("repl", scene=sample_scene(CALLED, goal="Count"), size=Size(80, 40))
    before = desk.text
    desk.mouse("press", 2, row_with(desk, "Count")).mouse("press", 2, row_with(desk, "❯"))
    assert before == desk.text


def test_the_key_for_all_folds_what_a_click_has_opened() -> None:
    desk = Desk("repl", scene=sample_scene(CALLED), size=Size(80, 80))
    folded = desk.text
    desk.mouse("press", 10, row_with(desk, "seq 60")).press("ctrl+o")
    assert "row 30" in desk.text
    assert folded == desk.press("ctrl+o").text


def test_the_wheel_scrolls_the_conversation_by_three_rows() -> None:
    desk = Desk("repl", scene=sample_scene(sample_events()))
    by_keys = Desk("repl", scene=sample_scene(sample_events()))

    desk.mouse("wheel_up", 3, 3)

    assert by_keys.press("shift+up", "shift+up", "shift+up").text == desk.text
    assert "↓ more" in desk.text


@pytest.mark.parametrize("screen", ["tool_detail", "palette", "notifications"])
def test_the_wheel_moves_a_list_by_one(screen: str) -> None:
    desk = Desk(screen, scene=sample_scene(sample_events())).press("home")
    by_keys = Desk(screen, scene=sample_scene(sample_events())).press("home")
    assert by_keys.press("down").text == desk.mouse("wheel_down", 3, 3).text


def test_the_wheel_means_nothing_where_nothing_scrolls() -> None:
    desk = Desk("confirm_quit")
    before = desk.text
    assert before == desk.mouse("wheel_down", 3, 3).text
