"""What is known of contents, kept between runs in a small SQLite file that may be lost at any time.

Rows are found by the content's git id, never by a path: several processes that look at several
states of a project share them. A file that cannot be used is left for the next in number, whose
name was never used before, so that no process takes away what another has open.
"""

import sqlite3
import time
from collections.abc import Callable, Collection, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import IntEnum
from pathlib import Path

import msgspec

from m31a_engine.code.parsed import Parsed

SCHEMA = 1
"""Part of the file's name: raised when the tables, or what is read from a content, change."""

FAILURES = (sqlite3.Error, msgspec.DecodeError)
"""What a store raises when its file is broken or cannot be used; see `Store.successor`."""

_APPLICATION_ID = 0x4D333161
_KEPT_DAYS = 30
_DAY_S = 86_400
_UNUSABLE = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL}
_UNUSABLE |= {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN}

_TABLES = """
CREATE TABLE IF NOT EXISTS content (
    id INTEGER PRIMARY KEY AUTOINCREMENT,  -- never used again, for others may still hold one
    blob TEXT NOT NULL,
    reader TEXT NOT NULL,
    seen INTEGER NOT NULL,                 -- day since the epoch
    parsed BLOB NOT NULL,
    UNIQUE (blob, reader)
);
CREATE TABLE IF NOT EXISTS posting (
    word TEXT NOT NULL,
    place INTEGER NOT NULL,
    content INTEGER NOT NULL,
    PRIMARY KEY (word, place, content)
) WITHOUT ROWID;
"""


class Place(IntEnum):
    """Where in a content a word stands."""

    DEFINED = 0
    MENTIONED = 1
    IMPORTED = 2


@dataclass(frozen=True, slots=True)
class Entry:
    """A content as it goes into the store."""

    blob: str
    reader: str
    parsed: Parsed
    words: tuple[tuple[str, Place], ...]


@dataclass(frozen=True, slots=True)
class Cache:
    """Where a store keeps its file."""

    folder: Path | None
    """None: nowhere, what is learned is forgotten at the end."""
    clock: Callable[[], float] = time.time
    """Seconds since the epoch."""
    wait_s: float = 5.0
    """How long to wait for a process that is writing."""


