"""Screens over a session that has really run: keys in, git and the engine's files out."""

import subprocess
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from journey import isolated_environment
from m31a.desks import desk_of
from m31a.draw.frame import Size
from m31a.engine_runs import EngineRuns
from m31a.program.ask_lock import LOCK_S
from m31a.program.effects import ApproveRun, EditText, ResumeRun, Toast
from m31a.program.scene import Settings
from m31a.program.services import Services
from m31a.rehearsal import services_of, settle
from m31a.testing import Desk, sample_scene
from m31a.wish import Wish
from m31a_engine import (
    Answer,
    Ask,
    CommandOutput,
    Grant,
    NothingToResume,
    Options,
    Outcome,
    PermissionAnswer,
    PermissionAsk,
    PlanAnswer,
    PlanAsk,
    PlanChoice,
    QuestionsAnswer,
    QuestionsAsk,
    Run,
    RunReport,
    ToolEnded,
    conduct,
    demo,
    load_config,
)
from m31a_engine.desk.sandbox_state import sandbox_state
from m31a_ledger import LedgerEntry

WIDE = Size(140, 50)


@dataclass(frozen=True, slots=True)
class Done:
    """A demo that has ended."""

    folder: Path
    report: RunReport
    services: Services

    def git(self, *words: str) -> str:
        """What git says in its project."""
        command = ["git", "-C", str(self.folder), *words]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def _yes(ask: Ask) -> Answer:
    match ask:
        case PermissionAsk():
            return PermissionAnswer(ask_id=ask.ask_id, grant=Grant.ONCE)
        case QuestionsAsk():
            return QuestionsAnswer(ask_id=ask.ask_id)
        case PlanAsk():
            return PlanAnswer(ask_id=ask.ask_id, choice=PlanChoice.ACCEPT)


def _no(ask: Ask) -> Answer:
    if isinstance(ask, PlanAsk):
        return PlanAnswer(ask_id=ask.ask_id, choice=PlanChoice.REJECT)
    return _yes(ask)


def _run(root: Path, answer: Callable[[Ask], Answer]) -> Done:
    environ, folder = isolated_environment(root / "home"), root / "slugs"

    @asynccontextmanager
    async def begin() -> AsyncGenerator[Run]:
        async with demo(folder, environ, {}) as shown:
            yield shown.run

    ending = conduct(begin, show=lambda _: None, answer=answer)
    return Done(folder, ending.report, services_of(folder, environ))


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Done:
    shipped = _run(tmp_path_factory.mktemp("deeds"), _yes)
    assert shipped.report.outcome is Outcome.SHIPPED, shipped.report.error
    return shipped


@pytest.fixture(scope="module")
def waiting(tmp_path_factory: pytest.TempPathFactory) -> Done:
    """A session whose plan was not accepted."""
    return _run(tmp_path_factory.mktemp("waiting"), _no)


def opened(done: Done, screen: str, argument: object = None) -> Desk:
    """A screen that has looked at the real thing."""
    desk = Desk(screen, argument)
    desk.resize(WIDE)
    return settle(desk, done.services)


def test_sessions_are_exported_forked_put_away_and_deleted(done: Done) -> None:
    desk = opened(done, "sessions")
    assert "1 / 1" in desk.text
    assert done.report.session in desk.text

    settle(desk.press("ctrl+e"), done.services)
    exported = desk.effects.pop()
    assert isinstance(exported, EditText)
    assert done.report.goal in exported.text

    settle(desk.press("ctrl+f"), done.services)
    assert "2 / 2" in desk.text
    assert "can go on" in desk.press("home").text

    settle(desk.press("ctrl+a"), done.services)
    assert "1 / 1" in desk.text

    settle(desk.press("ctrl+f"), done.services)
    desk.press("home", "ctrl+d")
    assert "2 / 2" in desk.text
    settle(desk.press("y"), done.services)
    assert "1 / 1" in desk.text
    assert any(
        isinstance(each, Toast) and "refs/m31a/backup/" in each.text for each in desk.effects
    )


def test_the_changes_of_a_landed_session_are_found_by_its_id(done: Done) -> None:
    desk = opened(done, "diff", done.report.session)

    assert f"file 1 of {len(done.report.files)}" in desk.text


