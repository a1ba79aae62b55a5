"""A kill at any moment of a landing or a reset loses nothing."""

import json
import os
import random
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest

from m31a_rollback import Landing, Locked, Repository, hard_reset, undo
from m31a_rollback.index_lock import landing_turn
from m31a_rollback.refs import STALE_S, drop_stale_locks, list_refs
from m31a_rollback.testing import Project

CASES = int(os.environ.get("M31A_CAMPAIGN", "8"))


Busy = tuple[Project, str]


class Killer:
    """The process that does things and dies."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def run(
        self, root: Path, verb: str, commit: str, kill_at: int = 0, spins: int | None = None
    ) -> str:
        job = {
            "root": str(root),
            "verb": verb,
            "commit": commit,
            "kill_at": kill_at,
            "spins": spins,
        }
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(job) + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()


@pytest.fixture
def killer(home: Path) -> Iterator[Killer]:
    program = Path(__file__).with_name("rollback_killer.py")
    with subprocess.Popen(
        [sys.executable, str(program)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={name: value for name, value in os.environ.items() if not name.startswith("COV")},
    ) as process:
        yield Killer(process)


@pytest.fixture
def busy(project: Project) -> Busy:
    """A project whose user is in the middle of things, and a commit of a run."""
    base = project.head
    project.git("checkout", "-q", "-b", "run")
    project.write("src/app.py", "def main():\n    return 2\n")
    project.write("deep/er/new.py", "new\n")
    (project.root / "docs/old.txt").unlink()
    (project.root / "link").symlink_to("src/app.py")
    commit = project.commit("work")
    project.git("checkout", "-q", "main")
    project.write("README.md", "stashed\n")
    project.git("stash")
    project.write("README.md", "staged\n")
    project.git("add", "README.md")
    project.write("README.md", "staged and more\n")
    project.write("src/tool.sh", "mine\n", mode=0o700)
    project.write("untracked", "mine\n")
    assert base == project.head
    return project, commit


def copy_of(project: Project, folder: Path) -> Project:
    shutil.copytree(project.root.parent, folder, symlinks=True)
    return type(project)(folder / "project")


def points(total: int) -> list[int]:
    """Moments spread evenly, the first and the last among them."""
    count = min(CASES, total)
    return sorted({1 + round(number * (total - 1) / max(count - 1, 1)) for number in range(count)})


def leftovers(project: Project) -> list[str]:
    names = [path.name for path in project.root.rglob("*") if path.name.startswith(".m31a-")]
    inside = [path.name for path in (project.root / ".git").glob("*.lock")]
    ours = project.root / ".git/m31a"
    drafts = re.compile(r"(landing|worktrees)\.flock|[a-z]+-[0-9]+-[0-9a-f]{12}")
    kept = sorted(path.name for path in ours.glob("*"))
    return names + inside + [name for name in kept if not drafts.fullmatch(name)]


def test_killed_landing_is_finished_or_undone_at_the_next_start(
    busy: Busy, killer: Killer, tmp_path_factory: pytest.TempPathFactory
) -> None:
    project, commit = busy
    cases = tmp_path_factory.mktemp("cases")
    before = project.state()
    whole = copy_of(project, cases / "whole")
    total = int(killer.run(whole.root, "land", commit))
    after = whole.state()
    assert commit == whole.head
    outcomes = set()

    for point in points(total):
        case = copy_of(project, cases / str(point))
        assert killer.run(case.root, "land", commit, point) == "killed"

        async def recover(case: Project = case) -> str:
            repository = await Repository.open(case.root, trusted=True)
            journal = case.root.parent / "journal"
            if not journal.exists():
                await repository.settle_landing()
                return "not_started"
            landing = Landing.from_json(journal.read_text())
            outcome = await repository.recover_landing(landing)
            assert (
                outcome == "finished" or await repository.recover_landing(landing) == "not_started"
            )
            return outcome

        outcome = anyio.run(recover)
        outcomes.add(outcome)
        assert (after if outcome == "finished" else before) == case.state(), point
        assert leftovers(case) == [], point
        assert outcome == "finished" or killer.run(case.root, "land", commit).isdigit()
        assert after == case.state(), point
        shutil.rmtree(case.root.parent)

    assert {"finished", "not_started"} == outcomes


def test_killed_landing_is_undone_when_the_user_has_gone_on(
    busy: Busy, killer: Killer, tmp_path_factory: pytest.TempPathFactory
) -> None:
    project, commit = busy
    cases = tmp_path_factory.mktemp("cases")
    total = int(killer.run(copy_of(project, cases / "whole").root, "land", commit))
    outcomes = set()

    for point in points(total)[1:-1]:
        case = copy_of(project, cases / str(point))
        before = case.state()
        killer.run(case.root, "land", commit, point)
        journal = case.root.parent / "journal"
        if not journal.exists() or case.head == commit:
            continue
        case.write("deep/er/new.py", "mine\n")

        async def recover(case: Project = case, journal: Path = journal) -> str:
            repository = await Repository.open(case.root, trusted=True)
            return await repository.recover_landing(Landing.from_json(journal.read_text()))

        outcomes.add(anyio.run(recover))
        assert case.read("deep/er/new.py") == "mine\n"
        (case.root / "deep/er/new.py").unlink()
        shutil.rmtree(case.root / "deep", ignore_errors=True)
        assert before == case.state(), point
        assert leftovers(case) == [], point

    assert "undone" in outcomes


def test_killed_reset_is_brought_back_by_undo(
    busy: Busy, killer: Killer, tmp_path_factory: pytest.TempPathFactory
) -> None:
    project, commit = busy
    project.write("link", "in the way of the target\n")
    cases = tmp_path_factory.mktemp("cases")
    before = project.state()
    whole = copy_of(project, cases / "whole")
    total = int(killer.run(whole.root, "hard", commit))
    assert commit == whole.head
    assert before != whole.state()

    for point in points(total):
        case = copy_of(project, cases / str(point))
        assert killer.run(case.root, "hard", commit, point) == "killed"

        async def bring_back(case: Project = case) -> None:
            repository = await Repository.open(case.root, trusted=True)
            if await list_refs(repository.checkout, "refs/m31a/backup/"):
                await undo(repository)

        anyio.run(bring_back)
        assert before == case.state(), point
        assert not (case.root / ".git/m31a/moving").exists()
        shutil.rmtree(case.root.parent)


def test_killed_undo_is_brought_back_by_undo(
    busy: Busy, killer: Killer, tmp_path_factory: pytest.TempPathFactory
) -> None:
    project, commit = busy
    before = project.state()

    async def reset() -> None:
        await hard_reset(await Repository.open(project.root, trusted=True), commit)

    anyio.run(reset)
    after = project.state()
    cases = tmp_path_factory.mktemp("cases")
    total = int(killer.run(copy_of(project, cases / "whole").root, "undo", commit))

    for point in points(total)[::2]:
        case = copy_of(project, cases / str(point))
        assert killer.run(case.root, "undo", commit, point) == "killed"
        if (case.root / ".git/m31a/moving").exists():

            async def bring_back(case: Project = case) -> None:
                await undo(await Repository.open(case.root, trusted=True))

            anyio.run(bring_back)
        assert case.state() in (before, after), point
        shutil.rmtree(case.root.parent)


@pytest.mark.skipif(
    not list(Path("/proc/self/task").glob("*/children")),
    reason="KILLS TOGETHER WITH GIT ARE NOT TESTED: this kernel does not list a process's children",
)
@pytest.mark.parametrize("verb", ["land", "hard"])
def test_what_is_killed_together_with_its_git_is_settled_at_the_next_start(
    busy: Busy, killer: Killer, tmp_path_factory: pytest.TempPathFactory, verb: str
) -> None:
    project, commit = busy
    if verb == "hard":
        project.write("link", "in the way of the target\n")
    cases = tmp_path_factory.mktemp("cases")
    before = project.state()
    whole = copy_of(project, cases / "whole")
    total = int(killer.run(whole.root, verb, commit, spins=0))
    after = whole.state()
    chance = random.Random(verb)

    for number in range(CASES):
        case = copy_of(project, cases / str(number))
        point, spins = chance.randint(1, total), chance.choice((0, 10, 100, 1000))
        killer.run(case.root, verb, commit, point, spins)
        age_locks(case)

        outcome = anyio.run(settle, case, verb)

        assert case.state() == (after if outcome == "finished" else before), (point, spins)
        assert not [*case.root.rglob(".m31a-*"), *case.root.glob(".git/*.lock")], (point, spins)
        assert case.git("update-ref", "refs/heads/main", case.head) == ""
        shutil.rmtree(case.root.parent)


def age_locks(case: Project) -> None:
    """As if the next start came a minute later, so that nothing is waited for."""
    for lock in (case.root / ".git").rglob("*.lock"):
        os.utime(lock, (lock.stat().st_mtime - 60,) * 2)


async def settle(case: Project, verb: str) -> str:
    """What the next start makes of a case: `finished`, or something else and it is as before."""
    repository = await Repository.open(case.root, trusted=True)
    journal = case.root.parent / "journal"
    if verb == "land" and journal.exists() and journal.read_text():
        return await repository.recover_landing(Landing.from_json(journal.read_text()))
    await repository.settle_landing()
    if (case.root / ".git/m31a/moving").exists():
        await undo(repository)
        return "undone"
    return "finished" if case.git("rev-parse", "HEAD") == case.git("rev-parse", "run") else "none"


def test_lock_left_by_a_dead_landing_is_found_by_the_next_one(
    busy: Busy, killer: Killer, tmp_path_factory: pytest.TempPathFactory
) -> None:
    project, commit = busy
    cases = tmp_path_factory.mktemp("cases")
    total = int(killer.run(copy_of(project, cases / "whole").root, "land", commit))
    case = copy_of(project, cases / "case")
    killer.run(case.root, "land", commit, total // 2)
    assert (case.root / ".git/index.lock").exists()
    assert (
        subprocess.run(
            ["git", "commit", "-am", "x"],
            cwd=case.root,
            capture_output=True,
            text=True,
            check=False,
        ).stderr
        != ""
    )

    async def settle() -> str:
        repository = await Repository.open(case.root, trusted=True)
        landing = await repository.settle_landing()
        assert landing is not None
        assert await repository.settle_landing() is None
        return landing.commit

    assert commit == anyio.run(settle)
    assert not (case.root / ".git/index.lock").exists()


def test_reset_waits_for_no_lock(busy: Busy) -> None:
    project, commit = busy
    (project.root / ".git/index.lock").touch()
    before = project.files()

    async def reset() -> None:
        await hard_reset(await Repository.open(project.root), commit)

    with pytest.raises(Locked):
        anyio.run(reset)
    assert before == project.files()


def test_lock_that_a_killed_git_has_just_left_is_waited_for_and_taken_away(
    project: Project,
) -> None:
    locks = [project.root / ".git/HEAD.lock", project.root / ".git/refs/heads/main.lock"]
    for lock in locks:
        lock.touch()
        os.utime(lock, (time.time() - STALE_S + 0.1,) * 2)

    async def drop() -> None:
        repository = await Repository.open(project.root)
        with anyio.fail_after(60):
            await drop_stale_locks(repository.checkout, "main")
            await drop_stale_locks(repository.checkout, None)

    anyio.run(drop)
    assert not [lock for lock in locks if lock.exists()]


def test_reset_and_undo_are_refused_while_another_process_moves_the_tree(busy: Busy) -> None:
    project, commit = busy
    before = project.state()

    async def try_all() -> None:
        repository = await Repository.open(project.root)
        kept = await repository.snapshot()
        with landing_turn(repository.checkout):
            with pytest.raises(Locked):
                await hard_reset(repository, commit)
            with pytest.raises(Locked):
                await undo(repository)
            with pytest.raises(Locked):
                await repository.restore(kept)

    anyio.run(try_all)
    assert before == project.state()