class Store:
    """Contents by git id and reader, and an index of their words."""

    def __init__(self, cache: Cache, number: int = 0) -> None:
        self._cache = cache
        self._number = number
        self._decode = msgspec.msgpack.Decoder(Parsed).decode
        self._encode = msgspec.msgpack.Encoder().encode
        where = ":memory:"
        if cache.folder is not None:
            cache.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            where = str(_file(cache.folder, number))
        # Autocommit: transactions are begun and ended by name below.
        self._db = sqlite3.connect(
            where, timeout=cache.wait_s, isolation_level=None, check_same_thread=False
        )
        try:
            self._prepare()
        except BaseException:
            self._db.close()
            raise

    @classmethod
    def open(cls, cache: Cache) -> "Store":
        """The newest usable file of a cache, made when there is none; else one in memory."""
        if cache.folder is None:
            return cls(cache)
        number = max(_numbers(cache.folder), default=0)
        try:
            return cls(cache, number)
        except (*FAILURES, OSError) as exc:
            return _after(exc, cache, number)

    @property
    def kept(self) -> bool:
        """Whether the next run finds what this one learns."""
        return self._cache.folder is not None

    def successor(self, failure: Exception) -> "Store":
        """Where to go on after a failure: a new file when this is broken, memory when it is full,
        locked or read-only."""
        self.close()
        return _after(failure, self._cache, self._number)

    def close(self) -> None:
        """Give the file back."""
        self._db.close()

    def known(self) -> dict[tuple[str, str], int]:
        """Every content there is: git id and reader → number."""
        rows = self._db.execute("SELECT blob, reader, id FROM content")
        return {(blob, reader): number for blob, reader, number in rows}

    def add(self, entries: Sequence[Entry]) -> list[int]:
        """The numbers of contents, in order; those another process was quicker with are its."""
        today = self._today()
        self._db.execute("BEGIN IMMEDIATE")
        try:
            numbers = [self._insert(entry, today) for entry in entries]
            postings = sorted(
                (word, place.value, number)
                for entry, number in zip(entries, numbers, strict=True)
                for word, place in entry.words
            )
            self._db.executemany("INSERT OR IGNORE INTO posting VALUES (?, ?, ?)", postings)
        except BaseException:
            with suppress(sqlite3.Error):
                self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")
        return numbers

    def parsed(self, numbers: Collection[int]) -> dict[int, Parsed]:
        """What is known of contents; those that are gone are left out."""
        rows = self._db.execute(
            "SELECT id, parsed FROM content WHERE id IN (SELECT value FROM json_each(?))",
            (_listed(numbers),),
        )
        return {number: self._decode(data) for number, data in rows}

    def spread(self, words: Collection[str]) -> dict[str, int]:
        """In how many contents each word stands, those without any left out."""
        rows = self._db.execute(
            "SELECT word, count(*) FROM posting"
            " WHERE word IN (SELECT value FROM json_each(?)) AND place < ? GROUP BY word",
            (_listed(words), Place.IMPORTED.value),
        )
        return dict(rows.fetchall())

    def contents_with(
        self, words: Collection[str], places: Collection[Place]
    ) -> list[tuple[str, Place, int]]:
        """Word, place and content, wherever one of the words stands in one of the places."""
        rows = self._db.execute(
            "SELECT word, place, content FROM posting"
            " WHERE word IN (SELECT value FROM json_each(?1))"
            " AND place IN (SELECT value FROM json_each(?2))",
            (_listed(words), _listed([place.value for place in places])),
        )
        return [(word, Place(place), number) for word, place, number in rows]

    def most_imported(self, count: int) -> list[str]:
        """The words most contents import something by."""
        rows = self._db.execute(
            "SELECT word FROM posting WHERE place = ? GROUP BY word"
            " ORDER BY count(*) DESC, word LIMIT ?",
            (Place.IMPORTED.value, count),
        )
        return [word for (word,) in rows]

    def seen(self, numbers: AbstractSet[int]) -> None:
        """Note once a day that contents are in use, and drop those that were not for a month."""
        today = self._today()
        stale = self._db.execute("SELECT id FROM content WHERE seen < ?", (today,)).fetchall()
        again = [(today, number) for (number,) in stale if number in numbers]
        gone = self._db.execute(
            "SELECT count(*) FROM content WHERE seen < ?", (today - _KEPT_DAYS,)
        ).fetchone()
        if not again and not gone[0]:
            return
        self._db.execute("BEGIN IMMEDIATE")
        self._db.executemany("UPDATE content SET seen = ? WHERE id = ?", again)
        dropped = self._db.execute(
            "DELETE FROM content WHERE seen < ?", (today - _KEPT_DAYS,)
        ).rowcount
        if dropped:
            self._db.execute("DELETE FROM posting WHERE content NOT IN (SELECT id FROM content)")
        self._db.execute("COMMIT")

    def _insert(self, entry: Entry, today: int) -> int:
        cursor = self._db.execute(
            "INSERT OR IGNORE INTO content (blob, reader, seen, parsed) VALUES (?, ?, ?, ?)",
            (entry.blob, entry.reader, today, self._encode(entry.parsed)),
        )
        if cursor.rowcount == 1 and cursor.lastrowid is not None:
            return cursor.lastrowid
        found = self._db.execute(
            "SELECT id FROM content WHERE blob = ? AND reader = ?", (entry.blob, entry.reader)
        ).fetchone()
        return int(found[0])

    def _prepare(self) -> None:
        """Tables in a new file; an error in one that is not ours."""
        # The tables first: with them come the numbers, which another process may be about to set.
        (tables,) = self._db.execute("SELECT count(*) FROM sqlite_master").fetchone()
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        (application,) = self._db.execute("PRAGMA application_id").fetchone()
        if tables and (version, application) != (SCHEMA, _APPLICATION_ID):
            raise sqlite3.DatabaseError("the file was written by another program or version")
        self._db.execute("PRAGMA journal_mode = WAL").fetchone()
        self._db.execute("PRAGMA synchronous = NORMAL")
        if tables:
            self._db.execute("SELECT id FROM content LIMIT 1").fetchone()
            self._db.execute("SELECT word FROM posting LIMIT 1").fetchone()
            return
        self._db.executescript(
            f"BEGIN IMMEDIATE; {_TABLES} PRAGMA user_version = {SCHEMA};"
            f" PRAGMA application_id = {_APPLICATION_ID}; COMMIT;"
        )

    def _today(self) -> int:
        return int(self._cache.clock() // _DAY_S)


def _after(failure: Exception, cache: Cache, number: int) -> Store:
    """The store to use instead of file number `number`."""
    in_memory = replace(cache, folder=None)
    code = getattr(failure, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT)
    if cache.folder is None or isinstance(failure, OSError) or code & 0xFF in _UNUSABLE:
        return Store(in_memory)
    try:
        after = Store(cache, number + 1)
    except (*FAILURES, OSError):
        return Store(in_memory)
    for ending in ("", "-wal", "-shm"):
        with suppress(OSError):
            Path(f"{_file(cache.folder, number)}{ending}").unlink()
    return after


def _file(folder: Path, number: int) -> Path:
    return folder / f"code-{SCHEMA}-{number}.sqlite"


def _numbers(folder: Path) -> list[int]:
    names = (file.name.split("-")[2] for file in folder.glob(f"code-{SCHEMA}-*.sqlite"))
    return [int(name.split(".")[0]) for name in names if name.split(".")[0].isdecimal()]


def _listed(values: Collection[str] | Collection[int]) -> str:
    """Values as one parameter of a statement: a JSON array."""
    return msgspec.json.encode(list(values)).decode()