def test_a_session_that_is_not_there_is_said(done: Done) -> None:
    assert "there is no session nothing" in opened(done, "diff", "nothing").text


def test_a_commit_is_left_safely_and_come_back_to(done: Done) -> None:
    before = done.git("rev-parse", "HEAD")
    desk = opened(done, "rollback")
    assert before[:8] in desk.text

    settle(desk.press("s"), done.services)
    assert "taken off the branch: 1 commit" in desk.text
    settle(desk.press("y"), done.services)
    assert done.git("rev-parse", "HEAD") == done.report.base_commit
    assert "No commit of a run" in desk.text

    settle(desk.press("u"), done.services)
    settle(desk.press("y"), done.services)
    assert done.git("rev-parse", "HEAD") == before


def test_a_commit_is_left_hard_after_its_letters_were_typed(done: Done) -> None:
    before, base = done.git("rev-parse", "HEAD"), done.report.base_commit
    assert base is not None
    desk = opened(done, "rollback", "--hard")

    settle(desk.type(base[:4]), done.services)
    assert done.git("rev-parse", "HEAD") == base

    settle(settle(desk.press("u"), done.services).press("y"), done.services)
    assert done.git("rev-parse", "HEAD") == before


def test_what_git_refuses_is_said_and_nothing_is_changed(done: Done) -> None:
    before = done.git("rev-parse", "HEAD")
    done.git("-c", "user.name=a", "-c", "user.email=a@b", "commit", "--allow-empty", "-qm", "mine")
    desk = opened(done, "rollback")

    settle(settle(desk.press("s"), done.services).press("y"), done.services)

    assert done.git("rev-parse", "HEAD~1") == before
    assert "✗" in desk.text
    done.git("reset", "-q", "--soft", before)


def test_files_of_a_commit_are_put_back_alone(done: Done) -> None:
    desk = settle(opened(done, "rollback").press("w"), done.services)
    assert "[ ]" in desk.text

    settle(desk.press("a", "enter"), done.services)

    assert desk.top.id == "rollback"
    assert done.git("status", "--porcelain") != ""
    settle(settle(desk.press("u"), done.services).press("y"), done.services)
    assert done.git("status", "--porcelain") == ""


def test_the_commit_that_broke_something_is_found(done: Done) -> None:
    base, head = done.report.base_commit, done.git("rev-parse", "HEAD")
    assert base is not None
    desk = opened(done, "bisect", base)

    settle(desk.type(f'test "$(git rev-parse HEAD)" = {base}').press("enter"), done.services)

    assert f"first bad commit  {head[:12]}" in desk.text
    assert f"✓ {base[:10]}  exit 0" in desk.text
    assert f"✗ {head[:10]}  exit 1" in desk.text


def test_a_search_that_cannot_begin_says_why(done: Done) -> None:
    desk = opened(done, "bisect", "no-such-commit")

    settle(desk.type("true").press("enter"), done.services)

    assert "no-such-commit" in desk.text
    assert "✗" in desk.text


def test_the_ledger_has_the_run(done: Done) -> None:
    desk = opened(done, "ledger")
    assert done.report.session in desk.text
    assert "demo" in desk.text

    settle(desk.press("/").type("slugify").press("enter"), done.services)
    assert "no run is like that" in desk.text  # a demo is like nothing
    row = LedgerEntry(session="real", at="2026-11-21T10:00:00Z", keywords=("slugify", "numbers"))
    desk_of(done.services).ledger.store.append(row)
    settle(desk.press("r"), done.services)
    assert "1 run" in desk.text


def test_a_ledger_that_is_a_folder_says_so(tmp_path: Path) -> None:
    environ = isolated_environment(tmp_path / "home")
    services = services_of(tmp_path, environ)
    desk_of(services).home.ledger.mkdir(parents=True)

    said = "".join(settle(Desk("ledger"), services).text.split())

    assert "cannotbeused:itisnotaregularfile" in said
    assert "afilethatyoucanread" in said


def test_a_session_that_shipped_waits_for_nobody(done: Done) -> None:
    assert "Nothing was put off" in opened(done, "deferred").text


