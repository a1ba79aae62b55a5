"""The entries that resemble a goal: pure, deterministic, and without a clock.

Age counts from the newest entry, so the same ledger always gives the same answer.
"""

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

from m31a_ledger.entry import LedgerEntry
from m31a_ledger.moments import moment_of

_MOST_KEYWORDS: Final = 24
_LONGEST_KEYWORD: Final = 32
_LONGEST_GOAL: Final = 20_000
_WORD: Final = re.compile(r"\w[\w.+#'’/-]*")
_FUNCTION_WORDS: Final = (
    "a about add after all also an and any are as at be because been before being but by can "
    "could did do does doing don't each for from get give had has have he her here him his how i "
    "if in into is it it's its just let let's like make makes me more most must my need needs no "
    "not now of off on once one only or other our out over own please put same she should so some "
    "such than that that's the their them then there these they this those to too under until up "
    "us use used uses using very want wants was we were what when where which while who why will "
    "with would you your"
)
_STOP_WORDS: Final = frozenset(_FUNCTION_WORDS.split())

_SAME_TYPE_BONUS: Final = 0.25
_HALF_LIFE_S: Final = 90 * 86_400
_OLDEST_WEIGHT: Final = 0.25


def keywords_of(goal: str) -> tuple[str, ...]:
    """The words of a goal that say what it is about, lower-case, each once, at most 24.

    Words that mean nothing alone are left out, as is what is longer than 32 characters: that is
    an address, a hash or a key, and does not belong into a ledger.
    """
    words = (match[0].rstrip(".'’/-") for match in _WORD.finditer(goal[:_LONGEST_GOAL].casefold()))
    telling = dict.fromkeys(
        word
        for word in words
        if 1 < len(word) <= _LONGEST_KEYWORD and word.replace("’", "'") not in _STOP_WORDS
    )
    return tuple(telling)[:_MOST_KEYWORDS]


def recall(
    entries: Iterable[LedgerEntry],
    goal: str,
    project_type: str | None = None,
    limit: int = 5,
) -> tuple[LedgerEntry, ...]:
    """The entries most like `goal`, best first, at most `limit`; demo rows are never among them.

    Likeness is the share of rare words in common, the same `project_type` adds to it, and age
    takes from it. Entries with no word in common are given only for the same project type.
    """
    runs = [entry for entry in entries if not entry.is_demo]
    wanted = _stems(keywords_of(goal))
    known = [_stems(entry.keywords) for entry in runs]
    rarity = _rarity(wanted, known)
    moments = [moment_of(entry.at) for entry in runs]
    newest = max(moments, default=-math.inf)
    kind = (project_type or "").casefold()
    ranked: list[tuple[float, float, int]] = []
    for position, (entry, stems, moment) in enumerate(zip(runs, known, moments, strict=True)):
        likeness = _likeness(wanted, stems, rarity)
        if kind and entry.project_type.casefold() == kind:
            likeness += _SAME_TYPE_BONUS
        if likeness > 0:
            ranked.append((-likeness * _freshness(newest, moment), -moment, -position))
    ranked.sort()
    return tuple(runs[-position] for _, _, position in ranked[: max(limit, 0)])


def _stems(words: Sequence[str]) -> frozenset[str]:
    """The words with a plural `s` taken off, so that `tests` finds `test`."""
    return frozenset(
        word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word
        for word in map(str.casefold, words)
    )


def _rarity(wanted: frozenset[str], known: Sequence[frozenset[str]]) -> dict[str, float]:
    """The weight of each wanted word: the fewer entries have it, the more it says."""
    counts: Counter[str] = Counter()
    for stems in known:
        counts.update(wanted & stems)
    return {word: math.log1p((len(known) + 1) / (counts[word] + 1)) for word in wanted}


def _likeness(wanted: frozenset[str], stems: frozenset[str], rarity: dict[str, float]) -> float:
    """0 to 1: the weight of the common words, damped where the entry speaks of much else."""
    common = wanted & stems
    if not common:
        return 0.0
    # fsum, because the order of a set varies between processes and with it a sum's last bits.
    weight = math.fsum(rarity[word] for word in common) / math.fsum(rarity.values())
    return weight * math.sqrt(len(common) / len(stems))


def _freshness(newest: float, moment: float) -> float:
    if math.isinf(moment):
        return _OLDEST_WEIGHT
    return _OLDEST_WEIGHT + (1 - _OLDEST_WEIGHT) * math.exp2((moment - newest) / _HALF_LIFE_S)
