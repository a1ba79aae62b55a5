import errno
import os
from pathlib import Path

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from m31a_engine.errors import JournalBroken
from m31a_engine.events import Noticed
from m31a_engine.session.effects import once, once_as_intended
from m31a_engine.session.journal import Journal, entry, read_records
from m31a_engine.session.stream import EventStream

pytestmark = pytest.mark.anyio


async def test_what_was_appended_is_read_back_in_order(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path)
    await journal.append(entry("envelope", {"a": 1}), entry("envelope", {"a": 2}))
    await journal.append(entry("reply", {"a": "drei ✓"}))
    journal.close()

    records, torn = read_records(tmp_path)

    assert [(r.seq, r.kind) for r in records] == [(1, "envelope"), (2, "envelope"), (3, "reply")]
    assert torn == ""


async def test_a_kill_at_any_byte_of_an_append_leaves_what_stood_before(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path)
    await journal.append(entry("envelope", {"first": True}))
    first = (tmp_path / "journal.jsonl").stat().st_size
    await journal.append(entry("done", {"key": "k", "value": "second"}))
    journal.close()
    whole = (tmp_path / "journal.jsonl").read_bytes()

    for size in range(first, len(whole)):
        (tmp_path / "journal.jsonl").write_bytes(whole[:size])
        reopened = Journal.open(tmp_path)
        await reopened.append(entry("envelope", {"after": size}))
        reopened.close()
        records, torn = read_records(tmp_path)
        assert [record.kind for record in records] == ["envelope", "envelope"], size
        assert torn == ""


async def test_a_torn_line_is_kept_aside_and_told(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path)
    await journal.append(entry("envelope", {}))
    journal.close()
    with (tmp_path / "journal.jsonl").open("ab") as file:
        file.write(b'{"seq":2,"kind":"rep')

    reopened = Journal.open(tmp_path)
    reopened.close()

    assert reopened.torn == '{"seq":2,"kind":"rep'
    assert b'{"seq":2,"kind":"rep' in (tmp_path / "journal.torn").read_bytes()


async def test_a_damaged_line_in_the_middle_is_an_error_and_nothing_is_guessed(
    tmp_path: Path,
) -> None:
    journal = Journal.open(tmp_path)
    for number in range(3):
        await journal.append(entry("envelope", {"n": number}))
    journal.close()
    lines = (tmp_path / "journal.jsonl").read_bytes().split(b"\n")
    lines[1] = lines[1].replace(b'{"n":1}', b'{"n":7}')
    (tmp_path / "journal.jsonl").write_bytes(b"\n".join(lines))

    with pytest.raises(JournalBroken, match="line 2 is damaged"):
        Journal.open(tmp_path)


async def test_a_missing_record_is_an_error(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path)
    for number in range(3):
        await journal.append(entry("envelope", {"n": number}))
    journal.close()
    lines = (tmp_path / "journal.jsonl").read_bytes().splitlines(keepends=True)
    (tmp_path / "journal.jsonl").write_bytes(lines[0] + lines[2])

    with pytest.raises(JournalBroken, match="misses records"):
        Journal.open(tmp_path)


async def test_after_a_failed_sync_a_new_file_is_begun_and_nothing_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal.open(tmp_path)
    await journal.append(entry("envelope", {"n": 1}))
    real = os.fdatasync
    failures = iter([OSError(5, "Input/output error")])

    def fail_once(descriptor: int) -> None:
        failure = next(failures, None)
        if failure is not None:
            raise failure
        real(descriptor)

    monkeypatch.setattr(os, "fdatasync", fail_once)
    await journal.append(entry("envelope", {"n": 2}))
    await journal.append(entry("envelope", {"n": 3}))
    journal.close()

    records, _ = read_records(tmp_path)
    assert [bytes(record.body) for record in records] == [b'{"n":1}', b'{"n":2}', b'{"n":3}']
    assert (tmp_path / "journal.1.jsonl").exists()


