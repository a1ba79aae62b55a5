"""FileDelete, FileMove, FileList, TodoWrite, AskUser: the tools that are not offered by default."""

import errno
import json
import os
import stat
import sys
from pathlib import Path
from typing import Any

import pytest

from m31a_tools import (
    AskUser,
    Call,
    CallFailed,
    ExtraNotInstalled,
    FileChanged,
    FileDelete,
    FileList,
    FileMove,
    Listing,
    Mode,
    PathRefused,
    Policy,
    Question,
    Risk,
    Todo,
    TodoStatus,
    TodoWrite,
    Tool,
    Toolbox,
    ToolResult,
    Workspace,
    default_toolbox,
    dispatch,
    further_tools,
)
from m31a_tools.delete_file import FileDeleteArgs
from m31a_tools.list_files import FileListArgs
from m31a_tools.move_file import FileMoveArgs
from m31a_tools.testing import RecordingAsker

pytestmark = pytest.mark.anyio


async def delete(workspace: Workspace, path: str) -> str:
    return (await FileDelete().run(FileDeleteArgs(path=path), workspace)).for_model


async def move(workspace: Workspace, source: str, destination: str) -> str:
    args = FileMoveArgs(source=source, destination=destination)
    return (await FileMove().run(args, workspace)).for_model


async def dispatched(
    tool: Tool[Any], workspace: Workspace, name: str, mode: Mode = Mode.ALLOW_ALL, **args: object
) -> ToolResult:
    return await dispatch(
        Call(id="1", name=name, arguments=json.dumps(args)),
        toolbox=Toolbox((tool,)),
        policy=Policy(mode=mode),
        asker=RecordingAsker(),
        workspace=workspace,
    )


# Deleting


async def test_a_file_a_link_and_an_empty_folder_are_deleted(
    workspace: Workspace, root: Path
) -> None:
    (root / "a").write_text("x")
    (root / "link").symlink_to("a")
    (root / "dangling").symlink_to("none")
    (root / "away").symlink_to("/etc/hostname")
    (root / "sub").mkdir()
    (root / "sub" / "b").write_bytes(b"\0")
    os.mkfifo(root / "pipe")
    assert await delete(workspace, "link") == "Deleted link."
    assert (root / "a").exists()
    for path in ("dangling", "away", "sub/b", "sub/", "pipe", "a"):
        assert await delete(workspace, path) == f"Deleted {path.rstrip('/')}."
    assert not list(root.iterdir())
    assert Path("/etc/hostname").exists()


@pytest.mark.parametrize(
    ("path", "error", "message"),
    [
        ("none", FileNotFoundError, "No such file"),
        ("none/deeper", FileNotFoundError, "No such file"),
        ("full", CallFailed, "directory not empty. Delete what is in it first"),
        (".", PathRefused, "by its own name"),
        ("full/..", PathRefused, "by its own name"),
        ("..", PathRefused, "outside"),
        ("/etc/hostname", PathRefused, "outside"),
        ("out/hostname", PathRefused, "outside"),
        (".git", PathRefused, "not written by tools"),
        (".git/HEAD", PathRefused, "not written by tools"),
        ("GIT~1/../.GIT/HEAD", FileNotFoundError, "No such file"),
        ("seen", FileChanged, "changed since it was read"),
        ("secret", PathRefused, "a permission rule denies it"),
    ],
)
async def test_what_is_not_deleted(
    workspace: Workspace, root: Path, path: str, error: type[Exception], message: str
) -> None:
    for name in ("full/x", ".git/HEAD", "seen", "secret"):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text("1")
    (root / "out").symlink_to("/etc")
    workspace.remember(workspace.read("seen", limit_bytes=9))
    (root / "seen").write_text("theirs")
    hiding = workspace.for_call("1", hidden=("secret",))
    with pytest.raises(PathRefused if path.startswith("GIT~1") else error) as refused:
        await delete(hiding, path)
    if not path.startswith("GIT~1"):
        assert message in str(refused.value)
    assert {p.name for p in root.iterdir()} == {"full", ".git", "seen", "secret", "out"}


async def test_deleting_is_destructive_and_waits_for_leave(
    workspace: Workspace, root: Path
) -> None:
    (root / "a").write_text("x")
    result = await dispatched(FileDelete(), workspace, "rm", Mode.SANDBOXED, file="a")
    assert result.decision is not None
    assert result.decision.request is not None
    assert result.decision.request.risk is Risk.DESTRUCTIVE
    assert result.decision.request.destroys == ("delete a",)
    assert (root / "a").exists()
    assert not (await dispatched(FileDelete(), workspace, "delete_file", file_path="a")).is_error
    assert not (root / "a").exists()


# Moving


