"""Where paths lead, and that nothing leads out."""

import os
import socket
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from m31a_tools import FileChanged, Inside, Outside, PathRefused, Workspace, resolve_inside


@pytest.fixture
def tricky(root: Path) -> Path:
    """A project with links of every kind, next to a secret."""
    outside = root.parent / "outside"
    outside.mkdir()
    (outside / "secret").write_text("secret")
    (root.parent / "project-evil").mkdir()
    (root.parent / "project-evil" / "secret").write_text("secret")
    (root / "src" / "deep").mkdir(parents=True)
    (root / "src" / "a.py").write_text("a")
    (root / ".git" / "hooks").mkdir(parents=True)
    (root / ".git" / "config").write_text("[core]")
    (root / "sub" / ".git").mkdir(parents=True)
    links = {
        "link_file": "src/a.py",
        "link_dir": "src",
        "link_up": "..",
        "link_up_in": "src/../src",
        "link_out": "../outside",
        "link_out_file": "../outside/secret",
        "link_abs_in": str(root / "src"),
        "link_abs_out": str(outside),
        "link_etc": "/etc",
        "link_root": "/",
        "link_loop": "link_loop",
        "link_ping": "link_pong",
        "link_pong": "link_ping",
        "link_dangling": "src/new.py",
        "link_dangling_out": "../outside/new",
        "link_git": ".git",
        "link_hook": ".git/hooks/pre-commit",
        "link_proc": "/proc/self/cwd",
        "link_self": ".",
        "link_evil": str(root.parent / "project-evil"),
        "src/up": "../..",
        "src/up_in": "..",
        "src/deep/far": "../../../outside/secret",
        "link_chain": "link_chain2",
        "link_chain2": "link_out",
        "link_chain_in": "link_dir",
    }
    for name, target in links.items():
        (root / name).symlink_to(target)
    os.mkfifo(root / "fifo")
    return root


INSIDE = {
    ".": ".",
    "./": ".",
    "src": "src",
    "src/": "src",
    "src/a.py": "src/a.py",
    "./src/a.py": "src/a.py",
    "src//a.py": "src/a.py",
    "src/./a.py": "src/a.py",
    "src/deep/../a.py": "src/a.py",
    "src/../src/a.py": "src/a.py",
    "src/deep/../../src/a.py": "src/a.py",
    "src/..": ".",
    "new": "new",
    "new/": "new",
    "new/deep/file": "new/deep/file",
    "link_file": "src/a.py",
    "link_dir": "src",
    "link_dir/a.py": "src/a.py",
    "link_dir/new.py": "src/new.py",
    "link_dir/../src/a.py": "src/a.py",
    "link_dir/new/deep": "src/new/deep",
    "link_up_in/a.py": "src/a.py",
    "link_abs_in/a.py": "src/a.py",
    "link_self/src/a.py": "src/a.py",
    "link_self/link_self/src": "src",
    "link_dangling": "src/new.py",
    "link_chain_in/a.py": "src/a.py",
    "src/up_in/src/a.py": "src/a.py",
    "link_git": ".git",
    ".git/config": ".git/config",
    "src/a.py ": "src/a.py ",
    " src": " src",
    "src\\a.py": "src\\a.py",
    "..src": "..src",
    "src..": "src..",
    "...": "...",
    "~file": "~file",
    "a\nb": "a\nb",
    "%2e%2e/secret": "%2e%2e/secret",
    "$HOME": "$HOME",
    "file:///etc/passwd": "file:/etc/passwd",
    "C:\\Windows": "C:\\Windows",
    "ünïcode": "ünïcode",
    "src/\u2024\u2024": "src/\u2024\u2024",
    "fifo": "fifo",
}

OUTSIDE = [
    "",
    "..",
    "../",
    "../outside/secret",
    "../project-evil/secret",
    "../project",
    "../project/src/a.py",
    "src/../..",
    "src/../../outside/secret",
    "src/deep/../../../outside",
    "./..",
    "././../outside",
    "src//..//..//outside",
    "/",
    "//",
    "/etc/passwd",
    "//etc/passwd",
    "/etc",
    "/proc/self/environ",
    "/proc/self/root/etc/passwd",
    "/proc/self/cwd/src/a.py",
    "/dev/null",
    "/dev/stdin",
    "/dev/fd/0",
    "/tmp",
    "~",
    "~/",
    "~/.ssh/id_rsa",
    "link_up",
    "link_up/outside/secret",
    "link_up/project/src/a.py",
    "link_out",
    "link_out/secret",
    "link_out/new",
    "link_out_file",
    "link_abs_out",
    "link_abs_out/secret",
    "link_etc/passwd",
    "link_root/etc/passwd",
    "link_root",
    "link_loop",
    "link_loop/x",
    "link_ping",
    "link_dangling_out",
    "link_proc",
    "link_proc/src",
    "link_evil/secret",
    "link_evil",
    "link_chain",
    "link_chain/secret",
    "src/up/outside/secret",
    "src/up",
    "src/deep/far",
    "link_dir/../../outside",
    "link_self/../outside",
    "link_dir/up/outside/secret",
    "new/../../outside",
    "new/..",
    "new/../src/a.py",
    "src/a.py\0",
    "\0",
    "src\0/../../x",
    "src/a.py/..",
    "src/a.py/../../..",
    "src/a.py/x",
]


