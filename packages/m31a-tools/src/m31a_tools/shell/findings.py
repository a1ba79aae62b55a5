"""What was found in a command line so far."""

from collections.abc import Iterable

from m31a_tools.shell.commands import Simple, Taken, Target, Word, targets_at
from m31a_tools.shell.grammar import FREE


class Findings:
    """Commands and files, in the order in which a shell would come to them."""

    def __init__(self) -> None:
        self.commands: list[Simple] = []
        self.targets: list[Target] = []
        self.reads: list[str] = []
        self.sockets = False
        self._unclear: dict[str, None] = {}
        self._pending: list[tuple[Word, bool]] = []

    def doubt(self, why: str) -> None:
        """Note why the line cannot be judged."""
        self._unclear[why] = None

    def add(self, taken: Taken) -> None:
        """Note what was found in a text inside this one."""
        self.commands.extend(taken.commands)
        self.targets.extend(taken.targets)
        self.reads.extend(taken.reads)
        self.sockets = self.sockets or taken.sockets
        self._unclear.update(dict.fromkeys(taken.unclear))

    def written(self, file: Word, *, loses: bool) -> None:
        """Note a file that output goes to; where it lies is settled later."""
        self._pending.append((file, loses))

    @property
    def unsettled(self) -> int:
        """How many files wait for being settled."""
        return len(self._pending)

    def settle(self, since: int, folders: Iterable[str]) -> None:
        """Say where the files noted since then lie, now that the folder is known."""
        for file, loses in self._pending[since:]:
            if not (file.fixed and FREE.fullmatch(file.text)):
                self.targets.extend(targets_at(file, folders, loses=loses))
        del self._pending[since:]

    def taken(self) -> Taken:
        """All of it."""
        return Taken(
            commands=tuple(self.commands),
            targets=tuple(dict.fromkeys(self.targets)),
            unclear=tuple(self._unclear),
            sockets=self.sockets,
            reads=tuple(self.reads),
        )
