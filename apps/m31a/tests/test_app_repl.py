"""The home screen: history, commands, completion, the queue."""

from dataclasses import replace

import pytest

from m31a.commands import cost_text, obey
from m31a.draw.frame import Size
from m31a.program.app import App
from m31a.program.effects import (
    AddBlock,
    Alert,
    ChangeSettings,
    CopyText,
    EditText,
    Effect,
    InterruptRun,
    Queue,
    Quit,
    ResumeRun,
    RunShell,
    SendCommand,
    StartDemo,
    StartRun,
    Toast,
)
from m31a.program.messages import Edited, Printed, RunOver, WorkFailed
from m31a.screens.repl import Remembered
from m31a.story.blocks import Notice, Said, ShellCard, UserSaid
from m31a.testing import Desk, sample_scene
from m31a_engine import (
    CancelTask,
    Command,
    Continue,
    MessageDone,
    Mode,
    Options,
    Pause,
    Phase,
    PhaseStarted,
    Plan,
    PlanDrafted,
    PlannedTask,
    RunStarted,
    SkipTask,
    Steer,
    TaskEnded,
    TaskStarted,
    Usage,
    UsageChanged,
)
from m31a_engine.sample import sample_events

STARTED = RunStarted(goal="g", project="p", mode=Mode.FULL, model="m", provider="p")


def fresh() -> Desk:
    desk = Desk("repl")
    desk.effects.clear()
    return desk


def busy() -> Desk:
    desk = fresh().tell(STARTED)
    desk.effects.clear()
    return desk


def said(line: str, desk: Desk | None = None) -> list[Effect]:
    desk = desk or fresh()
    desk.type(line).press("enter")
    return desk.effects


@pytest.mark.parametrize(
    ("line", "effects"),
    [
        ("/goal make it so", [StartRun("make it so", Options())]),
        ("/workflow make it so", [StartRun("make it so", Options(mode=Mode.FULL))]),
        ("/agent-mode direct", [ChangeSettings(mode="direct"), Toast("mode direct", "ok")]),
        ("/resume 2026", [ResumeRun("2026")]),
        ("/demo", [StartDemo()]),
        ("/dem", [StartDemo()]),
        ("/model small", [ChangeSettings(model="small"), Toast("model small", "ok")]),
        ("/theme light", [ChangeSettings(theme="light")]),
        ("/quit", [Quit(0)]),
        ("!git status", [RunShell("git status")]),
        ("/queue", [Toast("nothing waits")]),
        ("/cost", [AddBlock(Notice("nothing was spent yet"))]),
    ],
)
def test_what_a_line_asks_for(line: str, effects: list[Effect]) -> None:
    assert effects == said(line)


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("/pause", Pause()),
        ("/continue", Continue()),
        ("/skip 3", SkipTask(task_id=3)),
        ("/cancel 2", CancelTask(task_id=2)),
    ],
)
def test_a_run_is_steered_by_commands(line: str, command: Command) -> None:
    assert SendCommand(command) in said(line, busy())


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("/zzz", "there is no /zzz"),
        ("/mode fulll", "a mode is one of auto, full, fast, direct; did you mean 'full'?"),
        ("/theme darc", "did you mean 'dark'?"),
        ("/skip", "nothing is running"),
        ("/copy", "there is no answer to copy yet"),
    ],
)
def test_a_line_that_cannot_be_obeyed_stays_to_be_mended(line: str, why: str) -> None:
    desk = fresh()
    desk.type(line).press("escape", "enter")

    (toast,) = (each for each in desk.effects if isinstance(each, Toast))
    assert toast.level == "warn"
    assert why in toast.text
    assert f"❯ {line}" in desk.text


def test_skip_wants_a_number() -> None:
    assert said("/skip x", busy()) == [Toast("say the task's number: /skip 3", "warn")]
    assert said("/stop", busy()) == [InterruptRun()]


def test_what_was_typed_before_comes_back_by_its_beginning() -> None:
    desk = fresh().send(Remembered(("fix the bug", "write docs", "fix the test")))

    desk.type("fix").press("up")
    assert "❯ fix the test" in desk.text
    desk.press("up")
    assert "❯ fix the bug" in desk.text
    desk.press("up", "down", "down")
    assert "❯ fix\n" in desk.text + "\n"


