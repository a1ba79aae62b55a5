"""What a sandbox leaves in the folders of a workspace, and when it can be taken away."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from m31a_tools.sandbox.launch import Launch


@dataclass(eq=False, slots=True)
class StandIns:
    """The empty files and folders that the confined commands of one workspace leave there.

    They are gone when no command runs there any more; sooner, one that still runs would lose
    the protection of what they stand for.
    """

    _running: int = 0
    _launches: list[Launch] = field(default_factory=list)

    @contextlib.contextmanager
    def kept(self, launch: Callable[[], Launch]) -> Iterator[Launch]:
        """The launch of a command that runs inside this `with`.

        It is made here and not before: it takes what stands there for being there to stay.
        """
        self._running += 1
        try:
            started = launch()
            if started.stand_ins:
                self._launches.append(started)
            yield started
        finally:
            self._running -= 1
            if not self._running:
                while self._launches:
                    self._launches.pop().tidy()
