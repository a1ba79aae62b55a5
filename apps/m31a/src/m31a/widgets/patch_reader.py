"""A patch as values: its files, their hunks, the lines of these.

The format is that of `git diff`: https://git-scm.com/docs/diff-format. How many lines a hunk has
is told by its head, so that a removed line `-- x` is no head of a file. A patch with a piece left
out of its middle is read as far as it goes.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile

_HUNK = re.compile(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@(.*)")
_NOTES = (
    ("new file", "new"),
    ("deleted file", "deleted"),
    ("rename from ", "renamed"),
    ("copy from ", "copied"),
    ("Binary files", "binary"),
    ("GIT binary patch", "binary"),
    ("old mode", "mode"),
)
LEFT_OUT = "…"
"""The sign of a row that is no line of the file: it says that some are left out."""


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a hunk: ` `, `+`, `-`, `\\` or `LEFT_OUT`, and its number in both files."""

    sign: str
    text: str
    old: int
    new: int


@dataclass(frozen=True, slots=True)
class Hunk:
    """Lines that stand together, and in what they stand (a function, a section)."""

    start: int
    within: str
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True, eq=False)
class FilePatch:
    """What a patch does to one file. Compared by identity: laid out once, however long."""

    path: str
    note: str = ""
    """new, deleted, renamed, copied, binary, mode; empty for a plain change."""
    hunks: tuple[Hunk, ...] = ()
    raw: str = ""

    @property
    def added(self) -> int:
        """Lines that were not there before."""
        return self._count("+")

    @property
    def removed(self) -> int:
        """Lines that are no longer there."""
        return self._count("-")

    def _count(self, sign: str) -> int:
        return sum(row.sign == sign for hunk in self.hunks for row in hunk.rows)


@dataclass(frozen=True, slots=True)
class _Left:
    """How many old and new lines of the hunk are to come; nobody knows once some were left out."""

    old: int = 0
    new: int = 0
    known: bool = True

    @property
    def any(self) -> bool:
        return not self.known or self.old > 0 or self.new > 0

    def after(self, row: str) -> "_Left":
        """What is left after a row; a new hunk begins at its head."""
        if row[:2] == "@@" and (found := _HUNK.match(row)):
            return _Left(int(found[2] or 1), int(found[4] or 1))
        if row.startswith("diff --git "):
            return _Left()
        if not self.any or not self.known:
            return self
        match row[:1]:
            case "+":
                return _Left(self.old, max(0, self.new - 1))
            case "-":
                return _Left(max(0, self.old - 1), self.new)
            case "\\":
                return self
            case " " | "":
                return _Left(max(0, self.old - 1), max(0, self.new - 1))
            case _:
                return _Left(known=False)


def read_patch(text: str) -> tuple[FilePatch, ...]:
    """The files of a patch, in its order."""
    pieces: list[list[str]] = []
    left, hunks = _Left(), 0
    for row in text.split("\n"):
        begins = row.startswith("diff --git ") or (
            bool(hunks) and not left.any and row.startswith("--- ")
        )
        if begins or not pieces:
            pieces.append([])
            hunks = 0
        left = left.after(row)
        hunks += row.startswith("@@")
        pieces[-1].append(row)
    return tuple(_file(piece) for piece in pieces if any(row.strip() for row in piece))


def _file(rows: Sequence[str]) -> FilePatch:
    head = list(takewhile(lambda row: not _HUNK.match(row), rows))
    notes = (said for row in head for start, said in _NOTES if row.startswith(start))
    patch = FilePatch(_path(head), next(notes, ""), raw="\n".join(rows).rstrip("\n") + "\n")
    return replace(patch, hunks=tuple(_hunks(rows[len(head) :])))


def _path(head: Sequence[str]) -> str:
    """The file's name: the new one, or the old one when it was deleted."""
    names = {row[:4]: row[4:].strip('"') for row in head if row[:4] in {"--- ", "+++ "}}
    for sign, side in (("+++ ", "b/"), ("--- ", "a/")):
        name = names.get(sign, "/dev/null").split("\t")[0]
        if name != "/dev/null":
            return name.removeprefix(side)
    for row in head:
        if row.startswith(("rename to ", "copy to ")):
            return row.partition(" to ")[2]
        if row.startswith("diff --git "):
            return row.rpartition(" b/")[2].strip('"')
    return ""


def _hunks(rows: Sequence[str]) -> Iterator[Hunk]:
    start, within, taken = 0, "", list[Row]()
    old = new = 0
    left = _Left()
    for row in rows:
        before, left = left, left.after(row)
        if row[:2] == "@@" and (found := _HUNK.match(row)):
            if taken:
                yield Hunk(start, within, tuple(taken))
            old, new = int(found[1]), int(found[3])
            start, within, taken = new, found[5].strip(), []
        elif before.any or row.startswith("\\"):
            sign = row[:1] or " "
            if sign not in " +-\\":
                taken.append(Row(LEFT_OUT, row, old, new))
                continue
            taken.append(Row(sign, row[1:], old, new))
            old, new = old + (sign in " -"), new + (sign in " +")
    if taken:
        yield Hunk(start, within, tuple(taken))


def new_text(hunk: Hunk) -> str:
    """What a hunk leaves in the file, without signs and numbers."""
    return "".join(f"{row.text}\n" for row in hunk.rows if row.sign in {" ", "+"})