def test_a_line_that_ends_in_a_backslash_goes_on() -> None:
    desk = fresh().type("one\\").press("enter").type("two").press("alt+enter").type("three")

    desk.press("enter")

    assert desk.effects == [StartRun("one\ntwo\nthree", Options())]


def test_commands_are_completed_and_their_choices_too() -> None:
    desk = fresh().type("/age").press("tab")
    assert "❯ /agent-mode" in desk.text
    desk.press("down", "down", "up", "tab", "enter")
    assert desk.effects == [ChangeSettings(mode="full"), Toast("mode full", "ok")]


def test_a_file_is_completed_and_escape_closes_the_offer() -> None:
    desk = fresh().type("see @test").press("tab").type("now")
    assert "❯ see @test_slugs.py now" in desk.text
    desk.press("ctrl+u").type("@rea").press("escape")
    assert "▸" not in desk.text


def test_goals_wait_while_a_run_is_in_progress_and_can_be_taken_back() -> None:
    desk = busy()
    assert said("later", desk) == [
        *(Queue(("later",)), Toast("queued: it begins when this run has ended")),
    ]
    desk.app = _queued(desk, ("first", "second"))
    assert "» queued: second" in desk.text
    desk.effects.clear()
    desk.press("alt+up")
    assert desk.effects == [Queue(("first",))]
    assert "❯ second" in desk.text
    assert said("/queue clear", Desk("repl", scene=desk.app.scene))[-2:] == [
        *(Queue(()), Toast("nothing waits any more")),
    ]


def test_the_next_goal_begins_when_the_run_is_over() -> None:
    desk = fresh()
    desk.app = _queued(desk, ("first", "second"))

    desk.send(RunOver())

    assert desk.effects == [Queue(("second",)), StartRun("first", Options())]


def _queued(desk: Desk, goals: tuple[str, ...]) -> App:
    return replace(desk.app, scene=replace(desk.app.scene, queue=goals))


def test_a_word_in_between_reaches_the_run_at_once() -> None:
    desk = busy().type("mind the tests").press("alt+s")

    assert desk.effects == [
        *(AddBlock(UserSaid("mind the tests")), SendCommand(Steer(text="mind the tests"))),
    ]
    assert "mind the tests" not in desk.text
    assert fresh().type("make it so").press("alt+s").effects == [StartRun("make it so", Options())]


def test_escape_stops_the_run_and_keeps_the_draft() -> None:
    desk = busy().type("a thought").press("escape")

    assert InterruptRun() in desk.effects
    assert "❯ a thought" in desk.text


def test_ctrl_c_empties_the_prompt_before_anything_else() -> None:
    desk = busy().type("a thought").press("ctrl+c")

    assert desk.effects == []
    desk.press("ctrl+c")
    assert desk.effects == [InterruptRun()]
    desk.press("ctrl+c")
    assert desk.effects == [InterruptRun(), Quit(130)]


def test_the_editor_and_the_shell_give_their_texts_back() -> None:
    desk = fresh().type("draft").press("ctrl+g")
    assert desk.effects == [EditText("draft")]
    desk.send(Edited("written\nelsewhere\n"))
    assert "❯ written\n   elsewhere" in desk.text
    desk.effects.clear()
    desk.send(Printed("ls", "out", 0)).send(WorkFailed("it broke", "mend it"))
    assert desk.effects == [
        *(AddBlock(ShellCard("ls", "out", 0)), AddBlock(Notice("it broke", "mend it", "err"))),
    ]


def test_the_last_answer_is_copied() -> None:
    done = MessageDone(conversation="c", text="the answer", model="m", usage=Usage(), calls=0)
    desk = fresh().tell(done).press("alt+c")

    assert CopyText("the answer") in desk.effects
    assert isinstance(desk.app.scene.story.blocks[-1], Said)


def test_a_person_who_looks_elsewhere_is_told() -> None:
    desk = Desk("repl").tell(*sample_events())

    alerts = [each.text for each in desk.effects if isinstance(each, Alert)]
    assert alerts == ["M31A needs an answer"] * 2 + ["the run has ended: shipped"]