@pytest.mark.parametrize(("path", "real"), INSIDE.items())
def test_paths_that_stay_inside_are_told_with_their_real_place(
    tricky: Path, path: str, real: str
) -> None:
    assert resolve_inside(tricky, path) == Inside(real)


@pytest.mark.parametrize("path", OUTSIDE)
def test_paths_that_could_leave_are_outside_and_cannot_be_opened(tricky: Path, path: str) -> None:
    assert isinstance(resolve_inside(tricky, path), Outside)
    with pytest.raises((PathRefused, OSError)):
        os.close(Workspace(root=tricky).open(path))


def test_absolute_paths_below_the_root_are_inside_and_siblings_of_like_name_are_not(
    tricky: Path,
) -> None:
    assert resolve_inside(tricky, str(tricky / "src" / "a.py")) == Inside("src/a.py")
    assert resolve_inside(tricky, f"{tricky}//src/../src") == Inside("src")
    assert isinstance(resolve_inside(tricky, f"{tricky}-evil/secret"), Outside)
    assert isinstance(resolve_inside(tricky, f"{tricky}/../outside"), Outside)


@pytest.mark.parametrize(
    "path",
    [
        ".git/config",
        ".git/hooks/pre-commit",
        ".git",
        ".GIT/config",
        ".Git/hooks/x",
        ".git./config",
        "sub/.git/config",
        "link_git/config",
        "link_git/new",
        "link_hook",
        "src/../.git/x",
        ".m31a/session.json",
        ".M31A/x",
        "new/.git/config",
    ],
)
def test_git_and_own_folders_are_never_written(tricky: Path, path: str) -> None:
    workspace = Workspace(root=tricky)
    before = sorted(str(each) for each in (tricky / ".git").rglob("*"))

    with pytest.raises(PathRefused, match="not written by tools"):
        workspace.write(path, b"x", expect=None)
    with pytest.raises(PathRefused, match="not written by tools"):
        workspace.open(path, os.O_WRONLY | os.O_CREAT)

    assert before == sorted(str(each) for each in (tricky / ".git").rglob("*"))
    assert not (tricky / "new").exists()


def test_git_folder_can_be_read(tricky: Path) -> None:
    assert Workspace(root=tricky).read(".git/config", limit_bytes=99).data == b"[core]"


def test_writing_through_a_link_writes_its_target_and_keeps_the_link(tricky: Path) -> None:
    workspace = Workspace(root=tricky)
    file = workspace.read("link_file", limit_bytes=99)

    assert workspace.write("link_file", b"new", expect=file) == "src/a.py"
    assert workspace.write("link_dangling", b"made", expect=None) == "src/new.py"

    assert (tricky / "link_file").is_symlink()
    assert (tricky / "src" / "a.py").read_text() == "new"
    assert (tricky / "src" / "new.py").read_text() == "made"


def test_writing_makes_missing_folders(workspace: Workspace, root: Path) -> None:
    assert workspace.write("a/b/c.txt", b"x", expect=None) == "a/b/c.txt"
    assert (root / "a" / "b" / "c.txt").read_bytes() == b"x"


def test_a_file_that_appeared_meanwhile_is_not_overwritten(
    workspace: Workspace, root: Path
) -> None:
    (root / "a").write_text("theirs")
    with pytest.raises(FileChanged, match="a changed since it was read"):
        workspace.write("a", b"ours", expect=None)
    assert (root / "a").read_text() == "theirs"


def test_a_file_that_changed_between_reading_and_writing_is_left_alone(
    workspace: Workspace, root: Path
) -> None:
    (root / "a").write_text("before")
    file = workspace.read("a", limit_bytes=99)
    (root / "a").write_text("theirs")
    with pytest.raises(FileChanged):
        workspace.write("a", b"ours", expect=file)
    assert [each.name for each in root.iterdir()] == ["a"]
    assert (root / "a").read_text() == "theirs"


def test_special_files_are_refused_without_waiting(tricky: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tricky / "sock"))
        workspace = Workspace(root=tricky)
        for name in ("fifo", "sock"):
            with pytest.raises(PathRefused, match="device, pipe or socket"):
                workspace.open(name)


def test_a_folder_swapped_for_a_link_is_never_followed_out(root: Path) -> None:
    """Reads race against a thread that exchanges a folder and a link to the outside."""
    outside = root.parent / "outside"
    for folder, word in ((outside, "secret"), (root / "dir", "fine")):
        folder.mkdir()
        (folder / "file").write_text(word)
    (root / "link").symlink_to(outside)
    workspace = Workspace(root=root)
    done = threading.Event()

    def swap() -> None:
        while not done.is_set():
            for a, b in (("dir", "x"), ("link", "dir"), ("dir", "link"), ("x", "dir")):
                (root / a).rename(root / b)

    thread = threading.Thread(target=swap)
    thread.start()
    seen = {b"fine": 0, b"secret": 0}
    refused = 0
    try:
        # Long enough that the race was met on both sides.
        while (seen[b"fine"] < 100 or refused < 100) and not seen[b"secret"]:
            try:
                seen[workspace.read("dir/file", limit_bytes=99).data] += 1
            except PathRefused:
                refused += 1
            except OSError:
                continue
    finally:
        done.set()
        thread.join()
    assert seen[b"secret"] == 0


