"""Tool calls in full, also what was too long for the conversation."""

from collections.abc import Callable

from m31a.program.effects import CopyText, Toast, Work
from m31a.program.messages import WorkFailed
from m31a.screens.tool_detail import Loaded
from m31a.testing import Desk, sample_scene
from m31a_engine import CommandOutput, Event, Listing, ToolEnded, ToolOutput, ToolStarted
from m31a_engine.sample import sample_events

Snapshot = Callable[[Callable[[], Desk], str], None]
TALK = "execute-1/task-1"
KEPT = "[... 99,000 characters cut; all of it: /home/ada/.m31a/sessions/s/outputs/1.txt ...]"
CUT = f"first line\n{KEPT}\nlast line\n"


def call(call_id: str, text: str, code: int = 0) -> tuple[Event, ...]:
    """A command that has ended."""
    display = CommandOutput(command="make", text=text, exit_code=code)
    return (
        ToolStarted(
            conversation=TALK, call_id=call_id, tool="Bash", arguments='{"command":"make"}'
        ),
        ToolEnded(
            conversation=TALK, call_id=call_id, tool="Bash", display=display, is_error=code != 0
        ),
    )


def tools(*events: Event) -> Desk:
    """The screen after these events."""
    desk = Desk("tool_detail", scene=sample_scene(events, goal="x"))
    desk.effects.clear()
    return desk


def test_all_calls_of_a_run(snapshot: Snapshot) -> None:
    snapshot(lambda: tools(*sample_events()), "tool_detail/calls")


def test_an_edit_in_full(snapshot: Snapshot) -> None:
    snapshot(lambda: tools(*sample_events()).press("home"), "tool_detail/edit")


def test_no_call_yet(snapshot: Snapshot) -> None:
    snapshot(lambda: tools(), "tool_detail/empty")


def test_an_output_that_was_cut_can_be_loaded_and_copied() -> None:
    desk = tools(*call("1", CUT))
    assert "o loads what was cut" in desk.text

    desk.press("o")
    assert [type(each) for each in desk.effects] == [Work]
    desk.send(Loaded(f"{TALK}/1", "first line\nthe middle\nlast line\n"))

    assert "output, all of it" in desk.text
    assert "the middle" in desk.text
    desk.effects.clear()
    assert desk.press("y").effects == [CopyText("first line\nthe middle\nlast line\n")]


def test_an_output_that_cannot_be_loaded_says_why_and_stays() -> None:
    desk = tools(*call("1", CUT)).press("o").send(WorkFailed("it is gone", "run it again"))

    text = desk.press("end").text
    assert "it is gone" in text
    assert "first line" in text


def test_a_whole_output_needs_no_loading() -> None:
    assert tools(*call("1", "ok\n")).press("enter").effects == [Toast("this is all of it")]


def test_the_input_is_copied_as_it_is_read() -> None:
    assert tools(*call("1", "ok\n")).press("c").effects == [CopyText('{\n  "command": "make"\n}')]


def test_an_input_that_is_no_json_is_shown_as_it_is() -> None:
    torn = ToolStarted(conversation=TALK, call_id="1", tool="Bash", arguments='{"comm')

    assert '{"comm' in tools(torn).text


def test_what_a_running_command_prints_is_seen_as_it_comes() -> None:
    desk = tools(call("1", "")[0])
    assert "running" in desk.text

    desk.tell(ToolOutput(conversation=TALK, call_id="1", text="half way\n"))

    assert "half way" in desk.text


def test_found_files_stand_one_a_line() -> None:
    found = ToolEnded(
        conversation=TALK,
        call_id="1",
        tool="Glob",
        display=Listing(paths=("a.py", "b.py")),
        is_error=False,
    )

    desk = tools(found)

    assert desk.press("y").effects == [CopyText("a.py\nb.py")]


def test_a_long_output_shows_its_end_and_says_so() -> None:
    text = "\n".join(f"row {number}" for number in range(6000))

    desk = tools(*call("1", text, 1))

    assert "… 1000 rows before this are not shown" in desk.text
    for _ in range(400):
        desk.press("pagedown")
    assert "row 5999" in desk.text


def test_the_calls_are_walked_through() -> None:
    desk = tools(*call("1", "one\n"), *call("2", "two\n", 1))
    assert "two" in desk.text

    assert "one" in desk.press("up").text
    assert "failed" in desk.press("down").text
