"""Where characters and words of a text begin and end, as people see them."""

import re

import wcwidth

from m31a.draw.text import graphemes

_WORD = re.compile(r"\w+|[^\w\s]+")


def before(text: str, at: int) -> int:
    """Where the cluster before `at` begins."""
    if at <= 0:
        return 0
    if text[:at].isascii():
        return at - 1
    return int(wcwidth.grapheme_boundary_before(text, at))


def after(text: str, at: int) -> int:
    """Where the cluster at `at` ends."""
    first = next((cluster for cluster, _ in graphemes(text[at : at + 64])), "")
    return at + len(first)


def word_before(text: str, at: int) -> int:
    """Where the word before `at` begins."""
    starts = [found.start() for found in _WORD.finditer(text, 0, at)]
    return starts[-1] if starts else 0


def word_after(text: str, at: int) -> int:
    """Where the word after `at` ends."""
    found = _WORD.search(text, at)
    return found.end() if found else len(text)
