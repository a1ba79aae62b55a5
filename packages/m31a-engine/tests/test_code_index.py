"""The index as its callers see it: what it learns, keeps, answers and survives."""

import hashlib
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest

from m31a_engine.code.index import CodeIndex, Refreshed
from m31a_engine.code.relevance import Relevant

SHOP = {
    "app/__init__.py": b"",
    "app/store.py": (
        b"from app.errors import StoreLocked\n\nclass Store:\n    def append(self): ...\n"
    ),
    "app/errors.py": b"class StoreLocked(Exception): ...\n",
    "app/billing.py": b"from app import store\n\ndef send_invoice(): ...\n",
    "app/mail.py": b"from app.billing import send_invoice\n\ndef retry_delivery(): ...\n",
    "tests/test_store.py": b"from app.store import Store\n\ndef test_append(): ...\n",
    "docs/guide.md": b"# Guide\n\nThe shop keeps rows.\n",
    "data.bin": b"\0\1\2",
}


class Project:
    """Files by path, their git ids, and which were read."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self.contents = dict(files)
        self.asked: list[str] = []

    @property
    def files(self) -> dict[str, str]:
        return {
            path: hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
            for path, data in self.contents.items()
        }

    def read(self, path: str) -> bytes | None:
        self.asked.append(path)
        return self.contents.get(path)


@pytest.fixture
def shop() -> Project:
    return Project(SHOP)


@pytest.fixture
def index(tmp_path: Path) -> Iterator[CodeIndex]:
    index = CodeIndex.open(tmp_path / "cache")
    yield index
    index.close()


def paths(found: tuple[Relevant, ...]) -> list[str]:
    return [file.path for file in found]


def test_only_contents_never_seen_before_are_read(
    tmp_path: Path, shop: Project, index: CodeIndex
) -> None:
    assert index.refresh(shop.files, shop.read) == Refreshed(
        files=8, known=0, learned=8, unread=0, left=0
    )
    shop.asked.clear()
    shop.contents["app/new.py"] = b"def new(): ...\n"
    shop.contents["app/moved.py"] = shop.contents.pop("app/mail.py")

    other = CodeIndex.open(tmp_path / "cache")

    assert other.refresh(shop.files, shop.read) == Refreshed(
        files=9, known=8, learned=1, unread=0, left=0
    )
    assert shop.asked == ["app/new.py"]
    assert [symbol.name for symbol in other.symbols("app/moved.py")] == ["retry_delivery"]
    assert other.symbols("app/mail.py") == ()
    other.close()


def test_symbols_and_both_ends_of_imports(shop: Project, index: CodeIndex) -> None:
    index.refresh(shop.files, shop.read)

    assert [(s.name, s.container) for s in index.symbols("app/store.py")] == [
        ("Store", ""),
        ("append", "Store"),
    ]
    assert index.imports("app/store.py") == ("app/errors.py",)
    assert index.imports("nowhere.py") == ()
    assert index.importers("app/store.py") == ("app/billing.py", "tests/test_store.py")
    assert index.line_that_matters("app/store.py", "let append retry") == 4
    assert index.line_that_matters("app/store.py", "something else") is None


def test_edited_files_are_looked_at_again(shop: Project, index: CodeIndex) -> None:
    index.refresh(shop.files, shop.read)
    now = Project({**SHOP, "app/fresh.py": b"import app.store\n", "app/store.py": b"X = 1\n"})
    del now.contents["app/mail.py"]
    changed = ["app/fresh.py", "app/store.py", "app/mail.py", "never/there.py"]

    found = index.edited(changed, now.read)

    assert found == Refreshed(files=8, known=6, learned=2, unread=0, left=0)
    assert [symbol.name for symbol in index.symbols("app/store.py")] == ["X"]
    assert index.importers("app/billing.py") == ()
    assert "app/fresh.py" in index.importers("app/store.py")
    # An edit back to what is known is not parsed again.
    assert index.edited(["app/store.py"], shop.read).learned == 0


def test_two_trees_of_one_project_share_the_cache_and_not_the_answers(
    tmp_path: Path, shop: Project
) -> None:
    first, second = CodeIndex.open(tmp_path), CodeIndex.open(tmp_path)
    first.refresh(shop.files, shop.read)
    second.refresh(shop.files, shop.read)

    second.edited(["app/store.py"], lambda _: b"class Ledger: ...\n")

    assert [symbol.name for symbol in first.symbols("app/store.py")] == ["Store", "append"]
    assert [symbol.name for symbol in second.symbols("app/store.py")] == ["Ledger"]
    assert paths(first.relevant("Ledger")) != ["app/store.py"]
    first.close()
    second.close()


def test_a_content_is_never_remembered_under_another_id(tmp_path: Path, shop: Project) -> None:
    index = CodeIndex.open(tmp_path)
    index.refresh(shop.files, lambda path: b"def changed_on_disk(): ...\n")
    assert [symbol.name for symbol in index.symbols("app/store.py")] == ["changed_on_disk"]
    index.close()

    index = CodeIndex.open(tmp_path)

    assert index.refresh(shop.files, shop.read).learned == 8
    assert [symbol.name for symbol in index.symbols("app/store.py")] == ["Store", "append"]
    index.close()


def test_ids_of_sha256_repositories_are_known_again(tmp_path: Path) -> None:
    data = b"def f(): ...\n"
    files = {"a.py": hashlib.sha256(b"blob %d\0" % len(data) + data).hexdigest()}
    index = CodeIndex.open(tmp_path)

    assert index.refresh(files, lambda _: data).learned == 1
    assert index.refresh(files, lambda _: data).known == 1
    index.close()


def test_files_that_cannot_be_read_are_known_by_their_path(shop: Project, index: CodeIndex) -> None:
    def read(path: str) -> bytes | None:
        if path == "app/store.py":
            raise PermissionError(path)
        return None if path == "app/mail.py" else shop.contents[path]

    found = index.refresh(shop.files, read)

    assert (found.learned, found.unread) == (6, 2)
    assert index.symbols("app/store.py") == ()
    assert paths(index.relevant("the mail"))[0] == "app/mail.py"


def test_without_time_files_are_known_by_their_path_until_the_next_refresh(
    shop: Project, index: CodeIndex
) -> None:
    assert index.refresh(shop.files, shop.read, budget_s=0).left == 8
    assert shop.asked == []
    assert paths(index.relevant("app/store.py"))[0] == "app/store.py"
    assert "app/store.py" in index.outline(["app/store.py"], budget_tokens=50, estimate=len)

    assert index.refresh(shop.files, shop.read, budget_s=60).left == 0


def test_source_code_is_read_first(shop: Project, index: CodeIndex) -> None:
    index.refresh(shop.files, shop.read)

    assert shop.asked[-2:] == ["data.bin", "docs/guide.md"]


def test_many_files_are_learned_in_pieces(index: CodeIndex) -> None:
    many = Project({f"m{number}.py": b"def f%d(): ...\n" % number for number in range(450)})

    assert index.refresh(many.files, many.read).learned == 450
    assert [symbol.name for symbol in index.symbols("m449.py")] == ["f449"]


def test_a_cache_that_breaks_in_use_is_made_anew(tmp_path: Path, shop: Project) -> None:
    index = CodeIndex.open(tmp_path)
    index.refresh(shop.files, shop.read)
    index.edited(["app/store.py"], lambda _: b"def edited(): ...\n")
    other = sqlite3.connect(next(tmp_path.glob("*.sqlite")))
    other.execute("DROP TABLE posting")
    other.commit()
    other.close()

    assert paths(index.relevant("send_invoice"))[0] == "app/billing.py"
    assert [symbol.name for symbol in index.symbols("app/store.py")] == ["edited"]
    assert index.kept
    assert index.refresh(shop.files, shop.read).known == 7
    index.close()


def test_rows_that_are_no_rows_of_ours_are_made_anew(tmp_path: Path, shop: Project) -> None:
    index = CodeIndex.open(tmp_path)
    index.refresh(shop.files, shop.read)
    other = sqlite3.connect(next(tmp_path.glob("*.sqlite")))
    other.execute("UPDATE content SET parsed = x'c1c1'")
    other.commit()
    other.close()

    assert [symbol.name for symbol in index.symbols("app/store.py")] == ["Store", "append"]
    index.close()


def test_when_the_disk_is_taken_away_the_index_goes_on_in_memory(
    tmp_path: Path, shop: Project
) -> None:
    index = CodeIndex.open(tmp_path, wait_s=0.01)
    lock = sqlite3.connect(next(tmp_path.glob("*.sqlite")), isolation_level=None)
    lock.execute("BEGIN EXCLUSIVE")

    assert index.refresh(shop.files, shop.read).learned == 8

    assert not index.kept
    assert index.importers("app/errors.py") == ("app/store.py",)
    lock.close()
    index.close()


def test_several_threads_may_ask_at_once(shop: Project, index: CodeIndex) -> None:
    index.refresh(shop.files, shop.read)
    answers: list[list[str]] = []

    def ask() -> None:
        answers.append(paths(index.relevant("send_invoice", limit=1)))

    threads = [Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)

    assert answers == [["app/billing.py"]] * 8


def test_names_that_are_no_utf8_are_paths_like_others(index: CodeIndex) -> None:
    odd = Project({"bad\udcff/store.py": b"def f(): ...\n", "c.py": b"import store\n"})

    assert index.refresh(odd.files, odd.read).learned == 2
    assert paths(index.relevant("the store \udcff"))[0] == "bad\udcff/store.py"
    assert "bad\\xff/store.py" in index.outline(
        ["bad\udcff/store.py"], budget_tokens=99, estimate=len
    )


LEARNER = """
import hashlib, os, signal, sys
from pathlib import Path
from m31a_engine.code.index import CodeIndex
data = {f"m{at}.py": b"def f%d(): ...\\n" % at for at in range(int(sys.argv[2]), int(sys.argv[3]))}
files = {p: hashlib.sha1(b"blob %d\\0" % len(d) + d).hexdigest() for p, d in data.items()}
def read(path):
    if path == sys.argv[4]:
        os.kill(os.getpid(), signal.SIGKILL)
    return data[path]
