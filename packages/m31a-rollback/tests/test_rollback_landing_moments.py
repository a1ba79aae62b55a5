"""Landings that something comes in between of: other programs, the user, a kill, a full disk."""

import dataclasses
import fcntl
import os
import subprocess
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import anyio
import pytest

from m31a_rollback import (
    CannotLand,
    Landed,
    Landing,
    Locked,
    Obstacle,
    Repository,
)
from m31a_rollback.index_lock import release_index_lock, take_index_lock
from m31a_rollback.testing import Project

pytestmark = pytest.mark.anyio

MakeProject = Callable[..., Project]
Change = Callable[[Path], None]
Intend = Callable[[Landing], Awaitable[None]]
ResultOf = Callable[..., Awaitable[str]]
AT = datetime(2026, 11, 2, tzinfo=UTC)


async def test_git_at_work_is_waited_for_by_the_user_not_by_force(
    project: Project,
    repository: Repository,
    trees: Path,
    result_of: ResultOf,
    typical: Change,
    stored: Intend,
) -> None:
    commit = await result_of(repository, trees, typical)
    landing = await repository.plan_landing("HEAD", commit)
    lock = repository.git_dir / "index.lock"
    lock.write_bytes(b"DIRC half written")
    before = project.files()

    outcome = await repository.land(landing, intend=stored)

    assert isinstance(outcome, CannotLand)
    assert outcome.reason == Obstacle.LOCKED
    assert str(lock) in outcome.detail
    assert lock.read_bytes() == b"DIRC half written"
    assert before == project.files()
    with pytest.raises(Locked):
        await repository.recover_landing(landing)
    assert await repository.settle_landing() is None


async def test_second_landing_at_the_same_moment_is_refused(
    project: Project,
    repository: Repository,
    trees: Path,
    result_of: ResultOf,
    typical: Change,
    stored: Intend,
) -> None:
    commit = await result_of(repository, trees, typical)
    landing = await repository.plan_landing("HEAD", commit)
    second = []

    async def intend(planned: Landing) -> None:
        outcome = await repository.land(planned, intend=stored)
        assert isinstance(outcome, CannotLand)
        second.append(outcome.reason)
        with pytest.raises(Locked):
            await repository.recover_landing(planned)
        with pytest.raises(Locked) as caught:
            await repository.settle_landing()
        assert str(os.getpid()) == caught.value.holder

    assert isinstance(await repository.land(landing, intend=intend), Landed)
    assert second == [Obstacle.LOCKED]


async def test_failed_intention_leaves_nothing_behind(
    project: Project, repository: Repository, trees: Path, result_of: ResultOf, typical: Change
) -> None:
    commit = await result_of(repository, trees, typical)
    landing = await repository.plan_landing("HEAD", commit)
    before = project.state()

    async def intend(_: Landing) -> None:
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        await repository.land(landing, intend=intend)

    assert before == project.state()
    assert not (repository.git_dir / "index.lock").exists()
    assert await repository.recover_landing(landing) == "not_started"


async def test_edit_in_the_last_moment_is_kept_and_the_landing_undone(
    project: Project, repository: Repository, trees: Path, result_of: ResultOf, typical: Change
) -> None:
    commit = await result_of(repository, trees, typical)
    landing = await repository.plan_landing("HEAD", commit)
    expected = []

    async def intend(_: Landing) -> None:
        project.write("src/new.py", "mine, in the last moment\n")
        expected.append(project.state())

    outcome = await repository.land(landing, intend=intend)

    assert isinstance(outcome, CannotLand)
    assert (outcome.reason, outcome.paths) == (Obstacle.TREE_CHANGED, ("src/new.py",))
    assert expected == [project.state()]


async def test_branch_moved_in_the_last_moment_undoes_the_landing(
    project: Project, repository: Repository, trees: Path, result_of: ResultOf, typical: Change
) -> None:
    commit = await result_of(repository, trees, typical)
    landing = await repository.plan_landing("HEAD", commit)
    expected = []

    async def intend(_: Landing) -> None:
        other = await repository.commit_tree(repository.empty_tree, [project.head], "x", at=AT)
        project.git("update-ref", "refs/heads/main", other)
        expected.append(project.state())

    outcome = await repository.land(landing, intend=intend)

    assert isinstance(outcome, CannotLand)
    assert outcome.reason == Obstacle.HEAD_MOVED
    assert expected == [project.state()]
    assert project.git("diff-files") == ""


