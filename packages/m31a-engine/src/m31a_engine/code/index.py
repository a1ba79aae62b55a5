"""The code index of one state of a project: symbols, imports, relevance, a map."""

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha1, sha256
from pathlib import Path
from threading import RLock
from typing import Self, TypeVar

from m31a_engine.code.imports import keys_of_import
from m31a_engine.code.languages import Language, language_of, weight_of
from m31a_engine.code.outline import Estimate, outline_of
from m31a_engine.code.parsed import Parsed, Symbol
from m31a_engine.code.reading import read_content, reader_of
from m31a_engine.code.relevance import Relevant, line_that_matters, relevant_files
from m31a_engine.code.store import FAILURES, Cache, Entry, Place, Store
from m31a_engine.code.view import NOT_READ, View

T = TypeVar("T")

Read = Callable[[str], bytes | None]
"""The bytes of a path, or None when there are none or too many; an OSError counts as None."""

_SHA256_DIGITS = 64
_BATCH_FILES = 200
_BATCH_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Refreshed:
    """What a refresh found."""

    files: int
    known: int
    """Files whose content was known already, from this run or an earlier one."""
    learned: int
    """Files that were read now."""
    unread: int
    """Files that could not be read; they are known by their path."""
    left: int
    """Files there was no time for; they are known by their path until the next refresh."""