async def test_files_links_and_folders_are_moved(workspace: Workspace, root: Path) -> None:
    (root / "a").write_text("x")
    (root / "a").chmod(0o750)
    (root / "link").symlink_to("a")
    (root / "folder").mkdir()
    (root / "folder" / "b").write_text("y")
    assert await move(workspace, "a", "new/deep/c") == "Moved a to new/deep/c."
    assert await move(workspace, "link", "new/link") == "Moved link to new/link."
    assert await move(workspace, "folder", "new/folder") == "Moved folder to new/folder."
    assert stat.S_IMODE((root / "new/deep/c").stat().st_mode) == 0o750
    assert (root / "new/link").is_symlink()
    assert (root / "new/folder/b").read_text() == "y"
    assert [p.name for p in root.iterdir()] == ["new"]


async def test_what_was_read_is_known_under_the_new_name(workspace: Workspace, root: Path) -> None:
    (root / "d").mkdir()
    (root / "d" / "a").write_text("x")
    workspace.remember(workspace.read("d/a", limit_bytes=9))
    await move(workspace, "d", "e")
    await move(workspace, "e/a", "f")
    assert set(workspace.seen) == {"f"}
    (root / "f").write_text("theirs")
    with pytest.raises(FileChanged):
        await delete(workspace, "f")


@pytest.mark.parametrize(
    ("source", "destination", "error", "message"),
    [
        ("none", "b", FileNotFoundError, "No such file"),
        ("none/x", "b", FileNotFoundError, "No such file"),
        ("a", "there", CallFailed, "there is there already"),
        ("a", "folder", CallFailed, "folder is there already"),
        ("a", "dangling", CallFailed, "dangling is there already"),
        ("a", "a", CallFailed, "a is there already"),
        ("folder", "folder/in/itself", CallFailed, "into itself"),
        (".", "b", PathRefused, "by their own names"),
        ("a", ".", PathRefused, "by their own names"),
        ("a", "../b", PathRefused, "outside"),
        ("a", "/tmp/b", PathRefused, "outside"),
        ("a", "out/b", PathRefused, "outside"),
        ("../a", "b", PathRefused, "outside"),
        ("a", ".git/hooks/x", PathRefused, "not written by tools"),
        (".git", "b", PathRefused, "not written by tools"),
        ("a", "there/b", NotADirectoryError, "Not a directory"),
    ],
)
async def test_what_is_not_moved(
    workspace: Workspace,
    root: Path,
    source: str,
    destination: str,
    error: type[Exception],
    message: str,
) -> None:
    for name in ("a", "there"):
        (root / name).write_text(name)
    for name in ("folder", ".git"):
        (root / name).mkdir()
    (root / "dangling").symlink_to("none")
    (root / "out").symlink_to("/etc")
    with pytest.raises(error, match=message):
        await move(workspace, source, destination)
    assert (root / "a").read_text() == "a"
    assert (root / "there").read_text() == "there"
    assert sorted(p.name for p in root.iterdir()) == [
        *(".git", "a", "dangling", "folder", "out", "there"),
    ]


