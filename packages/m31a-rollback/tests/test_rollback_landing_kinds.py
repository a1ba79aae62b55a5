"""Landings in repositories of every kind, and of files of every kind."""

import os
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from m31a_rollback import (
    CannotLand,
    Landed,
    Landing,
    Obstacle,
    Repository,
)
from m31a_rollback.testing import Project
from m31a_rollback.trees import write_tree

pytestmark = pytest.mark.anyio

MakeProject = Callable[..., Project]
Change = Callable[[Path], None]
Intend = Callable[[Landing], Awaitable[None]]
ResultOf = Callable[..., Awaitable[str]]
AT = datetime(2026, 11, 2, tzinfo=UTC)


async def test_moved_submodule_is_left_to_the_user(
    project: Project, repository: Repository, trees: Path, tmp_path: Path, stored: Intend
) -> None:
    first = project.head
    project.git("clone", "-q", ".", str(tmp_path / "lib"))
    allowed = ("-c", "protocol.file.allow=always")
    project.git(*allowed, "submodule", "--quiet", "add", str(tmp_path / "lib"), "lib")
    base = project.commit("with submodule")
    project.git("update-index", "--cacheinfo", f"160000,{'1' * 40},lib")
    tree = project.git("write-tree")
    project.git("reset", "-q", "--hard")
    commit = await repository.commit_tree(tree, [base], "move lib", at=AT)
    before = project.state()

    outcome = await repository.land(await repository.plan_landing(base, commit), intend=stored)

    assert isinstance(outcome, CannotLand)
    assert (outcome.reason, outcome.paths) == (Obstacle.SUBMODULE, ("lib",))
    assert before == project.state()
    assert first


async def test_detached_head_moves_alone(
    project: Project,
    repository: Repository,
    trees: Path,
    result_of: ResultOf,
    typical: Change,
    stored: Intend,
) -> None:
    base = project.head
    commit = await result_of(repository, trees, typical)
    project.git("checkout", "-q", "--detach")

    landed = await repository.land(await repository.plan_landing(base, commit), intend=stored)

    assert Landed(commit=commit) == landed
    assert (base, commit) == (project.git("rev-parse", "main"), project.head)


async def test_linked_work_tree_of_the_user_is_landed_in(
    project: Project,
    trees: Path,
    tmp_path: Path,
    result_of: ResultOf,
    typical: Change,
    stored: Intend,
) -> None:
    linked = tmp_path / "linked"
    project.git("worktree", "add", "-q", "-b", "feature", str(linked))
    before = project.state()
    repository = await Repository.open(linked)
    commit = await result_of(repository, trees, typical)

    landed = await repository.land(await repository.plan_landing("HEAD", commit), intend=stored)

    assert Landed(commit=commit) == landed
    user = type(project)(linked)
    assert (commit, "") == (user.head, user.git("status", "--porcelain"))
    assert before[:2] == project.state()[:2]


async def test_unborn_branch_is_born(
    make_project: MakeProject, trees: Path, result_of: ResultOf, stored: Intend
) -> None:
    project = make_project()
    repository = await Repository.open(project.root)
    root = await repository.commit_tree(repository.empty_tree, [], "base", at=AT)

    def change(tree: Path) -> None:
        (tree / "a").write_text("a\n")

    commit = await result_of(repository, trees, change, base=root)

    landed = await repository.land(await repository.plan_landing(root, commit), intend=stored)

    assert Landed(commit=commit) == landed
    assert (commit, "") == (project.head, project.git("status", "--porcelain"))


