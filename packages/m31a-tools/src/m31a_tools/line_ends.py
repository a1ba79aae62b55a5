"""Looking at a text with one kind of line end, and changing it with the ends it has."""

import difflib
import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

_ENDS = re.compile(r"\r\n|\n")
_MAC_ENDS = re.compile(r"\r")
_ALIGN_CELLS = 250_000
"""Blocks whose product of lines is larger are compared at their two ends only."""


@dataclass(frozen=True)
class LineView:
    """A text as if all its lines ended in a newline.

    `\\r\\n` and `\\n` are line ends; `\\r` only in a text without newlines.
    """

    original: str

    @cached_property
    def text(self) -> str:
        """The text to search in."""
        if "\r" not in self.original:
            return self.original
        return self.original.replace("\r\n" if "\n" in self.original else "\r", "\n")

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return _ENDS if "\n" in self.original else _MAC_ENDS

    @cached_property
    def _all_are_long(self) -> bool:
        """All ends are two characters in the original."""
        long = self.original.count("\r\n")
        return long > 0 and long == self.original.count("\n")

    @cached_property
    def _long_ends(self) -> list[int]:
        """Where in `text` the ends stand that are two characters in the original."""
        found = (hit.start() for hit in re.finditer("\r\n", self.original))
        return [start - number for number, start in enumerate(found)]

    def _longer_by(self, start: int, end: int) -> int:
        """How many more characters the original has where `text[start:end]` stands."""
        if self._all_are_long:
            return self.text.count("\n", start, end)
        return bisect_left(self._long_ends, end) - bisect_left(self._long_ends, start)

    def line_number(self, position: int) -> int:
        """The number, from 1, of the line at `position` of `text`."""
        return self.text.count("\n", 0, position) + 1

    def splice(self, changes: Sequence[tuple[int, int, str]]) -> str:
        """The original with each `text[start:end]` replaced, in the line ends of the place.

        The changes are in order and do not overlap. Lines that are the same before and after
        keep the end they have.
        """
        out: list[str] = []
        at = done = 0
        for start, end, new in changes:
            first = at + start - done + self._longer_by(done, start)
            last = first + end - start + self._longer_by(start, end)
            done = end
            out.append(self.original[at:first])
            if "\r" in self.original:
                new = self._with_ends(self.original[first:last], self.text[start:end], new, first)
            out.append(new)
            at = last
        return "".join(out) + self.original[at:]

    def _with_ends(self, original: str, old: str, new: str, first: int) -> str:
        parts = new.split("\n")
        if len(parts) == 1:
            return new
        ends = self._pattern.findall(original)
        known = _aligned(old.split("\n"), parts, ends)
        current = self._end_near(first)
        out: list[str] = []
        for part, end in zip(parts, known, strict=False):
            current = end or current
            out += (part, current)
        return "".join(out) + parts[-1]

    def _end_near(self, first: int) -> str:
        """The end of the line before `first`, else the first end there is."""
        before = self.original.rfind("\r" if self._pattern is _MAC_ENDS else "\n", 0, first)
        if before < 0:
            hit = self._pattern.search(self.original)
            return hit[0] if hit else "\n"
        return "\r\n" if self.original[before - 1 : before + 1] == "\r\n" else self.original[before]


def _aligned(old: Sequence[str], new: Sequence[str], ends: Sequence[str]) -> list[str]:
    """For each line of `new` but the last, the end of its line in `old`, "" when it is new."""
    known = [""] * (len(new) - 1)
    for i, j in same_lines(old, new):
        if i < len(ends) and j < len(known):
            known[j] = ends[i]
    # A line that replaces another takes its end.
    for j, end in enumerate(known):
        if not end and len(old) == len(new) and j < len(ends):
            known[j] = ends[j]
    return known


def same_lines(old: Sequence[str], new: Sequence[str]) -> list[tuple[int, int]]:
    """Pairs of indices of lines that stay the same, in order."""
    head = 0
    while head < min(len(old), len(new)) and old[head] == new[head]:
        head += 1
    tail = 0
    while tail < min(len(old), len(new)) - head and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    pairs = [(i, i) for i in range(head)]
    inner_old, inner_new = old[head : len(old) - tail], new[head : len(new) - tail]
    if inner_old and inner_new and len(inner_old) * len(inner_new) <= _ALIGN_CELLS:
        matcher = difflib.SequenceMatcher(None, inner_old, inner_new, autojunk=False)
        for block in matcher.get_matching_blocks():
            pairs += [(head + block.a + k, head + block.b + k) for k in range(block.size)]
    pairs += [(len(old) - tail + k, len(new) - tail + k) for k in range(tail)]
    return pairs
