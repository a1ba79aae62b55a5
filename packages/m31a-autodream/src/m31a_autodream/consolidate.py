"""Makes a long conversation shorter: stubs for bulky old outputs, one summary for old messages.

Generic over the message type: everything it needs to know of a message it asks of functions.
"""

from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from m31a_autodream.breaker import Breaker
from m31a_autodream.errors import CannotUndo
from m31a_autodream.selection import Unit, free_units, oldest_half, sampled, weight

M = TypeVar("M")


@dataclass(frozen=True, slots=True)
class Consolidation(Generic[M]):
    """A conversation made shorter, and all that is needed to take it back."""

    messages: tuple[M, ...]
    """The conversation to go on with; never larger than before."""
    removed: tuple[M, ...]
    """The messages the summary stands for, as they were; empty without a summary."""
    saved_tokens: int
    """By the caller's `size`; never negative."""
    summary: M | None
    """The message that replaces the removed ones; None if stubs were enough or nothing could go."""
    before: tuple[M, ...]
    """The conversation as it was."""

    def undo(self, messages: Sequence[M]) -> tuple[M, ...]:
        """The conversation as it was, followed by what has been said since.

        Raises:
            CannotUndo: `messages` does not begin with what this consolidation left.
        """
        left = len(self.messages)
        if tuple(messages[:left]) != self.messages:
            raise CannotUndo
        return (*self.before, *messages[left:])


async def consolidate(
    messages: Sequence[M],
    *,
    protect: Callable[[M], bool],
    size: Callable[[M], int],
    summarise: Callable[[Sequence[M]], Awaitable[M]],
    group: Callable[[M], Hashable | None] | None = None,
    state: Callable[[M], M | None] | None = None,
    stub: Callable[[M], M | None] | None = None,
    role: Callable[[M], str] | None = None,
    keep_last: int = 5,
    sample_tokens: int | None = 16_000,
    target_tokens: int | None = None,
    breaker: Breaker | None = None,
) -> Consolidation[M]:
    """A shorter conversation with everything protected still in it, in order and word for word.

    First every free message is replaced by its stub where that is smaller. Then, unless that
    reached `target_tokens`, the oldest half of what is free (by tokens) gives way to the one
    message that `summarise` makes of it, which stands where the first of them stood. If that
    would not be smaller, it is dropped.

    Args:
        protect: Whether a message must stay as it is: system, goal, plan.
        size: Tokens of a message; asked of summaries and stubs too.
        summarise: Makes one message of many. What it raises comes out of here, nothing changed.
        group: The same key for a tool call and its results, None for other messages. A group
            stays or goes as one; a group of one is an open call and stays.
        state: What of a message must survive word for word: the message itself, a smaller message
            that can stand alone, or None. It stays where the message stood.
        stub: A short stand-in for a bulky message, such as the head of a tool's output, or None.
        role: Who speaks. With it each role's first and last word is among what is summarised.
        keep_last: So many messages at the end are never touched.
        sample_tokens: About as much as `summarise` is given at most; None for all.
        target_tokens: If stubs alone bring the conversation down to this, nothing is summarised.
        breaker: Remembers, for one conversation, whether consolidating still helps.

    Raises:
        ConsolidationStopped: the breaker has tripped.
    """
    if keep_last < 0:
        raise ValueError(f"keep_last is {keep_last}; it must be 0 or more")
    if breaker is not None:
        breaker.check()
    draft = _Draft(tuple(messages), size)
    draft.find_free(protect, group, state, keep_last)
    if stub is not None:
        draft.use_stubs(stub)
    if target_tokens is None or draft.tokens > target_tokens:
        going = oldest_half(draft.free, draft.sizes)
        if draft.gain_without(going) > 0:
            roles = [role(message) if role is not None else "" for message in draft.messages]
            budget_tokens = draft.tokens if sample_tokens is None else sample_tokens
            chosen = sampled(going, roles, draft.sizes, budget_tokens)
            positions = sorted(position for unit in chosen for position in unit)
            summary = await summarise(tuple(draft.messages[position] for position in positions))
            draft.replace(going, summary)
    result = draft.result()
    if breaker is not None:
        breaker.record(draft.before_tokens, result.saved_tokens)
    return result


class _Draft(Generic[M]):
    """A conversation while it is being made shorter."""

    def __init__(self, before: tuple[M, ...], size: Callable[[M], int]) -> None:
        self._before = before
        self._size = size
        self.messages = list(before)
        self.sizes = [size(message) for message in before]
        self.before_tokens = sum(self.sizes)
        self.free: list[Unit] = []
        self._state: dict[int, M] = {}
        self._gone: frozenset[int] = frozenset()
        self._summary: M | None = None

    @property
    def tokens(self) -> int:
        """What the messages weigh now, before any is removed."""
        return sum(self.sizes)

    def find_free(
        self,
        protect: Callable[[M], bool],
        group: Callable[[M], Hashable | None] | None,
        state: Callable[[M], M | None] | None,
        keep_last: int,
    ) -> None:
        """Settle what may be touched; a message that is all state keeps its whole unit."""
        for unit in free_units(self.messages, protect, group, keep_last):
            kept = {} if state is None else {at: state(self.messages[at]) for at in unit}
            if not any(found == self.messages[at] for at, found in kept.items()):
                self.free.append(unit)
                self._state |= {at: found for at, found in kept.items() if found is not None}

    def use_stubs(self, stub: Callable[[M], M | None]) -> None:
        """Put smaller stand-ins in place of free messages that hold no state."""
        for position in (position for unit in self.free for position in unit):
            short = None if position in self._state else stub(self.messages[position])
            if short is not None and (tokens := self._size(short)) < self.sizes[position]:
                self.messages[position] = short
                self.sizes[position] = tokens

    def gain_without(self, units: Sequence[Unit]) -> int:
        """Tokens freed by removing these units but for the state in them."""
        positions = [position for unit in units for position in unit]
        kept = sum(self._size(self._state[at]) for at in positions if at in self._state)
        return weight(positions, self.sizes) - kept

    def replace(self, units: Sequence[Unit], summary: M) -> None:
        """Let the summary stand for these units, unless nothing would be gained."""
        if self._size(summary) < self.gain_without(units):
            self._summary = summary
            self._gone = frozenset(position for unit in units for position in unit)

    def result(self) -> Consolidation[M]:
        """The conversation as it is to go on."""
        messages: list[M] = []
        place = min(self._gone, default=-1)
        for position, message in enumerate(self.messages):
            if position not in self._gone:
                messages.append(message)
                continue
            if self._summary is not None and position == place:
                messages.append(self._summary)
            if position in self._state:
                messages.append(self._state[position])
        return Consolidation(
            messages=tuple(messages),
            removed=tuple(self._before[position] for position in sorted(self._gone)),
            saved_tokens=self.before_tokens - sum(map(self._size, messages)),
            summary=self._summary,
            before=self._before,
        )
