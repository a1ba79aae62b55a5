"""Work trees beside the user's."""

import os
import shutil
import subprocess
from pathlib import Path

import anyio
import pytest

from m31a_rollback import (
    BadName,
    EmbeddedRepository,
    FileChange,
    FileStatus,
    NotARepository,
    RefMoved,
    Repository,
    UnknownCommit,
)
from m31a_rollback.testing import Project

pytestmark = pytest.mark.anyio


@pytest.fixture
async def repository(project: Project) -> Repository:
    return await Repository.open(project.root, trusted=True)


@pytest.fixture
def trees(tmp_path: Path) -> Path:
    return tmp_path / "home" / "worktrees"


async def test_work_in_a_work_tree_does_not_touch_the_users(
    project: Project, repository: Repository, trees: Path
) -> None:
    project.write("src/app.py", "the user's own\n")
    project.git("add", "src/app.py")
    before = project.state()
    tree = await repository.worktree(trees / "1", "HEAD", branch="m31a/s")

    (tree.path / "src/app.py").write_text("changed\n")
    (tree.path / "new").write_text("new\n")
    (tree.path / ".gitignore").write_text("*.log\n")
    (tree.path / "x.log").write_text("ignored\n")
    made = await tree.tree_id()
    changed = await tree.changed(await tree.head())

    assert [
        FileChange(path=".gitignore", status=FileStatus.ADDED, added=1, removed=0),
        FileChange(path="new", status=FileStatus.ADDED, added=1, removed=0),
        FileChange(path="src/app.py", status=FileStatus.MODIFIED, added=1, removed=2),
    ] == list(changed)
    assert await repository.blob(made, "new") == b"new\n"
    assert before == project.state()
    assert (project.root, tree.path) == await repository.worktrees()


async def test_tree_is_seen_again_right_after_a_change(repository: Repository, trees: Path) -> None:
    tree = await repository.worktree(trees / "1", "HEAD")
    path = tree.path / "README.md"

    seen = []
    for text in ("a" * 12, "b" * 12, "c" * 12):
        path.write_text(text)
        seen.append(await repository.blob(await tree.tree_id(), "README.md"))

    assert seen == [b"a" * 12, b"b" * 12, b"c" * 12]


async def test_reset_leaves_exactly_the_commit_and_what_is_ignored(
    project: Project, repository: Repository, trees: Path
) -> None:
    project.write(".gitignore", "cache/\n")
    first = project.commit("first")
    second = project.commit("second", more="more\n")
    tree = await repository.worktree(trees / "1", second)
    (tree.path / "README.md").write_text("changed\n")
    (tree.path / "junk").mkdir()
    (tree.path / "junk/a").write_text("a")
    (tree.path / "cache").mkdir()
    (tree.path / "cache/a").write_text("a")
    (tree.checkout.git_dir / "index.lock").touch()

    await tree.reset_to(first)

    assert first == await tree.head()
    assert await repository.tree_of(first) == await tree.tree_id()
    assert not (tree.path / "junk").exists()
    assert (tree.path / "cache/a").exists()
    with pytest.raises(UnknownCommit):
        await tree.reset_to("nowhere")


async def test_hooks_do_not_run_for_a_new_work_tree(
    project: Project, repository: Repository, trees: Path
) -> None:
    mark = trees.parent / "mark"
    hook = project.write(".git/hooks/post-checkout", f"#!/bin/sh\ntouch {mark}\n", mode=0o755)

    await repository.worktree(trees / "1", "HEAD")

    assert hook.exists()
    assert not mark.exists()


async def test_branch_is_taken_when_it_stands_there_and_refused_elsewhere(
    project: Project, repository: Repository, trees: Path
) -> None:
    first, second = project.head, project.commit("second")
    await repository.create_branch("m31a/s", first)

    with pytest.raises(RefMoved):
        await repository.worktree(trees / "1", second, branch="m31a/s")
    tree = await repository.worktree(trees / "1", first, branch="m31a/s")

    assert first == await tree.head()
    assert (await (await Repository.open(tree.path)).status()).branch == "m31a/s"


async def test_place_in_the_users_tree_is_refused(project: Project, repository: Repository) -> None:
    for path in (project.root, project.root / "below"):
        with pytest.raises(BadName):
            await repository.worktree(path, "HEAD")
        with pytest.raises(NotARepository):
            repository.open_worktree(project.root / "below")
    for path in (project.root, project.root.parent):
        with pytest.raises(BadName):
            await repository.remove_worktree(path)
    assert (project.root / "README.md").exists()


async def test_ten_work_trees_at_the_same_moment(
    project: Project, repository: Repository, trees: Path
) -> None:
    async with anyio.create_task_group() as group:
        for number in range(10):

            async def make(number: int = number) -> None:
                await repository.worktree(
                    trees / f"s{number}" / "task", "HEAD", branch=f"m/{number}"
                )

            group.start_soon(make)

    heads = [await repository.open_worktree(trees / f"s{n}" / "task").head() for n in range(10)]
    assert [project.head] * 10 == heads
    assert len(await repository.worktrees()) == 11

    async with anyio.create_task_group() as group:
        for number in range(10):
            group.start_soon(repository.remove_worktree, trees / f"s{number}" / "task")
    assert (project.root,) == await repository.worktrees()