async def test_folder_that_takes_no_files_undoes_the_landing(
    project: Project, repository: Repository, trees: Path, result_of: ResultOf, typical: Change
) -> None:
    def change(root: Path) -> None:
        typical(root)
        (root / "wall").mkdir()
        (root / "wall/file").write_text("x\n")

    commit = await result_of(repository, trees, change)
    landing = await repository.plan_landing("HEAD", commit)
    wall = project.root / "wall"

    async def intend(_: Landing) -> None:
        wall.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "none", str(wall)], check=False)

    before = project.state()
    try:
        outcome = await repository.land(landing, intend=intend)
    finally:
        mounted = os.path.ismount(wall)
        subprocess.run(["umount", str(wall)], check=False, stderr=subprocess.DEVNULL)
    if not mounted:
        pytest.skip("no right to mount")

    assert isinstance(outcome, CannotLand)
    assert (outcome.reason, "Read-only" in outcome.detail) == (Obstacle.FAILED, True)
    assert before == project.state()


async def test_lock_of_a_living_landing_is_not_taken_for_a_dead_ones(
    project: Project,
    repository: Repository,
    trees: Path,
    result_of: ResultOf,
    typical: Change,
    stored: Intend,
) -> None:
    commit = await result_of(repository, trees, typical)
    landing = await repository.plan_landing("HEAD", commit)
    path = repository.git_dir / "m31a" / "landing.flock"
    path.parent.mkdir(exist_ok=True)
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        outcome = await repository.land(landing, intend=stored)

    assert isinstance(outcome, CannotLand)
    assert outcome.reason == Obstacle.LOCKED


async def test_journal_of_another_landing_than_the_lock_settles_both(
    project: Project, repository: Repository, trees: Path, result_of: ResultOf, typical: Change
) -> None:
    commit = await result_of(repository, trees, typical)
    landing = await repository.plan_landing("HEAD", commit)
    other = dataclasses.replace(landing, commit=project.head, paths=())
    take_index_lock(repository.checkout, other.to_json())
    before = project.state()

    assert await repository.recover_landing(landing) == "not_started"

    assert before == project.state()
    assert not (repository.git_dir / "index.lock").exists()


async def test_half_landed_files_without_backups_are_made_anew(
    project: Project, repository: Repository, trees: Path, result_of: ResultOf, typical: Change
) -> None:
    commit = await result_of(repository, trees, typical)
    landing = await repository.plan_landing("HEAD", commit)
    before = project.state()
    project.git("checkout", "-q", commit, "--", "src/app.py")
    project.git("reset", "-q")
    project.write("src/new.py", "mine\n")

    assert await repository.recover_landing(landing) == "undone"

    (project.root / "src/new.py").unlink()
    assert before == project.state()


async def test_half_landed_files_the_user_has_committed_stay(
    project: Project, repository: Repository, trees: Path, result_of: ResultOf, typical: Change
) -> None:
    commit = await result_of(repository, trees, typical)
    landing = await repository.plan_landing("HEAD", commit)
    project.git("checkout", "-q", commit, "--", "src/app.py", "src/new.py")
    project.git("commit", "-q", "-m", "mine", "--", "src/app.py")
    project.git("reset", "-q")
    before = project.state()

    assert await repository.recover_landing(landing) == "undone"

    (project.root / "src/new.py").write_text("new = 1\n")
    assert before == project.state()


async def test_torn_lock_is_nobodys(project: Project, repository: Repository) -> None:
    lock = repository.git_dir / "index.lock"
    for text in ("", "{", "[]", '{"kind": "other"}'):
        lock.write_text(text)
        assert await repository.settle_landing() is None
    assert lock.exists()


async def test_git_s_own_lock_is_not_given_back_for_it(repository: Repository) -> None:
    lock = repository.git_dir / "index.lock"
    lock.write_bytes(b"DIRC half written")

    release_index_lock(repository.checkout)

    assert lock.read_bytes() == b"DIRC half written"


