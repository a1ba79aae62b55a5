"""The added lines of a patch in git's format."""

import re
from collections.abc import Iterator
from typing import NamedTuple

_HUNK = re.compile(r"@@ -\d+(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
_ESCAPE = re.compile(r"\\([0-7]{3}|.)")
_NAMED = {"a": 7, "b": 8, "t": 9, "n": 10, "v": 11, "f": 12, "r": 13}


class AddedLine(NamedTuple):
    """A line that the new side has and the old one has not."""

    path: str
    number: int
    """Counted from 1, on the new side."""
    text: str


def added_lines(patch: str) -> Iterator[AddedLine]:
    """Every added line of a patch, in order; file contents cannot pass for headers."""
    path = ""
    number = old_left = new_left = 0
    for line in patch.split("\n"):
        if old_left > 0 or new_left > 0:
            mark = line[:1]
            if mark == "+":
                yield AddedLine(path, number, line[1:])
                number += 1
                new_left -= 1
            elif mark == "-":
                old_left -= 1
            elif mark != "\\":
                number += 1
                old_left -= 1
                new_left -= 1
        elif line.startswith("+++ "):
            path = _path(line[4:])
        elif match := _HUNK.match(line):
            old_left, new_left = int(match[1] or 1), int(match[3] or 1)
            number = int(match[2])


def _path(name: str) -> str:
    """The path that a `+++` line names, without its `b/`, unquoted."""
    if name.startswith('"'):
        quoted = name.rstrip("\t")[1:-1]
        name = _ESCAPE.sub(lambda match: chr(_byte(match[1])), _as_bytes(quoted))
        name = name.encode("latin-1").decode("utf-8", "surrogateescape")
    else:
        name = name.removesuffix("\t")
    return name.removeprefix("b/")


def _as_bytes(text: str) -> str:
    """One character a byte, so that escaped and plain bytes can stand side by side."""
    return text.encode("utf-8", "surrogateescape").decode("latin-1")


def _byte(escape: str) -> int:
    return int(escape, 8) if len(escape) == 3 else _NAMED.get(escape, ord(escape))