class CodeIndex:
    """What is in the files of one tree.

    A call may block for as long as reading and parsing takes; calls from several threads wait for
    one another. Several processes may use one cache. Several trees of one project (parallel tasks)
    need an index each and share the cache.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._files: dict[str, str] = {}
        self._read: Read = _nothing
        self._reads: dict[str, Read] = {}
        """How to read the files that were edited since."""
        self._view = View(store, {})
        self._lock = RLock()

    @classmethod
    def open(cls, cache: Path | None, *, wait_s: float = 5.0) -> Self:
        """An empty index over a cache folder, which is made when it is not there.

        A cache that is corrupt, newer or not writable is no error: it is made anew, or kept in
        memory; None keeps it in memory at once. `wait_s` is how long a process that is writing is
        waited for.
        """
        return cls(Store.open(Cache(folder=cache, wait_s=wait_s)))

    def close(self) -> None:
        """Give the cache's file back; the index cannot be used any more."""
        with self._lock:
            self._store.close()

    @property
    def kept(self) -> bool:
        """Whether what is learned will be there in the next run."""
        return self._store.kept

    def refresh(
        self, files: Mapping[str, str], read: Read, *, budget_s: float | None = None
    ) -> Refreshed:
        """Look at a tree: path → git blob id. Only contents never seen before are read.

        After `budget_s` seconds no further file is begun; source code goes first. `read` is kept
        for the case that the cache breaks while the index is in use.
        """
        with self._lock:
            self._files, self._read, self._reads = dict(files), read, {}
            until = None if budget_s is None else time.monotonic() + budget_s
            return self._with_store(lambda: self._look({}, until))

    def edited(self, paths: Iterable[str], read: Read) -> Refreshed:
        """Look again at files that were written, made or deleted since the last refresh."""
        with self._lock:
            fresh: dict[str, bytes] = {}
            for path in dict.fromkeys(paths):
                data = _data(read, path)
                if data is None:
                    self._files.pop(path, None)
                    self._reads.pop(path, None)
                else:
                    self._files[path] = _blob_id(data)
                    self._reads[path] = read
                    fresh[path] = data
            return self._with_store(lambda: self._look(fresh, None))

    def relevant(
        self, goal: str, *, named: Collection[str] = (), limit: int = 20
    ) -> tuple[Relevant, ...]:
        """The files a goal is about, the likeliest first; `named` are known to matter."""
        return self._ask(lambda view: relevant_files(view, goal, named, limit))

    def outline(self, paths: Iterable[str], *, budget_tokens: int, estimate: Estimate) -> str:
        """Files in the order given, with line ranges and signatures, within a token budget."""
        wanted = list(dict.fromkeys(paths))

        def shown(view: View) -> str:
            return outline_of(_each(view, wanted), budget_tokens, estimate)

        return self._ask(shown)

    def symbols(self, path: str) -> tuple[Symbol, ...]:
        """The symbols of a file from top to bottom; none when it is not known."""
        parsed = self._parsed(path)
        return () if parsed is None else parsed.symbols

    def imports(self, path: str) -> tuple[str, ...]:
        """The files of the project that a file imports."""
        return self._ask(lambda view: view.imports(path))

    def importers(self, path: str) -> tuple[str, ...]:
        """The files of the project that import a file, sorted."""
        return self._ask(lambda view: view.importers(path))

    def line_that_matters(self, path: str, goal: str) -> int | None:
        """The line of a file that a goal is most likely about; None when none stands out."""
        return line_that_matters(self.symbols(path), goal)

    def _parsed(self, path: str) -> Parsed | None:
        return self._ask(lambda view: view.parsed_of([path]).get(path))

    def _ask(self, question: Callable[[View], T]) -> T:
        with self._lock:
            try:
                return question(self._view)
            except FAILURES as exc:
                self._store = self._store.successor(exc)
            # Learn the same tree again, into what took the place of the broken cache.
            self._with_store(lambda: self._look({}, None))
            return question(self._view)

    def _with_store(self, action: Callable[[], T]) -> T:
        """The action's result; on a broken store it is done again on another, last in memory."""
        try:
            return action()
        except FAILURES as exc:
            self._store = self._store.successor(exc)
        try:
            return action()
        except FAILURES:
            self._store.close()
            self._store = Store.open(Cache(folder=None))
        return action()

    def _look(self, fresh: Mapping[str, bytes], until: float | None) -> Refreshed:
        """Make the view anew; `fresh` are files that were read already."""
        files = self._files
        known = self._store.known()
        reader = {language: reader_of(language) for language in Language}
        contents = {
            path: known.get((blob, reader[language_of(path)]), NOT_READ)
            for path, blob in files.items()
        }
        missing = [path for path, number in contents.items() if number == NOT_READ]
        missing.sort(key=lambda path: (-weight_of(path), path))
        learned = unread = 0
        for batch in self._batches(missing, fresh, until):
            read = {path: data for path, data in batch if data is not None}
            entries = [
                _entry(path, files[path], reader[language_of(path)], data)
                for path, data in read.items()
            ]
            contents.update(zip(read, self._store.add(entries), strict=True))
            learned += len(read)
            unread += len(batch) - len(read)
        self._store.seen(set(contents.values()))
        self._view = View(self._store, contents)
        return Refreshed(
            files=len(files),
            known=len(files) - len(missing),
            learned=learned,
            unread=unread,
            left=len(missing) - learned - unread,
        )

    def _batches(
        self, paths: list[str], fresh: Mapping[str, bytes], until: float | None
    ) -> Iterator[list[tuple[str, bytes | None]]]:
        """Paths with their bytes, in pieces that one transaction takes."""
        batch: list[tuple[str, bytes | None]] = []
        size = 0
        for path in paths:
            if until is not None and time.monotonic() >= until:
                break
            data = fresh[path] if path in fresh else _data(self._reads.get(path, self._read), path)
            batch.append((path, data))
            size += len(data or b"")
            if len(batch) == _BATCH_FILES or size > _BATCH_BYTES:
                yield batch
                batch, size = [], 0
        if batch:
            yield batch


def _entry(path: str, blob: str, reader: str, data: bytes) -> Entry:
    """What goes into the store, under the id of what was read, whatever the tree says.

    They differ when a filter of git's changes files on their way to disk, or somebody wrote to one;
    a cache for many trees must not remember one content under another's id.
    """
    reading = read_content(data, language_of(path))
    imported = {key for item in reading.parsed.imports for key in keys_of_import(item)}
    words = [(word, Place.DEFINED) for word in reading.defines]
    words += [(word, Place.MENTIONED) for word in reading.mentions]
    words += [(word, Place.IMPORTED) for word in imported]
    return Entry(
        blob=_blob_id(data, like=blob), reader=reader, parsed=reading.parsed, words=tuple(words)
    )


def _blob_id(data: bytes, like: str = "") -> str:
    """The id git gives to a content, by the hash that made `like`."""
    algorithm = sha256 if len(like) == _SHA256_DIGITS else sha1
    return algorithm(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def _each(view: View, paths: list[str]) -> Iterator[tuple[str, Parsed | None]]:
    for path in paths:
        if path in view.contents:
            yield path, view.parsed_of([path]).get(path)


def _data(read: Read, path: str) -> bytes | None:
    try:
        return read(path)
    except OSError:
        return None


def _nothing(_: str) -> bytes | None:
    return None
