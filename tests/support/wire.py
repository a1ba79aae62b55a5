"""A wire between a person's window and the program: one that is long, or one that is narrow."""

import os
import select
import socket
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from window import Window

PIECE = 200
"""Bytes that a narrow wire takes at once."""


class Wire:
    """Carries bytes both ways between a pseudo-terminal and a socket, until it is closed."""

    def __init__(self, far: int, near: socket.socket, delay_s: float, bytes_per_s: float) -> None:
        """`delay_s` each way; of what the program paints, so many bytes a second."""
        self._far = far
        self._near = near
        self._delay_s = delay_s
        self._bytes_per_s = bytes_per_s
        self._next_s = 0.0
        self._under_way: dict[bool, deque[tuple[float, bytes]]] = {True: deque(), False: deque()}
        self._stop = threading.Event()
        self.stopped = threading.Event()
        """Set: nothing of what the program paints is taken any more."""
        self._thread = threading.Thread(target=self._carry, daemon=True)

    def __enter__(self) -> "Wire":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def widen(self) -> None:
        """Take everything from now on, as fast as it comes."""
        self._bytes_per_s = float("inf")
        self.stopped.clear()

    def _carry(self) -> None:
        while not self._stop.is_set():
            now_s = time.monotonic()
            takes = not self.stopped.is_set() and now_s >= self._next_s
            reading = [self._near.fileno(), *([self._far] if takes else [])]
            for ready in select.select(reading, [], [], 0.005)[0]:
                self._take(ready, now_s)
            self._deliver(time.monotonic())

    def _take(self, ready: int, now_s: float) -> None:
        from_program = ready == self._far
        wide = self._bytes_per_s == float("inf")
        try:
            data = os.read(ready, 65_536 if wide or not from_program else PIECE)
        except OSError:  # the program is gone
            self._stop.wait(0.01)
            return
        if from_program and not wide:
            self._next_s = now_s + len(data) / self._bytes_per_s
        self._under_way[from_program].append((now_s + self._delay_s, data))

    def _deliver(self, now_s: float) -> None:
        for to_person, waiting in self._under_way.items():
            while waiting and waiting[0][0] <= now_s:
                _, data = waiting.popleft()
                if to_person:
                    self._near.sendall(data)
                else:
                    os.write(self._far, data)


@contextmanager
def wire_to(
    window: Window, *, delay_s: float = 0.0, bytes_per_s: float = float("inf")
) -> Iterator[Wire]:
    """The window at the far end of a wire, until the block ends."""
    near, inner = socket.socketpair()
    master, window.master = window.master, near.fileno()
    try:
        with near, inner, Wire(master, inner, delay_s, bytes_per_s) as wire:
            yield wire
    finally:
        window.master = master
