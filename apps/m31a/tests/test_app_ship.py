"""The end of a run: the commit with its proof, where it is, and how to try it."""

from collections.abc import Callable

from msgspec.structs import replace

from m31a.program.effects import CopyText, Toast
from m31a.testing import Desk, sample_scene
from m31a_engine import ErrorReport, Event, LandingRefused, Outcome, Phase, PhaseStarted, RunEnded
from m31a_engine.sample import SESSION, SHIPPED, sample_events

Snapshot = Callable[[Callable[[], Desk], str], None]
EVENTS = tuple(sample_events())
ENDED = next(event for event in EVENTS if isinstance(event, RunEnded))
REFUSED = LandingRefused(
    reason="the branch has moved", paths=("slugs.py",), command="git merge m31a/9f3a"
)
ON_BRANCH = RunEnded(
    outcome=Outcome.SHIPPED_ON_BRANCH,
    report=replace(
        ENDED.report,
        outcome=Outcome.SHIPPED_ON_BRANCH,
        landed=False,
        branch="m31a/9f3a",
        error=ErrorReport(code="landing", message="it could not land", remedy="look at slugs.py"),
    ),
)


def shipped(*events: Event) -> Desk:
    """The screen after these events."""
    desk = Desk("ship", scene=sample_scene(events, goal="Make it so"))
    desk.effects.clear()
    return desk


def test_a_landed_run(snapshot: Snapshot) -> None:
    snapshot(lambda: shipped(*EVENTS), "ship/landed")


def test_a_run_that_stays_on_its_branch(snapshot: Snapshot) -> None:
    snapshot(lambda: shipped(*EVENTS[:-1]).tell(REFUSED, ON_BRANCH), "ship/on_branch")


def test_nothing_shipped(snapshot: Snapshot) -> None:
    snapshot(lambda: shipped(), "ship/empty")


def test_the_message_has_the_trailers_of_the_commit() -> None:
    desk = shipped(*EVENTS).resize(sample_scene().size._replace(width=120, height=60))

    assert f"M31A-Session: {SESSION}" in desk.text
    assert "M31A-Check: test; exit=0; 3 passed; cmd=python3 -m unittest discover" in desk.text
    assert "M31A-Verdict: verified" in desk.text
    assert "how to try it" in desk.text


def test_the_summary_is_copied_as_text() -> None:
    copied = shipped(*EVENTS).press("y").effects

    assert copied == [
        CopyText(
            "Make slugify() keep numbers and collapse repeated dashes\n\n"
            f"Outcome: shipped\nCommit: {SHIPPED}\n\n"
            "- README.md +2 -0\n- slugs.py +1 -1\n\n"
            "slugify() keeps digits and collapses dashes. Try: slugify('Top  10').\n"
        )
    ]


def test_the_command_that_lands_it_is_the_one_that_was_told() -> None:
    desk = shipped(*EVENTS[:-1]).tell(REFUSED, ON_BRANCH)
    desk.effects.clear()

    assert desk.press("c").effects == [CopyText("git merge m31a/9f3a")]


def test_opened_afterwards_a_command_that_lands_it_is_named_all_the_same() -> None:
    assert shipped(ON_BRANCH).press("c").effects == [CopyText(f"m31a apply {SESSION}")]


def test_a_landed_commit_leaves_nothing_to_land() -> None:
    assert shipped(*EVENTS).press("c").effects == [Toast("nothing is left to land", "warn")]


def test_without_a_report_there_is_nothing_to_copy() -> None:
    desk = shipped(PhaseStarted(phase=Phase.SHIP))

    assert "Shipping …" in desk.text
    assert desk.press("y").effects == [Toast("there is no summary", "warn")]


def test_the_changes_and_the_evidence_are_one_key_away() -> None:
    assert shipped(*EVENTS).press("d").top.id == "diff"
    assert shipped(*EVENTS).press("v").top.id == "verify"


def test_a_long_end_is_scrolled() -> None:
    desk = shipped(*EVENTS)
    assert "requests" not in desk.text

    desk.press("end")

    assert "6 requests" in desk.text
