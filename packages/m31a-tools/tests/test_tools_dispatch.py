"""A call from the model's words to a result, through the real tools."""

import json
import logging
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import anyio
import msgspec
import pytest

from m31a_tools import (
    Access,
    Action,
    Asker,
    Bash,
    Call,
    Choice,
    CommandOutput,
    Grant,
    Mode,
    Outcome,
    PermissionRequest,
    Plain,
    Policy,
    Risk,
    Rule,
    Toolbox,
    ToolResult,
    Workspace,
    default_toolbox,
    dispatch,
    shell_argv,
)
from m31a_tools.bash import BashArgs
from m31a_tools.testing import RecordingAsker

pytestmark = pytest.mark.anyio

ALL = Policy(mode=Mode.ALLOW_ALL)


async def call(
    workspace: Workspace,
    name: str,
    arguments: object,
    *,
    policy: Policy = ALL,
    asker: Asker | None = None,
    toolbox: Toolbox | None = None,
    before_destructive: Callable[[PermissionRequest], Awaitable[str]] | None = None,
    on_output: Callable[[str], Awaitable[None]] | None = None,
) -> ToolResult:
    text = arguments if isinstance(arguments, str) else json.dumps(arguments)
    with anyio.fail_after(20):
        return await dispatch(
            Call(id="call/1", name=name, arguments=text),
            toolbox=toolbox or default_toolbox(workspace),
            policy=policy,
            asker=asker or RecordingAsker(),
            workspace=workspace,
            before_destructive=before_destructive,
            on_output=on_output,
        )


async def test_a_command_runs_and_its_result_says_how_it_ended(workspace: Workspace) -> None:
    result = await call(workspace, "Bash", {"command": "echo out; echo err >&2; exit 3"})
    assert result.for_model == "out\nerr\n[exit code 3]"
    assert result.display == CommandOutput(
        command="echo out; echo err >&2; exit 3", text="out\nerr\n", exit_code=3
    )
    assert (result.is_error, result.exit_code, result.timed_out) == (True, 3, False)
    assert result.decision is not None
    assert result.decision.outcome is Outcome.ALLOWED
    quiet = await call(workspace, "Bash", {"command": "true"})
    assert (quiet.for_model, quiet.is_error) == ("[no output]", False)


async def test_a_command_over_its_time_is_stopped(workspace: Workspace) -> None:
    result = await call(workspace, "Bash", {"command": "echo begun; sleep 60", "timeout_s": 0.2})
    assert result.for_model == "begun\n[stopped after 0.2 s, its time limit]"
    assert result.timed_out


async def test_what_a_command_leaves_running_is_stopped_and_told(workspace: Workspace) -> None:
    result = await call(workspace, "Bash", {"command": "sleep 60 & echo started"})
    assert result.for_model == "started\n[background processes it left were stopped: 1]"
    assert not result.is_error


async def test_output_for_model_and_screen_has_no_control_sequences(workspace: Workspace) -> None:
    command = r"printf '\033[31mred\033[0m 10%%\r 50%%\r100%%\ndos\r\n\033]0;title\007'"
    result = await call(workspace, "Bash", {"command": command})
    assert result.for_model == "100%\ndos"


async def test_output_is_passed_on_as_it_comes(workspace: Workspace) -> None:
    heard: list[str] = []

    async def hear(text: str) -> None:
        heard.append(text)

    await call(workspace, "Bash", {"command": r"printf '\033[1mone\n'; echo two"}, on_output=hear)
    assert "".join(heard) == "one\ntwo\n"


async def test_a_command_starts_in_a_folder_of_the_workspace(
    workspace: Workspace, root: Path
) -> None:
    (root / "sub").mkdir()
    result = await call(workspace, "Bash", {"command": "pwd", "cwd": "sub"})
    assert result.for_model == str(root / "sub")
    for cwd in ("..", "/", "none"):
        assert (await call(workspace, "Bash", {"command": "pwd", "cwd": cwd})).is_error


async def test_the_model_sees_its_own_path_and_commands_run_in_the_real_folder(
    root: Path,
) -> None:
    workspace = Workspace(root=root, shown_as=Path("/home/me/proj"))
    (root / "a").write_text("here")
    command = "pwd; cat /home/me/proj/a; echo -I/home/me/proj/x /home/me/proj-2 /home/me/proj."
    heard: list[str] = []

    async def hear(text: str) -> None:
        heard.append(text)

    result = await call(workspace, "Bash", {"command": command}, on_output=hear)
    assert result.for_model == (
        "/home/me/proj\nhere-I/home/me/proj/x /home/me/proj-2 /home/me/proj."
    )
    assert str(root) not in "".join(heard)
    touched = await call(workspace, "Bash", {"command": "echo new > /home/me/proj/b"})
    assert not touched.is_error
    assert (root / "b").read_text() == "new\n"


