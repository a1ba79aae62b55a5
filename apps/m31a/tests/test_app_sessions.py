"""The project's sessions: found, gone on with, forked, deleted only when it is meant."""

from collections.abc import Callable

from m31a.program.effects import AsyncWork, EditText, ResumeRun, Toast, Work
from m31a.program.messages import RunOver, WorkFailed
from m31a.screens.sessions import Exported, Listed
from m31a.testing import Desk, sample_scene
from m31a_engine import Outcome, RunStarted, SessionInfo
from m31a_engine.machine import Mode

Snapshot = Callable[[Callable[[], Desk], str], None]


def session(number: int, goal: str, outcome: Outcome | None) -> SessionInfo:
    """A session of a day in November."""
    return SessionInfo(
        id=f"202611{number}-9f3a",
        goal=goal,
        started_at=f"2026-11-{number}T04:15:30Z",
        outcome=outcome,
        path=f"/home/ada/.m31a/sessions/202611{number}-9f3a",
    )


FOUND = Listed(
    (
        session(21, "Sign tokens with RS256", Outcome.WAITING),
        session(20, "Rate limit the login route", None),
        session(19, "Keep numbers in slugs", Outcome.SHIPPED),
        session(18, "Why is the build slow?", Outcome.ANSWERED),
    )
)


def listed() -> Desk:
    """Four sessions."""
    desk = Desk("repl").type("/resume").press("enter").send(FOUND)
    desk.effects.clear()
    return desk


def test_the_sessions_of_a_project(snapshot: Snapshot) -> None:
    snapshot(listed, "sessions/list")


def test_a_filter(snapshot: Snapshot) -> None:
    snapshot(lambda: listed().type("login"), "sessions/filter")


def test_the_question_before_one_is_deleted(snapshot: Snapshot) -> None:
    snapshot(lambda: listed().press("ctrl+d"), "sessions/delete")


def test_no_session_yet(snapshot: Snapshot) -> None:
    snapshot(lambda: Desk("sessions").send(Listed(())), "sessions/empty")


def test_sessions_that_cannot_be_read(snapshot: Snapshot) -> None:
    failed = WorkFailed("/home/ada/.m31a: Permission denied", "")
    snapshot(lambda: Desk("sessions").send(failed), "sessions/trouble")


def test_enter_goes_on_with_the_session_that_was_found_by_its_letters() -> None:
    desk = listed().type("login").press("enter")

    assert desk.effects == [ResumeRun("20261120-9f3a")]
    assert desk.top.id == "repl"


def test_a_session_that_has_ended_is_forked_not_resumed() -> None:
    desk = listed().type("slugs").press("enter")
    assert desk.effects == [Toast("it has ended: ctrl+f forks it", "warn")]

    desk.press("ctrl+f")

    assert isinstance(desk.effects[-1], AsyncWork)


def test_while_a_run_works_no_other_is_taken_up() -> None:
    running = RunStarted(goal="x", project="/x", mode=Mode.FULL, model="m", provider="p")
    desk = Desk("sessions", scene=sample_scene([running], goal="x")).send(FOUND)
    desk.effects.clear()

    desk.press("enter")

    assert desk.effects == [Toast("a run is in progress: stop it first", "warn")]


def test_deleting_asks_and_every_key_but_y_keeps_it() -> None:
    desk = listed().press("ctrl+d")
    assert "delete Sign tokens with RS256 ?" in desk.text

    desk.press("enter")
    assert desk.effects == []
    desk.press("ctrl+d").type("x").paste("y")
    assert desk.effects == []

    desk.press("y")

    assert [type(each) for each in desk.effects] == [AsyncWork]


def test_what_was_done_is_said_and_the_choice_stays() -> None:
    desk = listed().press("down", "down").send(Listed(FOUND.sessions[1:], done="put away"))

    assert desk.effects == [Toast("put away", "ok")]
    assert "▸ 2026-11-19" in desk.text


def test_an_export_is_opened_in_the_persons_editor() -> None:
    desk = listed().press("ctrl+e")
    assert [type(each) for each in desk.effects] == [AsyncWork]

    desk.send(Exported("# A session\n"))

    assert desk.effects[-1] == EditText("# A session\n")


def test_a_deed_that_failed_says_why_and_the_list_stays() -> None:
    desk = listed().send(WorkFailed("it runs", "stop it first"))

    assert "✗ it runs: stop it first" in desk.text
    assert "Rate limit" in desk.text
    assert "✗ it runs" not in desk.press("down").text


def test_its_changes_are_one_key_away_and_the_list_is_read_again_after_a_run() -> None:
    desk = listed().send(RunOver())
    assert [type(each) for each in desk.effects] == [Work]

    assert desk.press("ctrl+o").top.id == "diff"


def test_a_search_can_be_given_with_the_command() -> None:
    desk = Desk("repl").type("/sessions slow").press("enter").send(FOUND)

    assert "Why is the build slow?" in desk.text
    assert "Rate limit" not in desk.text


def test_resume_with_an_id_opens_no_list() -> None:
    desk = Desk("repl")
    desk.effects.clear()

    desk.type("/resume 20261120-9f3a").press("enter")

    assert ResumeRun("20261120-9f3a") in desk.effects
