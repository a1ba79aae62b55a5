from dataclasses import dataclass

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from m31a_ledger import LedgerEntry, LedgerStore, UnwritableEntry
from m31a_ledger.cells import decode_items, decode_text, encode_items, encode_text
from m31a_ledger.columns import read_cost, read_duration
from m31a_ledger.table import HEADER, PREFACE, read_page, row_of

# Every code point, lone surrogates too, and often the characters that mean something in a table.
TEXT = st.text(
    st.one_of(st.characters(exclude_categories=()), st.sampled_from("|\\;\n\r\t <`[ue-n0\x00\x1b")),
    max_size=12,
)
ITEMS = st.lists(TEXT, max_size=3).map(tuple)
COUNT = st.integers(-(10**30), 10**30)
NUMBER = st.floats(allow_nan=False, allow_infinity=False)
ENTRIES = st.builds(
    LedgerEntry,
    session=TEXT.filter(bool),
    at=TEXT,
    project=TEXT,
    project_type=TEXT,
    framework=TEXT,
    provider=TEXT,
    model=TEXT,
    mode=TEXT,
    complexity=TEXT,
    tasks=COUNT,
    failed=COUNT,
    skipped=COUNT,
    healed=COUNT,
    cost_usd=st.none() | NUMBER,
    duration_s=NUMBER,
    commits=COUNT,
    outcome=TEXT,
    keywords=ITEMS,
    failures=ITEMS,
    kind=TEXT,
)
FULL = LedgerEntry(
    session="s-1",
    at="2026-11-21T03:14:15Z",
    project="shop",
    project_type="python",
    framework="flask",
    provider="openrouter",
    model="acme/large",
    mode="full",
    complexity="complex",
    tasks=7,
    failed=1,
    skipped=2,
    healed=1,
    cost_usd=0.0125,
    duration_s=81.5,
    commits=4,
    outcome="shipped",
    keywords=("rate", "limit"),
    failures=("test: 1 | 2 failed", "C:\\tmp\nis full"),
)


@dataclass(frozen=True)
class Case:
    cell: str
    text: str


@given(st.lists(ENTRIES, max_size=4, unique_by=lambda entry: entry.session))
@settings(max_examples=150, deadline=None)
def test_any_entries_come_back_as_they_were_written(entries: list[LedgerEntry]) -> None:
    text = PREFACE + HEADER + "".join(map(row_of, entries))

    page = read_page(text.encode().decode())

    assert tuple(entries) == page.entries
    assert page.problems == ()


@given(TEXT)
@settings(max_examples=150, deadline=None)
def test_a_cell_is_one_line_without_pipes_or_control_characters(text: str) -> None:
    cell = encode_text(text)

    assert text == decode_text(cell)
    assert cell.isprintable() or not any(ord(c) < 32 or 127 <= ord(c) < 160 for c in cell)
    assert "|" not in cell.replace("\\\\", "").replace("\\|", "")


@given(ITEMS)
@settings(max_examples=150, deadline=None)
def test_items_keep_their_number_even_when_they_are_empty(items: tuple[str, ...]) -> None:
    assert items == decode_items(encode_items(items))


@given(st.binary(max_size=300), st.booleans())
@settings(max_examples=150, deadline=None)
def test_reading_any_bytes_gives_a_page(noise: bytes, with_table: bool) -> None:
    start = (PREFACE + HEADER + row_of(FULL)) if with_table else ""

    page = read_page(start + noise.decode("utf-8", "surrogateescape"))

    assert page.entries[:1] == (FULL,) or not with_table


def test_the_table_is_readable_markdown() -> None:
    lines = (HEADER + row_of(FULL)).splitlines()

    assert lines == [
        "| Session | Time | Project | Type | Framework | Provider | Model | Mode | Complexity"
        " | Tasks | Failed | Skipped | Healed | Cost (USD) | Duration (s) | Commits | Outcome"
        " | Keywords | Failures | Kind |",
        "|" + " --- |" * 20,
        r"| s-1 | 2026-11-21T03:14:15Z | shop | python | flask | openrouter | acme/large | full"
        r" | complex | 7 | 1 | 2 | 1 | 0.0125 | 81.5 | 4 | shipped | rate; limit"
        r" | test: 1 \| 2 failed; C:\\tmp\nis full | run |",
    ]


