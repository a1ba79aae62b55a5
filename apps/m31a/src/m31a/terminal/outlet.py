"""A terminal's output, written to without waiting for a terminal that takes nothing."""

import os
import select


class Outlet:
    """Takes bytes as far as the terminal takes them.

    The descriptor we were given is shared with the shell: its flags are not ours to change. So the
    same terminal is opened anew. What cannot be, a pipe for one, is written to as it is, and waits.
    """

    def __init__(self, output: int) -> None:
        self._output = output
        self._own = _opened_anew(output)

    @property
    def waits(self) -> bool:
        """Whether a write may take long."""
        return self._own is None

    def offer(self, data: bytes | memoryview) -> int:
        """How many of these bytes were taken.

        Raises: OSError when the terminal is gone.
        """
        try:
            return os.write(self._output if self._own is None else self._own, data)
        except BlockingIOError:  # full; or somebody else has changed the flags
            return 0

    def has_room(self, wait_s: float | None) -> bool:
        """Wait until the terminal takes more; False when it does not within this time, if any."""
        return bool(select.select([], [self._output], [], wait_s)[1])

    def close(self) -> None:
        """Give the descriptor of our own back; the one we were given stays open."""
        own, self._own = self._own, None
        if own is not None:
            os.close(own)


def _opened_anew(output: int) -> int | None:
    flags = os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
    try:
        return os.open(os.ttyname(output), flags)
    except OSError:
        return None


def write_all(output: int, text: str, *, patience_s: float | None = None) -> None:
    """Write all of `text`, however little the terminal takes at once.

    Raises:
        OSError: the terminal is gone; TimeoutError: it took nothing for as long as `patience_s`.
    """
    outlet, left = Outlet(output), memoryview(text.encode("utf-8", "replace"))
    try:
        while left:
            left = left[outlet.offer(left) :]
            if left and not outlet.has_room(patience_s):
                raise TimeoutError(f"the terminal took nothing for {patience_s} s")
    finally:
        outlet.close()
