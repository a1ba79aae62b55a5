"""BashOutput: what a command in the background printed."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import msgspec

from m31a_tools.command_report import fresh_output, state, with_notes
from m31a_tools.errors import CallFailed
from m31a_tools.tool import Access, Plain, Risk, ToolResult
from m31a_tools.workspace import Workspace


class BashOutputArgs(msgspec.Struct, frozen=True, kw_only=True):
    """Which command to look at."""

    id: Annotated[str, msgspec.Meta(description="none: list all")] = ""
    wait_s: Annotated[float, msgspec.Meta(ge=0, le=600, description="for its end")] = 0


@dataclass(frozen=True, slots=True)
class BashOutput:
    """Shows what is new since the last look; does not disturb the command."""

    output_chars: int = 50_000

    name: ClassVar[str] = "BashOutput"
    description: ClassVar[str] = "New output and state of a background command."
    risk: ClassVar[Risk] = Risk.SAFE
    read_only: ClassVar[bool] = True
    args_type: ClassVar[type[BashOutputArgs]] = BashOutputArgs

    def access(self, args: BashOutputArgs) -> Access:
        """Nothing that the command itself does not touch."""
        return Access(summary=f"look at background command {args.id or 'list'}")

    def claims(self, args: BashOutputArgs) -> frozenset[str]:  # noqa: ARG002 - the protocol's
        """Reads exclude nobody."""
        return frozenset({"read"})

    async def run(self, args: BashOutputArgs, workspace: Workspace) -> ToolResult:
        """What it printed since it was last looked at, after waiting for its end if asked to."""
        background = workspace.background
        if background is None:
            raise CallFailed("There are no commands in the background here.")
        if not args.id:
            listed = [f"{state(each)}: {each.command.text.strip()}" for each in background.known]
            text = "\n".join(listed) or "[nothing is or was in the background]"
            return ToolResult(for_model=text, display=Plain(text=text))
        running = background.get(args.id)
        await running.wait(args.wait_s)
        running.told = running.ended.is_set()
        text, notes = fresh_output(running, workspace)
        told = with_notes(text, [*([] if text else ["nothing new"]), *notes, state(running)])
        exit_code = None if running.result is None else running.result.exit_code
        return ToolResult(for_model=told, display=Plain(text=told), exit_code=exit_code)