async def test_a_path_that_a_shell_would_take_apart_is_not_put_into_commands(
    tmp_path: Path,
) -> None:
    root = tmp_path / "with blank"
    root.mkdir()
    workspace = Workspace(root=root, shown_as=Path("/home/me/proj"))
    result = await call(workspace, "Bash", {"command": "ls /home/me/proj"})
    assert result.for_model == "Use paths relative to the work folder in commands."
    assert (await call(workspace, "Bash", {"command": "pwd"})).for_model == "/home/me/proj"


async def test_temp_folder_and_environment_are_the_workspace_s(root: Path, tmp_path: Path) -> None:
    temp = tmp_path / "temp"
    temp.mkdir()
    variables = {"PATH": "/usr/bin:/bin", "GREETING": "hello"}
    workspace = Workspace(root=root, environment=variables, temp=temp)
    result = await call(workspace, "Bash", {"command": "echo $GREETING; mktemp"})
    assert result.for_model.startswith(f"hello\n{temp}/")


async def test_git_commit_is_refused_in_words_and_never_run(
    workspace: Workspace, root: Path
) -> None:
    result = await call(workspace, "Bash", {"command": "touch x; git commit -m y"})
    assert "the changes are committed for you" in result.for_model
    assert result.is_error
    assert not (root / "x").exists()
    assert Bash(may_commit=True).access(BashArgs(command="git commit")).refusal == ""


@pytest.mark.parametrize("command", ["", "  \n", "echo a\0b"])
async def test_a_command_that_is_none_is_said_to_be(workspace: Workspace, command: str) -> None:
    result = await call(workspace, "Bash", {"command": command})
    assert result.is_error
    assert "empty" in result.for_model or "NUL" in result.for_model


