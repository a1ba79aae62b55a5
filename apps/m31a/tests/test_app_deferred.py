"""Calls that were put off: seen in full, answered by going on."""

from collections.abc import Callable

from m31a.program.effects import ResumeRun, Toast, Work
from m31a.program.messages import RunOver, WorkFailed
from m31a.screens.deferred import Looked, Waiting
from m31a.testing import Desk, sample_scene
from m31a_engine import Outcome, PermissionRequest, Risk, RunStarted, SessionInfo
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
    desk = waiting().press("enter")

    assert desk.effects == [ResumeRun("20261121-9f3a")]
    assert desk.top.id == "repl"


def test_while_a_run_works_nothing_else_can_be_taken_up() -> None:
    running = RunStarted(goal="x", project="/x", mode=Mode.FULL, model="m", provider="p")
    desk = Desk("deferred", scene=sample_scene([running], goal="x")).send(FOUND)
    desk.effects.clear()

    desk.press("enter")

    assert desk.effects == [Toast("when this run has ended it can be answered", "warn")]
