"""Repositories found, made, refused, and their status."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from m31a_rollback import (
    BareRepository,
    EmbeddedRepository,
    EntryKind,
    GitTooOld,
    Identity,
    NoIdentity,
    NotARepository,
    OperationInProgress,
    RefMoved,
    Repository,
    StatusEntry,
    UnknownCommit,
    UnsafeFolder,
    UnsafeOwner,
)
from m31a_rollback.testing import Project

pytestmark = pytest.mark.anyio

MakeProject = Callable[..., Project]


async def test_repository_is_found_from_a_folder_below(project: Project) -> None:
    repository = await Repository.open(project.root / "src")

    assert (project.root, project.root / ".git") == (repository.root, repository.git_dir)


async def test_line_breaks_in_the_folder_name_do_no_harm(make_project: MakeProject) -> None:
    project = make_project("two\nsha1\nlines")

    repository = await Repository.open(project.root)

    assert project.root == repository.root


@pytest.fixture
def starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that gets a line for each git that is started: its verb."""
    log = tmp_path / "starts"
    real = subprocess.check_output(["which", "git"], text=True).strip()
    counter = tmp_path / "bin" / "git"
    counter.parent.mkdir()
    counter.write_text(f'#!/bin/sh\necho "$1" >> {log}\nexec {real} "$@"\n')
    counter.chmod(0o755)
    monkeypatch.setenv("PATH", f"{counter.parent}:{os.environ['PATH']}")
    return log


async def test_opening_and_status_start_two_processes(project: Project, starts: Path) -> None:
    for trusted in (True, False):
        repository = await Repository.open(project.root, trusted=trusted)
        await repository.status()

    assert starts.read_text().split() == ["rev-parse", "status"] * 2


async def test_git_is_asked_once_where_an_id_leads_and_each_time_where_a_name_does(
    project: Project, starts: Path
) -> None:
    head = project.git("rev-parse", "HEAD")
    repository = await Repository.open(project.root)
    starts.unlink()

    assert [head] * 3 == [await repository.resolve(head) for _ in range(3)]
    assert [head] * 2 == [await repository.resolve("HEAD") for _ in range(2)]
    with pytest.raises(UnknownCommit):
        await repository.resolve("0" * len(head))
    with pytest.raises(UnknownCommit):
        await repository.resolve("0" * len(head))

    assert starts.read_text().split() == ["rev-parse"] * 5


async def test_status_tells_staged_unstaged_and_untracked(project: Project) -> None:
    project.write("src/app.py", "changed\n")
    project.write("docs/old.txt", "staged\n")
    project.git("add", "docs/old.txt")
    project.write("new/a", "")
    (project.root / "README.md").unlink()
    repository = await Repository.open(project.root)

    status = await repository.status()

    changed = EntryKind.CHANGED
    assert (
        StatusEntry(path="README.md", staged=".", unstaged="D", kind=changed),
        StatusEntry(path="docs/old.txt", staged="M", unstaged=".", kind=changed),
        StatusEntry(path="src/app.py", staged=".", unstaged="M", kind=changed),
        StatusEntry(path="new/", staged="?", unstaged="?", kind=EntryKind.UNTRACKED),
    ) == status.entries
    assert (project.head, "main", None, None) == (
        status.head,
        status.branch,
        status.upstream,
        status.operation,
    )
    assert status.dirty
    assert len((await repository.status(untracked=False)).entries) == 3


async def test_clean_tree_on_a_detached_head_with_upstream(
    project: Project, tmp_path: Path
) -> None:
    project.git("clone", "-q", "--bare", ".", str(tmp_path / "remote"))
    project.git("remote", "add", "origin", str(tmp_path / "remote"))
    project.git("fetch", "-q", "origin")
    project.git("branch", "-q", "-u", "origin/main")
    repository = await Repository.open(project.root)

    assert (await repository.status()).upstream == "origin/main"
    project.git("checkout", "-q", "--detach")
    status = await repository.status()

    assert (status.branch, status.upstream, status.dirty) == (None, None, False)


async def test_unborn_branch_has_no_head(make_project: MakeProject) -> None:
    repository = await Repository.open(make_project().root)

    status = await repository.status()

    assert (status.head, status.branch) == (None, "main")


@pytest.mark.parametrize("german", ["LANG", "LC_ALL", "LANGUAGE"])
async def test_language_of_the_user_plays_no_part(
    project: Project, monkeypatch: pytest.MonkeyPatch, german: str
) -> None:
    monkeypatch.setenv(german, "de_DE.UTF-8")
    project.write("src/app.py", "changed\n")

    status = await (await Repository.open(project.root)).status()

    assert [entry.path for entry in status.entries] == ["src/app.py"]