def test_without_bash_the_shell_is_sh(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert shell_argv("x")[1:] == ["--noprofile", "--norc", "-c", "x"]
    monkeypatch.setenv("PATH", str(tmp_path))
    assert shell_argv("x") == ["/bin/sh", "-c", "x"]


async def test_an_unknown_tool_is_answered_with_those_there_are(workspace: Workspace) -> None:
    result = await call(workspace, "Teleport", {})
    assert result.for_model == (
        "There is no tool 'Teleport'. There are: Bash, FileRead, FileWrite, Edit, Glob, Grep."
    )
    assert result.is_error


async def test_bad_arguments_are_answered_with_what_would_be_right(workspace: Workspace) -> None:
    result = await call(workspace, "FileRead", {"offset": 2})
    assert result.for_model == (
        "The arguments of FileRead are wrong: Object missing required field `path`. "
        "It takes path (string, required), offset (integer), limit (integer)."
    )


async def test_paths_outside_are_refused_before_anybody_is_asked(workspace: Workspace) -> None:
    asker = RecordingAsker(Choice(grant=Grant.ONCE))
    for name, arguments in (
        ("FileRead", {"path": "/etc/passwd"}),
        ("FileWrite", {"path": "../x", "content": ""}),
        ("FileWrite", {"path": ".git/hooks/pre-commit", "content": ""}),
        ("Edit", {"path": "a/../../x", "old_string": "a", "new_string": "b"}),
        ("Glob", {"pattern": "/etc/*"}),
        ("Grep", {"pattern": "x", "path": ".."}),
    ):
        result = await call(workspace, name, arguments, policy=Policy(mode=Mode.ASK), asker=asker)
        assert "is refused" in result.for_model
    assert asker.requests == []


@pytest.mark.parametrize(
    ("choice", "outcome", "words"),
    [
        (Choice(grant=Grant.ONCE), Outcome.ALLOWED, "Created a"),
        (Choice(grant=Grant.ALWAYS), Outcome.ALLOWED, "Created a"),
        (Choice(grant=Grant.DENY), Outcome.DENIED, "the user refused it"),
        (Choice(grant=Grant.DENY, feedback="use b"), Outcome.DENIED, "refused it (use b)"),
        (Choice(grant=Grant.DEFER), Outcome.DEFERRED, "waits for a person's approval"),
    ],
)
async def test_a_person_s_answer_decides_and_is_told(
    workspace: Workspace, root: Path, choice: Choice, outcome: Outcome, words: str
) -> None:
    asker = RecordingAsker(choice)
    arguments = {"path": "a", "content": "x"}
    result = await call(
        workspace, "FileWrite", arguments, policy=Policy(mode=Mode.ASK), asker=asker
    )
    assert [request.paths for request in asker.requests] == [("a",)]
    assert words in result.for_model
    assert (root / "a").exists() == (outcome is Outcome.ALLOWED)
    assert result.is_error == (outcome is not Outcome.ALLOWED)
    decision = result.decision
    assert decision is not None
    assert (decision.outcome, decision.asked) == (outcome, True)
    assert decision.remember == (choice.grant is Grant.ALWAYS)
    assert decision.request == asker.requests[0]


@pytest.mark.parametrize(
    ("mode", "outcome"),
    [
        (Mode.DEFER, Outcome.DEFERRED),
        (Mode.SANDBOXED, Outcome.DEFERRED),
        (Mode.RULES, Outcome.DENIED),
        (Mode.DENY_ALL, Outcome.DENIED),
    ],
)
async def test_modes_without_a_person_ask_nobody_and_run_nothing(
    workspace: Workspace, root: Path, mode: Mode, outcome: Outcome
) -> None:
    asker = RecordingAsker(Choice(grant=Grant.ONCE))
    arguments = {"command": "touch x"}
    result = await call(workspace, "Bash", arguments, policy=Policy(mode=mode), asker=asker)
    assert result.decision is not None
    assert result.decision.outcome is outcome
    assert (result.decision.request is not None) == (outcome is Outcome.DEFERRED)
    assert asker.requests == []
    assert not (root / "x").exists()


async def test_what_the_asker_raises_ends_the_call(workspace: Workspace) -> None:
    class Leave(Exception):
        pass

    class Leaver:
        async def ask(self, request: PermissionRequest) -> Choice:
            raise Leave

    with pytest.raises(Leave):
        await call(
            workspace, "Bash", {"command": "x"}, policy=Policy(mode=Mode.ASK), asker=Leaver()
        )


async def test_a_link_does_not_lead_round_a_rule(workspace: Workspace, root: Path) -> None:
    (root / ".env").write_text("needle=1")
    (root / "link").symlink_to(".env")
    (root / "other").write_text("needle=2")
    rules = (Rule(action=Action.DENY, tool="*", path=".env", reason="secrets stay"),)
    policy = Policy(mode=Mode.ALLOW_ALL, rules=rules)
    for path in (".env", "link", f"{root}/.env"):
        result = await call(workspace, "FileRead", {"path": path}, policy=policy)
        assert result.for_model == "FileRead was not run: secrets stay."
    result = await call(workspace, "Grep", {"pattern": "needle"}, policy=policy)
    assert result.for_model == "other\n1:needle=2"
    result = await call(workspace, "Glob", {"pattern": "*"}, policy=policy)
    assert set(result.for_model.split("\n")) == {"other", "link"}
    result = await call(workspace, "FileRead", {"path": "."}, policy=policy)
    assert ".env" not in result.for_model


async def test_a_search_does_not_find_what_nobody_was_asked_for(
    workspace: Workspace, root: Path
) -> None:
    (root / "notes").mkdir()
    (root / "notes" / "a").write_text("needle")
    rules = (Rule(action=Action.ASK, tool="*", path="notes/"),)
    policy = Policy(mode=Mode.ASK, rules=rules)
    asker = RecordingAsker(Choice(grant=Grant.ONCE))
    result = await call(workspace, "Grep", {"pattern": "needle"}, policy=policy, asker=asker)
    assert result.for_model == "[nothing matches 'needle' in .]"
    assert asker.requests == []
    arguments = {"pattern": "needle", "path": "notes/a"}
    result = await call(workspace, "Grep", arguments, policy=policy, asker=asker)
    assert result.for_model == "notes/a\n1:needle"
    assert len(asker.requests) == 1


async def test_any_bytes_in_names_and_contents_make_a_result_that_can_be_stored(
    workspace: Workspace, root: Path
) -> None:
    (root / os.fsdecode(b"bad\xff.py")).write_bytes("ä".encode() * 20 + b"\xff\n")
    (root / "link").symlink_to(os.fsdecode(b"bad\xff.py"))
    for name, arguments in (
        ("Glob", {"pattern": "*.py"}),
        ("Grep", {"pattern": "ä"}),
        ("FileRead", {"path": "link"}),
        ("Edit", {"path": "link", "old_string": "ä" * 20, "new_string": "x"}),
    ):
        asker = RecordingAsker(Choice(grant=Grant.ONCE))
        policy = Policy(mode=Mode.ASK)
        result = await call(workspace, name, arguments, policy=policy, asker=asker)
        assert not result.is_error
        assert "\ufffd" in result.for_model
        assert msgspec.json.decode(msgspec.json.encode(result), type=ToolResult) == result
        assert msgspec.json.encode(asker.requests)


async def test_what_could_be_destroyed_is_saved_first(workspace: Workspace, root: Path) -> None:
    (root / "dir").mkdir()
    saved: list[PermissionRequest] = []

    async def save(request: PermissionRequest) -> str:
        assert (root / "dir").exists()
        saved.append(request)
        return "1"

    await call(workspace, "Bash", {"command": "ls"}, before_destructive=save)
    assert saved == []
    await call(workspace, "Bash", {"command": "rm -r dir"}, before_destructive=save)
    assert [(request.destroys, request.command) for request in saved] == [(("rm -r",), "rm -r dir")]
    assert not (root / "dir").exists()


async def test_what_cannot_be_saved_is_not_destroyed(
    workspace: Workspace, root: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (root / "dir").mkdir()

    async def fail(request: PermissionRequest) -> str:
        raise OSError(28, "No space left on device")

    with caplog.at_level(logging.ERROR):
        result = await call(workspace, "Bash", {"command": "rm -r dir"}, before_destructive=fail)
    assert "could not be saved first (No space left on device.)" in result.for_model
    assert (root / "dir").exists()


class OddArgs(msgspec.Struct, frozen=True, kw_only=True):
    what: str


@dataclass(frozen=True, slots=True)
class Odd:
    """A tool that does what the test says."""

    act: Callable[[str], str]

    name: ClassVar[str] = "Odd"
    description: ClassVar[str] = ""
    risk: ClassVar[Risk] = Risk.SAFE
    read_only: ClassVar[bool] = True
    output_chars: ClassVar[int] = 1000
    args_type: ClassVar[type[OddArgs]] = OddArgs

    def access(self, args: OddArgs) -> Access:
        return Access(summary=args.what)

    def claims(self, args: OddArgs) -> frozenset[str]:
        return frozenset()

    async def run(self, args: OddArgs, workspace: Workspace) -> ToolResult:
        text = self.act(args.what)
        return ToolResult(for_model=text, display=Plain(text=text))


async def test_a_tool_that_crashes_is_a_result_and_logged(
    workspace: Workspace, caplog: pytest.LogCaptureFixture
) -> None:
    def crash(what: str) -> str:
        raise ZeroDivisionError(what)

    with caplog.at_level(logging.ERROR):
        result = await call(workspace, "Odd", {"what": "boom"}, toolbox=Toolbox((Odd(crash),)))
    assert result.for_model == "Odd failed by an error of its own (ZeroDivisionError: boom)."
    assert result.is_error
    assert "ZeroDivisionError" in caplog.text


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (FileNotFoundError(2, "x", "a"), "There is no file or folder 'a'."),
        (PermissionError(13, "Permission denied", "a"), "'a': Permission denied."),
        (OSError(28, "No space left on device"), "No space left on device."),
        (OSError("strange"), "strange"),
        (OSError(), "OSError"),
    ],
)
async def test_errors_of_the_system_are_told_in_words(
    workspace: Workspace, error: OSError, words: str
) -> None:
    def fail(what: str) -> str:
        raise error

    result = await call(workspace, "Odd", {"what": ""}, toolbox=Toolbox((Odd(fail),)))
    assert result.for_model == words