def test_a_nearly_full_context_is_said_above_the_prompt() -> None:
    desk = fresh().tell(UsageChanged(usage=Usage(), requests=1, context_tokens=110_000))

    assert "▲ the context is 86% full" in desk.text


def test_what_a_run_costs_is_said_in_figures() -> None:
    scene = sample_scene(sample_events())

    assert cost_text(scene) == (
        "$0.0123 for 1 requests: 18.4k tokens in (15.9k from the cache), 1.3k out;"
        " the context is 15% full"
    )


def test_the_palette_opens_screens_does_things_and_writes_what_needs_an_argument() -> None:
    desk = fresh().press("ctrl+p").type("demo").press("enter")
    assert desk.effects == [StartDemo()]
    desk.press("ctrl+p").type("workflow").press("enter")
    assert "❯ /workflow" in desk.text
    assert desk.press("ctrl+p").type("help").press("enter").top.id == "help"
    assert desk.press("escape").top.id == "repl"


def test_help_shows_the_keys_of_the_screen_below() -> None:
    desk = fresh().resize(Size(80, 30)).press("?")

    assert desk.top.id == "help"
    assert "alt+enter, ctrl+j" in desk.text
    for _ in range(6):
        desk.press("pagedown")
    assert "everywhere" in desk.text
    assert desk.press("q").top.id == "repl"


def test_every_command_of_the_table_is_obeyed_or_says_what_it_needs() -> None:
    scene = sample_scene()
    for command in scene.commands:
        obeyed = obey(f"/{command.name}", scene)
        assert obeyed.effects or obeyed.nav
        assert not any(
            "not built" in each.text for each in obeyed.effects if isinstance(each, Toast)
        )


AT_WORK = (
    STARTED,
    PhaseStarted(phase=Phase.EXECUTE),
    TaskStarted(task_id=1, title="one"),
    TaskStarted(task_id=2, title="two"),
)


def test_escape_stops_the_newest_of_several_tasks_and_then_the_run() -> None:
    desk = fresh().tell(*AT_WORK).type("and then")
    desk.effects.clear()

    desk.press("escape")
    said = Toast("stopping task 2 · esc again stops the run")
    assert desk.effects == [SendCommand(CancelTask(task_id=2)), said]
    desk.effects.clear()

    assert InterruptRun() in desk.press("escape").effects
    assert "❯ and then" in desk.text


def test_an_escape_long_after_another_stops_a_task_again() -> None:
    desk = fresh().tell(*AT_WORK).press("escape").tell(TaskEnded(task_id=2, outcome="cancelled"))
    desk.tell(TaskStarted(task_id=3, title="three")).wait(3.0)
    desk.effects.clear()
    assert SendCommand(CancelTask(task_id=3)) in desk.press("escape").effects


def test_escape_stops_a_run_whose_only_task_is_at_work() -> None:
    desk = fresh().tell(*AT_WORK[:3])
    desk.effects.clear()
    assert InterruptRun() in desk.press("escape").effects


@pytest.mark.parametrize(
    ("line", "offered", "not_offered"),
    [
        ("/skip ", "/skip 3", "/skip 1"),
        ("/cancel ", "/cancel 2", "/cancel 3"),
        ("/heal ", "/heal 1", "/heal 2"),
        ("/rollback --h", "/rollback --hard", "/rollback --safe"),
        ("/ledger s", "/ledger stats", "/ledger rows"),
    ],
)
def test_arguments_are_offered_that_mean_something_now(
    line: str, offered: str, not_offered: str
) -> None:
    tasks = tuple(PlannedTask(id=number, description=f"task {number}") for number in (1, 2, 3))
    desk = fresh().tell(
        STARTED,
        PlanDrafted(plan=Plan(title="p", tasks=tasks), version=1),
        TaskStarted(task_id=1, title="one"),
        TaskEnded(task_id=1, outcome="failed"),
        TaskStarted(task_id=2, title="two"),
    )

    desk.type(line)

    assert f"▸ {offered}" in desk.text
    assert not_offered not in desk.text
