"""FileWrite: a whole file at once."""

from dataclasses import dataclass
from typing import ClassVar

import anyio.to_thread
import msgspec

from m31a_tools.diff import file_diff
from m31a_tools.errors import CallFailed, FileChanged
from m31a_tools.matching import refuse_omission
from m31a_tools.read_file import MAX_FILE_BYTES
from m31a_tools.text_file import UTF_8, detect
from m31a_tools.tool import Access, Plain, Risk, ToolResult
from m31a_tools.workspace import FileBytes, Workspace


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
        return await anyio.to_thread.run_sync(_write, args, workspace)


def _write(args: FileWriteArgs, workspace: Workspace) -> ToolResult:
    before = _present(args.path, workspace)
    encoding = None if before is None else detect(before.data)
    old = "" if before is None or encoding is None else encoding.decode(before.data)
    if before is not None and workspace.is_stale(before):
        raise FileChanged(args.path)
    refuse_omission(args.content, old)
    # A byte-order mark and an encoding other than UTF-8 stay, where they can hold the text.
    keep = encoding if encoding is not None and encoding.errors == "strict" else UTF_8
    content = _with_line_ends_of(old, args.content)
    try:
        data = keep.encode(content)
    except UnicodeEncodeError:
        keep = UTF_8
        try:
            data = keep.encode(content)
        except UnicodeEncodeError as exc:
            raise CallFailed(
                f"The content has half of a character ({exc.object[exc.start]!a} at {exc.start}), "
                "which no file can hold."
            ) from exc
    if before is not None and before.data == data:
        text = f"{args.path} has this content already; nothing was written."
        return ToolResult(for_model=text, display=Plain(text=text))
    real = workspace.write(args.path, data, expect=before)
    lines = args.content.count("\n") + (not args.content.endswith("\n") and args.content != "")
    change = file_diff(real, old, content)
    if before is None:
        text = f"Created {real} ({lines} lines)."
    else:
        text = f"Replaced {real} (now {lines} lines, +{change.added} -{change.removed})."
    if keep is not UTF_8 and (keep.bom or keep.name != "utf-8"):
        text += f" Encoding kept: {keep}."
    if before is not None and before.status.st_nlink > 1:
        text += " It was a hard link; its other names keep the old content."
    return ToolResult(for_model=text, display=change)


def _with_line_ends_of(old: str, new: str) -> str:
    """`new` with the line ends of `old`, where all of them are `\\r\\n`."""
    uniform = "\r\n" in old and old.count("\n") == old.count("\r\n")
    return new.replace("\n", "\r\n") if uniform and "\r" not in new else new


def _present(path: str, workspace: Workspace) -> FileBytes | None:
    try:
        return workspace.read(path, limit_bytes=MAX_FILE_BYTES)
    except FileNotFoundError:
        return None