def test_what_a_viewer_would_obey_is_written_as_escapes() -> None:
    hostile = "\x1b]0;owned\x07<img src=x>[x](http://x)`rm`\u202egpj.exe"

    assert encode_text(hostile) == (
        r"\u001b]0\;owned\u0007\<img src=x>\[x](http://x)\`rm\`\u202egpj.exe"
    )


def test_unknown_cost_is_an_empty_cell_and_not_zero() -> None:
    unknown = LedgerEntry(session="a", at="")
    free = LedgerEntry(session="b", at="", cost_usd=0.0)

    page = read_page(HEADER + row_of(unknown) + row_of(free))

    assert [entry.cost_usd for entry in page.entries] == [None, 0.0]


def test_a_row_cut_at_any_byte_is_never_read_as_data() -> None:
    old = (PREFACE + HEADER + row_of(LedgerEntry(session="s-0", at=""))).encode()
    entry = LedgerEntry(session="é|1", at="", failures=("a|b", "c\\"), kind="")
    row = row_of(entry).encode()

    for length in range(len(row) - 1):
        page = read_page((old + row[:length]).decode("utf-8", "surrogateescape"))
        assert [found.session for found in page.entries] == ["s-0"]
        assert page.is_torn == (length > 0)
        assert len(page.problems) == (length > 0)

    whole_but_for_its_line_end = read_page((old + row[:-1]).decode())
    assert [found.session for found in whole_but_for_its_line_end.entries] == ["s-0", "é|1"]
    assert not whole_but_for_its_line_end.is_torn


def test_a_ledger_written_by_hand_with_seven_columns_is_read() -> None:
    text = (
        "\ufeff# My runs\r\n\r\nSome words | with a pipe.\r\n\r\n"
        "| Session | Model      | Tasks | Failed | Cost   | Duration | Framework |\r\n"
        "|:--------|:----------:|------:|-------:|-------:|---------:|-----------|\r\n"
        "| alpha   | acme/large | 5     | 1      | $0.42  | 4m 12s   | django    |\r\n"
        "| beta    | acme/small | 3     | 0      |        | 95       |           |\r\n"
        "gamma | acme | 2 | - | 1.5 USD | 1:02:03 | react\r\n"
        "| delta   | -          | 1     | 0      | n/a    | 2.5 min  | a\\|b     |\r\n"
    )

    page = read_page(text)

    assert page.problems == ()
    assert page.entries == (
        LedgerEntry(
            session="alpha",
            at="",
            model="acme/large",
            tasks=5,
            failed=1,
            cost_usd=0.42,
            duration_s=252,
            framework="django",
        ),
        LedgerEntry(session="beta", at="", model="acme/small", tasks=3, duration_s=95),
        LedgerEntry(
            session="gamma",
            at="",
            model="acme",
            tasks=2,
            cost_usd=1.5,
            duration_s=3723,
            framework="react",
        ),
        LedgerEntry(session="delta", at="", model="-", tasks=1, duration_s=150, framework="a|b"),
    )


def test_other_titles_foreign_columns_and_units_in_titles_are_understood() -> None:
    text = (
        "| Timestamp | Session ID | Duration (min) | Weather | Goal keywords |\n"
        "| --- | --- | --- | --- | --- |\n"
        "| 2026-01-02 | one | 2 | rain | a;b; |\n"
    )

    assert read_page(text).entries == (
        LedgerEntry(session="one", at="2026-01-02", duration_s=120, keywords=("a", "b")),
    )


def test_tables_without_a_session_column_are_left_alone() -> None:
    page = read_page("| a | b |\n| - | - |\n| 1 | 2 |\n")

    assert (page.entries, page.problems) == ((), ())


def test_a_header_whose_dashes_do_not_match_begins_no_table() -> None:
    page = read_page("| Session | Model |\n| --- |\n| a | b |\n")

    assert (page.entries, page.problems) == ((), ())


