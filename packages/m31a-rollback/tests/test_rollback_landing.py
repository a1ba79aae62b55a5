"""A commit landed on the user's branch; everything uncommitted stays as it is."""

import os
import subprocess
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from m31a_rollback import (
    CannotLand,
    Landed,
    Landing,
    NotADescendant,
    Obstacle,
    Repository,
)
from m31a_rollback.testing import Project

pytestmark = pytest.mark.anyio

MakeProject = Callable[..., Project]
Change = Callable[[Path], None]
Intend = Callable[[Landing], Awaitable[None]]
ResultOf = Callable[..., Awaitable[str]]
AT = datetime(2026, 11, 2, tzinfo=UTC)


async def test_tree_index_and_branch_are_as_after_a_checkout(
    project: Project, repository: Repository, trees: Path, result_of: ResultOf, typical: Change
) -> None:
    base = project.head
    commit = await result_of(repository, trees, typical)
    landing = await repository.plan_landing(base, commit)
    seen = []

    async def intend(planned: Landing) -> None:
        seen.append((planned, project.state()))

    before = project.state()
    assert Landed(commit=commit) == await repository.land(landing, intend=intend)

    assert [(landing, before)] == seen
    assert (commit, "main") == (project.head, project.git("branch", "--show-current"))
    assert project.git("status", "--porcelain") == ""
    assert project.git("diff-files") == ""
    assert not (project.root / "docs").exists()
    subprocess.run(["git", "clone", "-q", str(project.root), str(trees)], check=True)
    assert type(project)(trees).files() == project.files()
    left = sorted(path.name for path in (repository.git_dir / "m31a").iterdir())
    assert left == ["landing.flock", "worktrees.flock"]


async def test_everything_uncommitted_stays_and_the_next_commit_keeps_the_run(
    project: Project,
    repository: Repository,
    trees: Path,
    result_of: ResultOf,
    typical: Change,
    stored: Intend,
) -> None:
    project.write("README.md", "stash me\n")
    project.git("stash")
    base = project.head
    commit = await result_of(repository, trees, typical)
    project.write("README.md", "# A project\n\nstaged\n")
    project.git("add", "README.md")
    project.write("README.md", "# A project\n\nstaged and more\n")
    project.write("src/tool.sh", "#!/bin/sh\necho mine\n", mode=0o700)
    project.write("intended", "x\n")
    project.git("add", "--intent-to-add", "intended")
    project.write("untracked/file", "mine\n")
    project.write(".git/info/exclude", "ignored\n")
    project.write("ignored", "mine\n")
    files, index, refs, stash = project.state()

    landed = await repository.land(await repository.plan_landing(base, commit), intend=stored)

    assert Landed(commit=commit) == landed
    after = project.files()
    changed = {file.path for file in (await repository.diff(base, commit)).files}
    assert {p: f for p, f in files.items() if p not in changed} == {
        p: f for p, f in after.items() if p not in changed
    }
    kept = [entry for entry in index.split("\0") if entry.partition("\t")[2] not in changed]
    assert set(kept) <= set(project.index().split("\0"))
    assert stash == project.git("stash", "list")
    assert refs.replace(base, commit) == project.refs()
    project.git("commit", "-q", "-m", "mine")
    assert project.git("diff", "--name-only", commit, "HEAD").splitlines() == ["README.md"]


def stage_other(project: Project) -> None:
    project.write("src/app.py", "staged\n")
    project.git("add", "src/app.py")
    project.write("src/app.py", "def main():\n    return 1\n")


def edit(project: Project) -> None:
    project.write("src/app.py", "mine\n")


def edit_with_old_time_and_size(project: Project) -> None:
    path = project.root / "src/app.py"
    facts = path.stat()
    path.write_text(path.read_text().replace("1", "7"))
    os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))


def delete(project: Project) -> None:
    (project.root / "src/app.py").unlink()


def make_link(project: Project) -> None:
    delete(project)
    (project.root / "src/app.py").symlink_to("tool.sh")


def make_folder_a_link(project: Project) -> None:
    (project.root / "src").rename(project.root / "elsewhere")
    (project.root / "src").symlink_to("elsewhere")


def put_untracked_in_the_way(project: Project) -> None:
    project.write("src/new.py", "mine\n")


def put_ignored_in_the_way(project: Project) -> None:
    project.write(".git/info/exclude", "run.sh\n")
    project.write("run.sh", "mine\n")


def stage_the_new_name(project: Project) -> None:
    project.write("src/new.py", "mine\n")
    project.git("add", "src/new.py")
    (project.root / "src/new.py").unlink()


def intend_the_new_name(project: Project) -> None:
    project.write("src/new.py", "mine\n")
    project.git("add", "-N", "src/new.py")


def put_file_where_a_folder_comes(project: Project) -> None:
    project.write("deep", "mine\n")


def stage_file_where_a_folder_comes(project: Project) -> None:
    put_file_where_a_folder_comes(project)
    project.git("add", "deep")