async def test_cancellation_waits_until_the_landing_is_through(
    project: Project, repository: Repository, trees: Path, result_of: ResultOf, typical: Change
) -> None:
    commit = await result_of(repository, trees, typical)
    landing = await repository.plan_landing("HEAD", commit)

    with anyio.CancelScope() as scope:

        async def intend(_: Landing) -> None:
            scope.cancel()

        await repository.land(landing, intend=intend)

    assert (commit, "") == (project.head, project.git("status", "--porcelain"))
    assert not (repository.git_dir / "index.lock").exists()


async def test_locks_that_a_killed_git_left_on_the_branch_do_not_stop_the_recovery(
    project: Project, repository: Repository, trees: Path, result_of: ResultOf, typical: Change
) -> None:
    commit = await result_of(repository, trees, typical)
    landing = await repository.plan_landing("HEAD", commit)
    project.git("checkout", "-q", commit, "--", "src/app.py")
    project.git("reset", "-q")
    take_index_lock(repository.checkout, landing.to_json())
    for name in ("HEAD.lock", "refs/heads/main.lock"):
        (repository.git_dir / name).touch()
        os.utime(repository.git_dir / name, (1, 1))

    assert await repository.recover_landing(landing) == "finished"

    assert (commit, "") == (project.head, project.git("status", "--porcelain"))


async def test_undoing_keeps_what_the_user_wrote_over_a_file_that_was_placed(
    project: Project,
    repository: Repository,
    trees: Path,
    tmp_path: Path,
    result_of: ResultOf,
    typical: Change,
    stored: Intend,
) -> None:
    """A filter plays the user: git runs it when the files are placed, before the branch moves."""
    placed, lock = project.root / "src/app.py", repository.git_dir / "refs/heads/main.lock"
    user = tmp_path / "user"
    user.write_text(
        f"#!/bin/sh\ncat\ngrep -q 'return 2' {placed} && echo mine > {placed} && touch {lock}\n:\n"
    )
    user.chmod(0o755)
    project.git("config", "filter.user.clean", str(user))
    project.write(".git/info/attributes", "src/new.py filter=user\n")
    commit = await result_of(repository, trees, typical)
    landing = await repository.plan_landing("HEAD", commit)
    before = project.state()

    outcome = await repository.land(landing, intend=stored)

    assert isinstance(outcome, CannotLand)
    assert outcome.reason == Obstacle.FAILED
    assert project.read("src/app.py") == "mine\n"
    lock.unlink()
    project.write("src/app.py", "def main():\n    return 1\n")
    assert before == project.state()


async def test_a_file_that_comes_while_its_name_is_taken_is_kept_and_the_landing_undone(
    project: Project,
    repository: Repository,
    trees: Path,
    monkeypatch: pytest.MonkeyPatch,
    result_of: ResultOf,
    typical: Change,
    stored: Intend,
) -> None:
    commit = await result_of(repository, trees, typical)
    landing = await repository.plan_landing("HEAD", commit)
    before = project.state()
    link = os.link

    def link_late(source: Path, target: Path, **options: bool) -> None:
        if target == project.root / "src/new.py":
            target.write_text("mine, at this very moment\n")
        link(source, target, **options)

    monkeypatch.setattr(os, "link", link_late)

    outcome = await repository.land(landing, intend=stored)

    assert isinstance(outcome, CannotLand)
    assert (outcome.reason, outcome.paths) == (Obstacle.TREE_CHANGED, ("src/new.py",))
    assert project.read("src/new.py") == "mine, at this very moment\n"
    (project.root / "src/new.py").unlink()
    assert before == project.state()


async def test_a_branch_that_a_detached_head_is_put_on_in_the_last_moment_does_not_move(
    project: Project, repository: Repository, trees: Path, result_of: ResultOf, typical: Change
) -> None:
    project.git("checkout", "-q", "--detach")
    base = project.head
    landing = await repository.plan_landing(base, await result_of(repository, trees, typical))

    async def intend(_: Landing) -> None:
        project.git("symbolic-ref", "HEAD", "refs/heads/main")

    await repository.land(landing, intend=intend)

    assert project.git("rev-parse", "refs/heads/main") == base