def test_two_tables_may_stand_close_together() -> None:
    text = (
        "| Session | Model |\n| --- | --- |\n| a | m |\n" + HEADER + row_of(FULL) + "\nEnd, a|b.\n"
    )

    page = read_page(text)

    assert [entry.session for entry in page.entries] == ["a", "s-1"]
    assert page.problems == ()
    assert not page.in_own_table


def test_a_header_at_the_very_end_is_an_empty_table() -> None:
    page = read_page(HEADER.rstrip("\n"))

    assert page.in_own_table
    assert page.problems == ()


def test_rows_that_cannot_be_read_are_reported_with_line_and_reason() -> None:
    plain = msgspec.structs.replace(FULL, failures=())
    good = row_of(plain)
    text = "".join(
        (
            HEADER,
            good,
            good.replace("| 7 |", "| seven |"),
            good.replace("s-1", "s-2").replace("0.0125", "0,01"),
            good.replace("s-1", "s-3").replace("81.5", "nan"),
            "| short |\n",
            "a note below the table\n",
            good.replace("s-1", ""),
            good,
        )
    )

    page = read_page(text)

    assert page.entries == (plain,)
    assert [(problem.line, problem.reason) for problem in page.problems] == [
        (4, "Tasks is no number: 'seven'"),
        (5, "Cost (USD) is no number: '0,01'"),
        (6, "Duration (s) is no number: 'nan'"),
        (7, "it has 1 cells, the table has 20"),
        (8, "it has 1 cells, the table has 20"),
        (9, "its Session is empty"),
        (10, "its session already stands in line 3"),
    ]


def test_a_row_that_is_not_utf_8_is_reported_and_the_others_are_read() -> None:
    bad = row_of(FULL).encode().replace(b"s-1", b"caf\xe9")

    page = read_page((HEADER.encode() + bad).decode("utf-8", "surrogateescape") + row_of(FULL))

    assert page.entries == (FULL,)
    assert [problem.reason for problem in page.problems] == ["it is not UTF-8"]
    assert page.problems[0].text.startswith(r"| caf\udce9 |")


def test_the_text_of_a_problem_is_cut_and_harmless() -> None:
    page = read_page(HEADER + "\x1b[31m" + "x" * 1000 + "\n")

    assert page.problems[0].text == r"\u001b[31m" + "x" * 195


@pytest.mark.parametrize(
    "case",
    [
        Case(r"C:\Users", r"C:\Users"),
        Case(r"a\|b", "a|b"),
        Case(r"\_x\_", "_x_"),
        Case(r"\U00110000", r"\U00110000"),
        Case(r"\U0001f600", "😀"),
        Case("end\\", "end\\"),
    ],
)
def test_escapes_written_by_hand_are_read_with_patience(case: Case) -> None:
    assert case.text == decode_text(case.cell)


@pytest.mark.parametrize("cell", ["inf", "nan", "$inf", "1,5", "1.5 EUR", "about 3"])
def test_a_cost_that_is_not_plain_dollars_is_refused(cell: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_cost(cell)


@pytest.mark.parametrize(
    ("cell", "seconds"),
    [("", 0), ("90", 90), ("1h 2m 3s", 3723), ("1:30", 90), ("12 sec", 12), ("1e-05", 1e-05)],
)
def test_durations_are_read_in_the_forms_people_write(cell: str, seconds: float) -> None:
    assert seconds == read_duration(cell)


@pytest.mark.parametrize(
    "entry",
    [
        LedgerEntry(session="", at=""),
        LedgerEntry(session="s", at="", cost_usd=float("nan")),
        LedgerEntry(session="s", at="", duration_s=float("inf")),
        LedgerEntry(session="s", at="", tasks=10**5000),
    ],
    ids=["no session", "cost", "duration", "digits"],
)
def test_an_entry_that_would_not_come_back_is_refused(entry: LedgerEntry) -> None:
    with pytest.raises(UnwritableEntry) as caught:
        row_of(entry)

    assert entry.session == caught.value.session


def test_a_ledger_of_a_store_is_what_the_table_says(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    store = LedgerStore(tmp_path_factory.mktemp("ledger") / "LEDGER.md")

    store.append(FULL)

    assert store.path.read_text() == PREFACE + HEADER + row_of(FULL)
