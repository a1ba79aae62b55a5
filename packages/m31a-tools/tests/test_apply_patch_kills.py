"""A patch that fails or is killed half-way: all of its files or none, whatever the moment."""

import errno
import fcntl
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from m31a_tools import CallFailed, FileChanged, Workspace, recover, remove_leftovers
from m31a_tools.atomic import TEMPORARY_PREFIX
from m31a_tools.change_set import Change, carry_out
from m31a_tools.recovery import JOURNAL

CALLS = ("link", "rename", "unlink", "mkdir", "fsync", "write", "fchmod", "rmdir")
"""The names in `os` by which a patch changes something."""

# Makes the change once for each of these calls, each time in a child that ends at the n-th of
# them, `before` it happens or `after` it did; in the end in one that lives.
PROGRAM = """
import os, shutil, signal, sys
from pathlib import Path
from m31a_tools import Workspace
from m31a_tools.change_set import Change, carry_out

folder, when, calls = Path(sys.argv[1]), sys.argv[2], sys.argv[3].split(",")

def carried_out(root, n):
    count = 0

    def counted(real):
        def call(*args, **kwargs):
            nonlocal count
            count += 1
            if count == n and when == "before":
                os.kill(os.getpid(), signal.SIGKILL)
            try:
                return real(*args, **kwargs)
            finally:
                if count == n and when == "after":
                    os.kill(os.getpid(), signal.SIGKILL)
        return call

    workspace = Workspace(root=root)
    a, gone, moved = (workspace.read(name, limit_bytes=99) for name in ("a", "gone", "moved"))
    changes = [
        Change(path="a", before=a, after=b"new a"),
        Change(path="fresh/deep/b", before=None, after=b"new b"),
        Change(path="gone", before=gone, after=None),
        Change(path="to", before=None, after=moved.data, like=moved),
        Change(path="moved", before=moved, after=None),
    ]
    for name in calls:
        setattr(os, name, counted(getattr(os, name)))
    carry_out(workspace, changes)

for number in range(1, 500):
    root = folder / str(number)
    shutil.copytree(folder / "before", root)
    child = os.fork()
    if not child:
        carried_out(root, number)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if not os.WIFSIGNALED(status):
        sys.exit(os.waitstatus_to_exitcode(status))
"""

State = dict[str, tuple[bytes, int]]


def project(root: Path) -> None:
    for name, mode in (("a", 0o640), ("gone", 0o600), ("moved", 0o755), ("other", 0o644)):
        (root / name).write_bytes(f"old {name}".encode())
        (root / name).chmod(mode)


