"""The plan before anything is carried out: looked at task by task, approved, sent back."""

from collections.abc import Callable

import pytest

from m31a.program.ask_lock import LOCK_S
from m31a.program.effects import AnswerAsk, Toast
from m31a.testing import Desk, sample_scene
from m31a.widgets.plan_text import layers
from m31a_engine import (
    AskClosed,
    AskOpened,
    Event,
    FileAction,
    Phase,
    PhaseEnded,
    PhaseStarted,
    Plan,
    PlanAnswer,
    PlanAsk,
    PlanChoice,
    PlanDrafted,
    PlannedFile,
    PlannedTask,
)
from m31a_engine.planning.plan import RunCriterion, TextCriterion

Snapshot = Callable[[Callable[[], Desk], str], None]
PLAN = Plan(
    title="Sign tokens with RS256",
    summary="A key loader, then signing and verifying, then the tests.",
    tasks=(
        PlannedTask(
            id=1,
            description="Load a PEM pair from the config folder",
            files=(PlannedFile(path="app/auth/keys.py", action=FileAction.CREATE),),
            acceptance_criteria=(
                RunCriterion(command="pytest -q tests/test_keys.py"),
                TextCriterion(text="a missing file gives a clear error"),
            ),
        ),
        PlannedTask(id=2, description="A flag for old tokens"),
        PlannedTask(id=3, description="Sign with RS256", dependencies=(1,)),
        PlannedTask(id=4, description="Verify both kinds", dependencies=(1, 2)),
    ),
    review_required=("task 4 turns a reply 401 into 440",),
    open_questions=("Is 24 hours enough?",),
    automated=("pytest -q",),
    manual=("Log in with an old token",),
)
SECOND = Plan(
    title="Sign tokens with RS256",
    summary="Without the flag.",
    tasks=(PLAN.tasks[0], PLAN.tasks[2]),
)
ASK = PlanAsk(ask_id="plan-1", plan=PLAN, version=1, problems=("task 3 names no file",))
BEFORE = tuple(
    PhaseEnded(phase=phase, next=Phase.PLAN, elapsed_s=1.0)
    for phase in (Phase.INITIALIZE, Phase.DISCUSS)
)
EVENTS: tuple[Event, ...] = (
    *BEFORE,
    PhaseStarted(phase=Phase.PLAN),
    PlanDrafted(plan=PLAN, version=1),
    AskOpened(ask=ASK, timeout_s=300.0 + LOCK_S),
)


def asked() -> Desk:
    """The plan, waiting for a yes, its keys unlocked."""
    desk = Desk("repl", scene=sample_scene(goal="JWT")).tell(*EVENTS).wait(LOCK_S)
    desk.effects.clear()
    return desk


def answered(choice: PlanChoice, feedback: str = "") -> list[object]:
    """What the run is told."""
    answer = PlanAnswer(ask_id="plan-1", choice=choice, feedback=feedback, by_person=True)
    return [AnswerAsk(answer)]


def test_the_whole_plan(snapshot: Snapshot) -> None:
    snapshot(asked, "plan/whole")


def test_one_task_in_full(snapshot: Snapshot) -> None:
    snapshot(lambda: asked().press("down"), "plan/task")


def test_a_note_that_sends_it_back(snapshot: Snapshot) -> None:
    snapshot(lambda: asked().press("r").type("no flag, reject old tokens"), "plan/note")


def test_a_run_without_a_plan(snapshot: Snapshot) -> None:
    snapshot(lambda: Desk("plan"), "plan/empty")


@pytest.mark.parametrize(
    ("keys", "choice", "feedback"),
    [
        (["a"], PlanChoice.ACCEPT, ""),
        (["y"], PlanChoice.ACCEPT, ""),
        (["n"], PlanChoice.REJECT, ""),
        (["r", *"tests", "enter"], PlanChoice.REFINE, "tests"),
        (["d", "enter"], PlanChoice.DISCUSS, ""),
        (["d", *"skew?", "enter"], PlanChoice.DISCUSS, "skew?"),
    ],
)
def test_each_decision_is_told_as_a_persons(
    keys: list[str], choice: PlanChoice, feedback: str
) -> None:
    assert asked().press(*keys).effects == answered(choice, feedback)