def test_shown_path_and_root_are_two_names_of_one_folder(tmp_path: Path, root: Path) -> None:
    (root / "a").write_text("here")
    workspace = Workspace(root=root, shown_as=Path("/home/someone/project"))
    assert workspace.locate("/home/someone/project/a") == "a"
    assert workspace.locate("/home/someone/project") == "."
    assert workspace.locate(str(root / "a")) == "a"
    with pytest.raises(PathRefused, match="outside the workspace '/home/someone/project'"):
        workspace.locate("/home/someone/project-2/a")
    (root / "abs").symlink_to("/home/someone/project/a")
    assert workspace.locate("abs") == "a"


def test_readable_folders_are_read_and_not_written(tmp_path: Path, root: Path) -> None:
    extra = tmp_path / "outputs"
    extra.mkdir()
    (extra / "long.txt").write_text("long")
    (extra / "out").symlink_to("/etc/passwd")
    workspace = Workspace(root=root, outputs=extra)
    path = str(extra / "long.txt")
    assert workspace.read(path, limit_bytes=99).data == b"long"
    assert workspace.locate(path) == path
    with pytest.raises(PathRefused, match="read only"):
        workspace.write(path, b"x", expect=None)
    with pytest.raises(PathRefused, match="leads outside"):
        workspace.read(str(extra / "out"), limit_bytes=99)


def test_hidden_paths_are_neither_opened_nor_reached_by_a_link(root: Path) -> None:
    (root / "keys").mkdir()
    (root / "keys" / "a").write_text("secret")
    (root / ".env").write_text("secret")
    (root / "link").symlink_to("keys/a")
    workspace = Workspace(root=root).for_call("1", hidden=(".env", "keys/"))
    for path in (".env", "keys/a", "link", "./keys/../keys/a"):
        with pytest.raises(PathRefused, match="a permission rule denies it"):
            workspace.open(path)


def test_a_root_replaced_by_another_folder_is_noticed(root: Path) -> None:
    workspace = Workspace(root=root)
    root.rename(root.parent / "moved")
    root.mkdir()
    for each in (workspace, workspace.for_call("1")):
        with pytest.raises(PathRefused, match="replaced by another"):
            each.locate("a")


def test_a_root_that_is_no_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError):
        Workspace(root=tmp_path / "file")
    with pytest.raises(FileNotFoundError):
        Workspace(root=tmp_path / "none")


def test_reading_is_bounded_also_when_a_file_lies_about_its_size(
    workspace: Workspace, root: Path
) -> None:
    with (root / "huge").open("wb") as file:
        file.truncate(10 << 30)
    with pytest.raises(PathRefused, match="more than the 100 allowed"):
        workspace.read("huge", limit_bytes=100)
    proc = Workspace(root=Path("/proc/self"))
    with pytest.raises(PathRefused, match="grows beyond 10 bytes"):
        proc.read("maps", limit_bytes=10)


def test_open_truncates_and_appends_like_the_system_call(workspace: Workspace, root: Path) -> None:
    (root / "log").write_text("old")
    fd = workspace.open("log", os.O_WRONLY | os.O_TRUNC)
    os.write(fd, b"new")
    os.close(fd)
    assert (root / "log").read_text() == "new"
    fd = workspace.open("made", os.O_WRONLY | os.O_CREAT, 0o600)
    os.close(fd)
    assert stat.S_IMODE((root / "made").stat().st_mode) == 0o600
    with pytest.raises(FileNotFoundError):
        workspace.open("no/folder", os.O_WRONLY | os.O_CREAT)
    with pytest.raises(FileNotFoundError):
        workspace.stat("no/folder")


def test_no_descriptor_stays_open(tricky: Path) -> None:
    def open_now() -> set[str]:
        return set(_descriptors())

    workspace = Workspace(root=tricky)
    before = open_now()
    for path in [*INSIDE, *OUTSIDE]:
        for write in (False, True):
            try:
                workspace.locate(path, write=write)
            except (PathRefused, OSError):
                continue
    assert open_now() == before


def _descriptors() -> Iterator[str]:
    for each in Path("/proc/self/fd").iterdir():
        try:
            yield str(each.readlink())
        except FileNotFoundError:
            continue


def test_errors_name_the_path_that_was_asked_for_and_never_the_root(
    workspace: Workspace, root: Path
) -> None:
    (root / "src").mkdir()
    for path in ("src/none.py", "none/a/b"):
        with pytest.raises(FileNotFoundError) as missing:
            workspace.read(path, limit_bytes=9)
        assert missing.value.filename == path
    with pytest.raises(IsADirectoryError) as folder:
        workspace.read("src", limit_bytes=9)
    assert folder.value.filename == "src"
