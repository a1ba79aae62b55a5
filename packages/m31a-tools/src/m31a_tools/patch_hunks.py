"""The hunks of a patch made in a text; pure.

Hunks are in the order of the file. Each is looked for behind the one before it, and behind the
lines that stand above it: exactly, then as forgiving as Edit is. A place that could be another is
refused.
"""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from m31a_tools.errors import CallFailed
from m31a_tools.line_ends import LineView
from m31a_tools.matching import (
    RUNGS,
    Rung,
    fitted,
    line_matches,
    line_offsets,
    refuse_omission,
)
from m31a_tools.patch_text import Hunk

_Keys = Callable[[Rung], Sequence[str]]
"""The lines of the file as a rung compares them."""

_EXACT = Rung("", lambda line: line, indented=True)
_SHOWN_PLACES = 5
_SHOWN_LINES = 40


@dataclass(frozen=True, slots=True)
class Patched:
    """A text after its hunks."""

    text: str
    inexact: tuple[str, ...]
    """What the hunks got wrong, by name; empty when all were exact."""


def apply_hunks(text: str, hunks: Sequence[Hunk]) -> Patched:
    """`text` with every hunk made. Raises CallFailed, naming the hunk and what would work."""
    view = LineView(text)
    lines = view.text.split("\n")
    offsets = line_offsets(lines)
    changes: list[tuple[int, int, str]] = []
    inexact: list[str] = []
    keys = functools.cache(lambda rung: [rung.key(line) for line in lines])
    at = 0
    for hunk in hunks:
        if hunk.old == hunk.new:
            raise CallFailed(f"{_named(hunk)} changes nothing.")
        refuse_omission("\n".join(hunk.new), "\n".join(hunk.old))
        if hunk.old:
            found = _find(lines, keys, hunk, at)
            changes.append(_replaced(view, offsets, hunk, found))
            at = found.start + len(hunk.old)
            inexact += [found.rung.name] if found.rung.name else []
        else:
            at = _insertion(lines, hunk, at)
            changes.append(_inserted(view, offsets, hunk, at))
    return Patched(text=view.splice(changes), inexact=tuple(dict.fromkeys(inexact)))


@dataclass(frozen=True, slots=True)
class _Found:
    """Where a hunk's old lines stand, and the new ones as they fit there."""

    start: int
    new: str
    rung: Rung


def _find(lines: Sequence[str], keys: _Keys, hunk: Hunk, at: int) -> _Found:
    for rung in (_EXACT, *RUNGS):
        wanted = [rung.key(line) for line in hunk.old]
        if rung is not _EXACT and not any(wanted):
            continue
        starts = line_matches(keys(rung), wanted)
        places = _meant([start for start in starts if start >= at], lines, hunk, at)
        if len(places) > 1:
            raise CallFailed(_several(hunk, lines, places, rung))
        if places:
            there = lines[places[0] : places[0] + len(hunk.old)]
            new = fitted(hunk.old, there, hunk.new, rung) if hunk.new else ""
            if new is not None:
                return _Found(start=places[0], new=new, rung=rung)
    raise CallFailed(_missing(hunk, lines, at))


def _meant(starts: list[int], lines: Sequence[str], hunk: Hunk, at: int) -> list[int]:
    """Of the places with the right lines, those that the rest of the hunk can mean."""
    if hunk.at_end:
        last = len(lines) - (1 if lines[-1] == "" else 0)
        starts = [start for start in starts if start + len(hunk.old) in (last, len(lines))]
    if not hunk.above:
        return starts
    # What follows the line above first is meant; where that line stands twice, either may be.
    nearest = (next((s for s in starts if s > top), None) for top in _tops(lines, hunk, at))
    return sorted({start for start in nearest if start is not None})


def _tops(lines: Sequence[str], hunk: Hunk, at: int) -> list[int]:
    """Where the nearest of the lines above stands, each such line behind the one before it."""
    tops = [at - 1]
    for wanted in hunk.above:
        tops = _lines_like(wanted, lines, first=min(tops) + 1)
        if not tops:
            raise CallFailed(
                f"{_named(hunk)}: the line {wanted[:200]!r} behind @@ is not in the file"
                f"{' there' if at else ''}. Quote a line as it stands above the place."
            )
    return tops


def _lines_like(wanted: str, lines: Sequence[str], first: int) -> list[int]:
    """The lines equal to the wanted one: exactly, else with blanks at the ends aside."""
    exact = [i for i in range(first, len(lines)) if lines[i] == wanted]
    plain = wanted.strip()
    return exact or [i for i in range(first, len(lines)) if lines[i].strip() == plain]


def _replaced(
    view: LineView, offsets: Sequence[int], hunk: Hunk, found: _Found
) -> tuple[int, int, str]:
    start = offsets[found.start]
    end = offsets[found.start + len(hunk.old)] - 1
    if not hunk.new and end < len(view.text):
        # Whole lines go, with their last line end.
        end += 1
    return start, end, found.new


def _insertion(lines: Sequence[str], hunk: Hunk, at: int) -> int:
    """Before which line the new ones go: below the line above, else at the file's end."""
    if hunk.above and not hunk.at_end:
        tops = _tops(lines, hunk, at)
        if len(tops) > 1:
            raise CallFailed(_several(hunk, lines, tops, _EXACT))
        return tops[0] + 1
    return len(lines) - (1 if lines[-1] == "" else 0)


def _inserted(view: LineView, offsets: Sequence[int], hunk: Hunk, at: int) -> tuple[int, int, str]:
    new = "\n".join(hunk.new)
    start = min(offsets[at], len(view.text))
    if start and view.text[start - 1] != "\n":
        # Behind a last line without an end.
        return start, start, f"\n{new}"
    return start, start, f"{new}\n"


def _named(hunk: Hunk) -> str:
    return f"The hunk at line {hunk.number} of the patch"


def _several(hunk: Hunk, lines: Sequence[str], places: Sequence[int], rung: Rung) -> str:
    shown = "\n".join(f"{i + 1}\t{lines[i][:200]}" for i in places[:_SHOWN_PLACES])
    more = len(places) - _SHOWN_PLACES
    similar = f", {rung.name} aside" if rung.name else ""
    return (
        f"{_named(hunk)} fits {len(places)} places{similar}. Quote more lines around the one you "
        "mean, or the line of its function or class behind @@.\n"
        f"{shown}{f'{chr(10)}... and {more} more' if more > 0 else ''}"
    )


def _missing(hunk: Hunk, lines: Sequence[str], at: int) -> str:
    message = f"{_named(hunk)} does not fit: its lines are not in the file"
    if at and line_matches(lines, hunk.old):
        return f"{message} below the hunk before it. Put the hunks in the file's order."
    if hunk.at_end and line_matches(lines, hunk.old):
        return f"{message} at its end."
    best = max(hunk.old, key=lambda line: len(line.strip()))
    hits = _lines_like(best, lines, first=0) if best.strip() else []
    if not hits:
        return f"{message}. Read it again."
    first = max(0, hits[0] - hunk.old.index(best))
    last = min(first + len(hunk.old) + 2, first + _SHOWN_LINES, len(lines))
    shown = "\n".join(f"{i + 1}\t{lines[i][:200]}" for i in range(first, last))
    return f"{message}. The most similar lines are:\n{shown}"
