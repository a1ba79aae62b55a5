"""Edit: quoted text replaced by other text, every other byte left alone."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import anyio.to_thread
import msgspec

from m31a_tools.tool import Access, Risk, ToolResult
from m31a_tools.workspace import Workspace


class OneEdit(msgspec.Struct, frozen=True, kw_only=True):
    """One replacement."""

    old_string: str
    new_string: str
    replace_all: bool = False


class EditArgs(msgspec.Struct, frozen=True, kw_only=True):
    """What to replace."""

    path: str
    old_string: Annotated[str, msgspec.Meta(description="exact text, found once")]
    new_string: str
    replace_all: bool = False
    edits: Annotated[
        tuple[OneEdit, ...], msgspec.Meta(description="more edits of this file, all or none")
    ] = ()

    def changes(self) -> tuple[OneEdit, ...]:
        """All replacements, in order."""
        first = OneEdit(
            old_string=self.old_string, new_string=self.new_string, replace_all=self.replace_all
        )
        return (first, *self.edits)


@dataclass(frozen=True, slots=True)
class Edit:
    """Applies all edits of a call or none; says so when a quotation was not exact."""

    output_chars: int = 10_000

    name: ClassVar[str] = "Edit"
    description: ClassVar[str] = (
        "Replace text in a file. Quote old_string as it stands, without line numbers, "
        "with enough lines to be unique."
    )
    risk: ClassVar[Risk] = Risk.MEDIUM
    read_only: ClassVar[bool] = False
    args_type: ClassVar[type[EditArgs]] = EditArgs

    def access(self, args: EditArgs) -> Access:
        """The one file."""
        changes = args.changes()
        detail = "\n".join(f"- {change.old_string}\n+ {change.new_string}" for change in changes)
        count = "" if len(changes) == 1 else f" ({len(changes)} edits)"
        return Access(writes=(args.path,), summary=f"edit {args.path}{count}", detail=detail)

    def claims(self, args: EditArgs) -> frozenset[str]:
        """The one file."""
        return frozenset({f"write:{args.path}"})

    async def run(self, args: EditArgs, workspace: Workspace) -> ToolResult:
        """Make the changes and show them."""
        # What finds the place and shows the difference is loaded with the first edit.
        from m31a_tools.editing import edit

        changes = [
            (change.old_string, change.new_string, change.replace_all) for change in args.changes()
        ]
        return await anyio.to_thread.run_sync(edit, args.path, changes, workspace)
