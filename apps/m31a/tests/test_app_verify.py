"""Checks with their evidence, findings, and who broke what."""

from collections.abc import Callable

from msgspec.structs import replace

from m31a.program.effects import CopyText, ResumeRun, Toast
from m31a.testing import Desk, sample_scene
from m31a_engine import (
    CheckEnded,
    CheckResult,
    CheckStatus,
    CulpritFound,
    ErrorReport,
    Event,
    Finding,
    FindingKind,
    FindingMade,
    Outcome,
    Phase,
    PhaseStarted,
    RunEnded,
    Severity,
    TaskHealing,
    TaskStarted,
    TestCounts,
    Verdict,
    Verification,
)
from m31a_engine.checks.result import Culprit
from m31a_engine.sample import TREE, sample_events

Snapshot = Callable[[Callable[[], Desk], str], None]
RED = CheckResult(
    name="test",
    command="pytest -q",
    exit_code=1,
    passed=False,
    status=CheckStatus.FAILED,
    counts=TestCounts(passed=217, failed=1, total=218),
    seconds=12.4,
    output_tail="E   assert 440 == 401\ntests/test_ws.py:57: Error\n1 failed, 217 passed\n",
    tree=TREE,
    behavioural=True,
)
FOUND = Finding(
    kind=FindingKind.TEST_SKIPPED,
    severity=Severity.BLOCKING,
    path="tests/test_ws.py",
    text="a test is skipped now that ran before",
)
CULPRIT = Culprit(check="test", commit="c41f9d2a" * 5, subject="Verify both kinds", steps=3)
ENDED = next(event for event in sample_events() if isinstance(event, RunEnded))
SESSION = ENDED.report.session
FAILED = RunEnded(
    outcome=Outcome.FAILED,
    report=replace(
        ENDED.report,
        outcome=Outcome.FAILED,
        landed=False,
        commit=None,
        findings=(FOUND,),
        known_failures=("tests/test_old.py::test_gone",),
        verification=Verification(
            verdict=Verdict.FAILED, tree=TREE, checks=(RED,), culprit=CULPRIT, findings=(FOUND,)
        ),
        error=ErrorReport(code="checks", message="a check is red", remedy="m31a resume"),
    ),
)
EVENTS: tuple[Event, ...] = (
    PhaseStarted(phase=Phase.VERIFY),
    TaskStarted(task_id=4, title="Verify both kinds"),
    TaskHealing(task_id=4, attempt=1, error="440 is not 401"),
    CheckEnded(result=replace(RED, counts=TestCounts(passed=210, failed=8, total=218))),
    CheckEnded(result=RED),
    FindingMade(finding=FOUND),
    CulpritFound(culprit=CULPRIT),
)


def failed() -> Desk:
    """A run whose checks stayed red."""
    desk = Desk("repl", scene=sample_scene([*EVENTS, FAILED], goal="JWT"))
    desk.type("/verify").press("enter")
    desk.effects.clear()
    return desk


def test_a_red_check_with_its_evidence(snapshot: Snapshot) -> None:
    snapshot(failed, "verify/red")


def test_the_whole_verification(snapshot: Snapshot) -> None:
    snapshot(lambda: failed().press("home"), "verify/whole")


def test_a_verified_run(snapshot: Snapshot) -> None:
    scene = sample_scene(sample_events(), goal="Make it so")
    snapshot(lambda: Desk("verify", scene=scene), "verify/green")


def test_nothing_verified_yet(snapshot: Snapshot) -> None:
    snapshot(lambda: Desk("verify"), "verify/empty")


def test_it_opens_at_the_first_red_check_with_what_it_was_before() -> None:
    text = failed().text

    assert "▸ ✗ test" in text
    assert "failed 210 passed, 8 failed" in text
    assert "assert 440 == 401" in text


def test_the_whole_says_who_broke_it_what_was_healed_and_what_was_red_before() -> None:
    text = failed().resize(sample_scene().size._replace(width=140, height=40)).press("home").text

    assert "test broke with c41f9d2ac4 Verify both kinds" in text
    assert "task 4: 1×" in text
    assert "tests/test_old.py::test_gone" in text
    assert f"m31a resume {SESSION}" in text


def test_a_finding_says_how_it_can_be_let_pass() -> None:
    text = " ".join(failed().press("end").text.split())

    assert "test-skipped" in text
    assert "tests/test_ws.py" in text


def test_while_the_checks_run_the_screen_says_so_and_shows_each_as_it_ends() -> None:
    desk = Desk("verify", scene=sample_scene([EVENTS[0]], goal="JWT"))
    assert "The checks run now …" in desk.text

    desk.tell(CheckEnded(result=RED))

    assert "0/1 green" in desk.text


def test_a_culprit_found_while_it_is_open_is_shown_before_the_end() -> None:
    desk = Desk("verify", scene=sample_scene(EVENTS[:5], goal="JWT")).tell(EVENTS[6])

    assert "c41f9d2ac4" in desk.press("home").text


def test_a_culprit_that_cannot_be_named_says_why() -> None:
    unknown = CulpritFound(culprit=Culprit(check="test", inconclusive="it is flaky"))

    desk = Desk("verify", scene=sample_scene(EVENTS[:5], goal="JWT")).tell(unknown)

    assert "no commit can be named" in desk.press("home").text


def test_a_failed_run_is_taken_up_again_with_one_key() -> None:
    desk = failed().press("r")

    assert desk.effects == [ResumeRun(SESSION)]
    assert desk.top.id == "repl"


def test_there_is_nothing_to_go_on_with_while_it_works_or_after_it_landed() -> None:
    for scene, said in (
        (sample_scene(EVENTS, goal="JWT"), "it is at work: mending is tried by itself"),
        (sample_scene(sample_events(), goal="x"), "it has landed: there is nothing to go on with"),
        (sample_scene(), "there is no session to go on with"),
    ):
        desk = Desk("verify", scene=scene)
        desk.effects.clear()

        desk.press("r")

        assert [each.text for each in desk.effects if isinstance(each, Toast)] == [said]


def test_the_evidence_is_copied_as_text() -> None:
    copied = failed().press("y").effects

    assert isinstance(copied[0], CopyText)
    assert "pytest -q" in copied[0].text
    assert "1 failed, 217 passed" in copied[0].text


def test_the_changes_and_the_tasks_are_one_key_away() -> None:
    assert failed().press("d").top.id == "diff"
    assert failed().press("t").top.id == "execute"


def test_the_search_for_the_first_bad_commit_begins_with_what_is_red() -> None:
    kept = RunEnded(outcome=FAILED.outcome, report=replace(FAILED.report, branch="m31a/9f3a"))
    scene = sample_scene([*EVENTS, kept], goal="JWT")

    desk = Desk("verify", scene=scene).press("home", "x")

    assert desk.top.id == "bisect"
    assert "command  pytest -q" in desk.text
    assert "good     3f1c9a4e7b20d58861f4c2aa90be17d3560e8f41" in desk.text
    assert "bad      m31a/9f3a" in desk.text


def test_the_search_after_a_run_that_has_landed_ends_at_head() -> None:
    desk = Desk("verify", scene=sample_scene(sample_events())).press("end", "x")
    assert "command  python3 -m unittest discover" in desk.text
    assert "bad      HEAD" in desk.text


def test_the_search_before_anything_was_verified_is_an_empty_form() -> None:
    desk = Desk("verify").press("x")
    assert "what fails, as you would type it" in desk.text
