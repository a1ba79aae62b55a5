"""What happens in a run through all six phases, as events: nothing of it has happened."""

from collections.abc import Iterator

from m31a_engine.asks import PlanAsk, Question, QuestionsAsk
from m31a_engine.checks.result import CheckResult, CheckStatus, TestCounts, Verdict, Verification
from m31a_engine.events import (
    AskClosed,
    AskOpened,
    CheckEnded,
    CommitMade,
    Event,
    Landed,
    LedgerWritten,
    MessageDone,
    ModeChosen,
    PhaseEnded,
    PhaseStarted,
    PlanDrafted,
    RunEnded,
    RunStarted,
    TaskEnded,
    TaskStarted,
    TextStreamed,
    ToolEnded,
    ToolOutput,
    ToolStarted,
    UsageChanged,
)
from m31a_engine.machine import Mode, Phase
from m31a_engine.planning.plan import Plan, PlannedFile, PlannedTask
from m31a_engine.report import FileReport, Outcome, RunReport, TaskReport, UsageReport
from m31a_providers import Usage
from m31a_tools import CommandOutput, FileDiff, Plain

SESSION = "20261121-041530-9f3a"
GOAL = "Make slugify() keep numbers and collapse repeated dashes"
PROJECT = "/home/ada/slugs"
MODEL = "sample-model"
BASE = "3f1c9a4e7b20d58861f4c2aa90be17d3560e8f41"
FIRST = "a81d02c65e9f4b7730c1d8e29f6ab5447ce3d010"
SECOND = "5be7fa1390c24d86b1e07f52dd983ac461f2077e"
SHIPPED = "c04e6d91b7f3258a0d4e81f96a2c7b530e9d18f6"
TREE = "90d2b4a87c1e6f3359f0ab8e41d7c62805fb39aa"
SAMPLE_PLAN = Plan(
    title="Keep numbers, collapse dashes",
    summary="slugify() drops digits and leaves double dashes. Both are one expression each.",
    tasks=(
        PlannedTask(
            id=1,
            description="Keep digits and collapse dashes in slugify()",
            files=(PlannedFile(path="slugs.py"),),
        ),
        PlannedTask(
            id=2,
            description="Tell about numbers in the README",
            dependencies=(1,),
            files=(PlannedFile(path="README.md"),),
        ),
    ),
    manual=("Look at a page with a number in its title",),
    markdown="# Keep numbers, collapse dashes\n\n## Summary\n\nslugify() drops digits.\n",
)
_SPENT = Usage(input_tokens=18_400, cached_tokens=15_900, output_tokens=1_260, cost_usd=0.0123)


def sample_events() -> Iterator[Event]:
    """The events of `sample_run`, as a run of that goal would give them."""
    yield RunStarted(
        goal=GOAL, project=PROJECT, mode=Mode.AUTO, model=MODEL, provider="sample", recording=True
    )
    yield PhaseStarted(phase=Phase.INITIALIZE)
    yield ModeChosen(mode=Mode.FULL, reason="several files and their documentation")
    yield PhaseEnded(phase=Phase.INITIALIZE, next=Phase.DISCUSS, elapsed_s=0.1)
    yield from _discuss()
    yield from _plan()
    yield PhaseStarted(phase=Phase.EXECUTE)
    yield from _first_task()
    yield from _second_task()
    yield PhaseEnded(phase=Phase.EXECUTE, next=Phase.VERIFY, elapsed_s=21.5)
    yield PhaseStarted(phase=Phase.VERIFY)
    yield from (CheckEnded(result=check) for check in _CHECKS)
    yield PhaseEnded(phase=Phase.VERIFY, next=Phase.SHIP, elapsed_s=2.4)
    yield PhaseStarted(phase=Phase.SHIP)
    yield CommitMade(commit=SHIPPED, subject=SAMPLE_PLAN.title)
    yield Landed(commit=SHIPPED, branch="main")
    yield PhaseEnded(phase=Phase.SHIP, next=Phase.IDLE, elapsed_s=0.2)
    yield LedgerWritten(path="/home/ada/.m31a/LEDGER.md")
    yield RunEnded(outcome=Outcome.SHIPPED, report=_report())


def _discuss() -> Iterator[Event]:
    questions = (
        Question(text="Are leading zeros to be kept?", suggestion="keep them"),
        Question(text="Is an empty slug an error?", suggestion="no"),
    )
    yield PhaseStarted(phase=Phase.DISCUSS)
    yield from _said("discuss-0", "Two things would change the plan.")
    yield AskOpened(ask=QuestionsAsk(ask_id="questions-1", questions=questions), timeout_s=300.0)
    yield AskClosed(ask_id="questions-1", answer=None)
    yield PhaseEnded(phase=Phase.DISCUSS, next=Phase.PLAN, elapsed_s=12.0)


def _plan() -> Iterator[Event]:
    yield PhaseStarted(phase=Phase.PLAN)
    yield from _said("plan-0", SAMPLE_PLAN.markdown)
    yield PlanDrafted(plan=SAMPLE_PLAN, version=1)
    yield AskOpened(ask=PlanAsk(ask_id="plan-2", plan=SAMPLE_PLAN, version=1), timeout_s=300.0)
    yield AskClosed(ask_id="plan-2", answer=None)
    yield PhaseEnded(phase=Phase.PLAN, next=Phase.EXECUTE, elapsed_s=30.0)


