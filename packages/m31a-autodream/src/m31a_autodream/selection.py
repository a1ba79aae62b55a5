"""Which messages may go, which go first, and which of them the summary is made from.

Pure decisions on positions. A *unit* is a list of positions that stay or go together: a tool call
with its results, or a single message.
"""

from collections.abc import Callable, Hashable, Iterable, Sequence
from itertools import accumulate
from typing import TypeVar

M = TypeVar("M")

Unit = list[int]


def free_units(
    messages: Sequence[M],
    protect: Callable[[M], bool],
    group: Callable[[M], Hashable | None] | None,
    keep_last: int,
) -> list[Unit]:
    """The units that may be touched, oldest first.

    A unit is free when none of its messages is protected or among the last `keep_last`. A group
    of one is a tool call that still waits for its result, and is not free either.
    """
    first_kept = len(messages) - keep_last
    singles: list[Unit] = []
    groups: dict[Hashable, Unit] = {}
    for position, message in enumerate(messages):
        key = group(message) if group is not None else None
        if key is None:
            singles.append([position])
        else:
            groups.setdefault(key, []).append(position)
    whole = [unit for unit in groups.values() if len(unit) > 1]
    return sorted(
        unit
        for unit in (*singles, *whole)
        if unit[-1] < first_kept and not any(protect(messages[position]) for position in unit)
    )


def oldest_half(units: Sequence[Unit], sizes: Sequence[int]) -> list[Unit]:
    """As few of the oldest units as hold half the tokens of all; at least one if there is any."""
    running = list(accumulate(weight(unit, sizes) for unit in units))
    enough = (number for number, tokens in enumerate(running, 1) if 2 * tokens >= running[-1])
    return list(units[: next(enough, 0)])


def sampled(
    units: Sequence[Unit], roles: Sequence[str], sizes: Sequence[int], budget_tokens: int
) -> list[Unit]:
    """Units for a summary within the budget: the first and last of each role, then the newest.

    The first and last of each role are in even when they alone exceed the budget.
    """
    if sum(weight(unit, sizes) for unit in units) <= budget_tokens:
        return list(units)
    first: dict[str, int] = {}
    last: dict[str, int] = {}
    for number, unit in enumerate(units):
        for position in unit:
            first.setdefault(roles[position], number)
            last[roles[position]] = number
    chosen = {*first.values(), *last.values()}
    left_tokens = budget_tokens - sum(weight(units[number], sizes) for number in chosen)
    for number in reversed(range(len(units))):
        tokens = weight(units[number], sizes)
        if number not in chosen and tokens <= left_tokens:
            chosen.add(number)
            left_tokens -= tokens
    return [units[number] for number in sorted(chosen)]


def weight(unit: Iterable[int], sizes: Sequence[int]) -> int:
    """The tokens of these positions together."""
    return sum(sizes[position] for position in unit)
