import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock

from m31a_ledger import (
    LedgerEntry,
    LedgerLocked,
    LedgerStore,
    LedgerUnavailable,
    Reading,
    UnwritableEntry,
)
from m31a_ledger.index import Stamp, open_index
from m31a_ledger.table import HEADER, PREFACE, row_of


def entry(session: str, at: str = "2026-11-21T00:00:00Z") -> LedgerEntry:
    return LedgerEntry(session=session, at=at, model="acme/large", tasks=3)


def sessions(store: LedgerStore) -> list[str]:
    return [found.session for found in store.entries()]


def index_serves(store: LedgerStore) -> bool:
    """Whether the next append may rely on the index."""
    index = open_index(Path(f"{store.path}.index"), Stamp.of(store.path.stat()))
    if index is None:
        return False
    with index:
        return True


def python(code: str, *arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments], stdout=subprocess.PIPE, text=True
    )


@pytest.fixture
def store(tmp_path: Path) -> LedgerStore:
    return LedgerStore(tmp_path / "home" / "LEDGER.md", lock_timeout_s=5)


def test_a_ledger_that_does_not_exist_is_empty(store: LedgerStore) -> None:
    assert Reading() == store.read()
    assert not store.path.parent.exists()


def test_entries_come_back_in_the_order_of_appending(store: LedgerStore) -> None:
    added = [entry(f"s-{number}") for number in range(300)]

    assert all(store.append(new) for new in added)

    assert tuple(added) == store.entries()
    assert store.problems() == ()


def test_a_session_is_added_once(store: LedgerStore) -> None:
    assert store.append(entry("a"))
    before = store.path.read_bytes()

    assert not store.append(entry("a", at="2027-01-01T00:00:00Z"))
    assert not LedgerStore(store.path).append(entry("a"))

    assert before == store.path.read_bytes()


def test_a_new_ledger_is_private_and_an_old_one_keeps_its_mode(store: LedgerStore) -> None:
    store.append(entry("a"))
    modes = {path.name: path.stat().st_mode & 0o777 for path in store.path.parent.iterdir()}
    store.path.chmod(0o640)
    store.prune(0)

    assert modes == {"LEDGER.md": 0o600, "LEDGER.md.index": 0o600, "LEDGER.md.lock": 0o600}
    assert store.path.stat().st_mode & 0o777 == 0o640


def test_appending_reads_no_row_of_the_ledger(store: LedgerStore) -> None:
    store.append(entry("a"))
    store.append(entry("b"))
    status = store.path.stat()
    # Another text of the same size and time: only a reader of the rows would see the difference.
    store.path.write_bytes(store.path.read_bytes().replace(b"| a |", b"| z |"))
    os.utime(store.path, ns=(status.st_atime_ns, status.st_mtime_ns))

    assert not store.append(entry("a"))
    assert store.append(entry("z"))


def test_a_row_removed_by_hand_may_be_appended_again(store: LedgerStore) -> None:
    store.append(entry("a"))
    store.append(entry("b"))
    store.path.write_text(store.path.read_text().replace(row_of(entry("a")), ""))

    assert store.append(entry("a"))
    assert not store.append(entry("b"))
    assert sessions(store) == ["b", "a"]


def test_a_row_added_by_hand_counts_as_present(store: LedgerStore) -> None:
    store.append(entry("a"))
    with store.path.open("a") as file:
        file.write(row_of(entry("b")))

    assert not store.append(entry("b"))
    assert index_serves(store)
    assert not store.append(entry("b"))


@pytest.mark.parametrize("damage", [b"", b"short", b"M31ALGX1" + bytes(500), bytes(64)])
def test_a_damaged_index_is_made_anew(store: LedgerStore, damage: bytes) -> None:
    store.append(entry("a"))
    Path(f"{store.path}.index").write_bytes(damage)

    assert not store.append(entry("a"))
    assert index_serves(store)


def test_a_ledger_works_where_no_index_can_be_written(store: LedgerStore) -> None:
    Path(f"{store.path}.index").mkdir(parents=True)

    assert [store.append(entry(name)) for name in ("a", "b", "a")] == [True, True, False]
    assert sessions(store) == ["a", "b"]


def test_a_half_row_is_set_aside_and_the_table_goes_on(store: LedgerStore) -> None:
    row = row_of(entry("torn")).encode()
    for length in range(1, len(row) - 1):
        store.path.unlink(missing_ok=True)
        store.append(entry("a"))
        before = store.path.read_bytes()
        store.path.write_bytes(before + row[:length])

        assert sessions(store) == ["a"]
        assert store.append(entry("torn"))
        assert store.path.read_bytes() == before + row

    aside = Path(f"{store.path}.torn")
    assert aside.read_bytes().splitlines()[-1] == row[:-2]
    assert aside.stat().st_mode & 0o777 == 0o600