def state(root: Path) -> State:
    return {
        str(path.relative_to(root)): (path.read_bytes(), path.stat().st_mode & 0o777)
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


OLD: State = {
    "a": (b"old a", 0o640),
    "gone": (b"old gone", 0o600),
    "moved": (b"old moved", 0o755),
    "other": (b"old other", 0o644),
}
NEW: State = {
    "a": (b"new a", 0o640),
    "fresh/deep/b": (b"new b", 0o644),
    "other": (b"old other", 0o644),
    "to": (b"old moved", 0o755),
}


def killed(folder: Path, when: str) -> tuple[list[Path], Path]:
    """The folders in which the change was cut off, call by call, and the one in which it ended."""
    (folder / "before").mkdir()
    project(folder / "before")
    argv = [sys.executable, "-c", PROGRAM, str(folder), when, ",".join(CALLS)]
    done = subprocess.run(argv, capture_output=True, text=True, umask=0o022)
    assert done.returncode == 0, done.stderr
    *cut, whole = sorted(
        (p for p in folder.iterdir() if p.name.isdigit()), key=lambda p: int(p.name)
    )
    return cut, whole


def test_a_kill_at_any_call_leaves_all_files_old_or_all_new(tmp_path: Path) -> None:
    seen: set[str] = set()
    cut, whole = killed(tmp_path, "before")
    for root in cut:
        workspace = Workspace(root=root)
        was_there = (root / JOURNAL).exists()
        assert recover(workspace) == was_there
        assert not recover(workspace)
        remove_leftovers(workspace)
        left = state(root)
        assert left in (OLD, NEW), f"killed at call {root.name}"
        assert was_there <= (left == OLD)
        if left == OLD:
            assert not (root / "fresh").exists()
        seen.add("old" if left == OLD else "new")
    assert state(whole) == NEW
    assert seen == {"old", "new"}
    assert len(cut) > 40


def test_the_removal_of_the_journal_is_the_one_moment_that_counts(tmp_path: Path) -> None:
    """Killed after a call: old as long as the journal was there, new ever after."""
    outcomes: list[bool] = []
    for root in killed(tmp_path, "after")[0]:
        has_journal = (root / JOURNAL).exists()
        recover(Workspace(root=root))
        remove_leftovers(Workspace(root=root))
        assert state(root) in (OLD, NEW)
        outcomes.append(state(root) == NEW)
        assert not (has_journal and outcomes[-1])
    assert outcomes == sorted(outcomes)
    assert set(outcomes) == {False, True}


def changes_of(workspace: Workspace) -> list[Change]:
    def read(path: str) -> Change:
        file = workspace.read(path, limit_bytes=1000)
        return Change(path=path, before=file, after=b"new")

    return [read("a"), Change(path="x/y", before=None, after=b"new"), read("moved"), read("gone")]


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("link", errno.ENOSPC),
        ("rename", errno.EIO),
        ("fsync", errno.EIO),
        ("mkdir", errno.ENOSPC),
        ("write", errno.ENOSPC),
    ],
)
def test_an_error_at_any_call_leaves_the_old_files_and_nothing_else(
    workspace: Workspace, root: Path, monkeypatch: pytest.MonkeyPatch, name: str, error: int
) -> None:
    project(root)
    real: Callable[..., object] = getattr(os, name)
    for failing in range(1, 40):
        calls = 0

        def call(*args: object, failing: int = failing, **kwargs: object) -> object:
            nonlocal calls
            calls += 1
            if calls == failing:
                raise OSError(error, os.strerror(error))
            return real(*args, **kwargs)

        with monkeypatch.context() as patched:
            patched.setattr(os, name, call)
            try:
                carry_out(workspace, changes_of(workspace))
            except OSError:
                pass
            else:
                # An error that did no harm: there is another way, or all was done already.
                if calls < failing:
                    break
                assert (root / "a").read_bytes() == b"new"
                assert not [p for p in root.iterdir() if p.name == JOURNAL]
        if (root / "a").read_bytes() == b"new":
            (root / "x" / "y").unlink()
            (root / "x").rmdir()
            project(root)
            remove_leftovers(workspace)
        assert state(root) == OLD
        assert not (root / "x").exists()
        workspace.seen.clear()
    assert calls < failing


