"""The cache: shared, thrown away when it is broken, never in the way."""

import sqlite3
from pathlib import Path

import pytest

from m31a_engine.code.parsed import Import, Parsed
from m31a_engine.code.store import SCHEMA, Cache, Entry, Place, Store

DAY_S = 86_400.0


class Clock:
    def __init__(self) -> None:
        self.day = 20_000

    def __call__(self) -> float:
        return self.day * DAY_S


def entry(blob: str, *words: str) -> Entry:
    parsed = Parsed(reader="python", lines=3, imports=(Import(module=blob),))
    return Entry(
        blob=blob, reader="r", parsed=parsed, words=tuple((word, Place.DEFINED) for word in words)
    )


def opened(folder: Path, wait_s: float = 5.0) -> Store:
    return Store.open(Cache(folder=folder, wait_s=wait_s))


def cache_file(folder: Path, number: int = 0) -> Path:
    return folder / f"code-{SCHEMA}-{number}.sqlite"


def names(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.glob("*.sqlite"))


def test_what_one_process_learns_another_knows(tmp_path: Path) -> None:
    first, second = opened(tmp_path), opened(tmp_path)

    numbers = first.add([entry("a", "retry"), entry("b", "retry", "lock")])

    assert second.add([entry("b", "lock"), entry("c")])[0] == numbers[1]
    assert first.known() == second.known()
    assert second.spread(["retry", "lock", "none"]) == {"retry": 2, "lock": 1}
    assert second.contents_with(["lock"], [Place.DEFINED]) == [("lock", Place.DEFINED, numbers[1])]
    assert second.contents_with(["lock"], [Place.IMPORTED]) == []
    assert second.parsed(numbers)[numbers[0]].imports == (Import(module="a"),)
    first.close()
    second.close()


def test_a_batch_that_fails_leaves_nothing(tmp_path: Path) -> None:
    store = opened(tmp_path)
    broken = Entry(
        blob="b", reader="r", parsed=Parsed(reader="x"), words=(("\udc80", Place.DEFINED),)
    )

    with pytest.raises(UnicodeEncodeError):
        store.add([entry("a"), broken])

    assert store.known() == {}
    assert store.add([entry("a")])
    store.close()


@pytest.mark.parametrize(
    "content", [b"no database at all" * 300, b"SQLite format 3\0" + b"\xff" * 9000]
)
def test_a_corrupt_file_gives_way_to_a_new_one(tmp_path: Path, content: bytes) -> None:
    cache_file(tmp_path).write_bytes(content)

    store = opened(tmp_path)

    assert store.kept
    assert names(tmp_path) == [cache_file(tmp_path, 1).name]
    store.close()


@pytest.mark.parametrize(
    "statement",
    ["PRAGMA user_version = 99", "PRAGMA application_id = 1", "DROP TABLE posting"],
)
def test_a_file_of_another_version_or_shape_gives_way_to_a_new_one(
    tmp_path: Path, statement: str
) -> None:
    opened(tmp_path).close()
    other = sqlite3.connect(cache_file(tmp_path))
    other.execute(statement)
    other.commit()
    other.close()

    store = opened(tmp_path)

    assert names(tmp_path) == [cache_file(tmp_path, 1).name]
    assert store.add([entry("a")])
    store.close()


def test_a_cache_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    newer = tmp_path / f"code-{SCHEMA + 1}-7.sqlite"
    newer.write_bytes(b"whatever it may be")

    opened(tmp_path).close()

    assert newer.read_bytes() == b"whatever it may be"
    assert cache_file(tmp_path).exists()


def test_a_file_that_breaks_in_use_gives_way_to_a_new_one(tmp_path: Path) -> None:
    store = opened(tmp_path)
    store.add([entry(str(number), f"word{number}") for number in range(400)])
    store.close()
    store = opened(tmp_path)
    size = cache_file(tmp_path).stat().st_size
    with cache_file(tmp_path).open("r+b") as file:
        file.seek(4096)
        file.write(b"\xa5" * (size - 4096))
    with pytest.raises(sqlite3.DatabaseError) as failure:
        store.spread(["word399"])

    after = store.successor(failure.value)

    assert after.kept
    assert after.known() == {}
    assert names(tmp_path) == [cache_file(tmp_path, 1).name]
    after.close()


def test_a_locked_file_is_left_to_its_holder(tmp_path: Path) -> None:
    holder = opened(tmp_path)
    holder.add([entry("a")])
    lock = sqlite3.connect(cache_file(tmp_path), isolation_level=None)
    lock.execute("BEGIN EXCLUSIVE")
    store = opened(tmp_path, wait_s=0.01)
    with pytest.raises(sqlite3.OperationalError) as failure:
        store.add([entry("b")])

    after = store.successor(failure.value)

    assert not after.kept
    assert names(tmp_path) == [cache_file(tmp_path).name]
    lock.execute("ROLLBACK")
    assert len(holder.known()) == 1
    for each in (holder, after):
        each.close()
    lock.close()


def test_a_folder_that_cannot_be_made_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")

    store = opened(tmp_path / "file" / "cache")

    assert not store.kept
    assert store.add([entry("a")]) == [1]
    assert not store.successor(sqlite3.DatabaseError("broken")).kept


def test_when_no_file_can_be_made_after_a_broken_one_memory_serves(tmp_path: Path) -> None:
    cache_file(tmp_path).write_bytes(b"broken" * 1000)
    cache_file(tmp_path, 1).mkdir()
    # A folder of that name is found as the newest; the next cannot be opened either.
    cache_file(tmp_path, 2).mkdir()

    store = opened(tmp_path)

    assert not store.kept
    store.close()


def test_what_nobody_looked_at_for_a_month_is_dropped(tmp_path: Path) -> None:
    clock = Clock()
    store = Store.open(Cache(folder=tmp_path, clock=clock))
    old, used = store.add([entry("old", "gone"), entry("used", "here")])
    store.seen({old, used})
    clock.day += 20
    store.seen({used})
    assert len(store.known()) == 2
    clock.day += 20
    store.seen({used})

    assert store.known() == {("used", "r"): used}
    assert store.spread(["gone", "here"]) == {"here": 1}
    assert store.parsed([old, used]).keys() == {used}
    # Its number is not given to another content: somebody may still hold it.
    assert store.add([entry("new")]) == [used + 1]
    store.close()
