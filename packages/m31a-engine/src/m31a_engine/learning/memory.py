"""A project's memory on disk: read before a run plans, written when it has ended."""

import fcntl
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import msgspec

from m31a_engine.checks.result import CheckResult
from m31a_engine.learning.facts import Book, fresh, judged, learned, relevant
from m31a_engine.learning.lessons import Lesson, checks_of
from m31a_ledger import LedgerEntry, LedgerError, recall
from m31a_tools import sanitise, write_atomic

MOST_ENTRIES = 3


class Recalled(msgspec.Struct, frozen=True, kw_only=True):
    """What a run is told of earlier ones."""

    lines: tuple[str, ...] = ()
    """Sentences, the most useful first."""
    facts: tuple[str, ...] = ()
    """Those of them that are facts, to be judged by how the run goes."""


@dataclass(frozen=True, slots=True)
class Memory:
    """One project's book of facts, and the rows of the ledger that may be recalled here."""

    file: Path
    entries: Callable[[], Iterable[LedgerEntry]]
    is_ours: Callable[[LedgerEntry], bool]
    """Whether a row's words may stand in a prompt of this project."""

    def recall(self, goal: str, project_type: str, *, rows: bool) -> Recalled:
        """What is worth knowing before this goal is worked on; nothing when nothing can be read.

        Without `rows` the ledger is left alone: reading it takes as long as it is.
        """
        book = fresh(self._read(), _today())
        facts = [sanitise(fact.text) for fact in relevant(book, goal)]
        ours = filter(self.is_ours, self._rows()) if rows else ()
        like = recall(ours, goal, project_type, MOST_ENTRIES)
        checks = [
            f"check {check.name} (`{check.command}`): {check.status}, {check.seconds:.0f} s"
            for check in book.checks
        ]
        lines = (*facts, *checks, *(sanitise(_sentence(row)) for row in like))
        return Recalled(lines=lines, facts=tuple(facts))

    def learn(
        self,
        goal: str,
        lessons: Sequence[Lesson],
        checks: Iterable[CheckResult],
        recalled: Iterable[str],
        *,
        won: bool,
    ) -> None:
        """Keep what a run has shown; what was recalled for it is judged by how it went.

        Raises: OSError when the file cannot be written.
        """
        today = _today()
        with self._locked():
            book = judged(fresh(self._read(), today), recalled, won=won, today=today)
            book = learned(book, (lesson.text for lesson in lessons), goal, today)
            seen = checks_of(checks)
            book = msgspec.structs.replace(book, checks=seen or book.checks)
            write_atomic(self.file, msgspec.json.encode(book), mode=0o600)

    def _read(self) -> Book:
        try:
            return msgspec.json.decode(self.file.read_bytes(), type=Book)
        except (OSError, msgspec.DecodeError):
            return Book()  # facts are a help, never a reason to fail

    def _rows(self) -> Iterable[LedgerEntry]:
        try:
            return self.entries()
        except (LedgerError, OSError, ValueError):
            return ()

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Ghosts beside one another write one after the other."""
        lock = os.open(self.file.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)


def _sentence(row: LedgerEntry) -> str:
    failures = f" ({', '.join(row.failures)})" if row.failures else ""
    return f"{row.at[:10]}, a goal about {', '.join(row.keywords)}: {row.outcome}{failures}"


def _today() -> date:
    return datetime.now(UTC).date()
