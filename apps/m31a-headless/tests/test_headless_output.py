"""What a run prints: one result on standard output, progress that forges nothing beside it."""

import io
import json
import os
import select
import sys
from contextlib import redirect_stderr, redirect_stdout

import pytest

from m31a_engine import (
    BudgetSpent,
    CheckEnded,
    CheckResult,
    CheckStatus,
    CommitMade,
    EngineError,
    Envelope,
    ErrorReport,
    Event,
    FindingMade,
    Landed,
    LandingRefused,
    LimitReached,
    Mode,
    ModeChosen,
    Noticed,
    Outcome,
    Phase,
    PhaseStarted,
    ProviderFailed,
    Refused,
    RunEnding,
    RunReport,
    RunStarted,
    Severity,
    TaskEnded,
    TaskHealing,
    TaskStarted,
    TextStreamed,
    ToolEnded,
    ToolStarted,
    Verdict,
    Verification,
    WaitingForApproval,
)
from m31a_engine.checks.result import Finding, FindingKind, TestCounts
from m31a_engine.report import FileReport, TaskReport, UsageReport
from m31a_headless.exit_codes import exit_code_of, exit_code_of_error
from m31a_headless.options import parse, parser_of
from m31a_headless.output import LONGEST_LINE, Progress, print_result, refusal, result_text
from m31a_headless.runner import exit_code_of_ending
from m31a_tools import Plain

CHECK = CheckResult(
    name="test",
    command="python3 -m unittest",
    exit_code=0,
    passed=True,
    status=CheckStatus.PASSED,
    counts=TestCounts(passed=3, failed=0, total=3),
    tree="t",
    behavioural=True,
)
FINDING = Finding(
    kind=FindingKind.TEST_DELETED, severity=Severity.BLOCKING, path="a.py", text="a test is gone"
)


def report(outcome: Outcome = Outcome.SHIPPED, **facts: object) -> RunReport:
    return RunReport(session="s", outcome=outcome, goal="fix it", mode=Mode.FAST, **facts)  # type: ignore[arg-type]


def proven(verdict: Verdict) -> Verification:
    return Verification(verdict=verdict, tree="t", checks=(CHECK,))


def told(event: Event, *, quiet: bool = False, verbose: bool = False) -> str:
    """What progress says about an event."""
    progress = Progress(quiet=quiet, verbose=verbose, every_envelope=False)
    with redirect_stderr(io.StringIO()) as err:
        progress.show(Envelope(seq=1, at="2026", session="s", event=event))
    return err.getvalue()


STARTED = RunStarted(goal="fix it", project="/p", mode=Mode.AUTO, model="m", provider="acme")
CALL = ToolStarted(conversation="c", call_id="1", tool="Bash", arguments='{"command": "ls"}')


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (STARTED, "starting s with model m at acme: fix it"),
        (
            RunStarted(
                goal="g", project="/p", mode=Mode.AUTO, model="m", provider="acme",
                resumed=True, recording=True,
            ),
            "resuming s with model m at acme (a recording): g",
        ),
        (ModeChosen(mode=Mode.FAST, reason="it is small"), "mode fast: it is small"),
        (PhaseStarted(phase=Phase.PLAN), "plan"),
        (TaskStarted(task_id=1, title="Do"), "task 1: Do"),
        (TaskHealing(task_id=1, attempt=2, error="e"), "task 1 is mended, attempt 2"),
        (TaskEnded(task_id=1, outcome="done"), "task 1 done"),
        (TaskEnded(task_id=1, outcome="failed", reason="red"), "task 1 failed: red"),
        (CheckEnded(result=CHECK), "check test: passed (3 passed)  python3 -m unittest"),
        (FindingMade(finding=FINDING), "blocking: a.py: a test is gone"),
        (CommitMade(commit="0123456789abcdef", subject="Fix"), "commit 0123456789ab Fix"),
        (Landed(commit="c", branch="main"), "landed on main"),
        (
            LandingRefused(reason="main has moved", paths=(), command="git merge x"),
            "could not land: main has moved; to merge it: git merge x",
        ),
        (Noticed(text="look"), "look"),
        (Noticed(text="look", remedy="do this"), "look; do this"),
    ],
)  # fmt: skip
def test_progress_is_one_line_an_event_and_silent_when_quiet(event: Event, line: str) -> None:
    assert told(event) == f"m31a: {line}\n"
    assert told(event, quiet=True) == ""


