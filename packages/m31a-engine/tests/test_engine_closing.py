"""What a run leaves on disk, and how it is found again."""

from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from m31a_engine.books import Secrets
from m31a_engine.checks.result import (
    CheckResult,
    CheckStatus,
    Finding,
    FindingKind,
    Severity,
    TestCounts,
    Verdict,
    Verification,
)
from m31a_engine.conversation.history import Conversation
from m31a_engine.errors import Busy, NothingToResume
from m31a_engine.machine import Mode, Phase
from m31a_engine.paperwork import summary, verify_report
from m31a_engine.planning.plan import Plan, PlannedTask
from m31a_engine.project.facts import CheckCommand, ProjectFacts, ProjectType
from m31a_engine.proof import failure_text
from m31a_engine.report import ErrorReport, FileReport, Outcome, RunReport
from m31a_engine.session.home import Home, new_session_id
from m31a_engine.session.journal import Journal, read_records
from m31a_engine.session.locks import SessionLock
from m31a_engine.session.state import Answered, Options, Session, TaskState
from m31a_engine.shelf import SESSION, Shelf
from m31a_engine.views import Views, messages_in, project_view, state_view
from m31a_keychain import MemoryStore
from m31a_providers import AssistantMessage, SystemMessage, TextPart, ToolMessage, UserMessage

pytestmark = pytest.mark.anyio

RED = CheckResult(
    name="test",
    command="python3 -m unittest",
    exit_code=1,
    passed=False,
    status=CheckStatus.FAILED,
    counts=TestCounts(passed=2, failed=1, total=3),
    seconds=0.44,
    output_tail="FAIL: test_add\nAssertionError: 5 != -1",
    tree="t1",
    behavioural=True,
)
LATE = msgspec.structs.replace(
    RED, name="build", status=CheckStatus.TIMED_OUT, exit_code=None, counts=None, output_tail=""
)
GREEN = msgspec.structs.replace(
    RED, name="lint", status=CheckStatus.PASSED, passed=True, exit_code=0, note="3 files"
)
VERIFICATION = Verification(
    verdict=Verdict.FAILED,
    tree="t1",
    checks=(RED, LATE, GREEN),
    findings=(
        Finding(
            kind=FindingKind.TEST_DELETED,
            severity=Severity.BLOCKING,
            path="test_a.py",
            text="a test was deleted",
        ),
        Finding(kind=FindingKind.UNPREDICTED_CHANGE, severity=Severity.WARNING, text="b.py"),
    ),
    manual_steps=("look at the page",),
)
PLAN = Plan(
    title="Sums",
    tasks=(PlannedTask(id=1, description="Mend add()"), PlannedTask(id=2, description="Say so")),
    markdown="# Sums\n\nThe whole plan.",
)


def session(**changes: object) -> Session:
    """A session in the middle of Verify."""
    begun = Session(
        id="20261121-041530-9f3a",
        goal="make add() return the sum",
        project="/p",
        started_at="2026-11-21T04:15:30.000Z",
        options=Options(),
        phase=Phase.VERIFY,
        mode=Mode.FULL,
        plan=PLAN,
        tasks=(TaskState(id=1, outcome="done"), TaskState(id=2, outcome="failed")),
    )
    return msgspec.structs.replace(begun, **changes)


def report(**changes: object) -> RunReport:
    plain = RunReport(
        session="s", outcome=Outcome.SHIPPED, goal="make it\nand more", mode=Mode.DIRECT
    )
    return msgspec.structs.replace(plain, **changes)


def test_the_verification_is_written_with_its_evidence() -> None:
    text = verify_report(session(), VERIFICATION)

    assert "Verdict: **failed** on tree `t1`" in text
    assert "## test: failed, 2 passed, 1 failed" in text
    assert "`python3 -m unittest` exited 1, 0.4 s" in text
    assert "    AssertionError: 5 != -1" in text
    assert "\n3 files\n" in text
    assert "- test-deleted: a test was deleted" in text
    assert "- [ ] look at the page" in text


def test_what_is_red_is_told_to_the_model_and_nothing_else() -> None:
    text = failure_text(VERIFICATION)

    assert "`python3 -m unittest` exited 1\n\nFAIL: test_add" in text
    assert "## build: `python3 -m unittest` was stopped" in text
    assert "## test_a.py: a test was deleted" in text
    assert "lint" not in text
    assert "b.py" not in text


