"""FileRead: a file's lines, numbered."""

import os
import stat
from dataclasses import dataclass
from typing import Annotated, ClassVar

import anyio.to_thread
import msgspec

from m31a_tools.binary_file import describe
from m31a_tools.text_file import Encoding, detect
from m31a_tools.tool import Access, Listing, Plain, Risk, ToolResult
from m31a_tools.workspace import FileBytes, Workspace

MAX_FILE_BYTES = 50 * 1024 * 1024
_LINE_CHARS = 2000
_LISTED_NAMES = 500


class FileReadArgs(msgspec.Struct, frozen=True, kw_only=True):
    """What to read."""

    path: str
    offset: Annotated[int, msgspec.Meta(description="first line; negative: from the end")] = 1
    limit: Annotated[int, msgspec.Meta(description="lines", ge=1)] = 2000


@dataclass(frozen=True, slots=True)
class FileRead:
    """Shows text with line numbers, names the encoding when unusual, describes the rest."""

    output_chars: int = 10_000

    name: ClassVar[str] = "FileRead"
    description: ClassVar[str] = "Read a file as numbered lines (number, tab, text)."
    risk: ClassVar[Risk] = Risk.SAFE
    read_only: ClassVar[bool] = True
    args_type: ClassVar[type[FileReadArgs]] = FileReadArgs

    def access(self, args: FileReadArgs) -> Access:
        """The one file."""
        return Access(reads=(args.path,), summary=f"read {args.path}")

    def claims(self, args: FileReadArgs) -> frozenset[str]:  # noqa: ARG002 - the protocol's
        """Reads exclude nobody."""
        return frozenset({"read"})

    async def run(self, args: FileReadArgs, workspace: Workspace) -> ToolResult:
        """The lines asked for, as many as fit."""
        return await anyio.to_thread.run_sync(self._run, args, workspace)

    def _run(self, args: FileReadArgs, workspace: Workspace) -> ToolResult:
        if stat.S_ISDIR(workspace.stat(args.path).st_mode):
            return _listing(args.path, workspace)
        file = workspace.read(args.path, limit_bytes=MAX_FILE_BYTES)
        workspace.remember(file)
        encoding = detect(file.data)
        if encoding is None:
            text = f"[{describe(file.data)}]"
        elif not file.data:
            text = "[the file is empty]"
        else:
            text = self._numbered(file, encoding, args)
        return ToolResult(for_model=text, display=Plain(text=text))

    def _numbered(self, file: FileBytes, encoding: Encoding, args: FileReadArgs) -> str:
        lines, first, total = _window(file.data, encoding, args.offset, args.limit)
        if not lines:
            return f"[the file has {total} lines; offset {args.offset} is behind its end]"
        out: list[str] = []
        left = self.output_chars - 200
        for number, line in enumerate(lines, first):
            shown = line
            if len(line) > _LINE_CHARS:
                shown = f"{line[:_LINE_CHARS]}[... {len(line) - _LINE_CHARS:,} characters cut]"
            out.append(f"{number}\t{shown}")
            left -= len(out[-1]) + 1
            if left <= 0:
                break
        last = first + len(out) - 1
        notes: list[str] = []
        if last < total:
            notes.append(f"lines {first}-{last} of {total}; go on with offset={last + 1}")
        if encoding.name != "utf-8" or encoding.bom or encoding.errors != "strict":
            notes.append(f"encoding {encoding}")
        if notes:
            out.append(f"[{'; '.join(notes)}]")
        return "\n".join(out)


def _window(data: bytes, encoding: Encoding, offset: int, limit: int) -> tuple[list[str], int, int]:
    """The lines asked for without their ends, the number of the first, and of all lines."""
    wide = encoding.name.startswith(("utf-16", "utf-32"))
    if wide or b"\n" not in data:
        # A text without newlines may be one of the old Macintosh.
        text = encoding.decode(data)
        ends = "\n" if "\n" in text else "\r"
        every = text.split(ends)
        if every[-1] == "":
            every.pop()
        first = _first(offset, len(every))
        window = every[first - 1 : first - 1 + limit]
        return [line.removesuffix("\r") for line in window], first, len(every)
    # Only the window is decoded: the file may have fifty megabytes.
    total = data.count(b"\n") + (not data.endswith(b"\n"))
    first = _first(offset, total)
    if first > total:
        return [], first, total
    start = _after_newlines(data, 0, first - 1)
    end = _after_newlines(data, start, limit)
    raw = data[max(start, len(encoding.bom)) : end].removesuffix(b"\n")
    text = raw.decode(encoding.name, encoding.errors)
    return [line.removesuffix("\r") for line in text.split("\n")], first, total


def _first(offset: int, total: int) -> int:
    return max(1, total + 1 + offset) if offset < 0 else max(1, offset)


def _after_newlines(data: bytes, at: int, count: int) -> int:
    """The position behind `count` newlines from `at`, or the end."""
    for _ in range(count):
        found = data.find(b"\n", at)
        if found < 0:
            return len(data)
        at = found + 1
    return at


def _listing(path: str, workspace: Workspace) -> ToolResult:
    with workspace.walk_root(path) as (fd, real):
        prefix = "" if real == "." else f"{real}/"
        with os.scandir(fd) as entries:
            names = sorted(
                f"{entry.name}/" if entry.is_dir(follow_symlinks=False) else entry.name
                for entry in entries
                if not workspace.is_hidden(prefix + entry.name)
            )
    shown = names[:_LISTED_NAMES]
    more = f"\n[... {len(names) - len(shown)} more]" if len(shown) < len(names) else ""
    text = f"[{path} is a folder with {len(names)} entries]\n" + "\n".join(shown) + more
    return ToolResult(for_model=text, display=Listing(paths=tuple(shown)))
