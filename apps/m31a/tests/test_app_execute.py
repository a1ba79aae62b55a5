"""Tasks at work: what each does, and every way to steer them."""

from collections.abc import Callable

import pytest

from m31a.program.effects import SendCommand, Toast
from m31a.testing import Desk, sample_scene
from m31a_engine import (
    CancelTask,
    Command,
    CommandOutput,
    Continue,
    Event,
    FileDiff,
    HealTask,
    MessageDone,
    Pause,
    Phase,
    PhaseEnded,
    PhaseStarted,
    Plan,
    PlanDrafted,
    PlannedTask,
    SkipTask,
    Steer,
    TaskEnded,
    TaskHealing,
    TaskStarted,
    TextStreamed,
    ToolEnded,
    ToolOutput,
    ToolStarted,
    Usage,
    UsageChanged,
)
from m31a_engine.sample import sample_events

Snapshot = Callable[[Callable[[], Desk], str], None]
PLAN = Plan(
    title="Tokens",
    tasks=(
        PlannedTask(id=1, description="Load the keys"),
        PlannedTask(id=2, description="Sign", dependencies=(1,)),
        PlannedTask(id=3, description="Tests", dependencies=(2,)),
    ),
)
COMMAND = '{"command":"pytest -q"}'
AT_WORK: tuple[Event, ...] = (
    PhaseStarted(phase=Phase.EXECUTE),
    PlanDrafted(plan=PLAN, version=1),
    TaskStarted(task_id=1, title="Load the keys"),
    TaskEnded(task_id=1, outcome="done", elapsed_s=41.0),
    TaskStarted(task_id=2, title="Sign"),
    TaskHealing(task_id=2, attempt=1, error="two tests fail"),
    TextStreamed(conversation="execute-1/task-2", text="The signer takes a pair of keys."),
    ToolStarted(conversation="execute-1/task-2", call_id="call-1", tool="Bash", arguments=COMMAND),
    ToolOutput(conversation="execute-1/task-2", call_id="call-1", text="14 passed\n"),
)


def at_work(*more: Event) -> Desk:
    """A run whose second task is at work."""
    desk = Desk("execute", scene=sample_scene(goal="JWT")).tell(*AT_WORK, *more)
    desk.effects.clear()
    return desk


def sent(desk: Desk) -> list[Command]:
    """What the run was told."""
    return [each.command for each in desk.effects if isinstance(each, SendCommand)]


def test_tasks_at_work(snapshot: Snapshot) -> None:
    snapshot(lambda: at_work().wait(12.0), "execute/working")


TITLES = (
    "Load a PEM pair from the config folder",
    "Read the accepted algorithms from settings",
    "Sign tokens with RS256",
    "Verify both kinds until the date",
    "Answer 401, never 440, for an expired token",
    "Tell about the change in the README",
    "Tests for rotation and clock skew",
)
MANY = Plan(
    title="Sign tokens with RS256",
    tasks=tuple(
        PlannedTask(id=number, description=title, dependencies=(number - 2,) if number > 2 else ())
        for number, title in enumerate(TITLES, 1)
    ),
)
PATCH = (
    "--- a/app/auth/tokens.py\n+++ b/app/auth/tokens.py\n@@ -42,2 +42,3 @@\n"
    " def sign(claims: Claims) -> str:\n"
    '-    return jwt.encode(claims, SECRET, "HS256")\n'
    '+    return jwt.encode(claims, keys.private, "RS256",\n'
    '+                      headers={"kid": keys.kid})\n'
)
EDITED = FileDiff(path="app/auth/tokens.py", diff=PATCH, added=2, removed=1)
TESTED = CommandOutput(
    command="pytest -q tests/test_tokens.py",
    text="........x......                        [100%]\n14 passed, 1 xfailed in 0.41s\n",
    exit_code=0,
)


def busy() -> Desk:
    """Seven tasks, three of them done, two at work at once."""
    talk = "execute-1/task-4"
    before = (Phase.INITIALIZE, Phase.DISCUSS, Phase.PLAN)
    events: list[Event] = [
        PhaseEnded(phase=phase, next=Phase.EXECUTE, elapsed_s=4.0) for phase in before
    ]
    events += [PhaseStarted(phase=Phase.EXECUTE), PlanDrafted(plan=MANY, version=1)]
    for number, took_s in ((1, 41.0), (2, 9.4), (3, 128.0)):
        events.append(TaskStarted(task_id=number, title=TITLES[number - 1]))
        events.append(TaskEnded(task_id=number, outcome="done", elapsed_s=took_s))
    events += [
        TaskStarted(task_id=5, title=TITLES[4]),
    ]
    talking: list[Event] = [
        TaskStarted(task_id=4, title=TITLES[3]),
        TextStreamed(conversation=talk, text="The signer has its **kid**. Now the other kind:"),
        MessageDone(
            conversation=talk,
            text="The signer has its **kid**. Now `verify()` must accept both kinds:",
            model="sample-model",
            usage=Usage(),
            calls=2,
        ),
        ToolStarted(conversation=talk, call_id="1", tool="Edit", arguments="{}"),
        ToolEnded(conversation=talk, call_id="1", tool="Edit", is_error=False, display=EDITED),
        ToolStarted(conversation=talk, call_id="2", tool="Bash", arguments="{}"),
        ToolEnded(conversation=talk, call_id="2", tool="Bash", is_error=False, display=TESTED),
        TextStreamed(conversation=talk, text="Both kinds pass. One case is left: a token whose"),
        UsageChanged(
            usage=Usage(input_tokens=41_200, output_tokens=6_800, cost_usd=0.42),
            requests=19,
            context_tokens=61_000,
        ),
    ]
    desk = Desk("execute", scene=sample_scene(goal="JWT")).tell(*events).wait(9.0)
    return desk.tell(*talking).wait(31.0)


