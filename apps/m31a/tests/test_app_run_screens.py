"""What holds for every screen of a run: help, a way back, no clash of keys, no hostile text."""

from collections.abc import Iterator

import pytest

from m31a.program.effects import SendCommand, Toast
from m31a.program.keymap import clashes
from m31a.program.messages import Message
from m31a.screens.bisect import Searched
from m31a.screens.deferred import Looked as Waits
from m31a.screens.deferred import Waiting
from m31a.screens.diff import Found
from m31a.screens.ledger import Read
from m31a.screens.rollback import Looked
from m31a.screens.rollback_files import Looked as FilesLooked
from m31a.screens.sessions import Listed
from m31a.terminal.ink import Ink
from m31a.testing import LOOKS, SIZES, Desk, sample_scene
from m31a.widgets.ledger_rows import Book, Figures, Rate, RunRow
from m31a_engine import (
    AskClosed,
    AskOpened,
    BisectResult,
    CheckEnded,
    CheckResult,
    CheckStatus,
    Command,
    CommandOutput,
    CommitMade,
    CulpritFound,
    ErrorReport,
    Event,
    FileReport,
    Finding,
    FindingKind,
    FindingMade,
    HealTask,
    LandingRefused,
    Mode,
    Noticed,
    Outcome,
    PermissionRequest,
    Plan,
    PlanDrafted,
    PlannedFile,
    PlannedTask,
    Question,
    QuestionsAnswer,
    QuestionsAsk,
    Risk,
    RunEnded,
    RunReport,
    RunStarted,
    SessionInfo,
    Severity,
    SkipTask,
    Steer,
    TaskEnded,
    TaskStarted,
    TextStreamed,
    ToolEnded,
    ToolStarted,
    Verdict,
    Verification,
)
from m31a_engine.checks.result import Culprit
from m31a_engine.desk.undoing import ShippedCommit, WaysBack
from m31a_engine.planning.plan import RunCriterion

HOSTILE = (
    "\x1b]0;owned\x07",
    "\x1b[2J\x1b[H\x9b31m",
    "a\rb\x08\x08c\x00",
    "\u202egnp.exe\u2066 \u200b\ufeff",
    "\x1bP+q\x1b\\ \x1b]52;c;YQ==\x07",
    "tab\tnewline\nseparator\u2028 end",
    "family \U0001f468\u200d\U0001f469\u200d\U0001f467 \u5bbd \u0301\u0301 \U000e0041",
)
FORBIDDEN = frozenset(map(chr, (*range(0x20), *range(0x7F, 0xA0), 0x202E, 0x2066, 0x2028, 0x200B)))
SCREENS = (
    "bisect",
    "deferred",
    "diff",
    "discuss",
    "execute",
    "ledger",
    "notifications",
    "plan",
    "plan_versions",
    "rollback",
    "sessions",
    "ship",
    "tool_detail",
    "verify",
)


def patch(bad: str) -> str:
    """A diff whose names, sections and lines are hostile."""
    names = f"diff --git a/{bad} b/{bad}\n--- a/{bad}\n+++ b/{bad}\n"
    return f"{names}@@ -1 +1 @@ {bad}\n-{bad}\n+{bad}x\n"


def events(bad: str) -> Iterator[Event]:
    """A run in which every text is hostile."""
    task = PlannedTask(
        id=1,
        description=bad,
        action=bad,
        files=(PlannedFile(path=bad),),
        acceptance_criteria=(RunCriterion(command=bad),),
    )
    plan = Plan(
        title=bad,
        summary=bad,
        tasks=(task,),
        review_required=(bad,),
        automated=(bad,),
        manual=(bad,),
    )
    ask = QuestionsAsk(ask_id="q", questions=(Question(text=bad, suggestion=bad),))
    yield AskOpened(ask=ask, timeout_s=9.0)
    yield AskClosed(ask_id="q", answer=QuestionsAnswer(ask_id="q", answers=(bad,)))
    yield PlanDrafted(plan=Plan(title="before", tasks=()), version=1)
    yield PlanDrafted(plan=plan, version=2)
    yield TaskStarted(task_id=1, title=bad)
    talk = "execute-1/task-1"
    yield TextStreamed(conversation=talk, text=bad)
    yield ToolStarted(conversation=talk, call_id="1", tool=bad, arguments=bad)
    display = CommandOutput(command=bad, text=bad, exit_code=1)
    yield ToolEnded(conversation=talk, call_id="1", tool=bad, display=display, is_error=True)
    yield CommitMade(commit="a" * 40, subject=bad, task_id=1)
    yield TaskEnded(task_id=1, outcome="failed", reason=bad)
    check = CheckResult(
        name=bad,
        command=bad,
        exit_code=1,
        passed=False,
        status=CheckStatus.FAILED,
        output_tail=bad,
        tree="b" * 40,
        behavioural=True,
        note=bad,
    )
    yield CheckEnded(result=check)
    finding = Finding(kind=FindingKind.SECRET, severity=Severity.BLOCKING, path=bad, text=bad)
    yield FindingMade(finding=finding)
    culprit = Culprit(check=bad, commit="c" * 40, subject=bad)
    yield CulpritFound(culprit=culprit)
    yield Noticed(text=bad, remedy=bad)
    yield LandingRefused(reason=bad, paths=(bad,), command=bad)
    report = RunReport(
        session=bad,
        outcome=Outcome.SHIPPED_ON_BRANCH,
        goal=bad,
        mode=Mode.FULL,
        branch=bad,
        commit="a" * 40,
        files=(FileReport(path=bad, status="M", added=1, removed=1),),
        diff=patch(bad),
        answer=bad,
        verification=Verification(
            verdict=Verdict.FAILED,
            tree="b" * 40,
            checks=(check,),
            findings=(finding,),
            manual_steps=(bad,),
            culprit=culprit,
        ),
        findings=(finding,),
        known_failures=(bad,),
        deferred=(bad,),
        error=ErrorReport(code="x", message=bad, remedy=bad),
    )
    yield RunEnded(outcome=Outcome.SHIPPED_ON_BRANCH, report=report)