def put_folder_where_a_file_comes(project: Project) -> None:
    project.write("run.sh/file", "mine\n")


def stage_below_the_name_of_a_file(project: Project) -> None:
    put_folder_where_a_file_comes(project)
    project.git("add", "-A")


def assume_unchanged(project: Project) -> None:
    project.git("update-index", "--assume-unchanged", "src/app.py")


def skip_worktree(project: Project) -> None:
    project.git("update-index", "--skip-worktree", "src/app.py")


def commit_more(project: Project) -> None:
    project.commit("more", more="x\n")


def switch_branch(project: Project) -> None:
    project.git("checkout", "-q", "-b", "other")


def detach(project: Project) -> None:
    project.git("checkout", "-q", "--detach")


def amend_mode(project: Project) -> None:
    (project.root / "src/app.py").chmod(0o755)


@pytest.mark.parametrize(
    ("user_does", "reason", "paths"),
    [
        (stage_other, Obstacle.INDEX_CHANGED, ("src/app.py",)),
        (edit, Obstacle.TREE_CHANGED, ("src/app.py",)),
        (edit_with_old_time_and_size, Obstacle.TREE_CHANGED, ("src/app.py",)),
        (delete, Obstacle.TREE_CHANGED, ("src/app.py",)),
        (make_link, Obstacle.TREE_CHANGED, ("src/app.py",)),
        (make_folder_a_link, Obstacle.IN_THE_WAY, ("src",)),
        (put_untracked_in_the_way, Obstacle.IN_THE_WAY, ("src/new.py",)),
        (put_ignored_in_the_way, Obstacle.IN_THE_WAY, ("run.sh",)),
        (stage_the_new_name, Obstacle.INDEX_CHANGED, ("src/new.py",)),
        (intend_the_new_name, Obstacle.INDEX_CHANGED, ("src/new.py",)),
        (put_file_where_a_folder_comes, Obstacle.IN_THE_WAY, ("deep",)),
        (stage_file_where_a_folder_comes, Obstacle.INDEX_CHANGED, ("deep",)),
        (put_folder_where_a_file_comes, Obstacle.IN_THE_WAY, ("run.sh/file",)),
        (stage_below_the_name_of_a_file, Obstacle.INDEX_CHANGED, ("run.sh/file",)),
        (assume_unchanged, Obstacle.INDEX_CHANGED, ("src/app.py",)),
        (skip_worktree, Obstacle.INDEX_CHANGED, ("src/app.py",)),
        (commit_more, Obstacle.HEAD_MOVED, ()),
        (switch_branch, Obstacle.HEAD_MOVED, ()),
        (detach, Obstacle.HEAD_MOVED, ()),
        (amend_mode, Obstacle.TREE_CHANGED, ("src/app.py",)),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
async def test_what_the_user_did_is_told_and_nothing_touched(
    project: Project,
    repository: Repository,
    trees: Path,
    user_does: Callable[[Project], None],
    reason: Obstacle,
    paths: tuple[str, ...],
    result_of: ResultOf,
    typical: Change,
) -> None:
    def change(root: Path) -> None:
        typical(root)
        (root / "deep").mkdir()
        (root / "deep/file").write_text("x\n")

    commit = await result_of(repository, trees, change)
    landing = await repository.plan_landing("HEAD", commit, source="m31a/s")
    user_does(project)
    before = project.state()

    async def never(_: Landing) -> None:
        raise AssertionError("nothing may be intended")

    outcome = await repository.land(landing, intend=never)

    expected = CannotLand(reason=reason, paths=paths, merge_command="git merge m31a/s")
    assert expected == outcome
    assert before == project.state()
    assert not (repository.git_dir / "index.lock").exists()


async def test_only_a_descendant_can_land(project: Project, repository: Repository) -> None:
    base = project.head
    project.commit("second")
    other = await repository.commit_tree(repository.empty_tree, [base], "x", at=AT)

    with pytest.raises(NotADescendant):
        await repository.plan_landing("HEAD", other)


async def test_landing_of_a_landed_commit_changes_nothing(
    project: Project,
    repository: Repository,
    trees: Path,
    result_of: ResultOf,
    typical: Change,
    stored: Intend,
) -> None:
    base = project.head
    commit = await result_of(repository, trees, typical)
    landing = await repository.plan_landing(base, commit)
    await repository.land(landing, intend=stored)
    before = project.state()

    assert await repository.recover_landing(landing) == "finished"
    outcome = await repository.land(landing, intend=stored)

    assert isinstance(outcome, CannotLand)
    assert before == project.state()


async def test_landing_survives_being_stored(
    project: Project, repository: Repository, trees: Path, result_of: ResultOf, typical: Change
) -> None:
    landing = await repository.plan_landing("HEAD", await result_of(repository, trees, typical))

    assert landing == Landing.from_json(landing.to_json())
    msgspec = pytest.importorskip("msgspec")
    assert landing == msgspec.json.decode(msgspec.json.encode(landing), type=Landing)