def test_many_tasks_two_of_them_at_once(snapshot: Snapshot) -> None:
    snapshot(busy, "execute/many")


def test_a_task_at_work_that_has_said_nothing_says_so() -> None:
    assert "at work: nothing was said yet" in busy().press("down").text


def test_a_task_that_waits_for_another(snapshot: Snapshot) -> None:
    snapshot(lambda: at_work().press("down"), "execute/waiting")


def test_something_is_said_to_a_task(snapshot: Snapshot) -> None:
    snapshot(lambda: at_work().press("t").type("keep the old header"), "execute/telling")


def test_a_run_without_tasks(snapshot: Snapshot) -> None:
    snapshot(lambda: Desk("execute"), "execute/empty")


def test_a_finished_run_with_its_files(snapshot: Snapshot) -> None:
    scene = sample_scene(sample_events(), goal="Make it so")
    snapshot(lambda: Desk("execute", scene=scene).press("home"), "execute/ended")


@pytest.mark.parametrize(
    ("keys", "command"),
    [
        (["p"], Pause()),
        (["c"], CancelTask(task_id=2)),
        (["down", "s"], SkipTask(task_id=3)),
        (["up", "h"], HealTask(task_id=1)),
        (["t", *"hurry", "enter"], Steer(text="hurry", task_id=2)),
        (["T", *"hurry", "enter"], Steer(text="hurry")),
    ],
)
def test_each_way_to_steer_is_one_command(keys: list[str], command: Command) -> None:
    assert sent(at_work().press(*keys)) == [command]


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        (["s"], "task 2 has begun: c cancels it"),
        (["up", "c"], "task 1 is not at work"),
        (["down", "c"], "task 3 is not at work"),
        (["h"], "task 2 has not ended yet"),
        (["down", "o"], "it has called no tool yet"),
    ],
)
def test_what_makes_no_sense_now_is_said_and_not_sent(keys: list[str], said: str) -> None:
    desk = at_work().press(*keys)

    assert sent(desk) == []
    assert [each.text for each in desk.effects if isinstance(each, Toast)] == [said]


def test_paused_is_seen_and_taken_back_by_the_same_key() -> None:
    desk = at_work().press("p")
    assert "paused" in desk.text

    desk.press("p")

    assert sent(desk) == [Pause(), Continue()]
    assert "paused" not in desk.text


def test_nothing_can_be_steered_when_nothing_runs() -> None:
    desk = Desk("execute", scene=sample_scene(sample_events(), goal="Make it so"))
    desk.effects.clear()

    desk.press("p", "c", "s", "h", "t")

    assert set(desk.effects) == {Toast("nothing is running", "warn")}


def test_what_is_being_written_survives_events_and_can_be_left() -> None:
    desk = at_work().press("t").paste("keep\nthe header")
    desk.tell(TaskEnded(task_id=2, outcome="done", elapsed_s=3.0))
    assert "keep the header" in desk.text

    desk.press("escape")

    assert desk.top.id == "execute"
    assert sent(desk) == []


def test_the_newest_task_is_followed_until_one_is_chosen() -> None:
    third = TaskStarted(task_id=3, title="Tests")
    talk = TextStreamed(conversation="execute-1/task-3", text="Writing six cases.")

    assert "Writing six cases." in at_work().tell(third, talk).text
    assert "Writing six cases." not in at_work().press("up", "down").tell(third, talk).text


def test_the_elapsed_time_of_a_task_at_work_moves() -> None:
    assert "12 s" in at_work().wait(12.0).text


def test_the_next_wave_of_a_large_goal_goes_on_counting() -> None:
    wave = Plan(
        title="Second wave",
        tasks=(
            PlannedTask(id=1, description="Rotate the keys"),
            PlannedTask(id=2, description="Tell about it", dependencies=(1,)),
        ),
    )
    desk = at_work(
        TaskEnded(task_id=2, outcome="done"),
        TaskStarted(task_id=3, title="Tests"),
        TaskEnded(task_id=3, outcome="failed", reason="no network"),
        PlanDrafted(plan=wave, version=2),
        TaskStarted(task_id=4, title="Rotate the keys"),
    )

    assert "wave 2" in desk.text
    assert "2/5" in desk.text
    assert any(" 5 Tell about it " in row and " after 4" in row for row in desk.text.split("\n"))
    assert "1 failed" in desk.text


def test_a_refined_plan_takes_the_place_of_the_one_before() -> None:
    other = Plan(title="Smaller", tasks=(PlannedTask(id=1, description="All at once"),))
    events = (PlanDrafted(plan=PLAN, version=1), PlanDrafted(plan=other, version=2))

    desk = Desk("execute", scene=sample_scene(events, goal="JWT"))

    assert "All at once" in desk.text
    assert "Sign" not in desk.text


def test_the_last_call_of_a_task_is_opened_in_full() -> None:
    desk = at_work().press("o")

    assert desk.top.id == "tool_detail"
    assert '"command": "pytest -q"' in desk.text


def test_a_long_conversation_is_scrolled() -> None:
    long = "\n\n".join(f"line {number}" for number in range(80))
    desk = at_work(TextStreamed(conversation="execute-1/task-2", text=long))
    assert "line 79" in desk.text

    for _ in range(12):
        desk.press("pageup")

    assert "The signer takes a pair" in desk.text
