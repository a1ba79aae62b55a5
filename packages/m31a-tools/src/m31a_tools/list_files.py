"""FileList: what is in a folder."""

import os
import stat
from dataclasses import dataclass
from typing import ClassVar

import anyio.to_thread
import msgspec

from m31a_tools.errors import CallFailed
from m31a_tools.sanitise import listed
from m31a_tools.tool import Access, Listing, Risk, ToolResult
from m31a_tools.workspace import Workspace


class FileListArgs(msgspec.Struct, frozen=True, kw_only=True):
    """Which folder."""

    path: str = "."


@dataclass(frozen=True, slots=True)
class FileList:
    """Lists one folder by name: folders with a slash, files with sizes, links with targets."""

    output_chars: int = 10_000
    max_results: int = 1000

    name: ClassVar[str] = "FileList"
    description: ClassVar[str] = "List a folder's entries with their sizes."
    risk: ClassVar[Risk] = Risk.SAFE
    read_only: ClassVar[bool] = True
    args_type: ClassVar[type[FileListArgs]] = FileListArgs

    def access(self, args: FileListArgs) -> Access:
        """The one folder."""
        return Access(reads=(args.path,), summary=f"list {args.path}")

    def claims(self, args: FileListArgs) -> frozenset[str]:  # noqa: ARG002 - the protocol's
        """Reads exclude nobody."""
        return frozenset({"read"})

    async def run(self, args: FileListArgs, workspace: Workspace) -> ToolResult:
        """The entries, by name."""
        return await anyio.to_thread.run_sync(self._run, args.path, workspace)

    def _run(self, path: str, workspace: Workspace) -> ToolResult:
        if not stat.S_ISDIR(workspace.stat(path).st_mode):
            raise CallFailed(f"{path} is no folder; read it with FileRead.")
        with workspace.walk_root(path) as (fd, real):
            prefix = "" if real == "." else f"{real}/"
            with os.scandir(fd) as entries:
                found = sorted(
                    (entry for entry in entries if not _is_hidden(workspace, prefix, entry)),
                    key=lambda entry: entry.name,
                )
            shown = found[: self.max_results]
            lines = [_line(entry, fd) for entry in shown]
        more = len(found) - len(shown)
        if more:
            lines.append(f"[... {more:,} more; find them with Glob]")
        return ToolResult(
            for_model="\n".join(lines) or "[the folder is empty]",
            display=Listing(paths=tuple(prefix + entry.name for entry in shown)),
        )


def _is_hidden(workspace: Workspace, prefix: str, entry: os.DirEntry[str]) -> bool:
    is_folder = entry.is_dir(follow_symlinks=False)
    return workspace.is_hidden(prefix + entry.name, is_folder=is_folder)


def _line(entry: os.DirEntry[str], folder_fd: int) -> str:
    if entry.is_dir(follow_symlinks=False):
        return f"{listed(entry.name)}/"
    if entry.is_symlink():
        target = os.readlink(entry.name, dir_fd=folder_fd)
        return f"{listed(entry.name)} -> {listed(target)}"
    if entry.is_file(follow_symlinks=False):
        return f"{listed(entry.name)} ({entry.stat(follow_symlinks=False).st_size:,} bytes)"
    return f"{listed(entry.name)} (device, pipe or socket)"
