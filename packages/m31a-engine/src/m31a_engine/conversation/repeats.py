"""Notice a model that goes in circles."""

import hashlib
from collections import deque
from enum import StrEnum


class Circling(StrEnum):
    """How a row of calls looks."""

    NO = "no"
    WARN = "warn"
    STOP = "stop"


WARN_AFTER = 3
STOP_AFTER = 5

WARNING = (
    "[M31A] This call has now been made several times with the same result. "
    "Do something else, or say what is in the way and stop."
)


class RepeatWatch:
    """Counts equal call-and-result pairs: one over and over, or two in turn."""

    def __init__(self) -> None:
        self.warned = False
        """Whether the model has read a warning and gone on as before."""
        self._seen: deque[bytes] = deque(maxlen=2 * STOP_AFTER)

    def see(self, tool: str, arguments: str, result: str) -> Circling:
        """Take note of a finished call and say whether the row is a circle."""
        mark = hashlib.blake2b(f"{tool}\0{arguments}\0{result}".encode(), digest_size=8).digest()
        self._seen.append(mark)
        length = max(self._run(1), self._run(2))
        if length >= STOP_AFTER:
            return Circling.STOP
        return Circling.WARN if length >= WARN_AFTER else Circling.NO

    def _run(self, period: int) -> int:
        """How many times the last `period` marks stand in a row at the end."""
        marks = list(self._seen)
        if len(marks) < period or (period == 2 and len(marks) > 1 and marks[-1] == marks[-2]):
            return 0
        pattern = marks[-period:]
        count = 0
        while marks[-period:] == pattern:
            count += 1
            marks = marks[:-period]
        return count
