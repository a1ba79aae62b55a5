"""Where in a text a model's quotation of it stands, and what to put there; pure.

First the exact text. Then, for whole lines and one place only, the text as models misquote it:
without trailing blanks, with another indentation, with plain quotes and dashes. Anything less
alike is never applied, only shown.
"""

import difflib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from m31a_tools.errors import CallFailed
from m31a_tools.line_ends import LineView, same_lines

_SHOWN_PLACES = 10
_SHOWN_LINES = 40
_COMPARED_LINES = 20_000
_FOLDED = str.maketrans(
    {
        **dict.fromkeys("\u2018\u2019\u201a\u201b\u2032\u02bc", "'"),
        **dict.fromkeys("\u201c\u201d\u201e\u201f\u2033", '"'),
        **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212", "-"),
        **dict.fromkeys("\u00a0\u2002\u2003\u2007\u2009\u202f\u3000", " "),
    }
)
_COMMENT = r"(?:#|//|--|;|%|/\*|<!--|\{/\*)"
_OMISSION = re.compile(
    rf"^[ \t]*+{_COMMENT}[ \t]*+(?:\.\.\.|\u2026)[ \t(\[]*+(?:the )?"
    r"(?:rest|existing|remaining|unchanged|same|previous|other|omitted)\b.*"
    rf"|^[ \t]*+{_COMMENT}[ \t]*+(?:rest of|existing|unchanged|same as)\b.*(?:\.\.\.|\u2026).*"
    r"|^[ \t]*+(?:\.\.\.|\u2026) ?(?:rest of|existing|remaining|unchanged)(?: the)? "
    r"(?:code|file|function|class|content|method|implementation)\b.*",
    re.IGNORECASE | re.MULTILINE,
)
_NUMBERED = re.compile(r"[ \t]*\d+(?:\t|\u2192|: )")


@dataclass(frozen=True, slots=True)
class Replacement:
    """One change to make."""

    old: str
    new: str
    replace_all: bool = False


@dataclass(frozen=True, slots=True)
class Applied:
    """A text after one change."""

    text: str
    lines: tuple[int, ...]
    """Where, as line numbers before the change."""
    inexact: str
    """What the quotation got wrong, "" when it was exact."""


def apply(text: str, change: Replacement) -> Applied:
    """`text` with the change made. Raises CallFailed, saying why and what would work."""
    if not change.old:
        raise CallFailed("old_string is empty. Quote the text to replace.")
    if change.old == change.new:
        raise CallFailed("old_string and new_string are the same: nothing to change.")
    refuse_omission(change.new, change.old)
    if "\r" in change.old and (found := _literal(text, change)):
        return found
    view = LineView(text)
    old = change.old.replace("\r\n", "\n")
    new = change.new.replace("\r\n", "\n")
    starts = _occurrences(view.text, old)
    if len(starts) > 1 and not change.replace_all:
        raise CallFailed(_several(view, starts))
    if starts:
        return _exact(view, starts, old, new)
    for rung in RUNGS:
        found = _forgiving(view, old, new, rung)
        if found is not None:
            return found
    raise CallFailed(_not_found(view, old, new))


def refuse_omission(new: str, old: str) -> None:
    """Raise CallFailed when `new` leaves code out by a comment that `old` does not have."""
    for hit in _OMISSION.finditer(new):
        if hit[0].strip() not in old:
            raise CallFailed(
                f"The new text leaves something out ({hit[0].strip()!r}). Write all of it, "
                "or edit only the part that changes."
            )


def _literal(text: str, change: Replacement) -> Applied | None:
    """The model wrote carriage returns itself: take both texts to the letter."""
    starts = _occurrences(text, change.old)
    if not starts or (len(starts) > 1 and not change.replace_all):
        return None
    lines = tuple(text.count("\n", 0, start) + 1 for start in starts)
    return Applied(text=text.replace(change.old, change.new), lines=lines, inexact="")


def _occurrences(text: str, old: str) -> list[int]:
    """Where `old` stands. Overlapping places count, for they too make it unclear which is meant."""
    starts: list[int] = []
    at = text.find(old)
    while at >= 0:
        starts.append(at)
        at = text.find(old, at + 1)
    return starts


