"""Edit: quoted text replaced by other text, every other byte left alone."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import anyio.to_thread
import msgspec

from m31a_tools.diff import file_diff
from m31a_tools.errors import CallFailed, FileChanged
from m31a_tools.matching import Applied, Replacement, apply
from m31a_tools.read_file import MAX_FILE_BYTES
from m31a_tools.text_file import detect, encoded
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

    def changes(self) -> tuple[Replacement, ...]:
        """All replacements, in order."""
        first = Replacement(self.old_string, self.new_string, self.replace_all)
        more = (Replacement(e.old_string, e.new_string, e.replace_all) for e in self.edits)
        return (first, *more)


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
        detail = "\n".join(f"- {change.old}\n+ {change.new}" for change in changes)
        count = "" if len(changes) == 1 else f" ({len(changes)} edits)"
        return Access(writes=(args.path,), summary=f"edit {args.path}{count}", detail=detail)

    def claims(self, args: EditArgs) -> frozenset[str]:
        """The one file."""
        return frozenset({f"write:{args.path}"})

    async def run(self, args: EditArgs, workspace: Workspace) -> ToolResult:
        """Make the changes and show them."""
        return await anyio.to_thread.run_sync(_edit, args, workspace)


def _edit(args: EditArgs, workspace: Workspace) -> ToolResult:
    file = workspace.read(args.path, limit_bytes=MAX_FILE_BYTES)
    if workspace.is_stale(file):
        raise FileChanged(args.path)
    encoding = detect(file.data)
    if encoding is None:
        raise CallFailed(f"{args.path} is no text file; Edit cannot change it.")
    before = encoding.decode(file.data)
    after, steps = _apply_all(before, args.changes())
    real = workspace.write(args.path, encoded(after, encoding, args.path), expect=file)
    change = file_diff(real, before, after)
    places = sum(len(step.lines) for step in steps)
    text = (
        f"Edited {real}: {places} place{'s' if places > 1 else ''}, "
        f"+{change.added} -{change.removed}."
    )
    inexact = sorted({step.inexact for step in steps if step.inexact})
    if inexact:
        text += (
            f" The quotation was not exact ({', '.join(inexact)}) but unique; "
            f"check the result:\n{change.diff}"
        )
    return ToolResult(for_model=text, display=change)


def _apply_all(text: str, changes: tuple[Replacement, ...]) -> tuple[str, list[Applied]]:
    steps: list[Applied] = []
    for number, change in enumerate(changes, 1):
        try:
            steps.append(apply(text, change))
        except CallFailed as exc:
            if len(changes) == 1:
                raise
            raise CallFailed(
                f"Edit {number} of {len(changes)} failed, none was made. {exc}"
            ) from exc
        text = steps[-1].text
    return text, steps
