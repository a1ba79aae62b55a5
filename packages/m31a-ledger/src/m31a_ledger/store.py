"""The ledger's file: rows are added under a lock between processes, whole or not at all.

Beside `LEDGER.md` stand `LEDGER.md.lock` (empty), `LEDGER.md.index` (a cache that may be deleted)
and, only after a crash in mid-write, `LEDGER.md.torn` with the half row that was taken out.
Readers take no lock: what they see is the ledger before or after an append.
"""

import logging
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from m31a_ledger.durable import append_durably, replace_durably
from m31a_ledger.entry import LedgerEntry, Reading, RowProblem
from m31a_ledger.errors import LedgerLocked, LedgerUnavailable
from m31a_ledger.index import Stamp, build_index, open_index
from m31a_ledger.lock import locked
from m31a_ledger.moments import moment_of
from m31a_ledger.table import HEADER, PREFACE, Page, read_page, row_of

logger = logging.getLogger(__name__)


class LedgerStore:
    """A ledger at a path; the file need not exist yet. Safe between threads and processes."""

    def __init__(self, path: str | os.PathLike[str], *, lock_timeout_s: float = 10.0) -> None:
        """Name the Markdown file and how long a writer waits for other writers."""
        self.path = Path(path)
        self.lock_timeout_s = lock_timeout_s

    def read(self) -> Reading:
        """All entries and all problems in one pass; empty when there is no file.

        Raises:
            LedgerUnavailable: the file cannot be read.
        """
        with self._told(self.path):
            page = read_page(_text(_bytes_of(self.path)))
        return Reading(entries=page.entries, problems=page.problems)

    def entries(self) -> tuple[LedgerEntry, ...]:
        """All entries in the order of appending; lines that cannot be read are passed over.

        Raises:
            LedgerUnavailable: the file cannot be read.
        """
        return self.read().entries

    def problems(self) -> tuple[RowProblem, ...]:
        """The lines in tables of the ledger that could not be read as entries.

        Raises:
            LedgerUnavailable: the file cannot be read.
        """
        return self.read().problems

    def append(self, entry: LedgerEntry) -> bool:
        """Add an entry; it is on disk when this returns.

        Takes as long for a ledger of a hundred thousand rows as for one of ten, except for the
        first append after the file was changed by someone else.

        Returns:
            False when the ledger already has an entry of this session: nothing is added then.

        Raises:
            UnwritableEntry: the entry has no lossless form.
            LedgerLocked: another process did not release the ledger in time.
            LedgerUnavailable: the file cannot be written; it is as it was before.
        """
        row = row_of(entry).encode()
        with self._locked() as path:
            status = _status(path)
            if status is None:
                status = replace_durably(path, _with_own_table(b"") + row)
                _note(path, (entry.session,), status)
                return True
            index = open_index(_index_path(path), Stamp.of(status))
            if index is None:
                return _append_after_reading(path, entry.session, row)
            with index:
                if entry.session in index:
                    return False
                status = append_durably(path, row)
                try:
                    index.add(entry.session, Stamp.of(status))
                except OSError as exc:
                    logger.debug("the index of %s was not kept: %s", path, exc)
            return True

    def prune(self, keep: int) -> int:
        """Remove all but the newest `keep` entries; everything else in the file stays.

        Returns:
            How many entries were removed.

        Raises:
            ValueError: `keep` is negative.
            LedgerLocked: another process did not release the ledger in time.
            LedgerUnavailable: the file cannot be written; it is as it was before.
        """
        if keep < 0:
            raise ValueError(f"cannot keep {keep} entries")
        with self._locked() as path:
            data = _bytes_of(path)
            page = read_page(_text(data))
            surplus = _oldest_lines(page, len(page.entries) - keep)
            if surplus:
                lines = data.split(b"\n")
                kept = (line for number, line in enumerate(lines, 1) if number not in surplus)
                replace_durably(path, b"\n".join(kept))
            return len(surplus)

    @contextmanager
    def _locked(self) -> Iterator[Path]:
        """The ledger's real path, locked against all other writers."""
        # A ledger may be a link into someone's notes: lock and replace the file, not the link.
        path = Path(os.path.realpath(self.path))
        with self._told(path):
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with self._alone(path):
                yield path

    @contextmanager
    def _alone(self, path: Path) -> Iterator[None]:
        with ExitStack() as held:
            try:
                held.enter_context(locked(f"{path}.lock", self.lock_timeout_s))
            except TimeoutError as exc:
                raise LedgerLocked(path, self.lock_timeout_s) from exc
            yield

    @contextmanager
    def _told(self, path: Path) -> Iterator[None]:
        """Failures of the file system as errors that name the ledger."""
        try:
            yield
        except OSError as exc:
            raise LedgerUnavailable(path, exc.strerror or str(exc)) from exc


def _append_after_reading(path: Path, session: str, row: bytes) -> bool:
    """Add a row to a ledger whose state is not known: edited by hand, or left by a crash."""
    data = _bytes_of(path)
    page = read_page(_text(data))
    sessions = [entry.session for entry in page.entries]
    if page.is_torn:
        cut = data.rfind(b"\n") + 1
        _set_aside(path, data[cut:])
        os.truncate(path, cut)
        data = data[:cut]
    line_end = b"" if not data or data.endswith(b"\n") else b"\n"
    if session in sessions:
        # The row may be from a process that was killed before it was on disk.
        status = append_durably(path, line_end if page.in_own_table else b"")
        if page.in_own_table:
            _note(path, sessions, status)
        return False
    if page.in_own_table:
        status = append_durably(path, line_end + row)
    else:
        status = replace_durably(path, _with_own_table(data) + row)
    _note(path, [*sessions, session], status)
    return True


def _with_own_table(data: bytes) -> bytes:
    """The ledger ending in a table of ours: blank lines below one are dropped, or one is begun."""
    trimmed = data.rstrip(b" \t\r\n") + b"\n"
    if read_page(_text(trimmed)).in_own_table:
        return trimmed
    return (trimmed + b"\n" if trimmed.strip() else PREFACE.encode()) + HEADER.encode()


def _note(path: Path, sessions: Iterable[str], status: os.stat_result) -> None:
    """Write the index; a ledger whose index cannot be written works all the same."""
    try:
        build_index(_index_path(path), sessions, Stamp.of(status))
    except OSError as exc:
        logger.debug("the index of %s was not written: %s", path, exc)


def _set_aside(path: Path, piece: bytes) -> None:
    aside = path.with_name(f"{path.name}.torn")
    aside.touch(mode=0o600)
    append_durably(aside, piece + b"\n")
    logger.warning("a row of %s was cut short by a crash; the piece is now in %s", path, aside)


def _oldest_lines(page: Page, count: int) -> frozenset[int]:
    ages = sorted(
        (moment_of(entry.at), line) for entry, line in zip(page.entries, page.lines, strict=True)
    )
    return frozenset(line for _, line in ages[: max(count, 0)])


def _index_path(path: Path) -> Path:
    return path.with_name(f"{path.name}.index")


def _status(path: Path) -> os.stat_result | None:
    """The state of the file, `None` when there is none."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(status.st_mode):
        # Opening a pipe would wait for ever.
        raise OSError("it is not a regular file")
    return status


def _bytes_of(path: Path) -> bytes:
    return b"" if _status(path) is None else path.read_bytes()


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")
