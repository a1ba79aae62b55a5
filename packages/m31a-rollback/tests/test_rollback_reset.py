"""Resets, snapshots, file reverts and undo: nothing uncommitted is lost."""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from m31a_rollback import (
    BadName,
    Chain,
    Conflict,
    NotADescendant,
    NothingToUndo,
    NotOfThisRun,
    OnUpstream,
    OperationInProgress,
    RefMoved,
    Repository,
    UnbornBranch,
    UnknownCommit,
    hard_reset,
    revert_commits,
    revert_files,
    safe_reset,
    soft_reset,
    undo,
)
from m31a_rollback.giving_back import move
from m31a_rollback.testing import Project
from m31a_rollback.weighing import weigh

pytestmark = pytest.mark.anyio

MakeProject = Callable[..., Project]


@pytest.fixture
async def repository(project: Project) -> Repository:
    return await Repository.open(project.root, trusted=True)


@pytest.fixture
def history(project: Project) -> list[str]:
    """Base and three commits of a run, with the files f1, f2, f3."""
    commits = [project.head]
    for number in (1, 2, 3):
        project.write(f"f{number}", f"{number}\n")
        project.git("add", "-A")
        project.git("commit", "-q", "-m", f"task {number}\n\nM31A-Session: s1")
        commits.append(project.head)
    return commits


def make_dirty(project: Project) -> None:
    project.write("README.md", "# A project\n\nstaged\n")
    project.git("add", "README.md")
    project.write("README.md", "# A project\n\nstaged, and more\n")
    project.write("src/app.py", b"mixed\r\nline\nends\n")
    (project.root / "docs/old.txt").unlink()
    project.git("rm", "-q", "--cached", "src/tool.sh")
    project.write("intended", "x\n")
    project.git("add", "-N", "intended")
    project.write("private", "secret\n", mode=0o600)
    project.write("odd \n\"'", "odd\n")
    (project.root / os.fsdecode(b"\xff")).symlink_to("nowhere")


async def test_soft_reset_moves_the_branch_alone(
    project: Project, repository: Repository, history: list[str]
) -> None:
    make_dirty(project)
    before = project.state()

    result = await soft_reset(repository, history[1])

    assert (history[3], history[1]) == (result.previous, result.head)
    assert (history[3], history[2]) == result.undone
    assert (result.backup_branch, result.remedy) == (None, None)
    assert history[1] == project.head
    assert before[0] == project.files()
    assert before[1].split("\0:")[0] == project.index().split("\0:")[0]
    back = await undo(repository)
    assert before == project.state()
    assert history[3] == back.head
    await undo(repository)
    assert history[1] == project.head


async def test_hard_reset_gives_uncommitted_work_back(
    project: Project, repository: Repository, history: list[str]
) -> None:
    make_dirty(project)
    project.git("stash", "list")
    before = project.state()

    result = await hard_reset(repository, history[1])

    files, index, _, stash = project.state()
    assert {path: fact for path, fact in before[0].items() if path not in ("f2", "f3")} == files
    assert [entry for entry in before[1].split("\0") if not entry.endswith(("\tf2", "\tf3"))] == (
        index.split("\0")
    )
    assert before[3] == stash
    assert (history[1], ()) == (project.head, result.clashes)
    assert result.backup_branch is not None
    assert result.backup_branch.startswith("m31a/rollback-backup-")
    assert history[3] == project.git("rev-parse", result.backup_branch)

    await undo(repository)
    assert before == project.state()
    await undo(repository)
    assert (history[1], files) == (project.head, project.files())


async def test_work_that_clashes_stays_in_the_snapshot_and_comes_back(
    project: Project, repository: Repository, history: list[str]
) -> None:
    project.write("f3", "mine\n")
    project.git("add", "f3")
    project.write("src/app.py", "mine\n")
    before = project.state()

    result = await hard_reset(repository, history[1])

    assert (result.clashes, project.git("status", "--porcelain")) == (("f3",), "")
    assert result.remedy is not None
    assert f"{result.snapshot}:files/f3" in result.remedy
    assert project.git("show", f"{result.snapshot}:files/f3") == "mine"
    with pytest.raises(Conflict) as caught:
        await repository.restore(result.snapshot)
    assert caught.value.paths == ("f3",)
    await undo(repository)
    assert before == project.state()


