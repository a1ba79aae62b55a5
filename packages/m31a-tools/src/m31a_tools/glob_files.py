"""Glob: files by name, newest first."""

import os
import posixpath
from dataclasses import dataclass
from typing import ClassVar

import anyio.from_thread
import anyio.to_thread
import msgspec

from m31a_tools.globs import glob_matcher, literal_start, name_filter
from m31a_tools.sanitise import listed
from m31a_tools.tool import Access, Listing, Risk, ToolResult
from m31a_tools.walk import walk
from m31a_tools.workspace import Workspace


class GlobArgs(msgspec.Struct, frozen=True, kw_only=True):
    """What to look for."""

    pattern: str
    path: str = "."


@dataclass(frozen=True, slots=True)
class Glob:
    """Lists matching files that no .gitignore leaves out, newest first."""

    output_chars: int = 10_000
    max_results: int = 1000

    name: ClassVar[str] = "Glob"
    description: ClassVar[str] = (
        "Find files by name, newest first: src/**/*.py; without a slash at any depth. "
        "Ignored files are left out."
    )
    risk: ClassVar[Risk] = Risk.SAFE
    read_only: ClassVar[bool] = True
    args_type: ClassVar[type[GlobArgs]] = GlobArgs

    def access(self, args: GlobArgs) -> Access:
        """The folder searched."""
        start, _ = _start(args)
        return Access(reads=(start,), summary=f"find {args.pattern} in {args.path}")

    def claims(self, args: GlobArgs) -> frozenset[str]:  # noqa: ARG002 - the protocol's
        """Reads exclude nobody."""
        return frozenset({"read"})

    async def run(self, args: GlobArgs, workspace: Workspace) -> ToolResult:
        """The paths, relative to the workspace."""
        return await anyio.to_thread.run_sync(self._run, args, workspace)

    def _run(self, args: GlobArgs, workspace: Workspace) -> ToolResult:
        start, pattern = _start(args)
        # `**/*.py` is about names as well, and a name is quicker to match than a path.
        by_name = pattern.removeprefix("**/")
        names_only = "/" not in args.pattern or (by_name != pattern and "/" not in by_name)
        pattern = by_name if names_only else pattern
        matches = glob_matcher(pattern) if not names_only else None
        fitting = name_filter(pattern) if names_only else None
        real = workspace.locate(start)
        skipped = 0 if real == "." else len(real) + 1
        found: list[str] = []
        ages: list[int] = []
        for folder in walk(workspace, start, fitting=fitting):
            anyio.from_thread.check_cancelled()
            below = folder.path[skipped:]
            names = folder.names
            if matches is not None:
                names = [name for name in names if matches(below + name)]
            for name in sorted(names):
                try:
                    ages.append(-os.lstat(name, dir_fd=folder.fd).st_mtime_ns)
                except FileNotFoundError:
                    continue
                found.append(folder.path + name)
        # Those of one age stay as the walk has them; numbers alone are quicker to sort than pairs.
        newest = sorted(range(len(found)), key=ages.__getitem__)[: self.max_results]
        paths = tuple(found[place] for place in newest)
        text = "\n".join(map(listed, paths)) or f"[no file fits {args.pattern} in {args.path}]"
        if len(found) > len(paths):
            text += f"\n[the newest {len(paths)} of {len(found)}; narrow the pattern]"
        return ToolResult(for_model=text, display=Listing(paths=paths))


def _start(args: GlobArgs) -> tuple[str, str]:
    """The folder to search and the pattern below it."""
    folder, pattern = literal_start(args.pattern)
    return posixpath.join(args.path, folder), pattern or "**"
