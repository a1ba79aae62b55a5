"""Commit hooks: run in a work tree of ours when trusted, told and left alone otherwise."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from m31a_rollback import (
    MESSAGE_HOOKS,
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
    paths = {Path(value) for value in calls[0].env.values() if value.startswith("/")}
    own, git_dir, shared = calls[0].desk, tree.checkout.git_dir, project.root / ".git"
    objects = {own / "objects", shared / "objects"}
    assert {own / "index", git_dir, tree.path, shared / "hooks", *objects} == paths
    assert calls[0].hooks == shared / "hooks"
    assert not own.exists()
    repository = await Repository.open(project.root)
    assert await repository.blob(prepared.tree, "made") == b"by the sandbox\n"


async def test_what_a_hook_stages_leaves_no_object_and_no_index_entry(
    project: Project, tree: WorkTree
) -> None:
    project.write(".git/info/exclude", "ignored\n")
    stage = "echo x > ignored; git add -f ignored; git write-tree > staged; "
    hook(project, "pre-commit", stage + "git rev-parse :ignored > name")
    hook(project, "commit-msg", "git cat-file -e :ignored")

    prepared = await run_commit_hooks(tree, "feat: x")

    repository = await Repository.open(project.root)
    assert await repository.blob(prepared.tree, "ignored") is None
    made = (tree.path / "name").read_text().strip()
    assert (len(made), project.git("cat-file", "-t", made, check=False)) == (40, "")
    project.git("fsck", "--strict")


async def test_only_the_hooks_asked_for_run(project: Project, tree: WorkTree) -> None:
    hook(project, "pre-commit", "exit 1")
    hook(project, "commit-msg", 'echo more >> "$1"')

    prepared = await run_commit_hooks(tree, "feat: x\n", hooks=MESSAGE_HOOKS)

    assert (prepared.message, [run.hook for run in prepared.ran]) == (
        "feat: x\nmore\n",
        ["commit-msg"],
    )


@pytest.mark.parametrize("left", ["rm $1", "ln -sf /etc/passwd $1", ": > $1", "rm $1; mkdir $1"])
async def test_a_hook_that_leaves_no_message_refuses(
    project: Project, tree: WorkTree, left: str
) -> None:
    hook(project, "commit-msg", left)

    with pytest.raises(HookFailed, match="it left no commit message"):
        await run_commit_hooks(tree, "feat: x")


async def test_hooks_named_within_the_project_are_the_owners_and_not_the_tasks(
    project: Project, tree: WorkTree
) -> None:
    project.write(".hooks/pre-commit", "#!/bin/sh\necho owner > who\n", mode=0o755)
    project.git("config", "core.hooksPath", ".hooks")
    (tree.path / ".hooks").mkdir()
    (tree.path / ".hooks/pre-commit").write_text("#!/bin/sh\necho task > who\n")
    (tree.path / ".hooks/pre-commit").chmod(0o755)
    owner = await Repository.open(project.root, trusted=True)

    prepared = await run_commit_hooks(tree, "feat: x", owner=owner.checkout)

    assert await owner.blob(prepared.tree, "who") == b"owner\n"


async def test_work_laid_on_another_commit_is_what_that_commit_does_not_have(
    project: Project, tree: WorkTree
) -> None:
    newer = project.commit("newer", **{"other.txt": "other\n"})
    repository = await Repository.open(project.root)
    (tree.path / "new.txt").write_text("new\n")
    (tree.path / "other.txt").write_text("other\n")
    merged = await repository.commit_tree(
        await tree.tree_id(), [newer], "both", at=datetime(2026, 1, 1, tzinfo=UTC)
    )

    await tree.lay(merged, newer)
    await tree.lay(merged, newer)

    assert await tree.head() == newer
    assert await tree.tree_id() == await repository.tree_of(merged)
    changed = {change.path for change in await tree.changed(newer)}
    assert changed == {"new.txt", "src/app.py"}
