"""FileWrite: a whole file at once."""

from dataclasses import dataclass
from typing import ClassVar

import anyio.to_thread
import msgspec

from m31a_tools.tool import Access, Risk, ToolResult
from m31a_tools.workspace import Workspace


class FileWriteArgs(msgspec.Struct, frozen=True, kw_only=True):
    """What to write."""

    path: str
    content: str


@dataclass(frozen=True, slots=True)
class FileWrite:
    """Replaces the file as a whole or not at all; refuses when it changed since it was read."""

    output_chars: int = 10_000

    name: ClassVar[str] = "FileWrite"
    description: ClassVar[str] = "Create or replace a whole file; missing folders are made."
    risk: ClassVar[Risk] = Risk.MEDIUM
    read_only: ClassVar[bool] = False
    args_type: ClassVar[type[FileWriteArgs]] = FileWriteArgs

    def access(self, args: FileWriteArgs) -> Access:
        """The one file."""
        return Access(
            writes=(args.path,),
            summary=f"write {args.path} ({args.content.count(chr(10)) + 1} lines)",
            detail=args.content,
        )

    def claims(self, args: FileWriteArgs) -> frozenset[str]:
        """The one file."""
        return frozenset({f"write:{args.path}"})

    async def run(self, args: FileWriteArgs, workspace: Workspace) -> ToolResult:
        """Write it and show what changed."""
        # What shows the difference is loaded with the first file that is written.
        from m31a_tools.writing import write

        return await anyio.to_thread.run_sync(write, args.path, args.content, workspace)