async def test_linked_work_tree_is_a_repository_too(project: Project, tmp_path: Path) -> None:
    project.git("worktree", "add", "-q", str(tmp_path / "linked"))

    repository = await Repository.open(tmp_path / "linked")

    assert tmp_path / "linked" == repository.root
    assert project.root / ".git" == repository.common_dir
    assert repository.git_dir.parent == repository.common_dir / "worktrees"
    assert (await repository.status()).branch == "linked"


async def test_sha256_repository_opens(make_project: MakeProject) -> None:
    project = make_project("sha256", "--object-format=sha256")
    project.write("a", "a")
    head = project.commit()
    repository = await Repository.open(project.root)

    tree = await repository.tree_of(head)

    assert (len(repository.zero), len(repository.empty_tree), len(tree)) == (64, 64, 64)
    assert project.git("hash-object", "-t", "tree", "/dev/null") == repository.empty_tree


async def test_folder_without_repository_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotARepository) as caught:
        await Repository.open(tmp_path)

    assert tmp_path == caught.value.path


async def test_bare_repository_and_git_folder_are_refused(project: Project, tmp_path: Path) -> None:
    project.git("clone", "-q", "--bare", ".", str(tmp_path / "bare"))

    for path in (tmp_path / "bare", project.root / ".git"):
        with pytest.raises(BareRepository):
            await Repository.open(path)


async def test_work_tree_configured_elsewhere_is_refused(project: Project, tmp_path: Path) -> None:
    project.git("config", "core.worktree", str(tmp_path))

    with pytest.raises(NotARepository):
        await Repository.open(project.root)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
async def test_repository_of_somebody_else_is_refused(project: Project) -> None:
    for path in (project.root, project.root / ".git"):
        os.chown(path, 12345, 12345)

    with pytest.raises(UnsafeOwner) as caught:
        await Repository.open(project.root / "src")

    assert project.root == caught.value.path


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_normal_user_is_refused_the_repository_of_another(project: Project) -> None:
    for path in (project.root, *project.root.parents):
        if path.stat().st_uid == os.geteuid() and path != Path("/"):
            path.chmod(path.stat().st_mode | 0o055)
    code = (
        "import anyio, os, sys\n"
        "from m31a_rollback import Repository, UnsafeOwner\n"
        "async def main():\n"
        "    await Repository.open(sys.argv[1])\n"  # loads all modules while it may read them
        "    os.setgid(12345); os.setuid(12345); os.environ['HOME'] = '/'\n"
        "    try:\n"
        "        await Repository.open(sys.argv[1])\n"
        "    except UnsafeOwner as exc:\n"
        "        print(exc.path)\n"
        "anyio.run(main)\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", code, str(project.root)],
        env={name: value for name, value in os.environ.items() if not name.startswith("COV")},
        capture_output=True,
        text=True,
        check=True,
    )

    assert str(project.root) == done.stdout.strip()


@pytest.mark.parametrize(("version", "said"), [("2.37.9", "2.37.9"), (None, "before 2.22")])
async def test_old_git_is_refused(
    project: Project,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    version: str | None,
    said: str,
) -> None:
    program = tmp_path / "bin" / "git"
    program.parent.mkdir()
    event = f"""echo '{{"event":"version","evt":"3","exe":"{version}"}}' >&2""" if version else ""
    program.write_text(f"#!/bin/sh\n{event}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")

    with pytest.raises(GitTooOld) as caught:
        await Repository.open(project.root)

    assert (said, "2.38") == (caught.value.version, caught.value.need)


async def test_version_is_told(project: Project) -> None:
    repository = await Repository.open(project.root)

    assert f"git version {await repository.git_version()}" == project.git("version")


def in_merge(project: Project) -> None:
    project.git("checkout", "-q", "-b", "side")
    project.commit("side", README__md="side\n")
    project.git("checkout", "-q", "main")
    project.commit("main", README__md="main\n")
    project.git("merge", "side", check=False)


def in_rebase(project: Project) -> None:
    in_merge(project)
    project.git("merge", "--abort")
    project.git("rebase", "side", check=False)


def in_cherry_pick(project: Project) -> None:
    in_merge(project)
    project.git("merge", "--abort")
    project.git("cherry-pick", "side", check=False)


