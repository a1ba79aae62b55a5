"""Calls that were put off: seen in full, answered by going on."""

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from m31a.program.ask_lock import LOCK_S
from m31a.program.effects import ApproveRun, ResumeRun, Toast, Work
from m31a.program.keymap import clashes
from m31a.program.messages import RunOver, WorkFailed
from m31a.screens.approve import MORE, Held
from m31a.screens.approve import Looked as Pending
from m31a.screens.deferred import Looked, Waiting
from m31a.testing import SIZES, Desk, sample_scene
from m31a_engine import Outcome, PermissionRequest, Plan, Risk, RunStarted, SessionInfo
from m31a_engine.machine import Mode
from m31a_engine.sample import SAMPLE_PLAN

Snapshot = Callable[[Callable[[], Desk], str], None]
SESSION = SessionInfo(
    id="20261121-9f3a",
    goal="Sign tokens with RS256",
    started_at="2026-11-21T04:15:30Z",
    outcome=Outcome.WAITING,
    path="/home/ada/.m31a/sessions/20261121-9f3a",
)
PUSH = PermissionRequest(
    tool="Bash",
    summary="git push origin m31a/jwt",
    detail="git push origin m31a/jwt",
    risk=Risk.DANGEROUS,
    hosts=("origin",),
    reason="it reaches out",
)
REMOVE = PermissionRequest(
    tool="Bash",
    summary="rm -rf build/",
    detail="rm -rf build/",
    risk=Risk.DESTRUCTIVE,
    paths=("build/",),
    destroys=("rm -r",),
    folder="app",
    outside=("/tmp/x",),
)
FOUND = Looked(
    (Waiting(SESSION, PUSH), Waiting(SESSION, REMOVE), Waiting(SESSION, SAMPLE_PLAN)),
)


def waiting() -> Desk:
    """Three things that wait."""
    desk = Desk("deferred").send(FOUND)
    desk.effects.clear()
    return desk


def test_calls_that_wait(snapshot: Snapshot) -> None:
    snapshot(waiting, "deferred/calls")


def test_a_destructive_call_in_full(snapshot: Snapshot) -> None:
    snapshot(lambda: waiting().press("down"), "deferred/destructive")


def test_a_plan_that_waits(snapshot: Snapshot) -> None:
    snapshot(lambda: waiting().press("end"), "deferred/plan")


def test_nothing_waits(snapshot: Snapshot) -> None:
    snapshot(lambda: Desk("deferred").send(Looked(())), "deferred/empty")


def test_it_could_not_be_looked_at(snapshot: Snapshot) -> None:
    failed = WorkFailed("the configuration cannot be used: line 3", "mend ~/.m31a/config.toml")
    snapshot(lambda: Desk("deferred").send(failed), "deferred/trouble")


def test_it_looks_when_it_is_opened_on_demand_and_after_a_run() -> None:
    desk = Desk("deferred")
    assert "looking" in desk.text

    desk.press("r").send(RunOver())

    assert [type(each) for each in desk.effects] == [Work, Work, Work]


def test_answering_goes_on_with_the_session_which_asks_again() -> None:
    desk = waiting().press("a")

    assert desk.effects == [ResumeRun("20261121-9f3a")]
    assert desk.top.id == "repl"


def test_while_a_run_works_nothing_else_can_be_taken_up() -> None:
    running = RunStarted(goal="x", project="/x", mode=Mode.FULL, model="m", provider="p")
    desk = Desk("deferred", scene=sample_scene([running], goal="x")).send(FOUND)
    desk.effects.clear()

    desk.press("enter", "a")

    assert desk.effects == [Toast("when this run has ended it can be answered", "warn")] * 2
    assert desk.top.id == "deferred"


def whole(*requests: PermissionRequest, plan: Plan | None = None) -> Desk:
    """Everything the session waits for, seen for a moment."""
    desk = waiting().press("enter").send(Pending(Held(plan, requests))).wait(LOCK_S)
    desk.effects.clear()
    return desk


def test_everything_a_yes_allows_is_shown_first(snapshot: Snapshot) -> None:
    snapshot(lambda: whole(PUSH, REMOVE, plan=SAMPLE_PLAN), "deferred/approve")


