"""What a hostile project, file or model tried, and what became of it."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import anyio
import msgspec
import pytest

from m31a_tools import (
    Action,
    Allow,
    Bash,
    Call,
    CallFailed,
    Deny,
    Grep,
    Mode,
    Policy,
    Rule,
    Toolbox,
    ToolResult,
    Workspace,
    child_environment,
    decide,
    default_toolbox,
    dispatch,
    further_tools,
    recover,
    shell_argv,
)
from m31a_tools.ignore import IgnoreRules
from m31a_tools.recovery import JOURNAL
from m31a_tools.testing import RecordingAsker

ONE_LOOP = pytest.mark.parametrize("anyio_backend", ["asyncio"], indirect=True)


async def call(workspace: Workspace, name: str, arguments: object) -> ToolResult:
    text = arguments if isinstance(arguments, str) else json.dumps(arguments)
    with anyio.fail_after(30):
        return await dispatch(
            Call(id="1", name=name, arguments=text),
            toolbox=Toolbox((*default_toolbox(workspace).tools, *further_tools())),
            policy=Policy(mode=Mode.ALLOW_ALL),
            asker=RecordingAsker(),
            workspace=workspace,
        )


ODD: dict[str, Callable[[Path], object]] = {
    "a FIFO, which waits for ever for a writer": os.mkfifo,
    "a folder": Path.mkdir,
    "a link": lambda path: path.symlink_to("/etc/passwd"),
}


@pytest.mark.parametrize("make", ODD.values(), ids=ODD)
def test_what_stands_where_a_journal_would_is_refused_at_once(
    workspace: Workspace, root: Path, make: Callable[[Path], object]
) -> None:
    make(root / JOURNAL)

    with pytest.raises(CallFailed, match="is no journal of a patch"):
        recover(workspace)


@pytest.mark.anyio
@ONE_LOOP
@pytest.mark.parametrize("opening", ["[", '{"a":', '{"command":['])
async def test_arguments_nested_without_end_are_told_as_wrong(
    workspace: Workspace, opening: str
) -> None:
    result = await call(workspace, "Bash", opening * 100_000)

    assert result.is_error
    assert result.for_model.startswith("The arguments of Bash are wrong: not valid JSON")


@pytest.mark.anyio
@ONE_LOOP
async def test_an_endless_name_is_not_sent_back(workspace: Workspace) -> None:
    no_tool = await call(workspace, "x" * 1_000_000, {})
    no_argument = await call(workspace, "Bash", {"command": "true", "y" * 1_000_000: 1})
    no_command = await call(workspace, "Bash", {"command": f"true {'z' * 200_000}"})

    assert [len(each.for_model) < 1000 for each in (no_tool, no_argument, no_command)] == [True] * 3
    assert "too long to be run" in no_command.for_model


@pytest.mark.anyio
@ONE_LOOP
async def test_nothing_that_is_shown_moves_a_cursor(workspace: Workspace, root: Path) -> None:
    name = "a\x1b[2Jb\u202e.py"
    (root / name).write_text("needle\x1b]0;title\x07\x1b[31m\n")
    calls = (
        ("Glob", {"pattern": "*"}),
        ("Grep", {"pattern": "needle"}),
        ("FileList", {"path": "."}),
        ("FileRead", {"path": name}),
        ("Edit", {"path": name, "old_string": "needle", "new_string": "x\x1b[2J"}),
    )

    for tool, arguments in calls:
        result = await call(workspace, tool, arguments)
        # Backslashes that are written out stand in a name for what it holds.
        shown = msgspec.json.encode(result.display).decode().replace("\\\\", "")
        assert not result.is_error
        assert "\\u001b" not in shown
        assert "\u202e" not in shown


def planted(folder: Path, program: str) -> Path:
    path = folder / program
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize("shown", [False, True])
def test_no_program_of_the_project_searches_or_is_the_shell(
    root: Path, tmp_path: Path, shown: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = tmp_path / "shown" if shown else root
    for program in ("rg", "bash", "sh"):
        planted(project / "bin", program)
    good = planted(tmp_path / "system", "rg")
    (tmp_path / "linked").symlink_to(project / "bin")
    folders = (project / "bin", tmp_path / "linked", "bin", "", good.parent)
    path = os.pathsep.join(map(str, folders))
    monkeypatch.chdir(project)
    monkeypatch.setenv("PATH", path)
    workspace = Workspace(
        root=root,
        shown_as=project if shown else None,
        environment=child_environment(os.environ) | {"PATH": path},
    )

    grep = default_toolbox(workspace).get("Grep")

    assert isinstance(grep, Grep)
    assert grep.ripgrep == str(good)
    assert shell_argv("true", outside=workspace.roots)[0] == "/bin/sh"


def test_a_rule_for_git_does_not_cover_a_folder_that_could_be_a_repository() -> None:
    rules = tuple(
        Rule(action=Action.ALLOW, tool="Bash", command=each) for each in ("git status", "git log *")
    )
    policy = Policy(mode=Mode.RULES, rules=rules)
    bash = Bash()

    def allowed(command: str, cwd: str = ".") -> bool:
        return isinstance(decide(policy, bash, bash.args_type(command=command, cwd=cwd)), Allow)

    assert allowed("git status")
    assert allowed("git log -3 && git status")
    for command, cwd in (
        ("cd evil && git status", "."),
        ("git status", "evil"),
        ("git log -3", "evil"),
        ("(cd evil; git log -3)", "."),
        ("git -C evil status", "."),
    ):
        assert not allowed(command, cwd)
    there = Rule(action=Action.ALLOW, tool="Bash", command="git status", folder="sub")
    named = Policy(mode=Mode.RULES, rules=(there,))
    assert isinstance(decide(named, bash, bash.args_type(command="git status", cwd="sub")), Allow)
    assert isinstance(decide(named, bash, bash.args_type(command="git status")), Deny)


@pytest.mark.anyio
@ONE_LOOP
async def test_settings_of_a_planted_repository_run_nothing(root: Path, tmp_path: Path) -> None:
    evil, canary = root / "evil", tmp_path / "ran"
    git = ["git", "-C", str(evil)]
    subprocess.run(["git", "init", "-q", str(evil)], check=True)
    subprocess.run([*git, "config", "core.fsmonitor", f"touch {canary};false"], check=True)
    rule = Rule(action=Action.ALLOW, tool="Bash", command="git status")
    workspace = Workspace(root=root)

    with anyio.fail_after(30):
        result = await dispatch(
            Call(id="1", name="Bash", arguments='{"command": "git status", "cwd": "evil"}'),
            toolbox=default_toolbox(workspace),
            policy=Policy(mode=Mode.RULES, rules=(rule,)),
            asker=RecordingAsker(),
            workspace=workspace,
        )

    assert result.is_error
    assert not canary.exists()
    subprocess.run([*git, "status"], check=True, capture_output=True)
    assert canary.exists(), "the trap works, or this test shows nothing"


def test_a_gitignore_made_to_be_slow_is_read_as_far_as_it_goes() -> None:
    endless = IgnoreRules.parse("a.txt\n" + "\0" * (1 << 20) + "\nb.txt\n")
    many = IgnoreRules.parse("first\n" + "".join(f"*a*b*{n}\n" for n in range(30_000)))

    assert endless.suspects("", ["a.txt", "b.txt", "c.txt"]) == ["a.txt", "b.txt"]
    assert len(many.rules) == 2000
    assert many.verdict("", "first", is_folder=False)


@pytest.mark.parametrize("name", [".g\u200cit", "\u200d.git", ".GIT\ufeff", ".m31\u206fa"])
def test_names_that_some_file_systems_take_for_git_are_protected(
    workspace: Workspace, name: str
) -> None:
    assert workspace.is_protected(name)
    assert not workspace.is_protected("gît")
