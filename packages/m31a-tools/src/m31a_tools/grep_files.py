"""Grep: lines by regular expression."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Annotated, ClassVar

import anyio.to_thread
import msgspec

from m31a_tools.errors import CallFailed, PathRefused
from m31a_tools.read_file import MAX_FILE_BYTES
from m31a_tools.search import Hit, Query, search
from m31a_tools.text_file import detect
from m31a_tools.tool import Access, Listing, Plain, Risk, ToolResult
from m31a_tools.workspace import Workspace

_LINE_CHARS = 300


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
        query = Query(args.pattern, args.path, args.glob, args.ignore_case, self.timeout_s)
        found = await search(query, workspace, ripgrep=self.ripgrep)
        total = len(found.hits)
        if args.files_only:
            paths = tuple(dict.fromkeys(hit.path for hit in found.hits))
            shown, total = paths[: args.limit], len(paths)
            text = "\n".join(shown)
        else:
            hits = found.hits[: args.limit]
            shown = tuple(dict.fromkeys(hit.path for hit in hits))
            text = await anyio.to_thread.run_sync(_rendered, hits, args.context, workspace)
        notes = [f"[{note}]" for note in found.notes]
        if total > args.limit:
            more = "" if found.complete else " or more"
            notes.append(f"[{args.limit} of {total}{more}; narrow the pattern, path or glob]")
        if not total:
            notes.append(f"[nothing matches {args.pattern!r} in {args.path}]")
        text = "\n".join(filter(None, (text, *notes)))
        display = Listing(paths=shown) if args.files_only else Plain(text=text)
        return ToolResult(for_model=text, display=display)


def _rendered(hits: list[Hit], context: int, workspace: Workspace) -> str:
    out: list[str] = []
    for path, group in groupby(hits, key=lambda hit: hit.path):
        matching = list(group)
        lines = _lines(path, workspace) if context else None
        out.append(path)
        if lines is None:
            out += [f"{hit.line}:{_cut(hit.text)}" for hit in matching]
        else:
            out += _around(matching, lines, context)
    return "\n".join(out)


def _around(hits: list[Hit], lines: list[str], context: int) -> Iterator[str]:
    """The hits and the lines around them, each line once, `--` where some are left out."""
    matching = {hit.line for hit in hits}
    last = 0
    for hit in hits:
        first = max(hit.line - context, last + 1, 1)
        if last and first > last + 1:
            yield "--"
        # Up to the context behind, which the next hit may take over.
        last = max(last, min(hit.line + context, len(lines)))
        for number in range(first, last + 1):
            yield f"{number}{':' if number in matching else '-'}{_cut(lines[number - 1])}"


def _cut(text: str) -> str:
    return text if len(text) <= _LINE_CHARS else f"{text[:_LINE_CHARS]}[...]"


def _lines(path: str, workspace: Workspace) -> list[str] | None:
    try:
        data = workspace.read(path, limit_bytes=MAX_FILE_BYTES).data
    except (OSError, PathRefused):
        return None
    encoding = detect(data)
    if encoding is None:
        return None
    text = encoding.decode(data).removesuffix("\n")
    return [line.removesuffix("\r") for line in text.split("\n")]
