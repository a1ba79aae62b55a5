"""Bash: one command in a shell of its own."""

import os
import posixpath
import shlex
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, ClassVar

import anyio
import msgspec

from m31a_tools.background import Background, Command, RunningCommand
from m31a_tools.command_report import ending, fresh_output, news, printed, with_notes
from m31a_tools.errors import CallFailed
from m31a_tools.path_names import PathNames
from m31a_tools.process import OnOutput, ProcessResult
from m31a_tools.program_search import find_program
from m31a_tools.sandbox.launch import Launch
from m31a_tools.sanitise import sanitise
from m31a_tools.shell.judge import read_command
from m31a_tools.tool import Access, CommandOutput, Plain, Risk, ToolResult
from m31a_tools.workspace import Workspace

LONGEST_S = 1800.0
"""No command runs longer, in the background or not."""
_LONGEST_BYTES = 128 * 1024 - 1
"""Of one argument, as Linux has it."""
_COMMITS = (
    "git commit is not run here: the changes are committed for you once they are verified. "
    "Leave them in the work tree."
)
_WAY_OUT = "with unconfined, the user is asked to run it outside"


class BashArgs(msgspec.Struct, frozen=True, kw_only=True):
    """What to run."""

    command: str
    timeout_s: Annotated[float, msgspec.Meta(gt=0, le=1800)] | None = None
    cwd: Annotated[str, msgspec.Meta(description="folder to start in")] = "."
    background: Annotated[bool, msgspec.Meta(description="do not wait for its end")] = False


class LeavingBashArgs(BashArgs, frozen=True, kw_only=True):
    """What to run, and where."""

    unconfined: Annotated[
        bool, msgspec.Meta(description="outside the sandbox, if the user agrees")
    ] = False


@dataclass(frozen=True, slots=True)
class Bash:
    """Runs a command without a terminal, within a time limit, leaving no process behind."""

    output_chars: int = 50_000
    timeout_s: float = 120.0
    """For calls that name none, in the foreground."""
    auto_background_s: float = 120.0
    """What still runs after so long goes on in the background, where the workspace has one."""
    grace_s: float = 5.0
    settle_s: float = 0.5
    """A command for the background that fails sooner is told as failed, not as running."""
    may_commit: bool = False
    """Without it `git commit` is refused: who runs the tools commits what they changed."""
    may_leave_sandbox: bool = False
    """Calls may ask to run outside the sandbox; without it they cannot even ask."""

    name: ClassVar[str] = "Bash"
    risk: ClassVar[Risk] = Risk.DANGEROUS
    read_only: ClassVar[bool] = False

    @property
    def args_type(self) -> type[BashArgs]:
        """With `unconfined` where that can be asked for."""
        return LeavingBashArgs if self.may_leave_sandbox else BashArgs

    @property
    def description(self) -> str:
        """With the time limit this one has."""
        return (
            "Run a shell command in the work folder; no terminal, no input. Processes it leaves "
            f"behind are stopped. timeout_s: {self.timeout_s:g} unless given, at most 1800."
        )

    def access(self, args: BashArgs) -> Access:
        """The command, and what of it is known to destroy."""
        folder = posixpath.normpath(args.cwd or ".")
        reading = read_command(args.command, folder)
        refusal = ""
        if not self.may_commit and reading.commits:
            refusal = _COMMITS
        elif "\0" in args.command:
            refusal = "The command has a NUL character, which no command can."
        elif len(args.command.encode("utf-8", "replace")) >= _LONGEST_BYTES:
            refusal = "The command is too long to be run; write it into a file, and run that."
        return Access(
            command=args.command,
            folder=folder,
            destroys=reading.destroys,
            leaves_sandbox=self.may_leave_sandbox and _wants_out(args),
            refusal=refusal,
            summary=f"run {args.command.strip().splitlines()[0] if args.command.strip() else ''}",
            detail=args.command
            if args.cwd == "."
            else f"cd {shlex.quote(args.cwd)}\n{args.command}",
        )

    def claims(self, args: BashArgs) -> frozenset[str]:  # noqa: ARG002 - the protocol's
        """A command may touch anything."""
        return frozenset({"workspace"})

    async def run(self, args: BashArgs, workspace: Workspace) -> ToolResult:
        """Run it, confined if the workspace says so, and give back what it printed."""
        if not args.command.strip():
            raise CallFailed("The command is empty.")
        background = self._place(args, workspace)
        command = self._command(args, workspace, in_background=background is not None)
        report = _reporter(workspace)
        if background is None:
            return self._ended(await command.run(report), command, workspace)
        running = background.start(command, report)
        try:
            await running.wait(self.settle_s if args.background else self.auto_background_s)
            if not running.ended.is_set():
                background.adopt(running)
                return _goes_on(running, workspace)
        finally:
            if not running.id:
                await _over(running)
        if running.failure is not None:
            raise running.failure
        if running.result is None:
            raise CallFailed("The command was stopped, for the task it belongs to is over.")
        return self._ended(running.result, command, workspace)

    def _place(self, args: BashArgs, workspace: Workspace) -> Background | None:
        """Where the command may go on when nobody waits; None when it will not come to that."""
        background = workspace.background
        if not args.background:
            limit_s = self.timeout_s if args.timeout_s is None else args.timeout_s
            moves = limit_s >= self.auto_background_s
            return background if moves and background and not background.is_full else None
        if background is None:
            raise CallFailed(
                "Commands cannot go on in the background here. Run it without background, "
                "with a timeout_s."
            )
        if background.is_full:
            ids = ", ".join(each.id for each in background.running)
            raise CallFailed(f"Too many commands are in the background ({ids}); stop one first.")
        return background

    def _command(self, args: BashArgs, workspace: Workspace, *, in_background: bool) -> Command:
        usual_s = LONGEST_S if in_background else self.timeout_s
        return Command(
            text=args.command,
            launch=_launch(args, workspace),
            timeout_s=usual_s if args.timeout_s is None else args.timeout_s,
            grace_s=self.grace_s,
            output_chars=self.output_chars,
            spill=workspace.output_file(),
        )

    def _ended(self, result: ProcessResult, command: Command, workspace: Workspace) -> ToolResult:
        text = printed(result.output, workspace)
        notes = ending(result, command.timeout_s)
        if result.exit_code != 0 and workspace.confined is not None:
            names = PathNames(root=workspace.root, shown_as=workspace.shown_as)
            if told := names.shown(workspace.confined.explain(text)):
                notes.append(f"{told}; {_WAY_OUT}" if self.may_leave_sandbox else told)
        return ToolResult(
            for_model=with_notes(text, notes + news(workspace)),
            display=CommandOutput(command=command.text, text=text, exit_code=result.exit_code),
            is_error=result.exit_code != 0 or result.timed_out,
            exit_code=result.exit_code,
            timed_out=result.timed_out,
        )


