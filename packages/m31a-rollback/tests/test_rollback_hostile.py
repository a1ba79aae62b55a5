"""A repository that names programs gets none of them run while it is not trusted."""

import json
import os
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from m31a_rollback import (
    BadName,
    Chain,
    Conflict,
    Landing,
    Repository,
    bisect,
    hard_reset,
    revert_files,
    run_commit_hooks,
    soft_reset,
    undo,
)
from m31a_rollback.objects import open_objects
from m31a_rollback.testing import Project

pytestmark = pytest.mark.anyio

Evil = tuple[Project, Path, Repository]
AT = datetime(2026, 1, 1, tzinfo=UTC)
HOOKS = [
    "applypatch-msg", "commit-msg", "fsmonitor-watchman", "post-checkout", "post-commit",
    "post-index-change", "post-merge", "post-rewrite", "pre-auto-gc", "pre-commit",
    "pre-merge-commit", "prepare-commit-msg", "pre-rebase", "reference-transaction",
]  # fmt: skip
PROGRAMS = [
    "core.fsmonitor", "core.pager", "core.editor", "core.sshCommand", "core.askPass",
    "core.gitProxy", "core.alternateRefsCommand", "credential.helper", "diff.external",
    "diff.evil.command", "diff.evil.textconv", "filter.evil.clean", "filter.evil.smudge",
    "filter.evil.process", "filter.a=b.c.clean", "filter.a=b.c.smudge", "merge.evil.driver",
    "gpg.program", "gpg.ssh.program", "gpg.x509.program", "gpg.openpgp.program",
    "gpg.ssh.defaultKeyCommand", "sequence.editor", "pager.log", "pager.status",
    "pager.diff", "uploadpack.packObjectsHook", "interactive.diffFilter",
]  # fmt: skip


@pytest.fixture
async def evil(project: Project, tmp_path: Path) -> Evil:
    """A project in which everything that can name a program names one that leaves a mark."""
    mark = tmp_path / "mark"
    program = tmp_path / "program"
    program.write_text(f'#!/bin/sh\necho "$0 $*" >> {mark}\ncat\n')
    program.chmod(0o755)
    project.write(".gitattributes", "*.py diff=evil merge=evil filter=evil\n*.txt filter=a=b.c\n")
    project.git("add", "-A")
    project.git("commit", "-q", "-m", "attributes")
    project.commit("second", **{"src/app.py": "second\n"})
    included = project.write(".git/more", "")
    for name in PROGRAMS:
        project.git("config", "--file", str(included), name, str(program))
    project.git("config", "commit.gpgSign", "true")
    project.git("config", "log.showSignature", "true")
    project.git("config", "filter.evil.required", "true")
    project.git("config", "merge.default", "evil")
    project.git("config", "submodule.recurse", "true")
    project.git("config", "include.path", "more")
    for name in HOOKS:
        project.write(f".git/hooks/{name}", program.read_text(), mode=0o755)
    (project.root / ".git/index").touch()
    for path in ("src/app.py", "docs/old.txt"):
        (project.root / path).touch()
    return project, mark, await Repository.open(project.root)


async def read(repository: Repository, folder: Path) -> None:
    await repository.status()
    await repository.preflight()
    await repository.diff("HEAD~1", "HEAD")
    await repository.log("HEAD")
    await repository.ls_tree("HEAD")
    await repository.blob("HEAD", "src/app.py")
    await repository.trailers("HEAD")
    await repository.worktrees()
    await Chain.of(repository, "HEAD~1", "HEAD")


async def write_objects(repository: Repository, folder: Path) -> None:
    side = await repository.commit_tree(await repository.tree_of("HEAD"), ["HEAD~1"], "side", at=AT)
    await repository.create_branch("m31a/x", side)
    await repository.write_evidence("HEAD", b"x")
    await repository.merge_tree("HEAD", side)
    await repository.snapshot()
    await repository.delete_ref("refs/heads/m31a/x")


async def work(repository: Repository, folder: Path) -> None:
    tree = await repository.worktree(folder / "tree", "HEAD~1")
    (tree.path / "src/app.py").write_text("other\n")
    (tree.path / "docs/old.txt").write_text("other\n")
    prepared = await run_commit_hooks(tree, "work")
    commit = await repository.commit_tree(prepared.tree, ["HEAD~1"], "work", at=AT)
    await repository.merge_tree("HEAD", commit)
    await tree.reset_to("HEAD")
    await tree.remove()


async def land(repository: Repository, folder: Path) -> None:
    tree = await repository.worktree(folder / "tree", "HEAD")
    (tree.path / "src/new.py").write_text("new\n")
    (tree.path / "src/app.py").write_text("changed\n")
    commit = await repository.commit_tree(await tree.tree_id(), ["HEAD"], "work", at=AT)
    plan = await repository.plan_landing("HEAD", commit)

    async def stored(_: object) -> None:
        pass

    assert type(await repository.land(plan, intend=stored)).__name__ == "Landed"
    await repository.recover_landing(plan)


