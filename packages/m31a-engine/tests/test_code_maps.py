"""Maps and excerpts: what a model is shown of files, within its limits."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from m31a_engine.code.excerpt import MOST_BYTES, MOST_FILE_BYTES, Wanted, excerpt, excerpts
from m31a_engine.code.languages import Language
from m31a_engine.code.outline import outline_of
from m31a_engine.code.parsed import Parsed
from m31a_engine.code.reading import read_content

STORE = b"""LIMIT = 5

class Store:
    def append(self, row: Row) -> int:
        return 1

    def close(self): ...

def load(path: str) -> Store:
    return Store()
"""


def tokens(text: str) -> int:
    return (len(text) + 3) // 4


def parsed(data: bytes = STORE) -> Parsed:
    return read_content(data, Language.PYTHON).parsed


def test_a_map_has_signatures_and_line_ranges() -> None:
    assert outline_of([("app/store.py", parsed()), ("data.bin", None)], 1000, tokens) == (
        "app/store.py (11 lines)\n"
        "  1 LIMIT = 5\n"
        "  3-7 class Store\n"
        "    4-5 def append(self, row: Row) -> int\n"
        "    7 def close(self): ...\n"
        "  9-10 def load(path: str) -> Store\n"
        "data.bin"
    )


def test_with_less_room_the_outer_names_are_shown_then_the_file_alone() -> None:
    files = [("app/store.py", parsed())]

    assert outline_of(files, 90, tokens) == (
        "app/store.py (11 lines)\n  1 LIMIT = 5\n  3-7 class Store\n"
        "  9-10 def load(path: str) -> Store"
    )
    assert outline_of(files, 20, tokens) == "app/store.py (11 lines)"
    assert outline_of(files, 4, tokens) == "app/store.py"
    assert outline_of(files, 1, tokens) == ""


def test_a_file_with_very_many_names_shows_the_first_and_counts_the_rest() -> None:
    many = parsed(b"".join(b"def f%d(): ...\n" % number for number in range(300)))

    whole = outline_of([("a.py", many)], 10_000, tokens)
    short = outline_of([("a.py", many)], 300, tokens)

    assert whole.endswith("  60 def f59(): ...\n  … 240 more")
    assert short.endswith("  8 def f7(): ...\n  … 292 more")


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 400), st.integers(0, 30), st.integers(1, 6))
def test_no_map_is_over_its_budget(budget: int, files: int, chars: int) -> None:
    def estimate(text: str) -> int:
        return -(-len(text) // chars)

    text = outline_of([(f"app/store{at}.py", parsed()) for at in range(files)], budget, estimate)

    assert estimate(text) <= budget


def lines(count: int, text: str = "line") -> str:
    return "".join(f"{text} {number}\n" for number in range(1, count + 1))


def titles(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("--- ")]


def test_a_short_file_is_shown_whole() -> None:
    assert excerpt(Wanted("a.py", lines(112))) == ("--- a.py, lines 1-112 of 112\n" + lines(112))


def test_a_long_file_is_shown_at_its_head_its_tail_and_where_it_matters() -> None:
    assert titles(excerpt(Wanted("a.py", lines(500), line=300))) == [
        "--- a.py, lines 1-80 of 500",
        "--- a.py, lines 290-349 of 500",
        "--- a.py, lines 471-500 of 500",
    ]
    assert titles(excerpt(Wanted("a.py", lines(500)))) == [
        "--- a.py, lines 1-80 of 500",
        "--- a.py, lines 471-500 of 500",
    ]
    assert titles(excerpt(Wanted("a.py", lines(500), line=85))) == [
        "--- a.py, lines 1-134 of 500",
        "--- a.py, lines 471-500 of 500",
    ]
    assert excerpt(Wanted("a.py", lines(500), line=9999)) == excerpt(Wanted("a.py", lines(500)))


def test_what_matters_stays_when_there_is_too_much() -> None:
    long = Wanted("a.py", lines(500, "x" * 90), line=300)

    text = excerpt(long)

    assert len(text.encode()) <= MOST_FILE_BYTES
    assert "x 300\n" in text
    assert "x 471\n" not in text or "x 500\n" in text
    assert "x 300\n" in excerpt(long, 300)
    assert excerpt(long, 50) == ""


def test_a_line_without_end_is_cut() -> None:
    text = excerpt(Wanted("a.js", "var a=1;" * 100_000))

    assert len(text) < 400
    assert text.endswith("…\n")


def test_an_empty_file_has_no_excerpt() -> None:
    assert excerpt(Wanted("a.py", "")) == ""


def test_all_excerpts_together_have_a_limit() -> None:
    files = [Wanted(f"f{at}.py", lines(500, "é" * 60), line=200) for at in range(9)]

    text = excerpts(files)

    assert len(text.encode()) <= MOST_BYTES
    assert "f3.py" in text
    assert excerpts([]) == ""


@pytest.mark.parametrize("path", ["bad\udcff.py"])
def test_a_path_that_is_no_utf8_can_be_shown(path: str) -> None:
    assert excerpt(Wanted(path, "x\n")).startswith("--- bad\\xff.py")


@settings(max_examples=60, deadline=None)
@given(
    st.text(alphabet="aé\n", max_size=2000),
    st.one_of(st.none(), st.integers(-5, 900)),
    st.integers(0, 1500),
)
def test_no_excerpt_is_over_its_limit(text: str, line: int | None, limit: int) -> None:
    assert len(excerpt(Wanted("a", text, line), limit).encode()) <= limit