def test_a_tail_of_zeros_left_by_a_power_cut_is_set_aside(store: LedgerStore) -> None:
    store.append(entry("a"))
    with store.path.open("ab") as file:
        file.write(bytes(100))

    assert [problem.line for problem in store.problems()] == [9]
    assert store.append(entry("b"))
    assert sessions(store) == ["a", "b"]
    assert store.problems() == ()


@pytest.mark.parametrize("again", ["b", "c"])
def test_a_last_row_without_line_end_is_kept_and_completed(store: LedgerStore, again: str) -> None:
    store.append(entry("a"))
    with store.path.open("a") as file:
        file.write(row_of(entry("b")).rstrip("\n"))

    assert store.append(entry(again)) == (again == "c")
    assert store.append(entry("d"))

    assert [*"ab", *(["c"] if again == "c" else []), "d"] == sessions(store)
    assert store.problems() == ()


def test_rows_go_below_a_table_written_by_hand_in_a_table_of_their_own(store: LedgerStore) -> None:
    by_hand = "My runs\n\n| Session | Model |\n|---|---|\n| old | acme |\n| broken |"
    store.path.parent.mkdir()
    store.path.write_text(by_hand)

    assert not store.append(entry("old"))
    assert store.path.read_text() == by_hand
    assert store.append(entry("new"))
    assert store.append(entry("newer"))

    assert store.path.read_text() == (
        by_hand + "\n\n" + HEADER + row_of(entry("new")) + row_of(entry("newer"))
    )
    assert [problem.line for problem in store.problems()] == [6]


def test_blank_lines_at_the_end_do_not_begin_a_new_table(store: LedgerStore) -> None:
    store.append(entry("a"))
    store.path.write_text(store.path.read_text() + " \n\n")
    store.append(entry("b"))

    assert store.path.read_text().count("| Session |") == 1
    assert sessions(store) == ["a", "b"]


def test_an_empty_file_becomes_a_ledger(store: LedgerStore) -> None:
    store.path.parent.mkdir()
    store.path.touch()
    store.append(entry("a"))

    assert store.path.read_text() == PREFACE + HEADER + row_of(entry("a"))


def test_a_linked_ledger_stays_a_link(store: LedgerStore, tmp_path: Path) -> None:
    notes = tmp_path / "notes.md"
    notes.write_text("Notes\n")
    store.path.parent.mkdir()
    store.path.symlink_to(notes)

    store.append(entry("a"))
    store.append(entry("b"))

    assert store.path.is_symlink()
    assert notes.read_text().startswith("Notes\n\n| Session |")
    assert sessions(LedgerStore(notes)) == ["a", "b"]


def test_prune_keeps_the_newest_and_everything_that_is_no_entry(store: LedgerStore) -> None:
    store.append(entry("new", at="2026-11-21T00:00:00Z"))
    store.append(entry("old", at="2025-01-01T00:00:00Z"))
    store.append(entry("undated", at="some day"))
    store.append(entry("newest", at="2026-11-21T01:00:00+00:00"))
    with store.path.open("a") as file:
        file.write("| broken |\n\nA note.\n")

    assert store.prune(2) == 2

    assert store.path.read_text() == (
        PREFACE
        + HEADER
        + row_of(entry("new"))
        + row_of(entry("newest", at="2026-11-21T01:00:00+00:00"))
        + "| broken |\n\nA note.\n"
    )
    assert store.prune(2) == 0
    assert store.append(entry("old"))


def test_prune_refuses_a_negative_number(store: LedgerStore) -> None:
    with pytest.raises(ValueError, match="-1"):
        store.prune(-1)


def test_a_writer_that_waits_too_long_is_told(store: LedgerStore) -> None:
    store.append(entry("a"))
    impatient = LedgerStore(store.path, lock_timeout_s=0.05)

    with FileLock(f"{store.path}.lock"), pytest.raises(LedgerLocked) as caught:
        impatient.append(entry("b"))

    assert caught.value.waited_s == 0.05
    assert sessions(store) == ["a"]


