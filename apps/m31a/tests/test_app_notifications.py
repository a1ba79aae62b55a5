"""What a run had to say, so that nothing is missed."""

from collections.abc import Callable

from m31a.program.effects import CopyText
from m31a.testing import Desk, sample_scene
from m31a_engine import (
    Event,
    Finding,
    FindingKind,
    FindingMade,
    LandingRefused,
    Noticed,
    Severity,
)
from m31a_engine.sample import sample_events

Snapshot = Callable[[Callable[[], Desk], str], None]
EVENTS: tuple[Event, ...] = (
    Noticed(text="healing stopped: the budget is spent", remedy="raise budget.usd"),
    FindingMade(
        finding=Finding(
            kind=FindingKind.SECRET, severity=Severity.BLOCKING, path=".env", text="a key"
        )
    ),
    LandingRefused(reason="the branch has moved", paths=(), command="git merge m31a/1"),
    *sample_events(),
)


def told() -> Desk:
    """After a run with much to tell."""
    desk = Desk("notifications", scene=sample_scene(EVENTS, goal="x"))
    desk.effects.clear()
    return desk


def test_what_was_said(snapshot: Snapshot) -> None:
    snapshot(told, "notifications/many")


def test_nothing_was_said(snapshot: Snapshot) -> None:
    snapshot(lambda: Desk("notifications"), "notifications/empty")


def test_the_newest_stands_first_and_each_has_what_to_do() -> None:
    desk = told()
    assert "▸ ✓ shipped: Make slugify()" in desk.text

    text = " ".join(desk.press("end").text.split())

    assert "raise budget.usd" in text


def test_a_note_is_copied_with_its_remedy() -> None:
    copied = told().press("end", "y").effects

    assert copied == [CopyText("healing stopped: the budget is spent\nraise budget.usd")]


def test_news_that_come_while_it_is_open_are_shown() -> None:
    desk = Desk("notifications").tell(Noticed(text="a newer word"))

    assert "a newer word" in desk.text