async def test_a_move_never_replaces_a_file_that_came_into_being_meanwhile(
    workspace: Workspace, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (root / "a").write_text("ours")
    real = os.link

    def late(*args: Any, **kwargs: Any) -> None:
        (root / "b").write_text("theirs")
        real(*args, **kwargs)

    monkeypatch.setattr(os, "link", late)
    with pytest.raises(CallFailed, match="b is there already"):
        await move(workspace, "a", "b")
    assert (root / "a").read_text() == "ours"
    assert (root / "b").read_text() == "theirs"


async def test_without_hard_links_a_file_is_renamed(
    workspace: Workspace, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise OSError(errno.EOPNOTSUPP, "Operation not supported")

    (root / "a").write_text("x")
    monkeypatch.setattr(os, "link", refused)
    await move(workspace, "a", "b")
    assert [p.name for p in root.iterdir()] == ["b"]


async def test_moving_is_understood_in_other_words(workspace: Workspace, root: Path) -> None:
    (root / "a").write_text("x")
    result = await dispatched(FileMove(), workspace, "rename_file", old_path="a", new_path="b")
    assert result.for_model == "Moved a to b."
    result = await dispatched(FileMove(), workspace, "mv", src="b", to="c")
    assert result.for_model == "Moved b to c."
    args = FileMoveArgs(source="a", destination="b")
    assert FileMove().claims(args) == {"write:a", "write:b"}


# Listing


async def test_a_folder_is_listed_with_sizes_and_kinds(workspace: Workspace, root: Path) -> None:
    (root / "b.txt").write_text("12345")
    (root / "a").mkdir()
    (root / "link").symlink_to("b.txt")
    (root / "secret").write_text("x")
    os.mkfifo(root / "pipe")
    hiding = workspace.for_call("1", hidden=("secret",))
    result = await FileList().run(FileListArgs(), hiding)
    assert result.for_model == ("a/\nb.txt (5 bytes)\nlink -> b.txt\npipe (device, pipe or socket)")
    assert result.display == Listing(paths=("a", "b.txt", "link", "pipe"))
    assert (await FileList().run(FileListArgs(path="a"), workspace)).for_model == (
        "[the folder is empty]"
    )
    shorter = await FileList(max_results=1).run(FileListArgs(), workspace)
    assert shorter.for_model == "a/\n[... 4 more; find them with Glob]"
    assert (await dispatched(FileList(), workspace, "ls", dir=".")).for_model.startswith("a/\n")
    assert FileList().claims(FileListArgs()) == {"read"}
    with pytest.raises(CallFailed, match="no folder; read it with FileRead"):
        await FileList().run(FileListArgs(path="b.txt"), workspace)
    with pytest.raises(PathRefused):
        await FileList().run(FileListArgs(path=".."), workspace)


# Steps


async def test_steps_go_to_their_keeper_and_back_to_the_model(workspace: Workspace) -> None:
    kept: list[tuple[Todo, ...]] = []

    async def keep(todos: tuple[Todo, ...]) -> None:
        kept.append(todos)

    steps = [
        {"content": "look", "status": "completed"},
        {"content": "build", "status": "in_progress"},
        {"content": "test"},
        {"content": "rest", "status": "cancelled"},
    ]
    result = await dispatched(TodoWrite(keep), workspace, "todo_write", Mode.ASK, items=steps)
    assert result.for_model == "[x] look\n[>] build\n[ ] test\n[-] rest"
    assert kept == [
        (
            Todo(content="look", status=TodoStatus.COMPLETED),
            Todo(content="build", status=TodoStatus.IN_PROGRESS),
            Todo(content="test"),
            Todo(content="rest", status=TodoStatus.CANCELLED),
        )
    ]
    assert (await dispatched(TodoWrite(keep), workspace, "todos", todos=[])).for_model == (
        "[no steps]"
    )
    assert kept[-1] == ()


@pytest.mark.parametrize(
    ("todos", "problem"),
    [
        ([{"content": "x", "status": "later"}], "Invalid enum value 'later'"),
        ([{"content": ""}], "length >= 1"),
        ([{"content": "x"}] * 51, "length <= 50"),
        ("all", "Expected `array`"),
    ],
)
async def test_steps_that_make_no_sense_are_not_kept(
    workspace: Workspace, todos: object, problem: str
) -> None:
    async def keep(_: tuple[Todo, ...]) -> None:
        raise AssertionError

    result = await dispatched(TodoWrite(keep), workspace, "TodoWrite", todos=todos)
    assert result.is_error
    assert problem in result.for_model


# Questions


async def test_a_question_is_put_with_its_suggestions_and_the_answer_comes_back(
    workspace: Workspace,
) -> None:
    asked: list[Question] = []

    async def answer(question: Question) -> str | None:
        asked.append(question)
        return "sqlite"

    result = await dispatched(
        AskUser(answer),
        workspace,
        "ask_user_question",
        Mode.DENY_ALL,
        question="Which database?",
        options=["postgres", "sqlite"],
    )
    assert result.for_model == "The user answers: sqlite"
    assert not result.is_error
    assert asked == [Question(text="Which database?", suggestions=("postgres", "sqlite"))]


async def test_where_nobody_answers_the_model_is_told_to_decide(workspace: Workspace) -> None:
    async def nobody(_: Question) -> str | None:
        return None

    async def blank(_: Question) -> str | None:
        return " \n"

    for tool in (AskUser(), AskUser(nobody), AskUser(blank)):
        result = await dispatched(tool, workspace, "ask", question="Which?")
        assert result.for_model.startswith("Nobody can answer now. Decide")
        assert not result.is_error
    too_many = await dispatched(AskUser(), workspace, "ask", question="?", options=["x"] * 9)
    assert too_many.is_error


# Together


async def keep(_: tuple[Todo, ...]) -> None:
    """For a tool that is not run."""


def test_further_tools_stand_behind_the_default_ones(workspace: Workspace) -> None:
    six = default_toolbox(workspace)
    pytest.importorskip("httpx", reason="the extra `web` of m31a-tools is not installed")
    every = Toolbox((*six.tools, *further_tools(on_todos=keep, web=True)))
    assert every.names[6:] == (
        *("ApplyPatch", "FileList", "FileMove", "FileDelete", "AskUser", "TodoWrite", "WebFetch"),
    )
    assert every.only(six.names) == six
    assert "TodoWrite" not in [tool.name for tool in further_tools()]
    for said, meant in (
        *(("apply_patch", "ApplyPatch"), ("rm", "FileDelete"), ("mv", "FileMove")),
        *(("list_dir", "FileList"), ("ask_followup_question", "AskUser"), ("todo", "TodoWrite")),
        *(("update_plan", "TodoWrite"), ("fetch", "WebFetch"), ("patch", "ApplyPatch")),
    ):
        found = every.get(said)
        assert found is not None
        assert found.name == meant


def test_no_name_means_two_tools(workspace: Workspace) -> None:
    tools = (*default_toolbox(workspace, background=True).tools, *further_tools(on_todos=keep))
    for tool in tools:
        for other in tools:
            if tool is not other:
                assert Toolbox((other,)).get(tool.name) is None


def test_webfetch_without_its_libraries_names_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "httpx", None)
    monkeypatch.delitem(sys.modules, "m31a_tools.web_fetch", raising=False)
    with pytest.raises(ExtraNotInstalled, match=r"pip install 'm31a-tools\[web\]'"):
        further_tools(web=True)
