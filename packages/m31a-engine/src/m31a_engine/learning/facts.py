"""What is known of a project from earlier runs, and whether it has proved right; pure.

A fact is recalled into a run's prompts. When that run needed no second attempt it counts as won,
else as lost; a fact that lost three times and more often than it won is dropped, as is one that
nobody has used for a season. So what is wrong or out of date does not stay.
"""

from collections.abc import Iterable
from datetime import date, timedelta

import msgspec

from m31a_ledger import keywords_of

MOST_FACTS = 100
MOST_CHARS = 300
MOST_LOSSES = 3
SEASON = timedelta(days=90)


class Fact(msgspec.Struct, frozen=True, kw_only=True):
    """One sentence about a project, learned from what happened there."""

    text: str
    keywords: tuple[str, ...] = ()
    """Of the goal it was learned from."""
    born: str
    """The day it was learned, ISO 8601."""
    used: str
    """The day it was last learned or recalled."""
    hits: int = 0
    wins: int = 0
    losses: int = 0

    @property
    def is_refuted(self) -> bool:
        """Whether runs that had it went wrong too often."""
        return self.losses >= MOST_LOSSES and self.losses > self.wins


class CheckMemory(msgspec.Struct, frozen=True, kw_only=True):
    """A check as it went last time."""

    name: str
    command: str
    status: str
    seconds: float


class Book(msgspec.Struct, frozen=True, kw_only=True):
    """All that is known of one project."""

    version: int = 1
    facts: tuple[Fact, ...] = ()
    checks: tuple[CheckMemory, ...] = ()


def learned(book: Book, texts: Iterable[str], goal: str, today: date) -> Book:
    """The book with new facts; one it has already is new again, and is not doubled."""
    day, words = today.isoformat(), keywords_of(goal)
    facts = {fact.text: fact for fact in book.facts}
    for text in texts:
        line = one_line(text)
        known = facts.pop(line, None)
        facts[line] = (
            Fact(text=line, keywords=words, born=day, used=day)
            if known is None
            else msgspec.structs.replace(
                known, used=day, keywords=tuple(dict.fromkeys((*known.keywords, *words)))[:24]
            )
        )
    return msgspec.structs.replace(book, facts=tuple(facts.values())[-MOST_FACTS:])


def judged(book: Book, recalled: Iterable[str], *, won: bool, today: date) -> Book:
    """The book after a run that had these facts in its prompts; what is refuted is gone."""
    had = frozenset(recalled)
    facts = (
        fact
        if fact.text not in had
        else msgspec.structs.replace(
            fact,
            hits=fact.hits + 1,
            wins=fact.wins + won,
            losses=fact.losses + (not won),
            used=today.isoformat(),
        )
        for fact in book.facts
    )
    return msgspec.structs.replace(book, facts=tuple(f for f in facts if not f.is_refuted))


def fresh(book: Book, today: date) -> Book:
    """The book without what nobody has used for a season."""
    oldest = (today - SEASON).isoformat()
    return msgspec.structs.replace(
        book, facts=tuple(fact for fact in book.facts if fact.used >= oldest)
    )


def relevant(book: Book, goal: str) -> tuple[Fact, ...]:
    """The facts, those learned from the likest goals first, newer ones before older ones."""
    wanted = frozenset(keywords_of(goal))
    ranked = sorted(
        enumerate(book.facts),
        key=lambda item: (-len(wanted.intersection(item[1].keywords)), -item[0]),
    )
    return tuple(fact for _, fact in ranked)


def one_line(text: str) -> str:
    """A text as it stands in a list: on one line, cut where it gets long."""
    flat = " ".join(text.split())
    return flat if len(flat) <= MOST_CHARS else flat[: MOST_CHARS - 1] + "…"
