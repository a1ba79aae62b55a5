"""The fold of events into a story: what is kept beside the blocks, and that none is lost."""

from pathlib import Path
from typing import get_args

import pytest

import m31a.story.telling_work as story_module
from m31a.program.scene import Scene
from m31a.story.blocks import Notice
from m31a.story.story import Story, begin
from m31a.story.telling import hear, tell
from m31a.testing import Desk, sample_scene
from m31a_engine import (
    CulpritFound,
    Envelope,
    Event,
    LandingRefused,
    LedgerWritten,
    Mode,
    ModeChosen,
    ModelChosen,
    RunStarted,
    TaskEnded,
    TaskHealing,
    TaskStarted,
    UsageChanged,
)
from m31a_engine.checks.result import Culprit
from m31a_engine.sample import sample_events

STARTED = RunStarted(goal="x", project="/x", mode=Mode.FULL, model="m", provider="p")
CHOSEN = ModelChosen(
    task_id=3,
    model="small",
    instead_of="large",
    complexity="simple",
    reason="it did such tasks before",
    saving_usd=0.123,
)
QUIET = {"ModeChosen", "RunStarted", "UsageChanged", "LedgerWritten"}
"""Events that change what is known and add nothing to the conversation, wherever they stand."""


def envelope(event: Event, session: str = "20261121-9f3a") -> Envelope:
    return Envelope(seq=1, at="", session=session, event=event)


def texts(story: Story) -> list[str]:
    return [block.text for block in story.blocks if isinstance(block, Notice)]


def test_the_session_is_known_from_the_first_thing_the_run_tells() -> None:
    story = hear(begin(Story(), "x", 0.0), envelope(STARTED))
    assert story.session == "20261121-9f3a"

    assert begin(story, "y", 0.0).session == ""


def test_a_run_in_progress_is_looked_at_by_its_own_session() -> None:
    desk = Desk("repl", scene=sample_scene(goal="x")).tell(STARTED)

    assert desk.app.scene.story.session == "sample"


def test_what_made_a_check_red_is_kept_and_told() -> None:
    culprit = Culprit(check="test", commit="c" * 40, subject="Use RS256")

    story = tell(Story(), CulpritFound(culprit=culprit))

    assert story.culprit == culprit
    assert texts(story) == [f"test is red since {'c' * 10} Use RS256"]
    assert tell(story, STARTED).culprit == culprit
    assert begin(story, "y", 0.0).culprit is None


def test_why_a_commit_did_not_land_is_kept_with_the_command_that_lands_it() -> None:
    refused = LandingRefused(reason="the branch has moved", paths=("a",), command="git merge x")

    assert tell(Story(), refused).refused == refused


def test_a_screen_that_is_opened_late_knows_since_when_a_task_works() -> None:
    scene = Scene(project="~/x", story=tell(Story(running=True), _task(1), 5.0), now_s=17.0)

    desk = Desk("execute", scene=scene)

    assert "12 s" in desk.text


def test_the_time_of_a_task_stands_when_it_heals_and_is_none_when_it_never_began() -> None:
    story = tell(Story(), _task(1), 5.0)
    story = tell(story, TaskHealing(task_id=1, attempt=1, error="red"), 9.0)
    story = tell(story, TaskEnded(task_id=2, outcome="skipped"), 9.0)

    assert [task.began_s for task in story.tasks] == [5.0, None]


def _task(task_id: int) -> TaskStarted:
    return TaskStarted(task_id=task_id, title="Load keys")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (CHOSEN, ["task 3: small instead of large (saves about $0.12): it did such tasks before"]),
        (
            ModelChosen(task_id=1, model="b", instead_of="a", complexity="hard", reason="needed"),
            ["task 1: b instead of a: needed"],
        ),
        (
            ModelChosen(task_id=1, model="a", instead_of="a", complexity="hard", reason="needed"),
            [],
        ),
    ],
    ids=["cheaper", "better", "the same"],
)
def test_a_model_that_was_chosen_for_a_task_is_told_when_it_is_another(
    changes: ModelChosen, said: list[str]
) -> None:
    assert texts(tell(Story(), changes)) == said


def test_what_only_changes_the_figures_adds_nothing_to_the_conversation() -> None:
    quiet: tuple[Event, ...] = (
        STARTED,
        ModeChosen(mode=Mode.FULL, reason="large"),
        LedgerWritten(path="/x"),
        *(event for event in sample_events() if isinstance(event, UsageChanged)),
    )

    story = Story()
    for event in quiet:
        story = tell(story, event)

    assert len(story.blocks) == 0
    assert {type(event).__name__ for event in quiet} == QUIET


def test_every_event_is_either_shown_or_quiet_on_purpose() -> None:
    folder = Path(story_module.__file__).parent
    text = "".join(file.read_text(encoding="utf-8") for file in sorted(folder.glob("*.py")))

    unknown = {kind.__name__ for kind in get_args(Event) if f"{kind.__name__}(" not in text}

    assert unknown == set()
