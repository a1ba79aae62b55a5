"""What killed processes and ended sessions leave behind is taken away, and nothing else."""

import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from journey import ProjectFolder, isolated_environment
from m31a_engine import Outcome, RunReport
from m31a_engine.machine import Mode
from m31a_engine.session.home import Home, ProjectHome
from m31a_engine.session.locks import SessionLock
from m31a_engine.session.scratch import held, scratch
from m31a_engine.sweeping import Sweep
from m31a_rollback import Repository
from m31a_tools import write_atomic

pytestmark = pytest.mark.anyio

DIES = """
import os, signal, sys
from pathlib import Path
import anyio
from m31a_engine.session.home import Home
from m31a_engine.session.scratch import scratch
from m31a_rollback import Repository

async def main(project, home):
    repository = await Repository.open(project)
    async with scratch(repository, Home(home).project(project)) as folder:
        await repository.worktree(folder / "tree", "HEAD")
        os.kill(os.getpid(), signal.SIGKILL)

anyio.run(main, Path(sys.argv[1]), Path(sys.argv[2]))
"""


@pytest.fixture
def anyio_backend() -> str:
    return "trio"  # the programs run on asyncio


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ProjectFolder:
    environment = isolated_environment(tmp_path / "home")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return ProjectFolder.create(tmp_path / "project", environment, {"a.txt": "a\n"})


@pytest.fixture
def home(tmp_path: Path, project: ProjectFolder) -> ProjectHome:
    return Home(tmp_path / "m31a").project(project.path)


def trees(project: ProjectFolder) -> int:
    return project.git("worktree", "list").count("\n")


async def test_the_scratch_folder_of_a_killed_deed_is_swept_and_a_living_one_stays(
    project: ProjectFolder, home: ProjectHome
) -> None:
    argv = [sys.executable, "-c", DIES, str(project.path), str(home.root.parent.parent)]
    killed = subprocess.run(argv, env=dict(project.environment), check=False)
    repository = await Repository.open(project.path)
    assert killed.returncode == -signal.SIGKILL
    assert trees(project) == 1

    async with scratch(repository, home) as folder:
        await repository.worktree(folder / "tree", "HEAD")
        await Sweep(repository, home, kept_days=30).run()
        assert list(home.worktrees.iterdir()) == [folder]
        assert (folder / "tree" / "a.txt").read_text() == "a\n"

    assert list(home.worktrees.iterdir()) == []
    assert trees(project) == 0


def test_a_folder_is_held_by_one_and_one_that_is_gone_by_nobody(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    with held(folder) as first, held(folder) as second:
        assert (first, second) == (True, False)
    with held(tmp_path / "none") as gone:
        assert not gone


@pytest.mark.parametrize(
    ("outcome", "runs", "stays"),
    [
        (Outcome.SHIPPED, False, False),
        (Outcome.ANSWERED, False, False),
        (Outcome.SHIPPED, True, True),
        (Outcome.FAILED, False, True),
        (None, False, True),
    ],
)
async def test_work_trees_stay_for_sessions_that_run_or_can_go_on(
    project: ProjectFolder, home: ProjectHome, outcome: Outcome | None, runs: bool, stays: bool
) -> None:
    session = home.session("20261121-101112-abcd")
    session.make()
    repository = await Repository.open(project.path)
    await repository.worktree(session.worktrees / "work", "HEAD")
    if outcome is not None:
        report = RunReport(session="x", outcome=outcome, goal="", mode=Mode.DIRECT)
        write_atomic(session.report, msgspec.json.encode(report))
    lock = SessionLock(session.lock, "x", "now") if runs else None

    await Sweep(repository, home, kept_days=30).run()

    if lock is not None:
        lock.close()
    assert session.worktrees.exists() == stays
    assert trees(project) == int(stays)


async def test_refs_of_old_sessions_go_and_a_persons_snapshots_stay(
    project: ProjectFolder, home: ProjectHome
) -> None:
    now = datetime.now(UTC)
    repository = await Repository.open(project.path)
    tree = await repository.tree_of("HEAD")
    long_ago = now - timedelta(days=31)
    old = await repository.commit_tree(tree, (), "kept", at=long_ago)
    young = await repository.commit_tree(tree, (), "kept", at=now)
    began = f"{long_ago:%Y%m%d-%H%M%S}-0123"
    today = f"{now:%Y%m%d-%H%M%S}-0123"
    swept = (f"refs/m31a/kept/{began}/{old}", f"refs/m31a/backup/{began}")
    kept = {
        f"refs/m31a/kept/{began}/{young}": young,
        f"refs/m31a/kept/{today}/{old}": old,
        f"refs/m31a/backup/{long_ago:%Y%m%dT%H%M%S.%fZ}-1-1": old,
        "refs/m31a/backup/99999999-999999-0123": old,
        f"refs/m31a/evidence/{old}": old,
    }
    for ref in swept:
        await repository.update_ref(ref, old)
    for ref, commit in kept.items():
        await repository.update_ref(ref, commit)

    await Sweep(repository, home, kept_days=30).run()

    assert await repository.list_refs("refs/m31a") == kept
