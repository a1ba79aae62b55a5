"""A commit landed on the user's branch; everything uncommitted stays as it is."""

import dataclasses
import fcntl
import os
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from m31a_rollback import (
    CannotLand,
    Landed,
    Landing,
    Locked,
    NotADescendant,
    Obstacle,
    Repository,
)
from m31a_rollback.index_lock import take_index_lock
from m31a_rollback.testing import Project
from m31a_rollback.trees import write_tree

pytestmark = pytest.mark.anyio

MakeProject = Callable[..., Project]

AT = datetime(2026, 11, 2, tzinfo=UTC)


async def stored(landing: Landing) -> None:
    """An intention that is kept elsewhere."""


async def result_of(
    repository: Repository, trees: Path, change: Callable[[Path], None], base: str = "HEAD"
) -> str:
    """A commit made in a work tree beside the user's."""
    base = await repository.resolve(base)
    tree = await repository.worktree(trees, base)
    change(tree.path)
    commit = await repository.commit_tree(await tree.tree_id(), [base], "feat: work", at=AT)
    await tree.remove()
    return commit


def typical(root: Path) -> None:
    (root / "src/app.py").write_text("def main():\n    return 2\n")
    (root / "src/new.py").write_text("new = 1\n")
    (root / "docs/old.txt").unlink()
    (root / "run.sh").write_text("#!/bin/sh\n")
    (root / "run.sh").chmod(0o755)
    (root / "link").symlink_to("src/app.py")
    (root / os.fsdecode(b"odd \xe9\n\"name'")).write_text("odd\n")


@pytest.fixture
async def repository(project: Project) -> Repository:
    return await Repository.open(project.root, trusted=True)


@pytest.fixture
def trees(tmp_path: Path) -> Path:
    return tmp_path / "trees" / "1"


async def test_tree_index_and_branch_are_as_after_a_checkout(
    project: Project, repository: Repository, trees: Path
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
    project: Project, repository: Repository, trees: Path
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


async def test_moved_submodule_is_left_to_the_user(
    project: Project, repository: Repository, trees: Path, tmp_path: Path
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


async def test_git_at_work_is_waited_for_by_the_user_not_by_force(
    project: Project, repository: Repository, trees: Path
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
    project: Project, repository: Repository, trees: Path
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
    project: Project, repository: Repository, trees: Path
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
    project: Project, repository: Repository, trees: Path
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
    project: Project, repository: Repository, trees: Path
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
    project: Project, repository: Repository, trees: Path
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


async def test_only_a_descendant_can_land(project: Project, repository: Repository) -> None:
    base = project.head
    project.commit("second")
    other = await repository.commit_tree(repository.empty_tree, [base], "x", at=AT)

    with pytest.raises(NotADescendant):
        await repository.plan_landing("HEAD", other)


async def test_landing_of_a_landed_commit_changes_nothing(
    project: Project, repository: Repository, trees: Path
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


async def test_detached_head_moves_alone(
    project: Project, repository: Repository, trees: Path
) -> None:
    base = project.head
    commit = await result_of(repository, trees, typical)
    project.git("checkout", "-q", "--detach")

    landed = await repository.land(await repository.plan_landing(base, commit), intend=stored)

    assert Landed(commit=commit) == landed
    assert (base, commit) == (project.git("rev-parse", "main"), project.head)


async def test_linked_work_tree_of_the_user_is_landed_in(
    project: Project, trees: Path, tmp_path: Path
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


async def test_unborn_branch_is_born(make_project: MakeProject, trees: Path) -> None:
    project = make_project()
    repository = await Repository.open(project.root)
    root = await repository.commit_tree(repository.empty_tree, [], "base", at=AT)

    def change(tree: Path) -> None:
        (tree / "a").write_text("a\n")

    commit = await result_of(repository, trees, change, base=root)

    landed = await repository.land(await repository.plan_landing(root, commit), intend=stored)

    assert Landed(commit=commit) == landed
    assert (commit, "") == (project.head, project.git("status", "--porcelain"))


async def test_file_and_folder_change_places(
    project: Project, repository: Repository, trees: Path
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

    commit = await result_of(repository, trees, change)

    landed = await repository.land(await repository.plan_landing(base, commit), intend=stored)

    assert Landed(commit=commit) == landed
    assert project.read("swap") == "a file now\n"
    assert project.git("status", "--porcelain") == ""


async def test_file_whose_name_changes_in_case_only(
    project: Project, repository: Repository, trees: Path
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
    project: Project, repository: Repository, trees: Path
) -> None:
    (project.root / "src/app.py").chmod(0o400)
    commit = await result_of(repository, trees, typical)

    await repository.land(await repository.plan_landing("HEAD", commit), intend=stored)

    assert (project.root / "src/app.py").stat().st_mode & 0o777 == 0o400
    assert "return 2" in project.read("src/app.py")


async def test_sparse_checkout_keeps_hiding(
    project: Project, repository: Repository, trees: Path
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
    project: Project, trees: Path, autocrlf: str, attributes: str
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
    project: Project, trees: Path, tmp_path: Path
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


async def test_landing_survives_being_stored(
    project: Project, repository: Repository, trees: Path
) -> None:
    landing = await repository.plan_landing("HEAD", await result_of(repository, trees, typical))

    assert landing == Landing.from_json(landing.to_json())
    msgspec = pytest.importorskip("msgspec")
    assert landing == msgspec.json.decode(msgspec.json.encode(landing), type=Landing)


async def test_lock_of_a_living_landing_is_not_taken_for_a_dead_ones(
    project: Project, repository: Repository, trees: Path
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
    project: Project, repository: Repository, trees: Path
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
    project: Project, repository: Repository, trees: Path
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
    project: Project, repository: Repository, trees: Path
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


async def test_file_system_without_hard_links_is_landed_on(
    project: Project, repository: Repository, trees: Path, monkeypatch: pytest.MonkeyPatch
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


async def test_torn_lock_is_nobodys(project: Project, repository: Repository) -> None:
    lock = repository.git_dir / "index.lock"
    for text in ("", "{", "[]", '{"kind": "other"}'):
        lock.write_text(text)
        assert await repository.settle_landing() is None
    assert lock.exists()
