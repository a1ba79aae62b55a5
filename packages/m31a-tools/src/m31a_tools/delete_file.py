"""FileDelete: one file, link or empty folder taken away."""

import os
import stat
from dataclasses import dataclass
from typing import ClassVar

import anyio.to_thread
import msgspec

from m31a_tools.atomic import status_of
from m31a_tools.errors import CallFailed, FileChanged, PathRefused
from m31a_tools.read_file import MAX_FILE_BYTES
from m31a_tools.tool import Access, Plain, Risk, ToolResult
from m31a_tools.workspace import Workspace


class FileDeleteArgs(msgspec.Struct, frozen=True, kw_only=True):
    """What to delete."""

    path: str


@dataclass(frozen=True, slots=True)
class FileDelete:
    """Deletes a name: of a link, the link; of a folder, only an empty one."""

    output_chars: int = 10_000

    name: ClassVar[str] = "FileDelete"
    description: ClassVar[str] = "Delete a file, a link or an empty folder."
    risk: ClassVar[Risk] = Risk.DESTRUCTIVE
    read_only: ClassVar[bool] = False
    args_type: ClassVar[type[FileDeleteArgs]] = FileDeleteArgs

    def access(self, args: FileDeleteArgs) -> Access:
        """The one path."""
        told = f"delete {args.path}"
        return Access(writes=(args.path,), destroys=(told,), summary=told)

    def claims(self, args: FileDeleteArgs) -> frozenset[str]:
        """The one path."""
        return frozenset({f"write:{args.path}"})

    async def run(self, args: FileDeleteArgs, workspace: Workspace) -> ToolResult:
        """Delete it."""
        return await anyio.to_thread.run_sync(_delete, args.path, workspace)


def _delete(path: str, workspace: Workspace) -> ToolResult:
    with workspace.place(path, follow=False) as place:
        if place.name == ".":
            raise PathRefused(path, "name the folder by its own name")
        status = None if place.missing else status_of(place.folder_fd, place.name)
        if status is None:
            raise FileNotFoundError(2, "No such file or folder", path)
        if stat.S_ISDIR(status.st_mode):
            _remove_folder(place.name, place.folder_fd, path)
        else:
            if stat.S_ISREG(status.st_mode) and status.st_size <= MAX_FILE_BYTES:
                _refuse_stale(path, workspace)
            os.unlink(place.name, dir_fd=place.folder_fd)
        real = "/".join(place.parts)
    workspace.seen.pop(real, None)
    text = f"Deleted {real}."
    return ToolResult(for_model=text, display=Plain(text=text))


def _remove_folder(name: str, folder_fd: int, path: str) -> None:
    try:
        os.rmdir(name, dir_fd=folder_fd)
    except OSError as exc:
        raise CallFailed(
            f"The folder {path!r} was not deleted: {(exc.strerror or 'it cannot be').lower()}. "
            "Delete what is in it first."
        ) from exc


def _refuse_stale(path: str, workspace: Workspace) -> None:
    if workspace.is_stale(workspace.read(path, limit_bytes=MAX_FILE_BYTES)):
        raise FileChanged(path)
