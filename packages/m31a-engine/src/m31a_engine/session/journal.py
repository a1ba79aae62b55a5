"""The journal of a session: what is about to happen, and what has happened, on disk first.

A JSON line a record: `{"seq":7,"kind":"reply","sum":"1c291ca3","body":{…}}`; `sum` is the
CRC-32 of `seq kind body`. Records are appended and synced before the effect they announce
starts and before anybody is told. Appends of parallel tasks share a sync (group commit).

A torn last line, the mark of a kill in the middle of a write, is cut off and kept aside.
A damaged line in the middle is an error: nothing is guessed. When a sync fails, the kernel
may have dropped pages that look written, so the file is abandoned and a new one begun
(`journal.1.jsonl`, …) that starts with the records of the failed sync.
"""

import os
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import anyio
import anyio.to_thread
import msgspec

from m31a_engine.errors import JournalBroken

T = TypeVar("T")

NAME = "journal"
_encoder = msgspec.json.Encoder()


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a journal."""

    seq: int
    kind: str
    """envelope, request, reply, call, deferral, result, condensed, tree, intent or done."""
    sum: str
    body: msgspec.Raw


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be appended: the journal adds the number and the checksum."""

    kind: str
    body: msgspec.Raw


def entry(kind: str, body: object) -> Entry:
    """An entry whose body is the JSON of a value."""
    return Entry(kind=kind, body=msgspec.Raw(_encoder.encode(body)))


class Keyed(msgspec.Struct, frozen=True, kw_only=True):
    """The body of an intent or done record: an effect's name and its value."""

    key: str
    value: msgspec.Raw


def read_records(folder: Path) -> tuple[list[Record], str]:
    """All records of a session in order, and a torn last line ("" when there is none).

    Raises:
        JournalBroken: a line that is not the last cannot be read.
    """
    records: dict[int, Record] = {}
    torn = ""
    files = list(_files(folder))
    for number, file in enumerate(files):
        data = file.read_bytes()
        lines = data.split(b"\n")
        rest = lines.pop()
        for index, line in enumerate(lines):
            record = _record(line)
            if record is None:
                if number == len(files) - 1 and index == len(lines) - 1 and not rest:
                    rest = line
                    break
                if number < len(files) - 1:
                    break  # abandoned after a failed sync: the next file repeats what follows
                raise JournalBroken(
                    f"{file}: line {index + 1} is damaged",
                    remedy="restore the file from a backup, or start a new session",
                )
            records[record.seq] = record
        if rest and number == len(files) - 1:
            torn = rest.decode("utf-8", "replace")
    ordered = [records[seq] for seq in sorted(records)]
    if [record.seq for record in ordered] != list(range(1, len(ordered) + 1)):
        raise JournalBroken(
            f"{folder}: the journal misses records",
            remedy="restore the folder from a backup, or start a new session",
        )
    return ordered, torn


def _files(folder: Path) -> Iterator[Path]:
    number = 0
    file = folder / f"{NAME}.jsonl"
    while file.exists():
        yield file
        number += 1
        file = folder / f"{NAME}.{number}.jsonl"


def _record(line: bytes) -> Record | None:
    try:
        record = msgspec.json.decode(line, type=Record)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return record if record.sum == _sum(record.seq, record.kind, bytes(record.body)) else None


def _sum(seq: int, kind: str, body: bytes) -> str:
    return f"{zlib.crc32(body, zlib.crc32(f'{seq} {kind} '.encode())):08x}"


