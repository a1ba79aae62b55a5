"""Effects that happen once, however often the process dies.

`once` looks an effect up in the journal: done before, its value is returned and nothing
runs. Begun before, it is run again with the same intention; so an effect must be safe to
repeat with the same intention (a commit with given dates has the same id; a ref is moved
by compare-and-swap; a ledger row is kept apart by its session).
"""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from m31a_engine.session.journal import Journal

T = TypeVar("T")
I = TypeVar("I")  # noqa: E741 - the intention's type


async def once(journal: Journal, key: str, kind: type[T], effect: Callable[[], Awaitable[T]]) -> T:
    """The value of an effect, run at most once to its end."""
    known = journal.done(key, kind)
    if known is not None:
        return known
    value = await effect()
    await journal.finish(key, value)
    return value


async def once_as_intended(
    journal: Journal,
    key: str,
    kind: type[T],
    intention: I,
    effect: Callable[[I], Awaitable[T]],
) -> T:
    """As `once`, with an intention that is on disk before the effect starts."""
    known = journal.done(key, kind)
    if known is not None:
        return known
    value = await effect(await journal.intend(key, intention))
    await journal.finish(key, value)
    return value
