"""How wide text is on a screen, and text that cannot command one.

Widths and grapheme clusters (UAX 29) are those of wcwidth.
"""

import re
from collections.abc import Iterator
from functools import lru_cache

import wcwidth

TAB_CELLS = 4

_COMMANDS = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff"
    "\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f]"
)


def scrub(text: str) -> str:
    """`text` with every character that could command a terminal shown as a mark instead.

    Control characters become their pictures (`␛`), bidi and invisible ones `�`. Printable text
    comes back as it is, at the price of one look.
    """
    if text.isprintable():
        return text
    return _COMMANDS.sub(_mark, text)


def _mark(hit: re.Match[str]) -> str:
    code = ord(hit[0])
    if code < 0x20:
        return chr(0x2400 + code)
    return "\u2421" if code == 0x7F else "\ufffd"


def width(text: str) -> int:
    """How many cells `text` takes; it holds no control characters."""
    return len(text) if text.isascii() else _width(text)


@lru_cache(maxsize=8192)
def _width(text: str) -> int:
    return sum(cells for _, cells in graphemes(text))


def graphemes(text: str) -> Iterator[tuple[str, int]]:
    """The clusters of `text`, each with the cells it takes."""
    if text.isascii():
        for letter in text:
            yield letter, 1
        return
    for cluster in wcwidth.iter_graphemes(text):
        yield cluster, _cells(cluster)


def _cells(cluster: str) -> int:
    return 1 if cluster.isascii() else min(2, max(0, wcwidth.wcswidth(cluster)))


def is_disputed(text: str) -> bool:
    """Whether terminals may disagree on how wide `text` is: joined, marked, or flag clusters."""
    return not text.isascii() and _is_disputed(text)


@lru_cache(maxsize=4096)
def _is_disputed(text: str) -> bool:
    return any(len(cluster) > 1 or cells == 0 for cluster, cells in graphemes(text))


def clip(text: str, cells: int, mark: str = "") -> str:
    """As much of `text` as fits in `cells`; what is cut off is told by `mark`."""
    if width(text) <= cells:
        return text
    room = cells - width(mark)
    if room < 0:
        return clip(mark, cells) if mark else ""
    taken: list[str] = []
    used = 0
    for cluster, wide in graphemes(text):
        if used + wide > room:
            break
        taken.append(cluster)
        used += wide
    return "".join(taken) + mark


def expand_tabs(text: str, column: int = 0) -> str:
    """`text` (one line) with each tab as blanks up to the next stop."""
    if "\t" not in text:
        return text
    parts: list[str] = []
    for index, part in enumerate(text.split("\t")):
        if index:
            blanks = TAB_CELLS - column % TAB_CELLS
            parts.append(" " * blanks)
            column += blanks
        parts.append(part)
        column += width(scrub(part))
    return "".join(parts)
