"""Listings, contents, differences and merges."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from m31a_rollback import (
    BadName,
    Conflicted,
    Diff,
    FileChange,
    FileStatus,
    GitFailed,
    Merged,
    Repository,
    TreeEntry,
    UnknownCommit,
)
from m31a_rollback.objects import open_objects
from m31a_rollback.testing import Project

pytestmark = pytest.mark.anyio

STRANGE = [
    "with space",
    'quo"te',
    "line\nbreak",
    "tab\there",
    os.fsdecode(b"latin-\xe9"),
    ":(top)x",
    "-dash",
    "é",
]


@pytest.fixture
async def repository(project: Project) -> Repository:
    return await Repository.open(project.root)


async def test_listing_tells_modes_and_sizes(project: Project, repository: Repository) -> None:
    (project.root / "link").symlink_to("README.md")
    head = project.commit()

    listed = {entry.path: entry for entry in await repository.ls_tree(head)}

    blob = project.git("rev-parse", "HEAD:README.md")
    assert TreeEntry(path="README.md", mode="100644", blob=blob, size=12) == listed["README.md"]
    assert (listed["link"].mode, listed["src/tool.sh"].mode) == ("120000", "100755")


async def test_names_of_every_kind_come_through(project: Project, repository: Repository) -> None:
    base = project.head
    for name in STRANGE:
        project.write(name, f"in {name!r}")
    project.commit()

    diff = await repository.diff(base, "HEAD")
    contents = await repository.blobs("HEAD", [*STRANGE, "missing\nfile", "src"])

    assert sorted(map(os.fsencode, STRANGE)) == [os.fsencode(file.path) for file in diff.files]
    assert {name: f"in {name!r}".encode() for name in STRANGE} == {
        name: contents[name] for name in STRANGE
    }
    assert (contents["missing\nfile"], contents["src"]) == (None, None)
    one = await repository.diff(base, "HEAD", [":(top)x"])
    assert [file.path for file in one.files] == [":(top)x"]


async def test_diff_counts_lines_and_names_every_kind_of_change(
    project: Project, repository: Repository
) -> None:
    base = project.head
    project.write("src/app.py", "def main():\n    return 2\n\n")
    project.write("picture", b"\0\1\2")
    (project.root / "docs/old.txt").unlink()
    (project.root / "src/tool.sh").chmod(0o644)
    (project.root / "README.md").unlink()
    (project.root / "README.md").symlink_to("src/app.py")
    head = project.commit()

    diff = await repository.diff(base, head)

    assert (
        FileChange(path="README.md", status=FileStatus.TYPE, added=1, removed=1),
        FileChange(path="docs/old.txt", status=FileStatus.DELETED, added=0, removed=1),
        FileChange(path="picture", status=FileStatus.ADDED, added=None, removed=None),
        FileChange(path="src/app.py", status=FileStatus.MODIFIED, added=2, removed=1),
        FileChange(path="src/tool.sh", status=FileStatus.MODE, added=0, removed=0),
    ) == diff.files
    assert "+    return 2" in diff.patch
    assert not diff.patch_cut


async def test_patch_can_be_applied_cut_and_left_out(
    project: Project, repository: Repository
) -> None:
    base = project.head
    project.write("src/app.py", b"caf\xe9\n" * 2000)
    head = project.commit()

    whole = await repository.diff(base, head)
    cut = await repository.diff(base, head, patch_limit_bytes=100)
    without = await repository.diff(base, head, patch_limit_bytes=0)

    project.git("checkout", "-q", base)
    project.git("apply", "--index", "-", input=os.fsencode(whole.patch))
    assert project.git("rev-parse", f"{head}^{{tree}}") == project.git("write-tree")
    assert (cut.patch_cut, len(os.fsencode(cut.patch))) == (True, 100)
    assert Diff(files=whole.files, patch="", patch_cut=False) == without
    assert Diff(files=(), patch="", patch_cut=False) == await repository.diff(head, head)


async def test_settings_of_the_user_do_not_change_the_patch(
    project: Project, repository: Repository
) -> None:
    base = project.head
    project.write("src/app.py", "changed\n")
    head = project.commit()
    plain = await repository.diff(base, head)

    for key, value in (
        ("diff.noprefix", "true"),
        ("diff.mnemonicPrefix", "true"),
        ("color.ui", "always"),
        ("diff.renames", "copies"),
        ("diff.external", "false"),
    ):
        project.git("config", key, value)

    assert plain == await repository.diff(base, head)


async def test_unknown_trees_are_told(repository: Repository) -> None:
    for call in (
        lambda: repository.diff("HEAD", "nowhere"),
        lambda: repository.ls_tree("nowhere"),
        lambda: repository.blob("nowhere", "a"),
        lambda: repository.merge_tree("HEAD", "nowhere"),
        lambda: repository.merge_tree("HEAD", "HEAD", base="nowhere"),
    ):
        with pytest.raises(UnknownCommit):
            await call()
    for path in ("", "/etc/passwd", "../x", "./x", "a\0b"):
        with pytest.raises(BadName):
            await repository.blob("HEAD", path)


async def test_sides_that_fit_are_merged_and_others_named(
    project: Project, repository: Repository
) -> None:
    base = project.head
    project.write("src/app.py", "ours\n")
    ours = project.commit("ours")
    project.git("checkout", "-q", "-b", "side", base)
    theirs = project.commit("theirs", other="x\n")
    clash = project.commit("clash", **{"src/app.py": "theirs\n"})
    before = project.state()

    fits = await repository.merge_tree(ours, theirs)
    clashes = await repository.merge_tree(ours, clash)

    assert isinstance(fits, Merged)
    assert await repository.blob(fits.tree, "src/app.py") == b"ours\n"
    assert await repository.blob(fits.tree, "other") == b"x\n"
    assert Conflicted(paths=("src/app.py",)) == clashes
    assert before == project.state()


async def test_merge_may_be_told_what_to_compare_with(
    project: Project, repository: Repository
) -> None:
    base = project.head
    first = project.commit("first", a="1\n")
    second = project.commit("second", b="2\n")

    without_first = await repository.merge_tree(second, base, base=first)

    assert isinstance(without_first, Merged)
    listed = [entry.path for entry in await repository.ls_tree(without_first.tree)]
    assert "b" in listed
    assert "a" not in listed


async def test_unrelated_histories_are_not_merged(project: Project, repository: Repository) -> None:
    first = project.head
    project.git("checkout", "-q", "--orphan", "other")
    second = project.commit("other")

    with pytest.raises(GitFailed):
        await repository.merge_tree(first, second)


async def test_merge_driver_of_the_project_runs_only_when_trusted(
    project: Project, tmp_path: Path
) -> None:
    mark = tmp_path / "mark"
    project.write(".gitattributes", "*.lock merge=ours-always\n")
    project.write("x.lock", "base\n")
    base = project.commit()
    project.git("config", "merge.ours-always.driver", f"touch {mark}")
    project.git("checkout", "-q", "-b", "side")
    theirs = project.commit("theirs", **{"x.lock": "theirs\n"})
    project.git("checkout", "-q", "main")
    ours = project.commit("ours", **{"x.lock": "ours\n"})

    untrusted = await (await Repository.open(project.root)).merge_tree(ours, theirs)
    ran_untrusted = mark.exists()
    trusted = await (await Repository.open(project.root, trusted=True)).merge_tree(ours, theirs)

    assert (Conflicted(paths=("x.lock",)), False) == (untrusted, ran_untrusted)
    assert isinstance(trusted, Merged)
    assert mark.exists()
    assert base


async def test_gitpython_walks_the_same_objects_without_hooks_of_the_project(
    project: Project, repository: Repository, tmp_path: Path
) -> None:
    mark = tmp_path / "mark"
    project.git("config", "core.fsmonitor", f"touch {mark}")

    async with open_objects(repository) as objects:
        tree = objects.commit(project.head).tree
        names = [str(item.path) for item in tree["src"].blobs]
        text = tree["src/app.py"].data_stream.read()
        status = objects.git.status("--porcelain")

    assert names == ["src/app.py", "src/tool.sh"]
    assert (text, status) == (b"def main():\n    return 1\n", "")
    assert not mark.exists()


def test_gitpython_is_not_loaded_until_asked_for() -> None:
    code = "import sys, m31a_rollback; assert 'git' not in sys.modules, 'loaded'"

    subprocess.run([sys.executable, "-c", code], check=True)