async def test_text_changed_on_both_sides_is_merged(
    project: Project, repository: Repository
) -> None:
    lines = [f"line {number}\n" for number in range(20)]
    base = project.commit("base", text="".join(lines))
    project.commit("run", text="".join(["changed\n", *lines[1:]]))
    mine = ["changed\n", *lines[1:19], "mine\n"]
    project.write("text", "".join(mine), mode=0o640)

    result = await hard_reset(repository, base)

    assert result.clashes == ()
    assert "".join([*lines[:19], "mine\n"]) == project.read("text")
    assert (project.root / "text").stat().st_mode & 0o777 == 0o640
    assert "\n" + project.git("status", "--porcelain") == " M text" or project.git("status", "-s")
    await undo(repository)
    assert "".join(mine) == project.read("text")
    project.write("text", "".join(["mine\n", *lines[1:]]))
    assert (await hard_reset(repository, base)).clashes == ("text",)


@pytest.mark.parametrize(
    ("path", "ignored"),
    [("f3", False), ("f3", True), ("f3/below", True), ("dir", False), ("dir", True)],
)
async def test_untracked_file_in_the_way_is_kept(
    project: Project, repository: Repository, history: list[str], path: str, ignored: bool
) -> None:
    project.write("dir/file", "x\n")
    target = project.commit("with dir")
    project.git("reset", "-q", "--hard", history[1])
    if ignored:
        project.write(".git/info/exclude", path.partition("/")[0] + "\n")
    project.write(path, "mine\n")
    before = project.state()

    result = await hard_reset(repository, target)

    assert (path,) == result.clashes
    assert (target, "3\n", "x\n") == (project.head, project.read("f3"), project.read("dir/file"))
    assert project.git("show", f"{result.snapshot}:files/{path}") == "mine"
    await undo(repository)
    assert before == project.state()


async def test_undo_takes_later_work_along(
    project: Project, repository: Repository, history: list[str]
) -> None:
    await hard_reset(repository, history[1])
    project.write("src/app.py", "later\n")

    await undo(repository)

    assert (history[3], "later\n") == (project.head, project.read("src/app.py"))


async def test_undo_needs_something_to_undo(
    project: Project, repository: Repository, history: list[str]
) -> None:
    with pytest.raises(NothingToUndo):
        await undo(repository)
    await repository.snapshot()
    with pytest.raises(NothingToUndo):
        await undo(repository)
    await soft_reset(repository, history[1])
    project.commit("later")
    before = project.state()
    with pytest.raises(RefMoved):
        await undo(repository)
    assert before == project.state()


async def test_safe_reset_undoes_commits_of_a_run_only(
    project: Project, repository: Repository, history: list[str]
) -> None:
    strange = project.commit("by hand")
    project.git("commit", "-q", "--allow-empty", "-m", "task 4\n\nM31A-Session: s1")
    before = project.state()

    chain = await Chain.of(repository, history[1], history[3])
    elsewhere = await other_root(repository)

    with pytest.raises(NotOfThisRun) as caught:
        await safe_reset(repository, history[1])
    with pytest.raises(NotOfThisRun):
        await safe_reset(repository, history[0], chain=chain)
    with pytest.raises(NotADescendant):
        await safe_reset(repository, elsewhere)

    assert (strange,) == caught.value.commits
    assert before == project.state()
    chain = await Chain.of(repository, history[0], "HEAD")
    result = await safe_reset(repository, history[2], chain=chain)
    assert (history[2], 3) == (project.head, len(result.undone))


async def other_root(repository: Repository) -> str:
    return await repository.commit_tree(
        repository.empty_tree, [], "other", at=datetime(2026, 1, 1, tzinfo=UTC)
    )


async def test_safe_reset_leaves_published_commits(
    project: Project, repository: Repository, history: list[str], tmp_path: Path
) -> None:
    project.git("clone", "-q", "--bare", ".", str(tmp_path / "remote"))
    project.git("remote", "add", "origin", str(tmp_path / "remote"))
    project.git("fetch", "-q", "origin")
    project.git("commit", "-q", "--allow-empty", "-m", "task 4\n\nM31A-Session: s1")

    with pytest.raises(OnUpstream) as caught:
        await safe_reset(repository, history[2])

    assert (history[3],) == caught.value.commits
    assert history[3] == (await safe_reset(repository, history[3])).head


