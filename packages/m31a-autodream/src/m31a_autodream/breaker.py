"""Stops a conversation from being consolidated again and again for nothing."""

from collections import deque

from m31a_autodream.errors import ConsolidationStopped


class Breaker:
    """Remembers what the last consolidations of one conversation freed.

    It trips when `times` in a row freed less than the share `floor`; `consolidate` then raises
    ConsolidationStopped until `reset`, which is for a person's explicit wish or a new conversation.
    """

    def __init__(self, floor: float = 0.10, times: int = 2) -> None:
        """Begin untripped."""
        self._floor = floor
        self._freed: deque[float] = deque(maxlen=times)

    @property
    def tripped(self) -> bool:
        """Whether the last consolidations were all too poor."""
        full = len(self._freed) == self._freed.maxlen
        return full and all(share < self._floor for share in self._freed)

    def record(self, before_tokens: int, saved_tokens: int) -> None:
        """Take in what one consolidation freed of how much."""
        self._freed.append(saved_tokens / before_tokens if before_tokens else 0.0)

    def check(self) -> None:
        """Raise ConsolidationStopped if tripped."""
        if self.tripped:
            raise ConsolidationStopped(tuple(self._freed))

    def reset(self) -> None:
        """Forget everything."""
        self._freed.clear()