def in_cherry_pick_between_two(project: Project) -> None:
    in_merge(project)
    project.git("merge", "--abort")
    project.git("checkout", "-q", "side")
    project.commit("next", other="x\n")
    project.git("checkout", "-q", "main")
    project.git("cherry-pick", "main..side", check=False)
    project.git("checkout", "-q", "--theirs", "README.md")
    project.git("commit", "-qam", "solved")


def in_revert(project: Project) -> None:
    project.commit("one", README__md="one\n")
    project.commit("two", README__md="two\n")
    project.git("revert", "HEAD~1", check=False)


def in_revert_between_two(project: Project) -> None:
    project.commit("one", README__md="one\n")
    project.commit("two", README__md="two\n")
    project.git("revert", "HEAD~1", "HEAD", check=False)
    project.write("README.md", "solved\n")
    project.git("commit", "-qam", "solved")


def in_bisect(project: Project) -> None:
    project.git("bisect", "start")


def in_am(project: Project) -> None:
    project.commit("one", README__md="one\n")
    patch = project.git("format-patch", "--stdout", "HEAD~1").encode() + b"\n"
    project.git("reset", "-q", "--hard", "HEAD~1")
    project.commit("two", README__md="two\n")
    project.git("am", input=patch, check=False)


@pytest.mark.parametrize(
    ("begin", "kind"),
    [
        (in_merge, "merge"),
        (in_rebase, "rebase"),
        (in_cherry_pick, "cherry-pick"),
        (in_cherry_pick_between_two, "cherry-pick"),
        (in_revert, "revert"),
        (in_revert_between_two, "revert"),
        (in_bisect, "bisect"),
        (in_am, "am"),
    ],
)
async def test_operation_in_progress_is_refused_and_not_touched(
    project: Project, begin: Callable[[Project], None], kind: str
) -> None:
    begin(project)
    repository = await Repository.open(project.root)
    before = project.state()

    with pytest.raises(OperationInProgress) as caught:
        await repository.preflight()

    assert (kind, kind) == (caught.value.kind, (await repository.status()).operation)
    assert before == project.state()


async def test_missing_identity_is_refused(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.git("config", "--unset", "user.email")
    repository = await Repository.open(project.root)

    with pytest.raises(NoIdentity):
        await repository.preflight()

    monkeypatch.setenv("EMAIL", "ann@example.net")
    await repository.preflight()
    assert Identity(name="Ann User", email="ann@example.net") == await repository.identity()


async def test_home_folder_is_refused(home: Path) -> None:
    subprocess.run(["git", "init", "-q"], cwd=home, check=True)
    repository = await Repository.open(home)

    with pytest.raises(UnsafeFolder):
        await repository.preflight()
    with pytest.raises(UnsafeFolder):
        await Repository.init(home)


async def test_new_repository_has_one_commit_of_what_is_wanted(tmp_path: Path) -> None:
    folder = tmp_path / "new"
    folder.mkdir()
    for name in ("a.txt", "big.bin", "secret:*.env", "ignored.log"):
        (folder / name).write_text(name)
    (folder / ".gitignore").write_text("*.log\n")

    repository = await Repository.init(
        folder,
        "Start",
        add_all=True,
        leave_out=["big.bin", "secret:*.env"],
        author=Identity(name="Ann", email="ann@example.org"),
    )

    listed = await repository.ls_tree("HEAD")
    assert [entry.path for entry in listed] == [".gitignore", "a.txt"]
    status = await repository.status()
    assert [entry.path for entry in status.entries] == ["big.bin", "secret:*.env"]
    assert [commit.subject for commit in await repository.log("HEAD")] == ["Start"]


async def test_new_repository_in_an_empty_folder_has_an_empty_commit(tmp_path: Path) -> None:
    who = Identity(name="Ann", email="ann@example.org")

    repository = await Repository.init(tmp_path / "new", author=who)

    assert await repository.ls_tree("HEAD") == ()
    assert not (await repository.status()).dirty
    with pytest.raises(RefMoved):
        await Repository.init(tmp_path / "new")


async def test_failed_init_leaves_the_folder_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a")
    with pytest.raises(NoIdentity):
        await Repository.init(tmp_path, add_all=True)
    assert [path.name for path in tmp_path.iterdir()] == ["a"]

    (tmp_path / "sub").mkdir()
    subprocess.run(["git", "init", "-q"], cwd=tmp_path / "sub", check=True)
    with pytest.raises(EmbeddedRepository) as caught:
        await Repository.init(tmp_path, add_all=True, author=Identity(name="A", email="a@b"))
    assert caught.value.paths == ("sub",)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "sub"]
