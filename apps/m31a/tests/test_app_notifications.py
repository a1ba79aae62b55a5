"""What a run had to say, so that nothing is missed."""

from collections.abc import Callable

from m31a.program.effects import CopyText
from m31a.program.scene import NOTES_KEPT
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


def test_what_was_shown_for_some_seconds_only_is_found_where_it_was_said() -> None:
    desk = Desk("notifications").tell(Noticed(text="before it"))
    desk.app = desk.app.told("copied\n12 characters", "ok")
    desk.tell(Noticed(text="after it")).wait(60.0)

    rows = [row.partition("│")[0].strip() for row in desk.text.splitlines()[2:5]]
    assert rows == ["▸ · after it", "✓ copied 12 characters", "· before it"]


def test_of_what_was_shown_for_some_seconds_the_newest_hundred_are_kept() -> None:
    app = Desk("notifications").app
    for number in range(NOTES_KEPT + 20):
        app = app.told(f"note {number}")

    assert len(app.scene.notes) == NOTES_KEPT
    assert app.scene.notes[-1].text == f"note {NOTES_KEPT + 19}"
    assert len(app.notes) == 3