def _wants_out(args: BashArgs) -> bool:
    return isinstance(args, LeavingBashArgs) and args.unconfined


def _launch(args: BashArgs, workspace: Workspace) -> Callable[[], AbstractContextManager[Launch]]:
    """Confined as the workspace says; without a sandbox, with the rights of this process."""
    folder, confined = workspace.folder(args.cwd), workspace.confined
    names = PathNames(root=workspace.root, shown_as=workspace.shown_as)
    if confined is not None and confined.seen_at(workspace.root) == workspace.shown_as:
        # The command sees the folder where the model does.
        names = PathNames(root=workspace.root, shown_as=None)
    argv = shell_argv(names.real(args.command), outside=workspace.roots)
    if confined is None:
        free = Launch(argv=tuple(argv), cwd=folder, env=workspace.variables(), watcher=False)
        return lambda: nullcontext(free)
    launch = partial(confined.launch, argv, cwd=folder, env=workspace.variables())
    return partial(workspace.stand_ins.kept, launch)


def shell_argv(command: str, *, outside: Sequence[Path] = ()) -> list[str]:
    """How to run a command line: bash where there is one, else sh; no start-up files are read.

    A shell that lies in a folder of `outside` is not used.
    """
    path = os.environ.get("PATH", os.defpath)
    bash = find_program("bash", path, outside=outside)
    if bash is not None:
        return [bash, "--noprofile", "--norc", "-c", command]
    return [find_program("sh", path, outside=outside) or "/bin/sh", "-c", command]


def _reporter(workspace: Workspace) -> OnOutput | None:
    """Passes output on as it comes, as the workspace's listener should see it."""
    hear = workspace.on_output
    if hear is None:
        return None
    names = PathNames(root=workspace.root, shown_as=workspace.shown_as)

    async def report(text: str) -> None:
        await hear(names.shown(sanitise(text)))

    return report


def _goes_on(running: RunningCommand, workspace: Workspace) -> ToolResult:
    text, notes = fresh_output(running, workspace)
    limit_s = running.command.timeout_s
    notes.append(
        f"it goes on in the background as {running.id}, for {limit_s:g} s from its start at most; "
        f"BashOutput shows what it prints, BashStop ends it"
    )
    told = with_notes(text, notes + news(workspace))
    return ToolResult(for_model=told, display=Plain(text=told))


async def _over(running: RunningCommand) -> None:
    """Return when nothing is left of a command that nobody waits for."""
    running.cancel()
    with anyio.CancelScope(shield=True):
        await running.ended.wait()