def test_a_refinement_needs_words_and_can_be_left() -> None:
    desk = asked().press("r", "enter")
    assert desk.effects == [Toast("say what should be different", "warn")]

    desk.press("escape")
    desk.effects.clear()

    assert desk.press("a").effects == answered(PlanChoice.ACCEPT)


def test_keys_that_were_on_their_way_to_the_prompt_decide_nothing() -> None:
    desk = Desk("repl", scene=sample_scene(goal="JWT")).tell(*EVENTS).wait(LOCK_S / 2)
    desk.effects.clear()

    desk.type("any")

    assert desk.effects == []
    assert "a approve" not in desk.text
    assert "a approve" in desk.wait(LOCK_S).text
    assert "❯ any" in desk.press("escape").text


def test_a_key_that_leaves_the_screen_below_does_not_leave_a_plan_that_has_just_come() -> None:
    desk = Desk("execute", scene=sample_scene(goal="JWT")).tell(*EVENTS)

    assert desk.press("q").top.id == "plan"
    assert desk.wait(LOCK_S).press("escape").top.id == "execute"


def test_a_plan_that_comes_into_sight_when_another_question_is_settled_is_locked_anew() -> None:
    desk = asked()
    second = PlanAsk(ask_id="plan-2", plan=SECOND, version=2)
    desk.tell(AskOpened(ask=second, timeout_s=9.0)).wait(9.0)
    desk.effects.clear()

    desk.tell(AskClosed(ask_id="plan-1", answer=None)).press("a")
    assert desk.effects == []

    desk.wait(LOCK_S).press("a")
    assert [type(each) for each in desk.effects] == [AnswerAsk]


def test_a_plan_that_was_left_is_found_again() -> None:
    desk = asked().press("escape")

    desk.type("/plan").press("enter", "a")

    assert desk.effects == answered(PlanChoice.ACCEPT)


def test_a_plan_that_is_only_looked_at_cannot_be_decided() -> None:
    desk = Desk("plan", scene=sample_scene([PlanDrafted(plan=PLAN, version=1)], goal="JWT"))
    desk.effects.clear()

    desk.press("a", "n", "r", "d")

    assert desk.effects == []
    desk.press("q")
    assert desk.top.id == "repl"


def test_tasks_stand_in_the_layer_after_what_they_need() -> None:
    assert layers(PLAN) == ((1, 2), (3, 4))


def test_a_plan_whose_tasks_wait_for_one_another_is_shown_all_the_same() -> None:
    circle = Plan(
        title="",
        tasks=(
            PlannedTask(id=1, description="a", dependencies=(2,)),
            PlannedTask(id=2, description="b", dependencies=(1,)),
        ),
    )

    assert sorted(task for layer in layers(circle) for task in layer) == [1, 2]


def test_two_versions_compared(snapshot: Snapshot) -> None:
    events = (PlanDrafted(plan=PLAN, version=1), PlanDrafted(plan=SECOND, version=2))
    scene = sample_scene(events, goal="JWT")
    snapshot(lambda: Desk("plan_versions", scene=scene), "plan_versions/two")


def test_versions_are_opened_from_the_plan_and_walked_through() -> None:
    third = Plan(title="Third", tasks=SECOND.tasks)
    desk = asked().tell(PlanDrafted(plan=SECOND, version=2), PlanDrafted(plan=third, version=3))

    desk.press("v")

    assert desk.top.id == "plan_versions"
    assert "version 2 → 3 of 3" in desk.text
    assert "version 1 → 2 of 3" in desk.press("left").text
    assert "version 1 → 2 of 3" in desk.press("left").text
    assert "version 1 → 3 of 3" in desk.press("right", "1").text
    assert "version 2 → 3 of 3" in desk.press("1", "down", "end").text


def test_one_version_is_compared_with_nothing() -> None:
    desk = asked().press("v")

    assert desk.effects == [Toast("there is one version only")]
    assert "one version only" in Desk("plan_versions", scene=desk.app.scene).text
    assert "There is no plan yet." in Desk("plan_versions").text


def test_the_same_plan_twice_shows_no_difference() -> None:
    events = (PlanDrafted(plan=PLAN, version=1), PlanDrafted(plan=PLAN, version=2))

    assert "the same" in Desk("plan_versions", scene=sample_scene(events, goal="JWT")).text