async def test_a_journal_that_could_not_be_written_takes_nothing_after_what_it_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal.open(tmp_path)
    await journal.append(entry("envelope", {"n": 1}))

    def no_space(descriptor: int, data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as full:
        full.setattr(os, "write", no_space)
        with pytest.raises(JournalBroken, match="No space left"):
            await journal.append(entry("envelope", {"n": 2}))
    with pytest.raises(JournalBroken, match="No space left"):
        await journal.append(entry("envelope", {"n": 3}))
    journal.close()

    again = Journal.open(tmp_path)
    await again.append(entry("envelope", {"n": 4}))
    again.close()
    assert [bytes(one.body) for one in read_records(tmp_path)[0]] == [b'{"n":1}', b'{"n":4}']


async def test_appends_of_parallel_tasks_share_syncs(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path)
    async with anyio.create_task_group() as group:
        for number in range(50):
            group.start_soon(journal.append, entry("envelope", {"n": number}))
    journal.close()

    assert len(read_records(tmp_path)[0]) == 50
    assert journal.syncs < 50


async def test_no_event_overtakes_another_when_tasks_emit_at_once_and_the_reader_is_slow(
    tmp_path: Path,
) -> None:
    journal = Journal.open(tmp_path)
    stream = EventStream("s", journal)
    seen: list[int] = []

    async def emit(number: int) -> None:
        for _ in range(150):
            await stream.live(Noticed(text="live"))
            await stream.emit(Noticed(text=f"{number}"), Noticed(text="on disk"))

    async def read() -> None:
        async for envelope in stream.reader:
            seen.append(envelope.seq)

    with anyio.fail_after(20):
        async with anyio.create_task_group() as readers:
            async with anyio.create_task_group() as writers:
                for number in range(4):
                    writers.start_soon(emit, number)
                await anyio.wait_all_tasks_blocked()
                readers.start_soon(read)
            stream.close()
    stream.reader.close()
    journal.close()

    assert list(range(1, 4 * 150 * 3 + 1)) == seen


async def test_the_journal_is_for_its_owner_only(tmp_path: Path) -> None:
    Journal.open(tmp_path).close()
    assert (tmp_path / "journal.jsonl").stat().st_mode & 0o777 == 0o600


async def test_an_effect_runs_once_and_its_value_survives(tmp_path: Path) -> None:
    ran: list[int] = []

    async def effect() -> int:
        ran.append(1)
        return 42

    journal = Journal.open(tmp_path)
    assert await once(journal, "answer", int, effect) == 42
    journal.close()
    reopened = Journal.open(tmp_path)
    assert await once(reopened, "answer", int, effect) == 42
    reopened.close()

    assert ran == [1]


async def test_a_begun_effect_is_repeated_with_the_first_intention(tmp_path: Path) -> None:
    seen: list[str] = []

    async def dies(intention: str) -> str:
        seen.append(intention)
        raise RuntimeError("killed")

    async def lives(intention: str) -> str:
        seen.append(intention)
        return intention.upper()

    journal = Journal.open(tmp_path)
    with pytest.raises(RuntimeError):
        await once_as_intended(journal, "commit", str, "first", dies)
    journal.close()
    reopened = Journal.open(tmp_path)
    assert await once_as_intended(reopened, "commit", str, "second", lives) == "FIRST"
    reopened.close()

    assert seen == ["first", "first"]


@settings(max_examples=40, deadline=None)
@given(bodies=st.lists(st.dictionaries(st.text(), st.text() | st.integers(-(2**53), 2**53))))
def test_any_body_survives(
    bodies: list[dict[str, str | int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("journal")

    async def write() -> None:
        journal = Journal.open(folder)
        for body in bodies:
            await journal.append(entry("envelope", body))
        journal.close()

    anyio.run(write)

    import msgspec

    read = [msgspec.json.decode(record.body) for record in read_records(folder)[0]]
    assert bodies == read
