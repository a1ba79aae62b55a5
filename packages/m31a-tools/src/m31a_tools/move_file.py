"""FileMove: a file, link or folder under another name."""

import os
import stat
from dataclasses import dataclass
from typing import ClassVar

import anyio.to_thread
import msgspec

from m31a_tools.atomic import status_of
from m31a_tools.beneath import Place
from m31a_tools.errors import CallFailed, PathRefused
from m31a_tools.tool import Access, Plain, Risk, ToolResult
from m31a_tools.workspace import Workspace, open_folder


class FileMoveArgs(msgspec.Struct, frozen=True, kw_only=True):
    """What to move where."""

    source: str
    destination: str


@dataclass(frozen=True, slots=True)
class FileMove:
    """Moves or renames within the workspace, never over something that is there."""

    output_chars: int = 10_000

    name: ClassVar[str] = "FileMove"
    description: ClassVar[str] = (
        "Move or rename a file or folder; destination is the whole new path, which must be free."
    )
    risk: ClassVar[Risk] = Risk.MEDIUM
    read_only: ClassVar[bool] = False
    args_type: ClassVar[type[FileMoveArgs]] = FileMoveArgs

    def access(self, args: FileMoveArgs) -> Access:
        """Both paths."""
        return Access(
            writes=(args.source, args.destination),
            summary=f"move {args.source} to {args.destination}",
        )

    def claims(self, args: FileMoveArgs) -> frozenset[str]:
        """Both paths."""
        return frozenset({f"write:{args.source}", f"write:{args.destination}"})

    async def run(self, args: FileMoveArgs, workspace: Workspace) -> ToolResult:
        """Move it."""
        return await anyio.to_thread.run_sync(_move, args, workspace)


def _move(args: FileMoveArgs, workspace: Workspace) -> ToolResult:
    with (
        workspace.place(args.source, follow=False) as source,
        workspace.place(args.destination, follow=False) as target,
    ):
        if "." in (source.name, target.name):
            raise PathRefused(args.source, "folders are moved by their own names")
        status = None if source.missing else status_of(source.folder_fd, source.name)
        if status is None:
            raise FileNotFoundError(2, "No such file or folder", args.source)
        if not target.missing and status_of(target.folder_fd, target.name) is not None:
            raise CallFailed(f"{args.destination} is there already; nothing is moved over it.")
        if stat.S_ISDIR(status.st_mode) and target.parts[: len(source.parts)] == source.parts:
            raise CallFailed(f"A folder cannot be moved into itself: {args.destination}.")
        with open_folder(target) as folder_fd:
            _rename(source, status, target.name, folder_fd, args.destination)
        old, new = "/".join(source.parts), "/".join(target.parts)
    _rename_seen(workspace, old, new)
    text = f"Moved {old} to {new}."
    return ToolResult(for_model=text, display=Plain(text=text))


def _rename(
    source: Place, status: os.stat_result, name: str, folder_fd: int, destination: str
) -> None:
    """The rename, which must not replace a file that came into being just now."""
    if stat.S_ISDIR(status.st_mode):
        # A folder replaces nothing but an empty folder.
        os.rename(source.name, name, src_dir_fd=source.folder_fd, dst_dir_fd=folder_fd)
        return
    try:
        os.link(
            source.name,
            name,
            src_dir_fd=source.folder_fd,
            dst_dir_fd=folder_fd,
            follow_symlinks=False,
        )
    except FileExistsError as exc:
        raise CallFailed(f"{destination} is there already; nothing is moved over it.") from exc
    except OSError:
        # No hard links here, or none of a file of somebody else's.
        os.rename(source.name, name, src_dir_fd=source.folder_fd, dst_dir_fd=folder_fd)
        return
    os.unlink(source.name, dir_fd=source.folder_fd)


def _rename_seen(workspace: Workspace, old: str, new: str) -> None:
    for path in [path for path in workspace.seen if path == old or path.startswith(f"{old}/")]:
        workspace.seen[new + path[len(old) :]] = workspace.seen.pop(path)
