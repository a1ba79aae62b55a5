"""Finding by some of the letters: which candidates fit a pattern, the best first.

A candidate fits when it has the pattern's letters in order. Letters at the beginning of words
and letters in a row count more; capitals count when the pattern has any (smart case).
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")

_BEGINS, _FOLLOWS, _FIRST = 10, 6, 8
_SEPARATORS = " /_-.:"


@dataclass(frozen=True, slots=True)
class Match:
    """How well a candidate fits, and where its letters stand."""

    score: int = 0
    places: tuple[int, ...] = ()


def fits(pattern: str, text: str) -> Match | None:
    """How `text` fits; None when it does not."""
    if not pattern.strip(" "):
        return Match()
    exact = pattern != pattern.lower()
    wanted, within = (pattern, text) if exact else (pattern.lower(), text.lower())
    if len(within) != len(text):  # lower case of another length: places would lie
        within = text
    start = within.find(wanted)
    if start >= 0:
        return _scored(within, tuple(range(start, start + len(wanted))))
    places: list[int] = []
    at = 0
    for letter in wanted:
        if letter == " ":
            continue
        at = within.find(letter, at)
        if at < 0:
            return None
        places.append(at)
        at += 1
    return _scored(within, _tightened(within, places))


def _tightened(text: str, places: list[int]) -> tuple[int, ...]:
    """The same letters as near to the last one as they stand."""
    result = places[:]
    limit = places[-1]
    for index in range(len(places) - 2, -1, -1):
        limit = text.rfind(text[places[index]], 0, limit)
        result[index] = limit
    return tuple(result)


def _scored(text: str, places: tuple[int, ...]) -> Match:
    score = -len(text) // 8
    for index, place in enumerate(places):
        if place == 0:
            score += _FIRST + _BEGINS
        elif text[place - 1] in _SEPARATORS:
            score += _BEGINS
        if index and place == places[index - 1] + 1:
            score += _FOLLOWS
    return Match(score - (places[-1] - places[0]) // 4, places)


def ranked(
    pattern: str, items: Iterable[T], key: Callable[[T], str]
) -> tuple[tuple[T, Match], ...]:
    """The items that fit, the best first; equals keep their order."""
    found = [(item, match) for item in items if (match := fits(pattern, key(item))) is not None]
    if pattern:
        found.sort(key=lambda each: (-each[1].score, len(key(each[0]))))
    return tuple(found)