def test_a_name_that_cannot_be_removed_costs_tidiness_alone(
    workspace: Workspace, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.unlink
    calls = failing = 0

    def unlink(*args: object, **kwargs: object) -> None:
        nonlocal calls
        calls += 1
        if calls == failing:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        real(*args, **kwargs)  # type: ignore[arg-type]

    outcomes: set[bool] = set()
    while calls >= failing:
        failing, calls = failing + 1, 0
        project(root)
        with monkeypatch.context() as patched:
            patched.setattr(os, "unlink", unlink)
            made = True
            try:
                carry_out(workspace, changes_of(workspace))
            except OSError:
                made = False
        recover(workspace)
        remove_leftovers(workspace)
        assert (state(root) == OLD) is not made
        assert ((root / "a").read_bytes() == b"new") is made
        outcomes.add(made)
        if made:
            (root / "x" / "y").unlink()
            (root / "x").rmdir()
        workspace.seen.clear()
    assert outcomes == {True, False}


def test_a_file_that_changes_in_between_undoes_the_whole(workspace: Workspace, root: Path) -> None:
    project(root)
    changes = changes_of(workspace)
    (root / "gone").write_bytes(b"theirs!")
    with pytest.raises(FileChanged):
        carry_out(workspace, changes)
    assert state(root) == {**OLD, "gone": (b"theirs!", 0o600)}
    (root / "x").mkdir()
    (root / "x" / "y").write_bytes(b"theirs")
    (root / "gone").write_bytes(b"old gone")
    changes[-1] = Change(path="gone", before=workspace.read("gone", limit_bytes=99), after=b"new")
    with pytest.raises(FileChanged, match="x/y changed"):
        carry_out(workspace, changes)
    assert state(root) == {**OLD, "x/y": (b"theirs", (root / "x/y").stat().st_mode & 0o777)}
    changes[0] = Change(path="none", before=changes[0].before, after=b"new")
    with pytest.raises(FileChanged):
        carry_out(workspace, changes[:1])


def test_without_hard_links_a_copy_is_kept(
    workspace: Workspace, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on file systems that have none: links between two names fail, those of /proc do not."""
    project(root)
    real = os.link

    def link(source: str, target: str, **kwargs: object) -> None:
        if not source.startswith("/proc/"):
            raise OSError(errno.EOPNOTSUPP, "Operation not supported")
        real(source, target, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "link", link)
    failing = changes_of(workspace)
    (root / "gone").write_bytes(b"theirs!")
    with pytest.raises(FileChanged):
        carry_out(workspace, failing)
    assert state(root) == {**OLD, "gone": (b"theirs!", 0o600)}
    carry_out(workspace, changes_of(workspace)[:3])
    assert (root / "a").read_bytes() == b"new"
    assert (root / "a").stat().st_mode & 0o777 == 0o640
    assert not list(root.glob(f"{TEMPORARY_PREFIX}*"))


def journal_of(root: Path, **step: object) -> Path:
    """A journal as a kill would leave it."""
    whole = {"folder": ".", "made": [], "name": "a", "new": "", "new_inode": 0, "old": ""}
    file = root / JOURNAL
    file.write_text(json.dumps({"version": 1, "steps": [{**whole, "old_inode": 0, **step}]}))
    return file


def test_while_one_patch_is_made_another_is_refused(workspace: Workspace, root: Path) -> None:
    project(root)
    with journal_of(root).open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(CallFailed, match="Another patch is being made"):
            carry_out(workspace, changes_of(workspace))
        with pytest.raises(CallFailed, match="Another patch is being made"):
            recover(workspace)
    assert recover(workspace)
    assert state(root) == OLD


def test_what_somebody_wrote_after_the_kill_stays(workspace: Workspace, root: Path) -> None:
    kept = root / f"{TEMPORARY_PREFIX}kept.tmp"
    kept.write_bytes(b"old")
    (root / "a").write_bytes(b"theirs")
    journal_of(root, old=kept.name, old_inode=1, new=f"{TEMPORARY_PREFIX}x", new_inode=2)
    assert recover(workspace)
    assert (root / "a").read_bytes() == b"theirs"
    assert kept.read_bytes() == b"old"
    # A folder on the way that is gone, or a file now, is nobody's harm.
    journal_of(root, made=["a"], name="b", new=f"{TEMPORARY_PREFIX}x")
    assert recover(workspace)
    journal_of(root, made=["none"], name="b", new=f"{TEMPORARY_PREFIX}x")
    assert recover(workspace)


@pytest.mark.parametrize(
    "step",
    [
        {"name": "../x"},
        {"name": ".."},
        {"name": ""},
        {"name": ".git"},
        {"made": [".m31a"]},
        {"made": ["a/b"]},
        {"new": "a"},
        {"old": "a"},
        {"old": f"{TEMPORARY_PREFIX}/../../x"},
        {"old_inode": "x"},
    ],
)
def test_a_journal_that_is_not_ours_does_nothing(
    workspace: Workspace, root: Path, step: dict[str, object]
) -> None:
    file = journal_of(root, **step)
    (root / "a").write_bytes(b"a")
    before = state(root)
    with pytest.raises(CallFailed, match="remove it"):
        recover(workspace)
    assert state(root) == before
    file.unlink()
    assert not recover(workspace)


def test_leftovers_are_found_in_every_folder_but_gits(workspace: Workspace, root: Path) -> None:
    for folder in (".", "a/b", ".git"):
        (root / folder).mkdir(parents=True, exist_ok=True)
        (root / folder / f"{TEMPORARY_PREFIX}1.tmp").touch()
        (root / folder / "mine").touch()
    assert remove_leftovers(workspace) == 2
    assert set(state(root)) == {"mine", "a/b/mine", ".git/mine", f".git/{TEMPORARY_PREFIX}1.tmp"}