async def test_removing_copes_with_every_state(
    project: Project, repository: Repository, trees: Path
) -> None:
    tree = await repository.worktree(trees / "1", "HEAD")
    (tree.path / "locked").mkdir()
    (tree.path / "locked/file").write_text("x")
    (tree.path / "locked").chmod(0o500)
    (tree.path / "src/app.py").write_text("dirty")
    (tree.path / ".git").unlink()

    await tree.remove()
    await tree.remove()

    assert not tree.path.exists()
    assert (project.root,) == await repository.worktrees()


async def test_folder_that_became_a_link_is_removed_without_its_target(
    repository: Repository, trees: Path, tmp_path: Path
) -> None:
    tree = await repository.worktree(trees / "1", "HEAD")
    shutil.rmtree(tree.path)
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").write_text("x")
    tree.path.symlink_to(precious)

    await tree.remove()

    assert not os.path.lexists(tree.path)
    assert (precious / "file").exists()


async def test_pruning_forgets_ours_that_are_gone_and_no_others(
    project: Project, repository: Repository, trees: Path, tmp_path: Path
) -> None:
    gone = await repository.worktree(trees / "gone", "HEAD")
    kept = await repository.worktree(trees / "kept", "HEAD")
    project.git("worktree", "add", "-q", "--detach", "--lock", str(tmp_path / "usb"))
    shutil.rmtree(gone.path)
    shutil.rmtree(tmp_path / "usb")

    await repository.prune()

    assert (project.root, kept.path, tmp_path / "usb") == tuple(
        sorted(await repository.worktrees(), key=lambda p: (p != project.root, p.name))
    )


async def test_git_file_changed_by_a_task_leads_nowhere(
    project: Project, repository: Repository, trees: Path, tmp_path: Path
) -> None:
    tree = await repository.worktree(trees / "1", "HEAD")
    subprocess.run(["git", "init", "-q", str(tmp_path / "evil")], check=True)
    (tree.path / ".git").write_text(f"gitdir: {tmp_path}/evil/.git\n")
    (tree.path / "README.md").write_text("changed\n")

    changed = await tree.changed(project.head)

    assert [change.path for change in changed] == ["README.md"]


@pytest.mark.parametrize("with_commit", [False, True])
async def test_repository_inside_a_work_tree_is_named(
    repository: Repository, trees: Path, with_commit: bool
) -> None:
    tree = await repository.worktree(trees / "1", "HEAD")
    inner = tree.path / "deep" / "inner"
    inner.mkdir(parents=True)
    subprocess.run(["git", "init", "-q"], cwd=inner, check=True)
    if with_commit:
        who = ["-c", "user.name=a", "-c", "user.email=a@b"]
        subprocess.run(
            ["git", *who, "commit", "-q", "--allow-empty", "-m", "x"], cwd=inner, check=True
        )

    with pytest.raises(EmbeddedRepository) as caught:
        await tree.tree_id()

    assert caught.value.paths == ("deep/inner",)


async def test_submodule_of_the_base_stays_one(
    project: Project, repository: Repository, trees: Path, tmp_path: Path
) -> None:
    subprocess.run(["git", "clone", "-q", str(project.root), str(tmp_path / "lib")], check=True)
    project.git(
        "-c",
        "protocol.file.allow=always",
        "submodule",
        "--quiet",
        "add",
        str(tmp_path / "lib"),
        "lib",
    )
    base = project.commit("with submodule")
    tree = await repository.worktree(trees / "1", base)
    (tree.path / "README.md").write_text("changed\n")

    assert [change.path for change in await tree.changed(base)] == ["README.md"]


async def test_sparse_checkout_keeps_what_it_does_not_show(
    project: Project, repository: Repository, trees: Path
) -> None:
    project.git("sparse-checkout", "set", "src")
    tree = await repository.worktree(trees / "1", "HEAD")
    (tree.path / "src/app.py").write_text("changed\n")
    (tree.path / "elsewhere").mkdir()
    (tree.path / "elsewhere/new").write_text("new\n")

    changed = await tree.changed("HEAD")

    assert [change.path for change in changed] == ["elsewhere/new", "src/app.py"]


async def test_shallow_clone_works(project: Project, tmp_path: Path, trees: Path) -> None:
    project.commit("second")
    url = f"file://{project.root}"
    subprocess.run(["git", "clone", "-q", "--depth=1", url, str(tmp_path / "s")], check=True)
    repository = await Repository.open(tmp_path / "s")

    tree = await repository.worktree(trees / "1", "HEAD")

    assert await repository.tree_of("HEAD") == await tree.tree_id()
    assert len(await repository.log("HEAD")) == 1