async def test_published_commits_are_reverted_with_new_ones(
    project: Project, repository: Repository, history: list[str]
) -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    before = project.state()

    commit = await revert_commits(repository, (history[3], history[2]), at=at)

    assert before == project.state()
    assert await repository.tree_of(history[1]) == await repository.tree_of(commit)
    log = await repository.log(f"{history[3]}..{commit}")
    assert [entry.subject for entry in log] == ['Revert "task 2"', 'Revert "task 3"']
    project.commit("on top", f1="changed\n")
    with pytest.raises(Conflict):
        await revert_commits(repository, (history[1],), at=at)
    with pytest.raises(UnknownCommit):
        await revert_commits(repository, (history[0],), at=at)


async def test_chain_tells_its_commits_in_order(repository: Repository, history: list[str]) -> None:
    chain = await Chain.of(repository, history[0], history[3])

    assert (tuple(history[1:]), history[3]) == (chain.ids, chain.head)
    assert [commit.subject for commit in chain.after(history[1])] == ["task 2", "task 3"]
    assert chain.commits == chain.after(history[0])
    with pytest.raises(UnknownCommit):
        chain.after("0" * 40)
    with pytest.raises(NotADescendant):
        await Chain.of(repository, history[3], history[0])
    assert history[0] == (await Chain.of(repository, history[0], history[0])).head


async def test_files_go_back_to_what_they_were_before_a_commit(
    project: Project, repository: Repository, history: list[str]
) -> None:
    project.write("gone", "x\n", mode=0o755)
    (project.root / "was-link").symlink_to("f1")
    project.commit("more")
    for name in ("gone", "was-link"):
        (project.root / name).unlink()
    project.write("f1", "changed\n")
    project.write("new/file", "new\n")
    commit = project.commit("the one")
    project.write("f1", "mine\n")
    project.write("f2", "mine too\n")
    before = project.state()

    one = await revert_files(repository, commit, ["f1"])
    assert tuple(map(project.read, ("f1", "f2", "new/file"))) == ("1\n", "mine too\n", "new\n")
    assert commit == one.head
    await undo(repository)
    assert before == project.state()

    await revert_files(repository, commit)
    assert not (project.root / "new").exists()
    assert (project.root / "was-link").readlink() == Path("f1")
    assert (project.root / "gone").stat().st_mode & 0o777 == 0o755
    with pytest.raises(BadName):
        await revert_files(repository, commit, ["f3"])
    await revert_files(repository, history[0], ["README.md"])
    assert not (project.root / "README.md").exists()


async def test_snapshot_touches_nothing_and_restores_everything(
    project: Project, repository: Repository, history: list[str]
) -> None:
    project.write("README.md", "stashed\n")
    project.git("stash")
    make_dirty(project)
    project.git("update-index", "--assume-unchanged", "f1")
    project.write("f1", "hidden\n")
    before = project.state()

    kept = await repository.snapshot()
    assert before == project.state()
    assert [kept.ref] == list(await repository.snapshots())
    assert kept == await repository.load_snapshot(kept.ref)
    assert "f1" in kept.paths

    project.git("update-index", "--no-assume-unchanged", "f1")
    project.git("reset", "-q", "--hard")
    project.write("src/app.py", "other work\n")
    result = await repository.restore(kept)

    assert before == project.state()
    assert project.git("show", f"{result.snapshot}:files/src/app.py") == "other work"
    with pytest.raises(UnknownCommit):
        await repository.restore("refs/m31a/backup/none")
    with pytest.raises(UnknownCommit):
        await repository.restore("HEAD")


async def test_snapshot_of_a_conflict_keeps_all_its_sides(
    project: Project, repository: Repository, history: list[str]
) -> None:
    project.git("checkout", "-q", "-b", "side", history[0])
    project.commit("side", f1="side\n")
    project.git("merge", "main", check=False)
    (project.root / ".git/MERGE_HEAD").unlink()
    before = project.state()
    assert "100644" in before[1]

    kept = await repository.snapshot()
    project.git("reset", "-q", "--hard")
    await repository.restore(kept)

    assert before == project.state()


