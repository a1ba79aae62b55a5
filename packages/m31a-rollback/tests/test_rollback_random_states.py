"""Whatever state the user's tree is in: resets and landings lose not a byte of it."""

import os
import re
import shutil
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import anyio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from m31a_rollback import (
    Landed,
    Repository,
    hard_reset,
    soft_reset,
    undo,
)
from m31a_rollback.testing import Project, State

CASES = int(os.environ.get("M31A_CAMPAIGN", "6"))
Action = tuple[str, str, str]
PATHS = ["a", "b", "d/a", "d/e/b", "new", "d", "ignored.log", "name \n'\""]
TEXTS = ["", "one\n", "one\ntwo\n", "x\r\ny\n", "same\n"]

writes = st.tuples(st.just("write"), st.sampled_from(PATHS), st.sampled_from(TEXTS))
others = st.tuples(
    st.sampled_from(
        ["delete", "stage", "unstage", "uncache", "executable", "link", "intend", "private"]
    ),
    st.sampled_from(PATHS),
    st.just(""),
)
actions = st.lists(writes | others, max_size=8)
histories = st.lists(st.lists(writes | others, max_size=5), min_size=1, max_size=3)
quick = settings(
    max_examples=CASES,
    deadline=None,
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
    derandomize=CASES < 50,
)


def act(project: Project, action: Action) -> None:
    """One thing a user does; what cannot be done now is not done."""
    verb, path, text = action
    target = project.root / path
    if verb == "write":
        if target.is_dir() and not target.is_symlink():
            shutil.rmtree(target)
        for parent in reversed(target.relative_to(project.root).parents):
            place = project.root / parent
            if place.is_symlink() or place.is_file():
                place.unlink()
        if target.is_symlink():
            target.unlink()
        project.write(path, text)
    elif verb == "link":
        if os.path.lexists(target) and not target.is_dir():
            target.unlink()
            target.symlink_to("a")
    elif not os.path.lexists(target) or (target.is_dir() and not target.is_symlink()):
        if verb in ("stage", "uncache", "unstage"):
            project.git(*GIT[verb], "--", f":(literal){path}", check=False)
    elif verb == "delete":
        target.unlink()
    elif verb in ("executable", "private"):
        if not target.is_symlink():
            target.chmod(0o755 if verb == "executable" else 0o600)
    else:
        project.git(*GIT[verb], "--", f":(literal){path}", check=False)


GIT = {
    "stage": ["add", "-A"],
    "unstage": ["reset", "-q"],
    "uncache": ["rm", "-q", "-r", "--cached"],
    "intend": ["add", "-N"],
}


def new_project(folder: str, history: list[list[Action]]) -> tuple[Project, list[str]]:
    """A project, and its commits from the first to the last."""
    project = Project.make(Path(folder) / "project")
    project.write(".git/info/exclude", "*.log\n")
    project.write("a", "base\n")
    project.write("d/a", "base\n")
    commits = [project.commit("base")]
    for number, changes in enumerate(history):
        for change in changes:
            act(project, change)
        commits.append(project.commit(f"commit {number}"))
    return project, commits


@quick
@given(history=histories, dirt=actions, later=actions, pick=st.integers(0, 3), soft=st.booleans())
def test_reset_and_undo_bring_everything_back(
    history: list[list[Action]], dirt: list[Action], later: list[Action], pick: int, soft: bool
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        project, commits = new_project(folder, history)
        for action in dirt:
            act(project, action)
        before = as_git_sees(project.state())
        target = commits[pick % len(commits)]

        async def story() -> None:
            repository = await Repository.open(project.root)
            result = await (soft_reset if soft else hard_reset)(repository, target)
            assert target == project.head
            assert before[3] == project.git("stash", "list")
            kept = await repository.load_snapshot(result.snapshot)
            now = as_git_sees(project.state())[0]
            for path, fact in before[0].items():
                in_head = path in [e.path for e in await repository.ls_tree(commits[-1])]
                assert now.get(path) == fact or path in kept.files or in_head
            await undo(repository)
            assert before == as_git_sees(project.state())

            for action in later:
                act(project, action)
            middle = project.state()
            again = await repository.snapshot()
            project.git("reset", "-q", "--hard", check=False)
            project.git("clean", "-fdq")
            await repository.restore(again)
            assert visible(as_git_sees(middle)) == visible(as_git_sees(project.state()))

        anyio.run(story)


def as_git_sees(state: State) -> State:
    """A state in which only the executable bit counts, as for all committed files."""
    files = {path: re.sub(r"^[0-7]{3} ", executable, fact) for path, fact in state[0].items()}
    return files, *state[1:]


def executable(mode: re.Match[str]) -> str:
    return "x " if int(mode[0], 8) & 0o100 else "- "


def visible(state: State) -> object:
    """A state without the ignored files that a snapshot does not hold."""
    files, *rest = state
    return {path: fact for path, fact in files.items() if not path.endswith(".log")}, rest


@quick
@given(work=st.lists(writes | others, min_size=1, max_size=6), dirt=actions)
def test_landing_takes_all_or_nothing(work: list[Action], dirt: list[Action]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        project, _ = new_project(folder, [])

        async def story() -> None:
            repository = await Repository.open(project.root)
            base = project.head
            tree = await repository.worktree(Path(folder) / "tree", base)
            worker = Project(tree.path)
            for action in work:
                act(worker, action)
            commit = await repository.commit_tree(
                await tree.tree_id(), [base], "work", at=datetime(2026, 1, 1, tzinfo=UTC)
            )
            await tree.remove()
            for action in dirt:
                act(project, action)
            before = project.state()
            changed = {change.path for change in (await repository.diff(base, commit)).files}

            async def stored(_: object) -> None:
                pass

            plan = await repository.plan_landing(base, commit)
            outcome = await repository.land(plan, intend=stored)
            after = project.state()
            if not isinstance(outcome, Landed):
                assert before == after
                return
            assert commit == project.head
            rest = [{p: f for p, f in s[0].items() if p not in changed} for s in (before, after)]
            assert rest[0] == rest[1]
            entries = [set(s[1].split("\0")) for s in (before, after)]
            assert {
                e for e in entries[0] if e.partition("\t")[2] not in changed and e[:1] != ":"
            } <= entries[1]
            project.git("commit", "-q", "-m", "mine", check=False)
            later = {change.path for change in (await repository.diff(commit, "HEAD")).files}
            assert not later & changed

        anyio.run(story)