index = CodeIndex.open(Path(sys.argv[1]))
index.refresh(files, read)
assert index.kept and len(index.symbols(f"m{sys.argv[2]}.py")) == 1
index.close()
"""


def learner(cache: Path, first: int, last: int, deadly: str = "") -> subprocess.Popen[bytes]:
    words = [sys.executable, "-c", LEARNER, str(cache), str(first), str(last), deadly]
    return subprocess.Popen(words)


def test_several_processes_learn_into_one_cache_at_once(tmp_path: Path) -> None:
    learners = [learner(tmp_path, 0, 400), learner(tmp_path, 200, 600)]

    assert [process.wait(30) for process in learners] == [0, 0]

    many = Project({f"m{number}.py": b"def f%d(): ...\n" % number for number in range(600)})
    index = CodeIndex.open(tmp_path)
    assert index.refresh(many.files, many.read).known == 600
    assert len(list(tmp_path.glob("*.sqlite"))) == 1
    index.close()


def test_a_kill_keeps_what_was_learned_before(tmp_path: Path) -> None:
    assert learner(tmp_path, 0, 600, "m599.py").wait(30) == -signal.SIGKILL

    many = Project({f"m{number}.py": b"def f%d(): ...\n" % number for number in range(600)})
    index = CodeIndex.open(tmp_path)

    found = index.refresh(many.files, many.read)

    assert (found.known, found.learned) == (400, 200)
    assert len(list(tmp_path.glob("*.sqlite"))) == 1
    index.close()