@pytest.mark.parametrize(
    ("changes", "lines"),
    [
        ({}, ["# make it", "", "Outcome: shipped"]),
        ({"goal": " \n"}, ["# No goal", "", "Outcome: shipped"]),
        (
            {
                "outcome": Outcome.SHIPPED_ON_BRANCH,
                "commit": "c1",
                "branch": "m31a/s",
                "files": (FileReport(path="a.py", status="M", added=1, removed=0),),
                "answer": "Try it.",
                "error": ErrorReport(code="cannot_land", message="moved", remedy="git merge"),
            },
            [
                "# make it",
                "",
                "Outcome: shipped_on_branch",
                "Commit: c1",
                "Branch: m31a/s",
                "",
                "- a.py (M)",
                "",
                "Try it.",
                "",
                "moved. git merge",
            ],
        ),
    ],
    ids=["plain", "no goal", "everything"],
)
def test_the_summary_says_what_and_where(changes: dict[str, object], lines: list[str]) -> None:
    assert lines == summary(report(**changes)).splitlines()


def test_the_project_view_has_checks_and_answers() -> None:
    check = CheckCommand(name="test", command="pytest", behavioural=True, sure=True)
    facts = ProjectFacts(type=ProjectType.PYTHON, checks=(check,))
    answers = (Answered(question="Which?", answer="this"), Answered(question="Why?", answer=""))

    text = project_view(session(facts=facts, answers=answers))

    assert "Type: python\nFramework: -\n- test: `pytest` (detected)" in text
    assert "- Which? → this\n- Why? → skipped" in text


def test_the_state_view_ends_with_the_plan() -> None:
    text = state_view(session(verification=VERIFICATION), "running")
    assert "Tasks: 1 of 2 done\nVerdict: failed" in text
    assert text.endswith("The whole plan.\n")
    assert "Verdict" not in state_view(session(plan=None), "running")


async def test_the_views_of_a_run_stay_out_of_git_and_hold_its_messages(tmp_path: Path) -> None:
    git, folder, project = tmp_path / "git", tmp_path / "session", tmp_path / "project"
    for place in (git, folder, project):
        place.mkdir()
    views = Views(project=project, common_git_dir=git, session_folder=folder)
    talk = Conversation("plan-0", "plan", "", (SystemMessage(text="s"), UserMessage(text="u")))
    answer = AssistantMessage(parts=(TextPart(text="a"),))
    result = ToolMessage(call_id="1", text="r")
    with closing(Journal.open(folder)) as journal:
        await journal.append(
            talk.prepare("m", b""), talk.reply_entry(answer), talk.result_entry(result)
        )
        await journal.finish("phase-1", "x")
    (folder / "SUMMARY.md").write_text("# Summary\n")
    records = read_records(folder)[0]

    for _ in range(2):
        views.exclude()
    views.write_end(session(), "failed", records)

    assert (git / "info" / "exclude").read_text() == "/.m31a/\n"
    assert [said.message for said in messages_in(records)] == [
        SystemMessage(text="s"),
        UserMessage(text="u"),
        answer,
        result,
    ]
    view = project / ".m31a"
    assert sorted(file.name for file in view.iterdir()) == [
        "PROJECT.md",
        "STATE.md",
        "SUMMARY.md",
        "TASKS.md",
        "messages.json",
        "session.json",
    ]
    assert msgspec.json.decode((view / "session.json").read_bytes())["outcome"] == "failed"
    assert "| 2 | Modify | Say so | - | failed | - |" in (view / "TASKS.md").read_text()


def test_what_a_person_excludes_stays_excluded(tmp_path: Path) -> None:
    (tmp_path / "info").mkdir()
    exclude = tmp_path / "info" / "exclude"
    exclude.write_bytes(b"*.tmp\ncaf\xe9")
    Views(project=tmp_path, common_git_dir=tmp_path, session_folder=tmp_path).exclude()
    assert exclude.read_bytes() == b"*.tmp\ncaf\xe9\n/.m31a/\n"


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    project = tmp_path / "project"
    project.mkdir()
    return Shelf(home=Home(root=tmp_path / "home").project(project), project=project)