def found(screen: str, bad: str) -> Message | None:
    """What the screen's work has come to, hostile too."""
    commit = ShippedCommit(
        commit="a" * 40, parent="b" * 40, subject=bad, at=bad, session=bad, verdict=bad
    )
    session = SessionInfo(id=bad, goal=bad, started_at=bad, outcome=None, path=bad)
    match screen:
        case "rollback":
            return Looked(WaysBack(commits=(commit,), backups={bad: bad}, snapshots=(bad,)))
        case "rollback_files":
            return FilesLooked((bad, "plain"))
        case "sessions":
            return Listed((session,))
        case "deferred":
            request = PermissionRequest(
                tool=bad, summary=bad, detail=bad, risk=Risk.SAFE, paths=(bad,), hosts=(bad,)
            )
            return Waits((Waiting(session, request),))
        case "ledger":
            return Read(book(bad))
        case "bisect":
            said = BisectResult(first_bad=None, steps=1, log=(), inconclusive=bad)
            return Searched(said)
        case "diff":
            return Found(patch(bad), cut=False)
        case _:
            return None


def book(bad: str) -> Book:
    """A ledger with a hostile row."""
    row = RunRow(bad, bad, bad, bad, bad, bad, 1, 1, 1, 1, None, 1.0, (bad,), (bad,), False)
    figures = Figures(
        sessions=1,
        tasks_mean=1.0,
        failed=1,
        healed=1,
        cost_usd=None,
        cost_known=0,
        duration_mean_s=1.0,
        failures=((bad, 1),),
        frameworks=((bad, 1),),
        models=(Rate(bad, 0.5, 1),),
        ended=((bad, 1),),
        costs_usd=(1.0, 2.0),
        durations_s=(1.0, 2.0),
    )
    return Book((row,), figures, (bad,))


@pytest.mark.parametrize("screen", SCREENS)
def test_help_and_back_are_on_every_screen_and_no_two_actions_claim_a_key(screen: str) -> None:
    desk = Desk(screen)

    assert list(clashes([desk.top.keys()])) == []
    assert desk.press("f1").top.id == "help"
    assert desk.press("escape").top.id == screen
    assert desk.press("escape").top.id == "repl"


@pytest.mark.parametrize("screen", [*SCREENS, "rollback_files"])
@pytest.mark.parametrize("bad", HOSTILE, ids=range(len(HOSTILE)))
def test_no_text_from_outside_commands_the_terminal(screen: str, bad: str) -> None:
    scene = sample_scene(events(bad), goal=bad)
    argument = ShippedCommit(
        commit="a" * 40, parent="b" * 40, subject=bad, at="", session=bad, verdict=""
    )
    desk = Desk(screen, argument if screen == "rollback_files" else None, scene=scene)
    message = found(screen, bad)
    if message is not None:
        desk.send(message)

    for keys in ((), ("down",), ("down",), ("end",), ("tab",)):
        desk.press(*keys)
        for size in SIZES:
            lines = desk.resize(size).frame.lines
            assert len(lines) == size.height
            assert not FORBIDDEN & set("".join(line.text for line in lines))
            assert max(line.width for line in lines) <= size.width
    theme, depth = LOOKS[0]
    sent = desk.painted(Ink(theme, depth))
    assert "\x1b]52" not in sent
    assert "\x1b]0;" not in sent
    assert "\x07" not in sent


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("/heal 3", HealTask(task_id=3)),
        ("/skip 3", SkipTask(task_id=3)),
        ("/tell keep the header", Steer(text="keep the header")),
    ],
)
def test_a_run_is_steered_from_the_prompt(line: str, command: Command) -> None:
    running = RunStarted(goal="x", project="/x", mode=Mode.FULL, model="m", provider="p")
    desk = Desk("repl", scene=sample_scene([running], goal="x")).type(line).press("enter")

    assert SendCommand(command) in desk.effects


def test_telling_nothing_is_refused() -> None:
    running = RunStarted(goal="x", project="/x", mode=Mode.FULL, model="m", provider="p")
    desk = Desk("repl", scene=sample_scene([running], goal="x")).type("/tell ").press("enter")

    assert Toast("say what it should know: /tell TEXT", "warn") in desk.effects


@pytest.mark.parametrize(
    ("line", "screen"),
    [
        ("/tools", "tool_detail"),
        ("/execute", "execute"),
        ("/verify", "verify"),
        ("/ship", "ship"),
        ("/diff", "diff"),
        ("/deferred", "deferred"),
        ("/resume", "sessions"),
        ("/rollback", "rollback"),
        ("/undo", "rollback"),
        ("/bisect", "bisect"),
        ("/ledger stats", "ledger"),
        ("/notifications", "notifications"),
        ("/plan_versions", "plan_versions"),
    ],
)
def test_each_screen_has_its_command(line: str, screen: str) -> None:
    assert Desk("repl").type(line).press("escape", "enter").top.id == screen