@pytest.mark.parametrize("is_undone", [False, True])
async def test_file_and_folder_change_places(
    project: Project,
    repository: Repository,
    trees: Path,
    result_of: ResultOf,
    is_undone: bool,
) -> None:
    project.write("swap/one", "1\n")
    project.write("plain", "p\n")
    base = project.commit()

    def change(root: Path) -> None:
        (root / "swap/one").unlink()
        (root / "swap").rmdir()
        (root / "swap").write_text("a file now\n")
        (root / "plain").unlink()
        (root / "plain").mkdir()
        (root / "plain/inside").write_text("x\n")

    async def intend(_: Landing) -> None:
        if is_undone:
            project.git("update-ref", "refs/heads/main", f"{base}^")

    commit = await result_of(repository, trees, change)
    before = project.files()

    outcome = await repository.land(await repository.plan_landing(base, commit), intend=intend)

    assert isinstance(outcome, CannotLand) == is_undone
    if is_undone:
        assert before == project.files()
        project.git("update-ref", "refs/heads/main", base)
    else:
        assert project.read("swap") == "a file now\n"
    assert project.git("status", "--porcelain") == ""


async def test_file_whose_name_changes_in_case_only(
    project: Project, repository: Repository, trees: Path, result_of: ResultOf, stored: Intend
) -> None:
    def change(root: Path) -> None:
        (root / "README.md").rename(root / "readme.md")

    commit = await result_of(repository, trees, change)

    landed = await repository.land(await repository.plan_landing("HEAD", commit), intend=stored)

    assert Landed(commit=commit) == landed
    assert project.git("status", "--porcelain") == ""
    assert {"readme.md"} == {
        path.name for path in project.root.iterdir() if path.name.lower() == "readme.md"
    }


async def test_mode_of_a_private_read_only_file_stays(
    project: Project,
    repository: Repository,
    trees: Path,
    result_of: ResultOf,
    typical: Change,
    stored: Intend,
) -> None:
    (project.root / "src/app.py").chmod(0o400)
    commit = await result_of(repository, trees, typical)

    await repository.land(await repository.plan_landing("HEAD", commit), intend=stored)

    assert (project.root / "src/app.py").stat().st_mode & 0o777 == 0o400
    assert "return 2" in project.read("src/app.py")


async def test_sparse_checkout_keeps_hiding(
    project: Project, repository: Repository, trees: Path, result_of: ResultOf, stored: Intend
) -> None:
    project.git("sparse-checkout", "set", "src")
    assert not (project.root / "docs").exists()

    def inside(root: Path) -> None:
        (root / "src/app.py").write_text("changed\n")

    commit = await result_of(repository, trees, inside)
    landed = await repository.land(await repository.plan_landing("HEAD", commit), intend=stored)

    assert Landed(commit=commit) == landed
    assert project.git("status", "--porcelain") == ""
    assert not (project.root / "docs").exists()
    listed = await repository.ls_tree(commit)
    entries = {entry.path: (entry.mode, entry.blob) for entry in listed}
    del entries["docs/old.txt"]
    outside = await repository.commit_tree(
        await write_tree(repository.checkout, entries), [commit], "x", at=AT
    )
    outcome = await repository.land(await repository.plan_landing(commit, outside), intend=stored)
    assert isinstance(outcome, CannotLand)
    assert (outcome.reason, outcome.paths) == (Obstacle.INDEX_CHANGED, ("docs/old.txt",))


@pytest.mark.parametrize(
    ("autocrlf", "attributes"),
    [
        ("true", ""),
        ("input", ""),
        ("false", "*.txt text eol=crlf\n"),
        ("false", "*.txt text working-tree-encoding=UTF-16LE-BOM eol=crlf\n"),
        ("false", "*.txt ident\n"),
    ],
)
async def test_line_ends_and_encodings_are_those_of_a_checkout(
    project: Project,
    trees: Path,
    autocrlf: str,
    attributes: str,
    result_of: ResultOf,
    stored: Intend,
) -> None:
    project.git("config", "core.autocrlf", autocrlf)
    project.write(".gitattributes", attributes)
    encoding = "utf-16" if "UTF-16" in attributes else "utf-8"
    for name in ("notes.txt", "docs/old.txt"):
        project.write(name, "one $Id$\ntwo\n".encode(encoding))
    project.write("mixed", "a\r\nb\n")
    project.git("add", "-A")
    project.git("commit", "-q", "-m", "texts")
    project.git("rm", "-q", "-r", ".")
    project.git("reset", "-q", "--hard")
    repository = await Repository.open(project.root)

    def change(root: Path) -> None:
        text = (root / "notes.txt").read_bytes().decode(encoding)
        (root / "notes.txt").write_bytes(f"{text}three\n".encode(encoding))
        (root / "more.txt").write_bytes(f"{text}four\n".encode(encoding))

    commit = await result_of(repository, trees, change)

    landed = await repository.land(await repository.plan_landing("HEAD", commit), intend=stored)

    assert Landed(commit=commit) == landed
    assert project.git("status", "--porcelain") == ""
    by_landing = project.files()
    for name in ("notes.txt", "more.txt"):
        (project.root / name).unlink()
    project.git("checkout", "-q", "--", ".")
    assert by_landing == project.files()