async def test_marks_and_conflicts_come_along_to_another_commit(
    project: Project, repository: Repository, history: list[str]
) -> None:
    project.git("update-index", "--assume-unchanged", "f1")
    project.write("f1", "hidden\n")

    await hard_reset(repository, history[2])

    assert project.read("f1") == "hidden\n"
    assert "h " in project.git("ls-files", "-v", "f1")
    assert project.git("status", "--porcelain") == ""


async def test_snapshot_on_an_unborn_branch(make_project: MakeProject) -> None:
    project = make_project()
    project.write("a", "a\n")
    project.git("add", "a")
    project.write("b", "b\n")
    repository = await Repository.open(project.root)
    before = project.state()

    kept = await repository.snapshot()

    assert (None, {"a", "b"}) == (kept.head, kept.paths)
    assert before == project.state()
    with pytest.raises(UnbornBranch):
        await hard_reset(repository, "HEAD")


async def test_reset_in_the_middle_of_something_is_refused(
    project: Project, repository: Repository, history: list[str]
) -> None:
    project.git("bisect", "start")
    before = project.state()

    for reset in (soft_reset, hard_reset, safe_reset):
        with pytest.raises(OperationInProgress):
            await reset(repository, history[1])
    project.git("bisect", "reset")
    with pytest.raises(UnknownCommit):
        await hard_reset(repository, "nowhere")

    assert before == project.state()


async def test_detached_head_is_reset_too(
    project: Project, repository: Repository, history: list[str]
) -> None:
    project.git("checkout", "-q", "--detach")

    await hard_reset(repository, history[1])

    assert (history[1], history[3]) == (project.head, project.git("rev-parse", "main"))


async def test_half_done_reset_is_said_and_blocks_others(
    project: Project, repository: Repository, history: list[str], tmp_path: Path
) -> None:
    project.git("config", "filter.bad.clean", "cat")
    project.git("config", "filter.bad.smudge", "false")
    project.git("config", "filter.bad.required", "true")
    project.write(".gitattributes", "*.bad filter=bad\n")
    target = project.commit("attributes", **{"x.bad": "x\n"})
    project.git("rm", "-q", "--cached", "x.bad")
    (project.root / "x.bad").unlink()
    project.commit("without")
    project.write("f1", "mine\n")
    before = project.state()

    with pytest.raises(Exception, match="filter"):
        await hard_reset(repository, target)

    assert (await repository.status()).operation == "rollback"
    with pytest.raises(OperationInProgress):
        await repository.preflight()
    with pytest.raises(OperationInProgress):
        await hard_reset(repository, history[1])
    await undo(repository)
    assert before == project.state()
    await repository.preflight()


async def test_links_and_folders_come_back(
    project: Project, repository: Repository, history: list[str]
) -> None:
    (project.root / "f1").unlink()
    (project.root / "f1").symlink_to("f2")
    (project.root / "docs/old.txt").unlink()
    (project.root / "docs").rmdir()
    project.write("docs", "a file\n")
    before = project.state()

    kept = await repository.snapshot()
    project.git("reset", "-q", "--hard")
    project.git("clean", "-fdq")
    (project.root / "f1").unlink()
    (project.root / "f1").mkdir()
    await repository.restore(kept)

    assert before == project.state()


async def test_branch_moved_meanwhile_leaves_everything(
    project: Project, repository: Repository, history: list[str]
) -> None:
    kept = await repository.snapshot()
    before = project.state()

    with pytest.raises(RefMoved):
        await move(
            repository.checkout,
            kept,
            await weigh(repository.checkout, kept, history[1]),
            before=kept,
            old=history[0],
            to=history[1],
        )

    assert before == project.state()
    assert (await repository.status()).operation is None


async def test_repository_without_an_index_is_restored(
    project: Project, repository: Repository, history: list[str]
) -> None:
    (project.root / ".git/index").unlink()
    before = project.state()
    kept = await repository.snapshot()
    project.git("reset", "-q", "--hard")

    await repository.restore(kept)

    assert before == project.state()
    assert set(kept.staged) == {entry.path for entry in await repository.ls_tree("HEAD")}


async def test_first_commit_by_us_needs_a_branch_that_is_born(
    make_project: MakeProject,
) -> None:
    repository = await Repository.open(make_project().root)

    with pytest.raises(UnbornBranch):
        await repository.commit("x")