def _exact(view: LineView, starts: Sequence[int], old: str, new: str) -> Applied:
    taken: list[int] = []
    for start in starts:
        if not taken or start >= taken[-1] + len(old):
            taken.append(start)
    lines = tuple(view.line_number(start) for start in taken)
    text = view.splice([(start, start + len(old), new) for start in taken])
    return Applied(text=text, lines=lines, inexact="")


@dataclass(frozen=True, slots=True)
class Rung:
    """One way to take two lines for the same."""

    name: str
    """What a quotation that needs it got wrong."""
    key: Callable[[str], str]
    indented: bool
    """Lines must have the same indentation."""


def _fold(line: str) -> str:
    return line.translate(_FOLDED)


RUNGS = (
    Rung("trailing blanks", str.rstrip, indented=True),
    Rung("indentation", str.strip, indented=False),
    Rung("typographic characters", lambda line: _fold(line).rstrip(), indented=True),
    Rung(
        "indentation and typographic characters",
        lambda line: _fold(line).strip(),
        indented=False,
    ),
)
"""The ways to forgive, the strictest first."""


def _forgiving(view: LineView, old: str, new: str, rung: Rung) -> Applied | None:
    whole = old.endswith("\n")
    quoted = old.removesuffix("\n").split("\n")
    keys = [rung.key(line) for line in quoted]
    if not any(keys):
        return None
    lines = view.text.split("\n")
    starts = line_matches([rung.key(line) for line in lines], keys)
    if not starts:
        return None
    offsets = line_offsets(lines)
    if len(starts) > 1:
        raise CallFailed(_several(view, [offsets[start] for start in starts], rung.name))
    first = starts[0]
    there = lines[first : first + len(quoted)]
    wanted = (new.removesuffix("\n") if whole else new).split("\n")
    replaced = fitted(quoted, there, wanted, rung)
    if replaced is None:
        return None
    start = offsets[first]
    end = offsets[first + len(quoted)] - 1
    if whole and not new and end < len(view.text):
        # Whole lines go, with their last line end.
        end, replaced = end + 1, ""
    after = view.splice([(start, end, replaced)])
    return Applied(text=after, lines=(first + 1,), inexact=rung.name)


def line_matches(lines: Sequence[str], wanted: Sequence[str]) -> list[int]:
    """The indices of `lines` from which on the wanted lines stand."""
    # Looked for by its longest line, which is seldom there twice.
    anchor = max(range(len(wanted)), key=lambda i: len(wanted[i]))
    last = len(lines) - len(wanted)
    return [
        at - anchor
        for at, line in enumerate(lines)
        if line == wanted[anchor]
        and 0 <= at - anchor <= last
        and list(lines[at - anchor : at - anchor + len(wanted)]) == list(wanted)
    ]


def line_offsets(lines: Sequence[str]) -> list[int]:
    """Where in the text each line begins, and where one after the last would."""
    offsets = [0]
    for line in lines:
        offsets.append(offsets[-1] + len(line) + 1)
    return offsets


def fitted(
    quoted: Sequence[str], there: Sequence[str], wanted: Sequence[str], rung: Rung
) -> str | None:
    """The wanted lines as they fit the place; lines that stay the same are taken from there."""
    shift = None
    if not rung.indented:
        shift = indentation_shift(quoted, there)
        if shift is None:
            return None
    kept = {j: there[i] for i, j in same_lines(quoted, wanted)}
    out: list[str] = []
    for j, line in enumerate(wanted):
        if j in kept:
            out.append(kept[j])
        elif shift is None or not line.strip():
            out.append(line)
        else:
            indent = _indent(line)
            moved = shift(indent)
            if moved is None:
                return None
            out.append(moved + line[len(indent) :])
    return "\n".join(out)


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip(" \t"))]


Shift = Callable[[str], str | None]


def indentation_shift(quoted: Sequence[str], there: Sequence[str]) -> Shift | None:
    """How an indentation of the quotation is written in the file, when all lines agree on it.

    The shift itself gives None for an indentation it cannot tell.
    """
    known: dict[str, str] = {}
    for ours, theirs in zip(quoted, there, strict=True):
        if ours.strip() and known.setdefault(_indent(ours), _indent(theirs)) != _indent(theirs):
            return None
    shifts = [shift for shift in _shifts(known) if all(shift(a) == b for a, b in known.items())]
    if not shifts:
        return None

    def agreed(indent: str) -> str | None:
        if indent in known:
            return known[indent]
        answers = {shift(indent) for shift in shifts}
        answer = answers.pop() if len(answers) == 1 else None
        # A file that indents with one kind does not get a mixture.
        mixed = answer is not None and len(set(answer)) > 1
        return None if mixed and all(len(set(there)) < 2 for there in known.values()) else answer

    return agreed