async def test_large_files_filter_is_obeyed_when_trusted_and_blank_otherwise(
    project: Project, trees: Path, tmp_path: Path, result_of: ResultOf, stored: Intend
) -> None:
    store = tmp_path / "store"
    store.mkdir()
    clean = tmp_path / "clean"
    clean.write_text(
        f'#!/bin/sh\ncat > {store}/in\nid=$(sha256sum < {store}/in | cut -d" " -f1)\n'
        f'mv {store}/in {store}/$id\necho "pointer $id"\n'
    )
    smudge = tmp_path / "smudge"
    smudge.write_text(f"#!/bin/sh\nread word id\ncat {store}/$id\n")
    for program in (clean, smudge):
        program.chmod(0o755)
    project.git("config", "filter.big.clean", str(clean))
    project.git("config", "filter.big.smudge", str(smudge))
    project.git("config", "filter.big.required", "true")
    project.write(".gitattributes", "*.bin filter=big\n")
    project.write("data.bin", "large one\n")
    project.commit("with filter")
    assert project.git("show", "HEAD:data.bin").startswith("pointer ")

    def change(root: Path) -> None:
        assert (root / "data.bin").read_text() == "large one\n"
        (root / "data.bin").write_text("large two\n")

    trusted = await Repository.open(project.root, trusted=True)
    commit = await result_of(trusted, trees, change)
    landed = await trusted.land(await trusted.plan_landing("HEAD", commit), intend=stored)
    assert Landed(commit=commit) == landed
    assert (project.read("data.bin"), project.git("status", "--porcelain")) == ("large two\n", "")

    untrusted = await Repository.open(project.root)
    assert await untrusted.blanked_filters() == ("big",)
    assert await trusted.blanked_filters() == ()
    for program in (clean, smudge):
        program.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")

    def see_pointer(root: Path) -> None:
        assert (root / "data.bin").read_text().startswith("pointer ")
        (root / "data.bin").write_text("pointer other\n")

    before = project.files()
    commit = await result_of(untrusted, trees, see_pointer)
    outcome = await untrusted.land(await untrusted.plan_landing("HEAD", commit), intend=stored)
    assert isinstance(outcome, CannotLand)
    assert (outcome.reason, outcome.paths) == (Obstacle.TREE_CHANGED, ("data.bin",))
    assert before == project.files()
    assert not (tmp_path / "ran").exists()


async def test_file_system_without_hard_links_is_landed_on(
    project: Project,
    repository: Repository,
    trees: Path,
    monkeypatch: pytest.MonkeyPatch,
    result_of: ResultOf,
    typical: Change,
    stored: Intend,
) -> None:
    def no_links(*args: object, **options: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    commit = await result_of(repository, trees, typical)
    landing = await repository.plan_landing("HEAD", commit)
    monkeypatch.setattr(os, "link", no_links)

    landed = await repository.land(landing, intend=stored)

    assert Landed(commit=commit) == landed
    assert project.git("status", "--porcelain") == ""
    (repository.git_dir / "index.lock").touch()
    outcome = await repository.land(landing, intend=stored)
    assert isinstance(outcome, CannotLand)
    assert outcome.reason == Obstacle.LOCKED
