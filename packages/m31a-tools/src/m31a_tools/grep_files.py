"""Grep: lines by regular expression."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import anyio.to_thread
import msgspec

from m31a_tools.errors import CallFailed
from m31a_tools.sanitise import listed
from m31a_tools.tool import Access, Listing, Plain, Risk, ToolResult
from m31a_tools.workspace import Workspace


class GrepArgs(msgspec.Struct, frozen=True, kw_only=True):
    """What to look for."""

    pattern: str
    path: str = "."
    glob: Annotated[str, msgspec.Meta(description="only these files: *.py")] = ""
    ignore_case: bool = False
    context: Annotated[int, msgspec.Meta(ge=0, le=20, description="lines around")] = 0
    files_only: bool = False
    limit: Annotated[int, msgspec.Meta(ge=1, le=2000)] = 200


@dataclass(frozen=True, slots=True)
class Grep:
    """Searches files that no .gitignore leaves out; grouped by file, with line numbers."""

    output_chars: int = 10_000
    timeout_s: float = 30.0
    ripgrep: str = ""
    """The ripgrep program, "" to do without."""

    name: ClassVar[str] = "Grep"
    description: ClassVar[str] = "Search file contents by regular expression, line by line."
    risk: ClassVar[Risk] = Risk.SAFE
    read_only: ClassVar[bool] = True
    args_type: ClassVar[type[GrepArgs]] = GrepArgs

    def access(self, args: GrepArgs) -> Access:
        """The file or folder searched."""
        return Access(reads=(args.path,), summary=f"search {args.path} for {args.pattern}")

    def claims(self, args: GrepArgs) -> frozenset[str]:  # noqa: ARG002 - the protocol's
        """Reads exclude nobody."""
        return frozenset({"read"})

    async def run(self, args: GrepArgs, workspace: Workspace) -> ToolResult:
        """The matching lines, or only the files that have some."""
        if not args.pattern:
            raise CallFailed("The pattern is empty.")
        # What searches is loaded with the first search.
        from m31a_tools.hit_lines import hit_lines
        from m31a_tools.search import Query, search

        query = Query(args.pattern, args.path, args.glob, args.ignore_case, self.timeout_s)
        found = await search(query, workspace, ripgrep=self.ripgrep)
        total = len(found.hits)
        if args.files_only:
            paths = tuple(dict.fromkeys(hit.path for hit in found.hits))
            shown, total = paths[: args.limit], len(paths)
            text = "\n".join(map(listed, shown))
        else:
            hits = found.hits[: args.limit]
            shown = tuple(dict.fromkeys(hit.path for hit in hits))
            text = await anyio.to_thread.run_sync(hit_lines, hits, args.context, workspace)
        notes = [f"[{note}]" for note in found.notes]
        if total > args.limit:
            more = "" if found.complete else " or more"
            notes.append(f"[{args.limit} of {total}{more}; narrow the pattern, path or glob]")
        if not total:
            notes.append(f"[nothing matches {args.pattern!r} in {args.path}]")
        text = "\n".join(filter(None, (text, *notes)))
        display = Listing(paths=shown) if args.files_only else Plain(text=text)
        return ToolResult(for_model=text, display=display)
