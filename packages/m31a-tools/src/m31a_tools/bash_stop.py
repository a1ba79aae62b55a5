"""BashStop: the end of a command in the background."""

from dataclasses import dataclass
from typing import ClassVar

import msgspec

from m31a_tools.command_report import fresh_output, state, with_notes
from m31a_tools.errors import CallFailed
from m31a_tools.tool import Access, Plain, Risk, ToolResult
from m31a_tools.workspace import Workspace


class BashStopArgs(msgspec.Struct, frozen=True, kw_only=True):
    """Which command to stop."""

    id: str


@dataclass(frozen=True, slots=True)
class BashStop:
    """Interrupts a command and all it started; what does not end by itself is killed."""

    output_chars: int = 50_000

    name: ClassVar[str] = "BashStop"
    description: ClassVar[str] = "Stop a background command."
    risk: ClassVar[Risk] = Risk.SAFE
    read_only: ClassVar[bool] = False
    args_type: ClassVar[type[BashStopArgs]] = BashStopArgs

    def access(self, args: BashStopArgs) -> Access:
        """Nothing: what it ends was started with leave."""
        return Access(summary=f"stop background command {args.id}")

    def claims(self, args: BashStopArgs) -> frozenset[str]:
        """The one command."""
        return frozenset({f"background:{args.id}"})

    async def run(self, args: BashStopArgs, workspace: Workspace) -> ToolResult:
        """Stop it and show what it printed last."""
        if workspace.background is None:
            raise CallFailed("There are no commands in the background here.")
        running = workspace.background.get(args.id)
        await running.stop()
        running.told = True
        text, notes = fresh_output(running, workspace)
        told = with_notes(text, [*notes, state(running)])
        return ToolResult(for_model=told, display=Plain(text=told))
