"""The search for the commit that broke something."""

from collections.abc import Callable

from m31a.program.effects import CopyText, LongWork, Toast
from m31a.program.messages import WorkFailed
from m31a.screens.bisect import Searched, Tried
from m31a.testing import Desk
from m31a_engine import BisectResult
from m31a_engine.desk.bisecting import Judged

Snapshot = Callable[[Callable[[], Desk], str], None]
BAD = "c41f9d2a" * 5
JUDGED = (
    Judged(commit="1d2c3b4f" * 5, exit_code=0, elapsed_s=2.1),
    Judged(commit=BAD, exit_code=1, elapsed_s=2.4),
    Judged(commit="d07c11e0" * 5, exit_code=None, elapsed_s=900.0),
)
FOUND = Searched(BisectResult(first_bad=BAD, steps=3, log=(), inconclusive=None))


def filled() -> Desk:
    """A command and a good commit."""
    return Desk("bisect").type("pytest -q").press("tab").paste("v1.0\n")


def searching() -> Desk:
    """Three commits were tried."""
    desk = filled().press("enter")
    for judged in JUDGED:
        desk.send(Tried(judged))
    return desk


def test_what_is_to_be_searched(snapshot: Snapshot) -> None:
    snapshot(filled, "bisect/form")


def test_what_was_found(snapshot: Snapshot) -> None:
    snapshot(lambda: searching().send(FOUND), "bisect/found")


def test_what_was_tried_so_far(snapshot: Snapshot) -> None:
    snapshot(lambda: searching().wait(4.0), "bisect/searching")


def test_a_search_needs_a_command_and_a_good_commit() -> None:
    desk = Desk("bisect").press("enter")
    assert desk.effects == [Toast("say what fails, as you would type it", "warn")]

    desk.type("make").press("enter")

    assert desk.effects[-1] == Toast("say a commit on which it succeeds", "warn")


def test_while_it_searches_the_time_moves_and_nothing_is_typed() -> None:
    desk = filled().press("enter").wait(12.0).type("x")

    assert "searching … 12 s" in desk.text
    assert [type(each) for each in desk.effects] == [LongWork]
    assert "pytest -qx" not in desk.text


def test_the_commit_is_copied_and_another_search_can_begin() -> None:
    desk = filled().press("enter").send(FOUND)
    desk.effects.clear()

    assert desk.press("y").effects == [CopyText(BAD)]
    assert "125 cannot tell" in desk.press("r").text


def test_no_commit_can_be_named() -> None:
    unsure = BisectResult(first_bad=None, steps=2, log=(), inconclusive="good is bad too")
    desk = filled().press("enter").send(Searched(unsure))
    desk.effects.clear()

    assert "no commit can be named: good is bad too" in desk.text
    assert desk.press("y").effects == [Toast("no commit can be named", "warn")]


def test_a_search_that_was_refused_says_why_until_something_is_changed() -> None:
    desk = filled().press("enter").send(WorkFailed("there is no commit v1.0", ""))
    assert "there is no commit v1.0" in desk.text

    assert "there is no commit" not in desk.type("1").text