def test_tool_calls_are_shown_to_who_asks_for_more() -> None:
    failed = ToolEnded(
        conversation="c", call_id="1", tool="Bash", display=Plain(text="t"), is_error=True
    )

    assert told(CALL) == told(failed) == ""
    assert told(CALL, verbose=True) == 'm31a:   Bash {"command": "ls"}\n'
    assert told(failed, verbose=True) == "m31a:   Bash failed\n"
    assert told(TextStreamed(conversation="c", text="hm"), verbose=True) == ""


def test_text_from_outside_forges_no_line_and_commands_no_terminal() -> None:
    hostile = "a\x1b[2J\nm31a: check test: passed\r\x9b1A\u202eb\u2028c\x0bd"

    line = told(TaskStarted(task_id=1, title=hostile))

    assert line == "m31a: task 1: a m31a: check test: passedbcd\n"


def test_a_long_line_is_cut() -> None:
    line = told(TaskStarted(task_id=1, title="x" * 100_000))

    assert len(line) == len("m31a: \n") + LONGEST_LINE
    assert line.endswith("x…\n")


def test_progress_that_nobody_reads_stops_no_run(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    progress = Progress(quiet=False, verbose=False, every_envelope=False)
    stream = io.TextIOWrapper(io.FileIO(writing, "w"), write_through=True)
    monkeypatch.setattr(sys, "stderr", stream)

    progress.show(Envelope(seq=1, at="", session="s", event=STARTED))
    progress.show(Envelope(seq=2, at="", session="s", event=STARTED))

    monkeypatch.undo()
    stream.close()


def test_every_envelope_is_a_line_of_json(capsys: pytest.CaptureFixture[str]) -> None:
    progress = Progress(quiet=True, verbose=False, every_envelope=True)
    for seq in (1, 2):
        progress.show(Envelope(seq=seq, at="2026", session="s", event=STARTED))

    out, err = capsys.readouterr()
    assert err == ""
    assert [json.loads(line)["seq"] for line in out.splitlines()] == [1, 2]
    assert json.loads(out.splitlines()[0])["event"]["type"] == "run.started"


def test_the_text_has_the_facts_a_line_and_the_models_words_last() -> None:
    text = result_text(
        report(
            Outcome.FAILED,
            commit="abc",
            branch="m31a/s",
            verification=proven(Verdict.FAILED),
            known_failures=("test_old",),
            findings=(FINDING,),
            tasks=(
                TaskReport(id=1, title="One", outcome="done"),
                TaskReport(id=2, title="Two", outcome="failed", reason="red\nagain"),
            ),
            files=(
                FileReport(path="a.py", status="modified", added=1, removed=2),
                FileReport(path="b.png", status="added", added=None, removed=None),
            ),
            deferred=("Bash: rm x",),
            ignored=("m31a.toml: not trusted",),
            manual_steps=("look at it",),
            ledger_entry="/h/LEDGER.md",
            cost_usd=0.5,
            usage=UsageReport(requests=4),
            duration_s=12.3,
            session_path="/h/s",
            error=ErrorReport(code="x", message="it is red", remedy="resume it"),
            answer="I tried.\nTwice.\n",
        )
    )

    assert text == (
        "failed: fix it\n"
        "verdict   failed\n"
        "check     test: passed (3 passed)\n"
        "known     test_old\n"
        "blocking  a.py: a test is gone; to lift it: --allow test-deleted\n"
        "task      2 failed: red again\n"
        "commit    abc\n"
        "branch    m31a/s\n"
        "          a.py (modified +1 -2)\n"
        "          b.png (added)\n"
        "deferred  Bash: rm x\n"
        "ignored   m31a.toml: not trusted\n"
        "by hand   look at it\n"
        "ledger    /h/LEDGER.md\n"
        "cost      $0.5000, 4 requests, 12 s\n"
        "session   /h/s\n"
        "why       it is red\n"
        "next      resume it\n"
        "\n"
        "I tried.\nTwice.\n"
    )


def test_an_unknown_cost_is_said_to_be_unknown() -> None:
    assert "cost      unknown, 0 requests, 0 s\n" in result_text(report())


HOSTILE = report(diff="+a\x1b[31m\x9b0m\n", answer="b\x1b]0;t\x07\u202e")


@pytest.mark.parametrize("output", ["text", "json", "diff", "stream-json"])
def test_a_result_for_a_program_is_exact_and_text_is_harmless(
    output: str, capsys: pytest.CaptureFixture[str]
) -> None:
    print_result(HOSTILE, output)

    out = capsys.readouterr().out
    match output:
        case "json":
            assert json.loads(out)["diff"] == HOSTILE.diff
            assert json.loads(out)["answer"] == HOSTILE.answer
        case "diff":
            assert out == HOSTILE.diff
        case "stream-json":
            assert out == ""
        case _:
            assert out.endswith("\nb\n")


@pytest.mark.parametrize("output", ["text", "json", "diff"])
def test_no_result_commands_a_terminal(output: str) -> None:
    ours, theirs = os.openpty()
    terminal = io.TextIOWrapper(io.FileIO(theirs, "w"), encoding="utf-8")
    with terminal, redirect_stdout(terminal):
        print_result(HOSTILE, output)
        assert select.select([ours], [], [], 5)[0]
        shown = os.read(ours, 65536).decode()
    os.close(ours)

    assert "b" in shown if output != "diff" else "+a" in shown
    assert not {"\x1b", "\x9b", "\x07", "\u202e"} & set(shown)


@pytest.mark.parametrize(
    ("outcome", "code"),
    [
        (Outcome.SHIPPED, 0),
        (Outcome.SHIPPED_PARTIAL, 6),
        (Outcome.SHIPPED_ON_BRANCH, 7),
        (Outcome.FAILED, 1),
        (Outcome.ANSWERED, 0),
        (Outcome.STOPPED, 0),
        (Outcome.WAITING, 3),
        (Outcome.DENIED, 3),
        (Outcome.LIMIT, 4),
        (Outcome.PROVIDER, 5),
        (Outcome.REFUSED, 2),
        (Outcome.INTERRUPTED, 130),
        (Outcome.BUG, 70),
    ],
)
def test_each_outcome_has_its_exit_code(outcome: Outcome, code: int) -> None:
    ending = RunEnding(report=report(outcome, verification=proven(Verdict.VERIFIED)))

    assert code == exit_code_of(ending.report) == exit_code_of_ending(ending)


def test_no_outcome_was_left_out() -> None:
    for outcome in Outcome:
        assert isinstance(exit_code_of(report(outcome)), int)


@pytest.mark.parametrize(
    ("verdict", "code"),
    [
        (Verdict.VERIFIED, 0),
        (Verdict.VERIFIED_KNOWN_FAILURES, 0),
        (Verdict.PARTIAL, 6),
        (Verdict.FAILED, 6),
        (Verdict.NOT_RUN, 6),
    ],
)
def test_shipped_is_0_only_with_evidence(verdict: Verdict, code: int) -> None:
    assert exit_code_of(report(verification=proven(verdict))) == code
    assert exit_code_of(report(verification=None)) == 6


@pytest.mark.parametrize(
    ("ending", "code"),
    [
        (RunEnding(report=report(Outcome.INTERRUPTED), signal=2), 130),
        (RunEnding(report=report(Outcome.INTERRUPTED), signal=15), 143),
        (RunEnding(report=report(Outcome.INTERRUPTED), timed_out=True), 4),
        (RunEnding(report=report(Outcome.FAILED), signal=15, timed_out=True), 1),
    ],
)
def test_an_interrupted_run_says_by_what(ending: RunEnding, code: int) -> None:
    assert exit_code_of_ending(ending) == code


@pytest.mark.parametrize(
    ("error", "outcome", "code"),
    [
        (ProviderFailed("m", remedy="r"), Outcome.PROVIDER, 5),
        (BudgetSpent("m", limit_usd=1, spent_usd=1), Outcome.LIMIT, 4),
        (LimitReached("m"), Outcome.LIMIT, 4),
        (WaitingForApproval("m"), Outcome.WAITING, 3),
        (Refused("m"), Outcome.REFUSED, 2),
    ],
)
def test_a_run_that_could_not_begin_has_a_report_too(
    error: EngineError, outcome: Outcome, code: int
) -> None:
    options = parse(parser_of("m31a", "run", "", ""), ["fix", "it", "--mode", "fast"])

    got = refusal(error, options)

    assert got == RunReport(
        session="",
        outcome=outcome,
        goal="fix it",
        mode=Mode.FAST,
        error=ErrorReport(code=error.code, message=error.message, remedy=error.remedy),
    )
    assert exit_code_of_error(error) == exit_code_of(got) == code
