"""Hits of a search as the lines a model reads."""

from collections.abc import Iterator
from itertools import groupby

from m31a_tools.errors import PathRefused
from m31a_tools.read_file import MAX_FILE_BYTES
from m31a_tools.sanitise import listed
from m31a_tools.search import Hit
from m31a_tools.text_file import detect
from m31a_tools.workspace import Workspace

_LINE_CHARS = 300


def hit_lines(hits: list[Hit], context: int, workspace: Workspace) -> str:
    """The hits grouped by file, each with its number and so many lines around it."""
    out: list[str] = []
    for path, group in groupby(hits, key=lambda hit: hit.path):
        matching = list(group)
        lines = _lines(path, workspace) if context else None
        out.append(listed(path))
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
