"""Bash: one command in a shell of its own."""

import shutil
from dataclasses import dataclass
from typing import Annotated, ClassVar

import msgspec

from m31a_tools.errors import CallFailed
from m31a_tools.path_names import PathNames
from m31a_tools.process import ProcessResult, run_process
from m31a_tools.sanitise import sanitise
from m31a_tools.shell_words import commits, destroys
from m31a_tools.tool import Access, CommandOutput, Risk, ToolResult
from m31a_tools.workspace import Workspace

_COMMITS = (
    "git commit is not run here: the changes are committed for you once they are verified. "
    "Leave them in the work tree."
)


class BashArgs(msgspec.Struct, frozen=True, kw_only=True):
    """What to run."""

    command: str
    timeout_s: Annotated[float, msgspec.Meta(gt=0, le=1800)] | None = None
    cwd: Annotated[str, msgspec.Meta(description="folder to start in")] = "."


@dataclass(frozen=True, slots=True)
class Bash:
    """Runs a command without a terminal, within a time limit, leaving no process behind."""

    output_chars: int = 50_000
    timeout_s: float = 120.0
    """For calls that name none."""
    grace_s: float = 5.0
    may_commit: bool = False
    """Without it `git commit` is refused: who runs the tools commits what they changed."""

    name: ClassVar[str] = "Bash"
    risk: ClassVar[Risk] = Risk.DANGEROUS
    read_only: ClassVar[bool] = False
    args_type: ClassVar[type[BashArgs]] = BashArgs

    @property
    def description(self) -> str:
        """With the time limit this one has."""
        return (
            "Run a shell command in the work folder; no terminal, no input. Processes it leaves "
            f"behind are stopped. timeout_s: {self.timeout_s:g} unless given, at most 1800."
        )

    def access(self, args: BashArgs) -> Access:
        """The command, and what of it is known to destroy."""
        refusal = ""
        if not self.may_commit and commits(args.command):
            refusal = _COMMITS
        elif "\0" in args.command:
            refusal = "The command has a NUL character, which no command can."
        return Access(
            command=args.command,
            destroys=destroys(args.command),
            refusal=refusal,
            summary=f"run {args.command.strip().splitlines()[0] if args.command.strip() else ''}",
            detail=args.command if args.cwd == "." else f"cd {args.cwd}\n{args.command}",
        )

    def claims(self, args: BashArgs) -> frozenset[str]:  # noqa: ARG002 - the protocol's
        """A command may touch anything."""
        return frozenset({"workspace"})

    async def run(self, args: BashArgs, workspace: Workspace) -> ToolResult:
        """Run it and give back what it printed."""
        if not args.command.strip():
            raise CallFailed("The command is empty.")
        names = PathNames(root=workspace.root, shown_as=workspace.shown_as)
        folder = workspace.folder(args.cwd)
        timeout_s = self.timeout_s if args.timeout_s is None else args.timeout_s

        async def report(text: str) -> None:
            if workspace.on_output is not None:
                await workspace.on_output(names.shown(sanitise(text)))

        spill = workspace.output_file()
        result = await run_process(
            shell_argv(names.real(args.command)),
            cwd=folder,
            env=workspace.variables(),
            timeout_s=timeout_s,
            grace_s=self.grace_s,
            output_chars=self.output_chars,
            spill=spill,
            on_output=None if workspace.on_output is None else report,
        )
        text = names.shown(sanitise(_without_progress(result.output)))
        return ToolResult(
            for_model=_for_model(text, result, timeout_s),
            display=CommandOutput(command=args.command, text=text, exit_code=result.exit_code),
            is_error=result.exit_code != 0 or result.timed_out,
            exit_code=result.exit_code,
            timed_out=result.timed_out,
        )


def shell_argv(command: str) -> list[str]:
    """How to run a command line: bash where there is one, else sh; no start-up files are read."""
    bash = shutil.which("bash")
    if bash is not None:
        return [bash, "--noprofile", "--norc", "-c", command]
    return [shutil.which("sh") or "/bin/sh", "-c", command]


def _for_model(text: str, result: ProcessResult, timeout_s: float) -> str:
    notes: list[str] = []
    if result.timed_out:
        notes.append(f"[stopped after {timeout_s:g} s, its time limit]")
    elif result.exit_code != 0:
        notes.append(f"[exit code {result.exit_code}]")
    if result.stopped and not result.timed_out:
        notes.append(f"[background processes it left were stopped: {result.stopped}]")
    body = text.rstrip("\n")
    return "\n".join([*([body] if body else []), *notes]) or "[no output]"


def _without_progress(text: str) -> str:
    """What a terminal would still show of lines that were written over and over."""
    if "\r" not in text:
        return text
    lines = text.replace("\r\n", "\n").split("\n")
    return "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in lines)