def _first_task() -> Iterator[Event]:
    talk = "execute-1/task-1"
    yield TaskStarted(task_id=1, title=SAMPLE_PLAN.tasks[0].description)
    edit = '{"path":"slugs.py","old_string":"[^a-z]","new_string":"[^a-z0-9]"}'
    yield from _said(talk, "The pattern leaves digits out.", calls=1)
    yield ToolStarted(conversation=talk, call_id="call-1", tool="Edit", arguments=edit)
    diff = FileDiff(
        path="slugs.py",
        diff='@@ -4 +4 @@\n-    return re.sub("[^a-z]", "-", text)\n'
        '+    return re.sub("[^a-z0-9]+", "-", text)\n',
        added=1,
        removed=1,
    )
    yield ToolEnded(conversation=talk, call_id="call-1", tool="Edit", display=diff, is_error=False)
    command = "python3 -m unittest"
    yield ToolStarted(
        conversation=talk, call_id="call-2", tool="Bash", arguments=f'{{"command":"{command}"}}'
    )
    yield ToolOutput(conversation=talk, call_id="call-2", text="...\n")
    output = CommandOutput(command=command, text="...\nRan 3 tests in 0.001s\n\nOK\n", exit_code=0)
    yield ToolEnded(
        conversation=talk, call_id="call-2", tool="Bash", display=output, is_error=False
    )
    yield from _said(talk, "Digits stay and dashes are collapsed.")
    files = (FileReport(path="slugs.py", status="M", added=1, removed=1),)
    yield CommitMade(commit=FIRST, subject=SAMPLE_PLAN.tasks[0].description, task_id=1, files=files)
    yield TaskEnded(task_id=1, outcome="done", elapsed_s=14.0)


def _second_task() -> Iterator[Event]:
    talk = "execute-1/task-2"
    yield TaskStarted(task_id=2, title=SAMPLE_PLAN.tasks[1].description)
    yield ToolStarted(
        conversation=talk, call_id="call-1", tool="FileRead", arguments='{"path":"README.txt"}'
    )
    missing = Plain(text="README.txt: there is no such file; there is README.md")
    yield ToolEnded(
        conversation=talk, call_id="call-1", tool="FileRead", display=missing, is_error=True
    )
    yield from _said(talk, "The README has an example with a number now.")
    files = (FileReport(path="README.md", status="M", added=2, removed=0),)
    yield CommitMade(
        commit=SECOND, subject=SAMPLE_PLAN.tasks[1].description, task_id=2, files=files
    )
    yield TaskEnded(task_id=2, outcome="done", elapsed_s=7.5)


def _said(talk: str, text: str, calls: int = 0) -> Iterator[Event]:
    middle = len(text) // 2
    yield TextStreamed(conversation=talk, text=text[:middle])
    yield TextStreamed(conversation=talk, text=text[middle:])
    yield MessageDone(conversation=talk, text=text, model=MODEL, usage=_SPENT, calls=calls)
    yield UsageChanged(usage=_SPENT, requests=1, context_tokens=_SPENT.tokens)


_CHECKS = (
    CheckResult(
        name="syntax",
        command="parse changed files",
        exit_code=0,
        passed=True,
        status=CheckStatus.PASSED,
        tree=TREE,
        behavioural=False,
    ),
    CheckResult(
        name="lint",
        command="ruff check .",
        exit_code=None,
        passed=False,
        status=CheckStatus.NOT_RUN,
        tree=TREE,
        behavioural=False,
        note="ruff is not installed",
    ),
    CheckResult(
        name="test",
        command="python3 -m unittest discover",
        exit_code=0,
        passed=True,
        status=CheckStatus.PASSED,
        counts=TestCounts(passed=3, failed=0, total=3),
        seconds=0.4,
        output_tail="Ran 3 tests in 0.001s\n\nOK\n",
        tree=TREE,
        behavioural=True,
    ),
)


def _report() -> RunReport:
    first, second = SAMPLE_PLAN.tasks
    return RunReport(
        session=SESSION,
        outcome=Outcome.SHIPPED,
        goal=GOAL,
        mode=Mode.FULL,
        base_commit=BASE,
        commit=SHIPPED,
        landed=True,
        commits=(FIRST, SECOND),
        files=(
            FileReport(path="README.md", status="M", added=2, removed=0),
            FileReport(path="slugs.py", status="M", added=1, removed=1),
        ),
        answer="slugify() keeps digits and collapses dashes. Try: slugify('Top  10').",
        tasks=(
            TaskReport(
                id=1,
                title=first.description,
                outcome="done",
                commit=FIRST,
                files=("slugs.py",),
                cost_usd=0.0082,
            ),
            TaskReport(
                id=2,
                title=second.description,
                outcome="done",
                commit=SECOND,
                files=("README.md",),
                cost_usd=0.0041,
            ),
        ),
        verification=Verification(
            verdict=Verdict.VERIFIED, tree=TREE, checks=_CHECKS, manual_steps=SAMPLE_PLAN.manual
        ),
        manual_steps=SAMPLE_PLAN.manual,
        usage=UsageReport.of(_SPENT, 6),
        cost_usd=_SPENT.cost_usd,
        duration_s=66.2,
        ledger_entry="/home/ada/.m31a/LEDGER.md",
        session_path=f"/home/ada/.m31a/projects/5d41402abc4b2a76/sessions/{SESSION}",
    )
