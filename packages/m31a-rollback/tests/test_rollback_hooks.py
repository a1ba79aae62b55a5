"""Commit hooks: run in a work tree of ours when trusted, told and left alone otherwise."""

from pathlib import Path

import pytest

from m31a_rollback import (
    HookCall,
    HookFailed,
    HookResult,
    Repository,
    WorkTree,
    run_commit_hooks,
)
from m31a_rollback.testing import Project

pytestmark = pytest.mark.anyio


@pytest.fixture
async def tree(project: Project, tmp_path: Path) -> WorkTree:
    repository = await Repository.open(project.root, trusted=True)
    tree = await repository.worktree(tmp_path / "trees" / "1", "HEAD")
    (tree.path / "src/app.py").write_text("x  =  1\n")
    return tree


def hook(project: Project, name: str, text: str) -> None:
    project.write(f".git/hooks/{name}", f"#!/bin/sh\n{text}\n", mode=0o755)


async def test_without_hooks_the_tree_is_committed_as_it_is(tree: WorkTree) -> None:
    prepared = await run_commit_hooks(tree, "feat: x")

    assert (await tree.tree_id(), "feat: x", ()) == (prepared.tree, prepared.message, prepared.ran)


async def test_what_hooks_change_is_part_of_the_commit(project: Project, tree: WorkTree) -> None:
    hook(
        project, "pre-commit", "sed -i 's/  */ /g' src/app.py; git add src/app.py; echo made > made"
    )
    hook(project, "prepare-commit-msg", 'echo "[prepared $2]" >> "$1"')
    hook(project, "commit-msg", 'echo "Change-Id: 1" >> "$1"')
    before = project.state()
    index = (tree.checkout.git_dir / "index").read_bytes()

    prepared = await run_commit_hooks(tree, "feat: x\n")

    repository = await Repository.open(project.root)
    assert await repository.blob(prepared.tree, "src/app.py") == b"x = 1\n"
    assert await repository.blob(prepared.tree, "made") == b"made\n"
    assert prepared.message == "feat: x\n[prepared message]\nChange-Id: 1\n"
    assert [run.hook for run in prepared.ran] == ["pre-commit", "prepare-commit-msg", "commit-msg"]
    assert before == project.state()
    assert index == (tree.checkout.git_dir / "index").read_bytes()


async def test_failing_hook_says_what_it_said(project: Project, tree: WorkTree) -> None:
    hook(project, "pre-commit", "echo out; echo 'line is too long' >&2; exit 3")
    hook(project, "commit-msg", "touch /never")
    before = project.state()

    with pytest.raises(HookFailed) as caught:
        await run_commit_hooks(tree, "feat: x")

    assert (caught.value.hook, caught.value.exit_code) == ("pre-commit", 3)
    assert "line is too long" in caught.value.output
    assert before == project.state()


async def test_hook_sees_git_as_the_user_has_it(project: Project, tree: WorkTree) -> None:
    hook(
        project,
        "pre-commit",
        "git rev-parse --show-toplevel > where; git diff --cached --name-only > what",
    )
    project.git("config", "alias.hi", "!echo hi > alias")

    prepared = await run_commit_hooks(tree, "feat: x")

    repository = await Repository.open(project.root)
    assert f"{tree.path}\n".encode() == await repository.blob(prepared.tree, "where")
    assert await repository.blob(prepared.tree, "what") == b"src/app.py\n"


async def test_configured_hooks_folder_is_used(project: Project, tree: WorkTree) -> None:
    project.write(".git/elsewhere/pre-commit", "#!/bin/sh\necho ran > ran\n", mode=0o755)
    project.git("config", "core.hooksPath", str(project.root / ".git/elsewhere"))

    prepared = await run_commit_hooks(tree, "feat: x")

    assert [run.hook for run in prepared.ran] == ["pre-commit"]


async def test_untrusted_repository_has_its_hooks_told_and_not_run(
    project: Project, tmp_path: Path
) -> None:
    hook(project, "pre-commit", f"touch {tmp_path}/mark")
    repository = await Repository.open(project.root)
    tree = await repository.worktree(tmp_path / "trees" / "1", "HEAD")

    prepared = await run_commit_hooks(tree, "feat: x")

    assert await repository.commit_hooks() == ("pre-commit",)
    assert prepared.ran == ()
    assert not (tmp_path / "mark").exists()


async def test_caller_may_start_the_hooks_itself(project: Project, tree: WorkTree) -> None:
    hook(project, "pre-commit", "exit 1")
    calls: list[HookCall] = []

    async def confined(call: HookCall) -> HookResult:
        calls.append(call)
        (call.cwd / "made").write_text("by the sandbox\n")
        return HookResult(hook=call.hook, exit_code=0, output="")

    prepared = await run_commit_hooks(tree, "feat: x", confined)

    assert [call.hook for call in calls] == ["pre-commit"]
    assert ("git", tree.path) == (calls[0].argv[0], calls[0].cwd)
    assert {"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_EDITOR"} == set(calls[0].env)
    repository = await Repository.open(project.root)
    assert await repository.blob(prepared.tree, "made") == b"by the sandbox\n"