def test_a_plan_that_was_not_accepted_waits_and_is_taken_up_again(waiting: Done) -> None:
    desk = opened(waiting, "deferred")
    assert "Its plan waits for a yes" in desk.text

    desk.press("enter")
    assert settle(desk, waiting.services).top.id == "approve"
    assert "Your yes allows its plan" in desk.text
    settle(desk.wait(LOCK_S).press("end", "y"), waiting.services)
    assert desk.effects == [ApproveRun(waiting.report.session)]

    desk = opened(waiting, "deferred").press("a")
    assert desk.effects == [ResumeRun(waiting.report.session)]


@pytest.mark.anyio
async def test_a_session_that_has_ended_cannot_be_approved(done: Done) -> None:
    local = {"provider.default": "here", "provider.here.base_url": "http://127.0.0.1:9/v1"}
    overrides = {**local, "model.default": "m"}
    runs = EngineRuns(done.folder, done.services.environ, overrides, Options())

    with pytest.raises(NothingToResume, match="has ended: shipped"):
        async with runs.approve(done.report.session, Settings()):
            raise AssertionError("it has begun")


def test_the_newest_session_that_can_go_on_is_begun_with_where_that_is_configured(
    waiting: Done, tmp_path: Path
) -> None:
    nothing, goal = Wish(waiting.folder), Wish(waiting.folder, goal="x")
    on = {"features.resume_on_startup": True}
    going = EngineRuns(waiting.folder, waiting.services.environ, on, Options())
    off = EngineRuns(waiting.folder, waiting.services.environ, {}, Options())
    empty = EngineRuns(tmp_path, waiting.services.environ, on, Options())

    assert going.first_of(nothing) == Wish(waiting.folder, resume=True)
    assert [runs.first_of(nothing) for runs in (off, empty)] == [nothing, nothing]
    assert going.first_of(goal) == goal


def test_the_sandbox_is_named_in_a_word_or_two_and_not_used_where_all_may_run(
    tmp_path: Path,
) -> None:
    environ = isolated_environment(tmp_path / "home")
    found = sandbox_state(load_config(tmp_path, environ, {}))
    runs = EngineRuns(tmp_path, environ, {}, Options())
    free = EngineRuns(tmp_path, environ, {"permissions.mode": "allow_all"}, Options())

    assert runs.sandbox() == (f"{found.kind} in part" if found.gaps else found.kind)
    assert free.sandbox() == "not used"


def _cut(path: Path) -> Desk:
    text = f"first\n[... 9 bytes cut; all of it: {path} ...]\nlast\n"
    display = CommandOutput(command="make", text=text, exit_code=0)
    ended = ToolEnded(conversation="c", call_id="1", tool="Bash", display=display, is_error=False)
    return Desk("tool_detail", scene=sample_scene([ended], goal="x"), size=WIDE)


def test_an_output_kept_by_a_session_is_loaded_and_only_that(done: Done, tmp_path: Path) -> None:
    outputs = done.services.sessions().home.session(done.report.session).outputs
    outputs.mkdir(exist_ok=True)
    kept, secret = outputs / "1.txt", tmp_path / "secret.txt"
    kept.write_text("first\nthe middle\nlast\n")
    secret.write_text("a secret")

    assert "the middle" in settle(_cut(kept).press("o"), done.services).text
    kept.write_text("x" * 1_000_010)
    assert "the first 10 bytes are not shown" in settle(_cut(kept).press("o"), done.services).text

    stolen = settle(_cut(secret).press("o"), done.services)
    assert "what it names is no output kept" in stolen.press("end").text
    assert "a secret" not in stolen.text
    gone = settle(_cut(outputs / "2.txt").press("o"), done.services)
    assert "No such file" in gone.text
    link = outputs / "link.txt"
    link.symlink_to(secret)
    assert "what it names is no output kept" in settle(_cut(link).press("o"), done.services).text


def test_outside_a_repository_the_screens_say_so(tmp_path: Path) -> None:
    services = services_of(tmp_path, isolated_environment(tmp_path / "home"))
    for screen in ("rollback", "sessions", "deferred", "ledger", "diff"):
        desk = settle(Desk(screen), services)

        assert desk.text.count("\n") == 23
        assert "looking" not in desk.text
        assert "reading" not in desk.text
