"""Whole files or none."""

import os
import resource
import signal
import stat
import sys
from pathlib import Path

import pytest

from m31a_tools import TEMPORARY_PREFIX, write_atomic
from m31a_tools.atomic import replace_file


def test_new_file_gets_the_usual_mode_and_an_old_one_keeps_its_own(tmp_path: Path) -> None:
    usual = tmp_path / "usual"
    usual.touch()
    write_atomic(tmp_path / "new", b"new")
    assert (tmp_path / "new").stat().st_mode == usual.stat().st_mode

    script = tmp_path / "script"
    script.write_text("old")
    script.chmod(0o741)
    write_atomic(script, b"new")
    assert script.read_bytes() == b"new"
    assert stat.S_IMODE(script.stat().st_mode) == 0o741

    write_atomic(script, b"newer", mode=0o600)
    assert stat.S_IMODE(script.stat().st_mode) == 0o600


def test_link_stays_a_link_and_attributes_stay(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_text("old")
    try:
        os.setxattr(target, "user.note", b"kept")
    except OSError:
        pytest.skip("the file system has no user attributes")
    (tmp_path / "link").symlink_to("target")

    write_atomic(tmp_path / "link", b"new")

    assert (tmp_path / "link").is_symlink()
    assert target.read_bytes() == b"new"
    assert os.getxattr(target, "user.note") == b"kept"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_owner_is_kept(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("old")
    os.chown(file, 1234, 1235)
    write_atomic(file, b"new")
    assert (file.stat().st_uid, file.stat().st_gid) == (1234, 1235)


def test_hard_link_keeps_the_old_content(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("old")
    (tmp_path / "b").hardlink_to(tmp_path / "a")
    write_atomic(tmp_path / "a", b"new")
    assert (tmp_path / "b").read_text() == "old"


def test_a_write_that_fails_changes_nothing_and_leaves_nothing(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("old")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
        with pytest.raises(OSError, match="File too large"):
            write_atomic(file, b"x" * 5000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, ignored)
    assert file.read_text() == "old"
    assert [each.name for each in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("fails", [False, True])
def test_without_unnamed_files_a_named_one_is_used_and_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: bool
) -> None:
    monkeypatch.delattr(os, "O_TMPFILE")
    (tmp_path / "file").write_text("old")
    folder = os.open(tmp_path, os.O_RDONLY)
    try:
        if fails:
            (tmp_path / "folder").mkdir()
            with pytest.raises(IsADirectoryError):
                replace_file(folder, "folder", b"new")
        else:
            replace_file(folder, "file", b"new")
            replace_file(folder, "other", b"new")
            assert (tmp_path / "file").read_bytes() == (tmp_path / "other").read_bytes() == b"new"
    finally:
        os.close(folder)
    assert not list(tmp_path.glob(f"{TEMPORARY_PREFIX}*"))


def test_readers_see_the_old_or_the_new_content_and_never_a_part(tmp_path: Path) -> None:
    """A child rewrites the file until it is killed in the middle; the file is always whole."""
    file = tmp_path / "file"
    contents = (b"a" * 300_000, b"b" * 300_000)
    write_atomic(file, contents[0])
    pid = _writer(file)
    try:
        for _ in range(300):
            assert file.read_bytes() in contents
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    assert file.read_bytes() in contents


def _writer(file: Path) -> int:
    program = (
        "import sys, pathlib; from m31a_tools import write_atomic\n"
        "while True:\n"
        "    for c in (b'a', b'b'): write_atomic(pathlib.Path(sys.argv[1]), c * 300_000)\n"
    )
    return os.posix_spawn(
        sys.executable, [sys.executable, "-c", program, str(file)], dict(os.environ)
    )


@pytest.mark.parametrize("synced", [True, False])
def test_the_disk_is_waited_for_unless_nobody_needs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, synced: bool
) -> None:
    waits: list[int] = []
    monkeypatch.setattr(os, "fsync", waits.append)

    write_atomic(tmp_path / "file", b"whole", synced=synced)

    assert (tmp_path / "file").read_bytes() == b"whole"
    assert len(waits) == (2 if synced else 0)
    assert [file.name for file in tmp_path.iterdir()] == ["file"]