def _shifts(known: dict[str, str]) -> list[Shift]:
    """Every simple rule that could lead from one indentation to the other."""
    ours, theirs = min(known.items(), key=lambda pair: len(pair[0]))
    shifts: list[Shift] = []
    if theirs.endswith(ours):
        added = theirs[: len(theirs) - len(ours)]
        shifts.append(lambda indent: added + indent)
    if ours.endswith(theirs):
        gone = ours[: len(ours) - len(theirs)]
        shifts.append(lambda indent: indent[len(gone) :] if indent.startswith(gone) else None)
    converted: list[tuple[int, Shift]] = []
    for unit in (2, 3, 4, 8):
        if set("".join(known)) == {" "} and len(ours) % unit == 0:
            deeper = theirs.count("\t") - len(ours) // unit
            converted.append((deeper, _to_tabs(unit, deeper)))
        if set("".join(known)) == {"\t"}:
            extra = len(theirs) - len(ours) * unit
            converted.append((extra, _to_spaces(unit, extra)))
    # Where the depth is the same, the unit is plain to see.
    plain = [shift for offset, shift in converted if offset == 0]
    return shifts + (plain or [shift for _, shift in converted])


def _to_tabs(unit: int, deeper: int) -> Shift:
    def shift(indent: str) -> str | None:
        count = len(indent) // unit + deeper
        fits = set(indent) <= {" "} and len(indent) % unit == 0 and count >= 0
        return "\t" * count if fits else None

    return shift


def _to_spaces(unit: int, extra: int) -> Shift:
    def shift(indent: str) -> str | None:
        count = len(indent) * unit + extra
        return " " * count if set(indent) <= {"\t"} and count >= 0 else None

    return shift


def _several(view: LineView, starts: Sequence[int], how: str = "") -> str:
    numbers = [view.line_number(start) for start in starts[:_SHOWN_PLACES]]
    lines = view.text.split("\n")
    places = "\n".join(f"{number}\t{lines[number - 1][:200]}" for number in numbers)
    more = f"\n... and {len(starts) - _SHOWN_PLACES} more" if len(starts) > _SHOWN_PLACES else ""
    similar = f", {how} aside" if how else ""
    return (
        f"old_string stands in {len(starts)} places{similar}. Quote more lines around the one you "
        f"mean, or set replace_all.\n{places}{more}"
    )


def _not_found(view: LineView, old: str, new: str) -> str:
    lines = view.text.split("\n")
    message = "old_string is not in the file."
    if all(_NUMBERED.match(line) for line in old.split("\n") if line.strip()):
        message += " It seems to have the line numbers of FileRead in it: leave them out."
    if new.strip() and new in view.text:
        line = view.line_number(view.text.index(new))
        message += f" new_string is, at line {line}: the change may be there already."
    nearest = _nearest(lines, old.strip("\n").split("\n"))
    if nearest is None:
        return f"{message} Read the file again."
    first = max(0, nearest - 2)
    last = min(nearest + old.strip("\n").count("\n") + 3, len(lines), first + _SHOWN_LINES)
    shown = "\n".join(f"{i + 1}\t{lines[i][:200]}" for i in range(first, last))
    return f"{message} The most similar lines are:\n{shown}"


def _nearest(lines: Sequence[str], quoted: Sequence[str]) -> int | None:
    """The index of the line where text like the quotation begins, None when nothing is like it."""
    anchor = max(range(len(quoted)), key=lambda i: len(quoted[i].strip()))
    wanted = quoted[anchor].strip()[:500]
    if not wanted:
        return None
    matcher = difflib.SequenceMatcher(autojunk=False)
    matcher.set_seq2(wanted)
    best, at = 0.6, None
    for i, line in enumerate(lines[:_COMPARED_LINES]):
        matcher.set_seq1(line.strip()[:500])
        if matcher.real_quick_ratio() > best and matcher.quick_ratio() > best:
            ratio = matcher.ratio()
            if ratio > best:
                best, at = ratio, i
    return None if at is None else max(0, at - anchor)