async def keep(shelf: Shelf, session_id: str, outcome: Outcome | None = None) -> None:
    """A session as a run leaves it; without an outcome it was killed."""
    folder = shelf.home.session(session_id)
    folder.make()
    with closing(Journal.open(folder.root)) as journal:
        await journal.intend("another", 1)
        await journal.intend(SESSION, session(id=session_id))
    if outcome is not None:
        folder.report.write_bytes(msgspec.json.encode(report(session=session_id, outcome=outcome)))


async def test_sessions_are_listed_newest_first_and_what_cannot_be_read_is_left_out(
    shelf: Shelf,
) -> None:
    assert shelf.list() == ()
    await keep(shelf, "20260101-000000-aaaa", Outcome.SHIPPED)
    await keep(shelf, "20260102-000000-bbbb")
    broken = shelf.home.session("20260103-000000-cccc")
    broken.make()
    (broken.root / "journal.jsonl").write_text("{}\n{}\n")
    shelf.home.session("20260104-000000-dddd").make()

    assert [(info.id, info.outcome) for info in shelf.list()] == [
        ("20260102-000000-bbbb", None),
        ("20260101-000000-aaaa", Outcome.SHIPPED),
    ]


async def test_the_newest_session_that_can_go_on_is_resumed(shelf: Shelf) -> None:
    with pytest.raises(NothingToResume, match="no session"):
        shelf.to_resume(None)
    await keep(shelf, "20260101-000000-aaaa", Outcome.LIMIT)
    await keep(shelf, "20260102-000000-bbbb", Outcome.SHIPPED)

    assert shelf.to_resume(None).id == "20260101-000000-aaaa"
    assert shelf.to_resume("20260101-000000-aaaa").goal == session().goal
    with pytest.raises(NothingToResume, match="has ended: shipped"):
        shelf.to_resume("20260102-000000-bbbb")
    with pytest.raises(NothingToResume, match="there is no session nowhere"):
        shelf.to_resume("nowhere")


async def test_of_a_session_that_could_not_land_the_way_to_land_it_is_named(shelf: Shelf) -> None:
    await keep(shelf, "20260101-000000-aaaa", Outcome.SHIPPED_ON_BRANCH)

    with pytest.raises(NothingToResume) as caught:
        shelf.to_resume("20260101-000000-aaaa")

    assert caught.value.remedy == "to land it: m31a apply 20260101-000000-aaaa"


@pytest.mark.parametrize("text", [b"", b"{", b'{"outcome":"unheard of"}'])
async def test_a_damaged_report_does_not_keep_a_session_from_going_on(
    shelf: Shelf, text: bytes
) -> None:
    await keep(shelf, "20260101-000000-aaaa")
    shelf.home.session("20260101-000000-aaaa").report.write_bytes(text)
    assert shelf.to_resume(None).id == "20260101-000000-aaaa"


def test_a_lock_names_its_holder_and_is_free_when_closed(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "session.lock"
    first = SessionLock(file, "one", "today")
    with pytest.raises(Busy, match=r"session one, process \d+, since today"):
        SessionLock(file, "two", "later")
    first.close()
    SessionLock(file, "three", "later").close()
    assert file.exists(), "a lock file is never removed"


def test_a_lock_whose_file_says_nothing_is_still_a_lock(tmp_path: Path) -> None:
    file = tmp_path / "session.lock"
    with closing(SessionLock(file, "one", "today")):
        file.write_text("not json")
        with pytest.raises(Busy, match="its process is not known"):
            SessionLock(file, "two", "later")


def test_places_below_home_are_apart_for_each_project_and_follow_links(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "a")
    home = Home(root=tmp_path / "home")

    assert home.project(tmp_path / "a") == home.project(tmp_path / "link")
    assert home.project(tmp_path / "a") != home.project(tmp_path / "b")
    assert len({new_session_id() for _ in range(20)}) == 20
    folder = home.project(tmp_path / "a").session("s")
    assert not folder.worktrees.is_relative_to(tmp_path / "a")
    assert folder.checkout.parent == folder.worktrees


def test_a_key_goes_into_the_keychain_and_is_never_shown() -> None:
    secrets = Secrets(store=MemoryStore(), environ={})
    line, found = secrets.status("openrouter")
    assert (line.startswith("openrouter: no key; looked in:"), found) == (True, False)

    assert "hidden-value" not in secrets.set("openrouter", "hidden-value")

    line, found = secrets.status("openrouter")
    assert ("hidden-value" in line, found) == (False, True)
    assert [secrets.delete("openrouter"), secrets.delete("openrouter")] == [True, False]
