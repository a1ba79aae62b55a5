"""What earlier runs have left that a run may know: this project's facts, and rows of the ledger."""

from collections.abc import Iterator
from dataclasses import dataclass

from m31a_engine.config import Config
from m31a_engine.learning.memory import Memory
from m31a_engine.session.home import Home, ProjectHome
from m31a_ledger import LedgerEntry, LedgerError, LedgerStore


@dataclass(frozen=True, slots=True)
class Experience:
    """The facts and the ledger as one project may use them."""

    config: Config
    home: Home
    project: ProjectHome

    def memory(self, kind: str) -> Memory | None:
        """What is known of the project; nothing is recalled for a demo, nor learned from one."""
        settings = self.config.ledger
        if not (settings.enabled and settings.recall) or kind == "demo":
            return None
        store = LedgerStore(self.home.ledger)
        return Memory(file=self.project.facts, entries=store.entries, is_ours=self._is_ours)

    def rows(self) -> Iterator[LedgerEntry]:
        """The rows that may be used here.

        There are none when the ledger cannot be read, which is said at the run's end.
        """
        try:
            entries = LedgerStore(self.home.ledger).entries()
        except (LedgerError, OSError, ValueError):
            return
        yield from filter(self._is_ours, entries)

    def _is_ours(self, row: LedgerEntry) -> bool:
        """Whether a row is of this project, or those of others may be used here."""
        session = row.session.partition("/")[0]
        places = (self.project, self.project.archive)
        return self.config.ledger.share or any(
            place.session(session).root.is_dir() for place in places
        )