async def test_results_too_long_are_cut_and_kept_on_disk(root: Path, tmp_path: Path) -> None:
    outputs = tmp_path / "outputs"
    workspace = Workspace(root=root, outputs=outputs)
    box = Toolbox((Odd(lambda what: what * 3000),))
    result = await call(workspace, "Odd", {"what": "ab"}, toolbox=box)
    (kept,) = outputs.iterdir()
    assert kept.read_text() == "ab" * 3000
    assert kept.name.startswith("call_1-")
    assert kept.stat().st_mode & 0o777 == 0o600
    assert f"[... 5,000 characters cut; all of it: {kept} ...]" in result.for_model
    again = await call(workspace, "FileRead", {"path": str(kept)})
    assert again.for_model.startswith("1\tabab")

    result = await call(workspace, "Bash", {"command": "seq 100000"})
    assert result.for_model.startswith("1\n2\n")
    assert len(result.for_model) < 51_000
    assert len(list(outputs.iterdir())) == 2


async def test_without_a_folder_for_outputs_the_cut_is_told_alone(
    workspace: Workspace, root: Path
) -> None:
    box = Toolbox((Odd(lambda what: what * 3000),))
    result = await call(workspace, "Odd", {"what": "ab"}, toolbox=box)
    assert "\n[... 5,000 characters cut ...]\n" in result.for_model
    blocked = Workspace(root=root, outputs=root / "file" / "below")
    (root / "file").touch()
    result = await call(blocked, "Odd", {"what": "ab"}, toolbox=box)
    assert "\n[... 5,000 characters cut ...]\n" in result.for_model


async def test_cancelling_a_call_ends_its_command(workspace: Workspace, root: Path) -> None:
    async with anyio.create_task_group() as tasks:
        started = anyio.Event()

        async def hear(text: str) -> None:
            started.set()

        async def run() -> None:
            await call(
                workspace, "Bash", {"command": "echo up; sleep 60; touch late"}, on_output=hear
            )

        tasks.start_soon(run)
        with anyio.fail_after(10):
            await started.wait()
        tasks.cancel_scope.cancel()
    assert not (root / "late").exists()