@pytest.mark.parametrize("kind", ["folder", "pipe", "below a file"])
def test_a_path_that_is_no_file_is_refused_at_once(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "LEDGER.md"
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path.touch()
        path = path / "LEDGER.md"
    store = LedgerStore(path)

    for action in (store.entries, lambda: store.append(entry("a")), lambda: store.prune(1)):
        with pytest.raises(LedgerUnavailable) as caught:
            action()
        assert str(path) in str(caught.value)


def test_an_entry_without_lossless_form_changes_nothing(store: LedgerStore) -> None:
    with pytest.raises(UnwritableEntry):
        store.append(LedgerEntry(session="", at=""))

    assert not store.path.exists()


WRITER = """
import sys
from m31a_ledger import LedgerEntry, LedgerStore

store = LedgerStore(sys.argv[1], lock_timeout_s=60)
for number in range(int(sys.argv[3])):
    session = f"{sys.argv[2]}-{number}"
    store.append(LedgerEntry(session=session, at="2026-11-21T00:00:00Z", project="a|b"))
    print(session, flush=True)
"""


def test_eight_processes_append_two_hundred_and_fifty_rows_each(store: LedgerStore) -> None:
    writers = [python(WRITER, str(store.path), f"w{name}", "250") for name in range(8)]
    printed = [session for writer in writers for session in writer.communicate()[0].split()]

    assert [writer.returncode for writer in writers] == [0] * 8
    assert len(printed) == 2000
    assert sorted(printed) == sorted(sessions(store))
    assert store.problems() == ()


def test_a_killed_process_loses_no_row_it_was_told_of(store: LedgerStore) -> None:
    promised: list[str] = []
    for number, rows in enumerate((1, 7, 30)):
        with python(WRITER, str(store.path), f"k{number}", "1000000") as writer:
            assert writer.stdout is not None
            promised += [writer.stdout.readline().strip() for _ in range(rows)]
            writer.send_signal(signal.SIGKILL)
        found = sessions(store)
        assert set(promised) <= set(found)
        assert store.problems() == ()
    assert store.append(entry("after"))


# A limit on the size of files ends a write after a chosen number of bytes: with an error as on a
# full disk, or by a signal that kills the process with half a row on disk.
FULL_DISK = """
import resource, sys
from m31a_ledger import LedgerEntry, LedgerStore, LedgerUnavailable

store = LedgerStore(sys.argv[1])
size = store.path.stat().st_size
usual = resource.getrlimit(resource.RLIMIT_FSIZE)
actions = [lambda: store.append(LedgerEntry(session="cut", at=""))] * 3 + [lambda: store.prune(50)]
for limit, action in zip((size, size + 1, size + 60, 500), actions):
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, usual[1]))
    try:
        action()
    except LedgerUnavailable as error:
        told = error.reason
    resource.setrlimit(resource.RLIMIT_FSIZE, usual)
    print(told, store.path.stat().st_size - size)
"""
KILLED = """
import os, resource, signal, sys
from m31a_ledger import LedgerEntry, LedgerStore

store = LedgerStore(sys.argv[1])
size = store.path.stat().st_size
for extra in (1, 25, 60):
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + extra, size + extra))
        store.append(LedgerEntry(session="cut", at="2026-11-21T00:00:00Z"))
        os._exit(0)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    print(status, store.path.stat().st_size - size, len(store.entries()))
    os.truncate(store.path, size)
"""


@pytest.fixture
def long_ledger(store: LedgerStore) -> LedgerStore:
    """A ledger longer than its index, so that the size limit meets the ledger first."""
    for number in range(60):
        store.append(entry(f"s-{number}"))
    return store


def test_a_full_disk_leaves_the_ledger_as_it_was(long_ledger: LedgerStore) -> None:
    before = long_ledger.path.read_bytes()

    with python(FULL_DISK, str(long_ledger.path)) as child:
        output = child.communicate()[0]

    assert output.splitlines() == ["File too large 0"] * 4
    assert long_ledger.path.read_bytes() == before
    assert long_ledger.append(entry("cut"))
    assert sorted(path.suffix for path in long_ledger.path.parent.iterdir()) == [
        ".index",
        ".lock",
        ".md",
    ]


def test_a_process_killed_in_mid_write_leaves_the_old_table(long_ledger: LedgerStore) -> None:
    with python(KILLED, str(long_ledger.path)) as child:
        output = child.communicate()[0]

    killed = -signal.SIGXFSZ
    assert output.splitlines() == [f"{killed} {length} 60" for length in (1, 25, 60)]


SMALL_FILES = """
import resource, sys
from m31a_ledger import LedgerEntry, LedgerStore

store = LedgerStore(sys.argv[1])
store.append(LedgerEntry(session="first", at=""))
usual = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (2500, usual[1]))
print(*(store.append(LedgerEntry(session=f"s{n}", at="")) for n in range(9)))
resource.setrlimit(resource.RLIMIT_FSIZE, usual)
"""


def test_an_index_that_can_no_longer_be_kept_does_not_stop_appends(store: LedgerStore) -> None:
    with python(SMALL_FILES, str(store.path)) as child:
        output = child.communicate()[0]

    assert output.split() == ["True"] * 9
    assert sessions(store) == ["first", *(f"s{number}" for number in range(9))]


def test_importing_the_package_does_not_import_the_lock() -> None:
    code = "import sys, m31a_ledger; print('filelock' in sys.modules)"

    with python(code) as child:
        assert child.communicate()[0].strip() == "False"