class Journal:
    """Appends records to a session's journal and remembers which effects are done."""

    def __init__(self, folder: Path, records: list[Record], torn: str) -> None:
        self._folder = folder
        self._seq = len(records)
        self._pending: list[bytes] = []
        self._appended = 0
        self._synced = 0
        self._lock = anyio.Lock(fast_acquire=True)
        self._intents: dict[str, msgspec.Raw] = {}
        self._done: dict[str, msgspec.Raw] = {}
        self.records = records
        """What stood in the journal when it was opened."""
        self.torn = torn
        self._unwritable = ""
        """Why nothing can be written any more: what follows a lost record would be no journal."""
        self.syncs = 0
        """How many times this process waited for the disk; benchmarks count it."""
        for record in records:
            self._remember(record.kind, record.body)
        self._file = self._open()

    @classmethod
    def open(cls, folder: Path) -> "Journal":
        """Open a session's journal, making it if there is none, and mend a torn end.

        Raises:
            JournalBroken: a line that is not the last cannot be read.
        """
        records, torn = read_records(folder)
        if torn:
            _cut_off(folder, torn)
        return cls(folder, records, torn)

    def _open(self) -> int:
        files = list(_files(self._folder))
        file = files[-1] if files else self._folder / f"{NAME}.jsonl"
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        descriptor = os.open(file, flags, 0o600)
        if not files:
            _sync_folder(self._folder)
        return descriptor

    def close(self) -> None:
        """Close the file; what was appended is on disk already."""
        os.close(self._file)

    async def append(self, *entries: Entry) -> None:
        """Return when all entries are on disk, in this order, with no other between them.

        Raises:
            JournalBroken: they cannot be written, or something before them could not.
        """
        self.note(*entries)
        ticket = self._appended
        with anyio.CancelScope(shield=True):
            async with self._lock:
                if self._synced < ticket:
                    if self._unwritable:
                        raise self._broken()
                    lines, self._pending = self._pending, []
                    upto = self._appended
                    await anyio.to_thread.run_sync(self._write, b"".join(lines))
                    self._synced = upto

    def note(self, *entries: Entry) -> None:
        """Have entries written with the next append, for what nothing that follows rests on."""
        for item in entries:
            self._seq += 1
            checksum = _sum(self._seq, item.kind, bytes(item.body))
            record = Record(seq=self._seq, kind=item.kind, sum=checksum, body=item.body)
            self._pending.append(_encoder.encode(record) + b"\n")
            self._remember(item.kind, item.body)
        self._appended += len(entries)

    def _write(self, data: bytes) -> None:
        self.syncs += 1
        try:
            _write_all(self._file, data)
            os.fdatasync(self._file)
        except OSError as exc:
            self._begin_anew(data, exc)

    def _begin_anew(self, data: bytes, cause: OSError) -> None:
        number = len(list(_files(self._folder)))
        file = self._folder / f"{NAME}.{number}.jsonl"
        try:
            descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL, 0o600)
            _write_all(descriptor, data)
            os.fdatasync(descriptor)
            _sync_folder(self._folder)
        except OSError as exc:
            self._unwritable = str(cause.strerror or cause)
            raise self._broken() from exc
        os.close(self._file)
        self._file = descriptor

    def _broken(self) -> JournalBroken:
        return JournalBroken(
            f"{self._folder}: the journal cannot be written: {self._unwritable}",
            remedy="free disk space, then resume the session",
        )

    def _remember(self, kind: str, body: msgspec.Raw) -> None:
        if kind in {"intent", "done"}:
            keyed = msgspec.json.decode(body, type=Keyed)
            (self._intents if kind == "intent" else self._done)[keyed.key] = keyed.value

    def done(self, key: str, kind: type[T]) -> T | None:
        """What a finished effect gave, or None when it has not finished."""
        value = self._done.get(key)
        return None if value is None else msgspec.json.decode(value, type=kind)

    def intended(self, key: str, kind: type[T]) -> T | None:
        """What an effect was about to do, or None when it was never begun."""
        value = self._intents.get(key)
        return None if value is None else msgspec.json.decode(value, type=kind)

    def begun(self, suffix: str) -> tuple[str, ...]:
        """The keys of all intentions that end so, in the order they were made, without it."""
        return tuple(key.removesuffix(suffix) for key in self._intents if key.endswith(suffix))

    async def intend(self, key: str, value: T) -> T:
        """Write down what is about to be done; a value written earlier stands and is returned."""
        before = self.intended(key, type(value))
        if before is not None:
            return before
        await self.append(keyed("intent", key, value))
        return value

    async def finish(self, key: str, value: object) -> None:
        """Write down that an effect is done and what it gave."""
        await self.append(keyed("done", key, value))


def keyed(kind: str, key: str, value: object) -> Entry:
    """An intent or done entry."""
    return entry(kind, Keyed(key=key, value=msgspec.Raw(_encoder.encode(value))))


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _cut_off(folder: Path, torn: str) -> None:
    file = list(_files(folder))[-1]
    data = file.read_bytes()
    end = data.rstrip(b"\n").rfind(b"\n") + 1
    kept_aside = folder / f"{file.stem}.torn"
    with kept_aside.open("ab") as aside:
        aside.write(torn.encode() + b"\n")
        aside.flush()
        os.fsync(aside.fileno())
    with file.open("r+b") as whole:
        whole.truncate(end)
        os.fsync(whole.fileno())