async def reset(repository: Repository, folder: Path) -> None:
    (repository.root / "src/app.py").write_text("dirty\n")
    await soft_reset(repository, "HEAD~1")
    await undo(repository)
    await hard_reset(repository, "HEAD~1")
    await undo(repository)
    await revert_files(repository, "HEAD")
    await repository.restore(await repository.snapshot())
    await repository.commit("mine", ["src/app.py"])


async def search(repository: Repository, folder: Path) -> None:
    async def check(_: object) -> bool | None:
        return None

    await bisect(repository, "HEAD~1", "HEAD", check)


async def walk(repository: Repository, folder: Path) -> None:
    async with open_objects(repository) as objects:
        objects.head.commit.diff("HEAD~1", create_patch=True)
        objects.git.status()


@pytest.mark.parametrize("act", [read, write_objects, work, land, reset, search, walk])
async def test_untrusted_repository_runs_no_program(
    evil: Evil, tmp_path: Path, act: Callable[[Repository, Path], Awaitable[None]]
) -> None:
    _, mark, repository = evil

    await act(repository, tmp_path / "work")

    assert not mark.exists(), mark.read_text()


async def test_programs_would_run_without_the_guard(evil: Evil) -> None:
    project, mark, _ = evil

    project.git("status", check=False)

    assert mark.exists()


async def test_planted_lock_leads_nowhere(project: Project, tmp_path: Path) -> None:
    repository = await Repository.open(project.root)
    base = project.head
    honest = await repository.plan_landing(base, project.commit("next", new="x\n"))
    project.git("reset", "-q", "--hard", base)
    lock = project.root / ".git/index.lock"
    before = project.files()
    facts = json.loads(honest.to_json())
    for path in ("../outside", "/etc/outside", ".git/hooks/x", "a//b", "a/.GIT/b", "a\0b", ""):
        facts["paths"][0]["raw_path"] = path
        note = {"kind": "m31a-landing", "pid": 1, "landing": json.dumps(facts)}
        lock.write_text(json.dumps(note))
        assert await repository.settle_landing() is None
        assert lock.exists()
        with pytest.raises(ValueError, match="landing"):
            Landing.from_json(json.dumps(facts))
    for text in (
        "{}",
        "[]",
        '{"paths": [1]}',
        json.dumps({**facts, "paths": [], "commit": "../x"}),
    ):
        with pytest.raises(ValueError, match="landing"):
            Landing.from_json(text)

    assert before == project.files()


async def test_half_landed_file_is_not_followed_out_of_the_tree(
    project: Project, tmp_path: Path
) -> None:
    project.write("kept/file", "x\n")
    base = project.commit("base")
    project.write("deep/new", "new\n")
    (project.root / "kept/file").unlink()
    commit = project.commit("next", other="x\n")
    project.git("reset", "-q", "--hard", base)
    repository = await Repository.open(project.root)
    landing = await repository.plan_landing(base, commit)
    outside = tmp_path / "outside"
    outside.mkdir()
    project.write("other", "x\n")
    (project.root / "deep").symlink_to(outside)
    (project.root / "kept/file").unlink()
    (project.root / "kept").rmdir()
    (project.root / "kept").symlink_to(outside)

    await repository.recover_landing(landing)

    assert not any(outside.iterdir())


@pytest.mark.parametrize("path", ["../outside", ".git/config", "/etc/outside"])
async def test_planted_snapshot_leads_nowhere(project: Project, path: str) -> None:
    repository = await Repository.open(project.root)
    facts = {"head": project.head, "deleted": [path], "permissions": {}}
    blob = project.git("hash-object", "-w", "--stdin", input=json.dumps(facts).encode())
    tree = project.git("mktree", input=f"100644 blob {blob}\tfacts\n".encode())
    commit = project.git("commit-tree", tree, "-m", "planted")
    project.git("update-ref", "refs/m31a/backup/1", commit)
    project.write(".git/m31a/moving", f"refs/m31a/backup/1\n{commit}\n")
    before = project.files()

    with pytest.raises(BadName):
        await undo(repository)

    assert before == project.files()


async def test_restored_file_is_not_written_through_a_link(
    project: Project, tmp_path: Path
) -> None:
    repository = await Repository.open(project.root)
    project.write(".git/info/exclude", "deep\n")
    project.write("mine", "x\n")
    project.write("shallow/file", "x\n")
    kept = await repository.snapshot()
    project.git("clean", "-fdq")
    outside = tmp_path / "outside"
    outside.mkdir()
    (project.root / "shallow").symlink_to(outside)

    with pytest.raises(Conflict) as caught:
        await repository.restore(kept)

    assert caught.value.paths == ("shallow",)
    assert not any(outside.iterdir())
    (project.root / "shallow").unlink()
    await undo(repository)
    assert (await repository.status()).operation is None


async def test_old_drafts_of_killed_processes_are_swept(project: Project) -> None:
    repository = await Repository.open(project.root)
    old, new = repository.checkout.private_path("index"), repository.checkout.private_path("index")
    for path in (old, new):
        path.touch()
    os.utime(old, (0, 0))

    await repository.prune()

    assert (old.exists(), new.exists()) == (False, True)