def test_a_yes_is_one_key_and_grants_what_the_session_still_waits_for() -> None:
    desk = whole(PUSH, REMOVE).press("end", "enter")
    assert [type(each) for each in desk.effects] == [Work]
    desk.effects.clear()

    desk.send(Pending(Held(None, (PUSH, REMOVE)), agreed=True))

    assert desk.effects == [ApproveRun("20261121-9f3a")]
    assert desk.top.id == "repl"


def test_a_yes_to_something_else_than_what_was_shown_grants_nothing() -> None:
    desk = whole(PUSH).press("y").send(Pending(Held(None, (PUSH, REMOVE)), agreed=True))

    assert ApproveRun("20261121-9f3a") not in desk.effects
    assert desk.effects[-1] == Toast("it waits for something else now: look again", "warn")
    assert "exactly 2 calls" in desk.text


def test_the_key_that_opened_it_does_not_say_yes_as_well() -> None:
    desk = waiting().press("enter").send(Pending(Held(None, (PUSH,))))
    desk.effects.clear()

    desk.press("enter", "enter")

    assert desk.effects == []


def test_a_session_can_be_gone_through_one_by_one_instead() -> None:
    desk = whole(PUSH).press("a")

    assert desk.effects == [ResumeRun("20261121-9f3a")]
    assert desk.top.id == "repl"


def test_a_run_that_works_meanwhile_has_to_end_first() -> None:
    running = RunStarted(goal="x", project="/x", mode=Mode.FULL, model="m", provider="p")
    desk = whole(PUSH).tell(running)
    desk.effects.clear()

    desk.press("enter", "a")

    assert desk.effects == [Toast("when this run has ended it can be answered", "warn")] * 2


def test_a_session_that_waits_for_nobody_any_more_cannot_be_approved() -> None:
    desk = waiting().press("enter").send(Pending(Held(None, ())))
    desk.effects.clear()
    assert "waits for nobody any more" in desk.text

    assert desk.press("enter").effects == []
    assert desk.press("escape").top.id == "deferred"


def test_a_session_that_cannot_be_read_says_why() -> None:
    failed = WorkFailed("the journal is broken at byte 12", "")
    assert "broken at byte 12" in waiting().press("enter").send(failed).text


def test_long_calls_are_scrolled_through_whole() -> None:
    long = replace(PUSH, detail="\n".join(f"echo {number}" for number in range(90)))
    desk = whole(long)
    assert "echo 89" not in desk.text

    assert "echo 89" in desk.press("end").text


def test_a_yes_counts_only_when_the_end_was_seen() -> None:
    desk = whole(replace(PUSH, detail="\n".join(f"echo {number}" for number in range(30))))

    desk.press("enter")
    assert desk.effects == [MORE]
    assert "echo 20" in desk.text
    desk.effects.clear()

    assert [type(each) for each in desk.press("end", "enter").effects] == [Work]


def test_what_waits_in_a_session_is_read_from_its_journal_when_it_is_opened() -> None:
    desk = waiting().press("enter")
    assert "looking" in desk.text
    assert [type(each) for each in desk.effects] == [Work]


@pytest.mark.parametrize("bad", ["\x1b]0;owned\x07", "a\rb\x08", "\u202egnp.exe", "x\u2028y\tz"])
def test_nothing_hostile_reaches_the_screen_where_a_yes_is_given(bad: str) -> None:
    request = replace(PUSH, tool=bad, detail=bad, summary=bad, paths=(bad,), destroys=(bad,))
    plan = replace(SAMPLE_PLAN, title=bad, summary=bad)

    text = whole(request, plan=plan).resize(SIZES[3]).text

    forbidden = {*map(chr, range(0x20)), "\x7f", "\u202e", "\u2028"} - {"\n"}
    assert set(text) & forbidden == set()


def test_the_approval_has_help_and_a_way_back() -> None:
    desk = whole(PUSH)

    assert list(clashes([desk.top.keys()])) == []
    assert desk.press("f1").top.id == "help"
    assert desk.press("escape", "escape").top.id == "deferred"
