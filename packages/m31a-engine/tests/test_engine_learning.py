"""What a project's memory keeps, recalls and drops."""

from datetime import date, timedelta
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from m31a_engine.checks.result import CheckResult, CheckStatus, Verdict, Verification
from m31a_engine.learning.facts import (
    MOST_CHARS,
    MOST_FACTS,
    SEASON,
    Book,
    fresh,
    judged,
    learned,
    one_line,
    relevant,
)
from m31a_engine.learning.lessons import Lesson, headline, lessons_of
from m31a_engine.learning.memory import Memory
from m31a_ledger import LedgerEntry

TODAY = date(2026, 11, 21)
FACT = "totals are rounded to cents"


def book_with(*texts: str, goal: str = "mend the totals") -> Book:
    return learned(Book(), texts, goal, TODAY)


def check(status: CheckStatus, output: str = "", seconds: float = 2.0) -> CheckResult:
    return CheckResult(
        name="test",
        command="pytest",
        exit_code=0 if status is CheckStatus.PASSED else 1,
        passed=status is CheckStatus.PASSED,
        status=status,
        output_tail=output,
        seconds=seconds,
        tree="t",
        behavioural=True,
    )


def test_a_wrong_fact_is_dropped_after_three_lost_runs() -> None:
    book = book_with(FACT, "another")
    kept = []
    for _ in range(3):
        kept.append([fact.text for fact in book.facts])
        book = judged(book, [FACT], won=False, today=TODAY)

    assert kept == [[FACT, "another"]] * 3
    assert [fact.text for fact in book.facts] == ["another"]


def test_a_fact_that_mostly_helps_survives_bad_luck() -> None:
    book = book_with(FACT)
    for won in (True, True, True, True, False, False, False):
        book = judged(book, [FACT], won=won, today=TODAY)

    assert [(fact.hits, fact.wins, fact.losses) for fact in book.facts] == [(7, 4, 3)]


def test_what_is_learned_again_is_not_doubled_and_becomes_the_newest() -> None:
    book = learned(book_with(FACT, "other"), [FACT], "print totals", TODAY + timedelta(days=3))

    assert [fact.text for fact in book.facts] == ["other", FACT]
    assert book.facts[-1].born == TODAY.isoformat()
    assert set(book.facts[-1].keywords) == {"mend", "totals", "print"}


def test_what_nobody_used_for_a_season_is_forgotten() -> None:
    book = learned(book_with(FACT), ["new"], "goal", TODAY + timedelta(days=50))

    later = fresh(book, TODAY + SEASON + timedelta(days=1))

    assert [fact.text for fact in later.facts] == ["new"]


def test_facts_of_the_likest_goals_come_first() -> None:
    book = learned(book_with(FACT), ["logs are JSON"], "mend the logging", TODAY)

    assert next(fact.text for fact in relevant(book, "round the totals up")) == FACT
    assert next(fact.text for fact in relevant(book, "mend logging again")) == "logs are JSON"


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text(max_size=500), max_size=150))
def test_a_book_stays_small_and_every_fact_on_one_line(texts: list[str]) -> None:
    book = learned(Book(), texts, "goal", TODAY)

    assert len(book.facts) <= MOST_FACTS
    assert all(len(fact.text) <= MOST_CHARS for fact in book.facts)
    assert all("\n" not in fact.text and fact.text == one_line(fact.text) for fact in book.facts)


@pytest.mark.parametrize(
    ("output", "line"),
    [
        (
            "Traceback (most recent call last):\n  File 'a.py'\nAssertionError: 5 != -1\n\n"
            "Ran 1\n\nFAILED (failures=1)",
            "AssertionError: 5 != -1",
        ),
        ("running\nall is well\n", "all is well"),
        ("", "no output"),
        (
            "thread 'main' panicked at src/lib.rs:3\nnote: run with",
            "thread 'main' panicked at src/lib.rs:3",
        ),
    ],
)
def test_the_telling_line_of_a_failure_is_found(output: str, line: str) -> None:
    assert headline(output) == line


def test_lessons_name_the_failure_and_what_helped() -> None:
    red = Verification(
        verdict=Verdict.FAILED,
        tree="t",
        checks=(check(CheckStatus.FAILED, "AssertionError: 1 != 2"), check(CheckStatus.PASSED)),
    )

    mended = lessons_of(red, mended=True, remedy="I rounded\nthe total.")
    stayed = lessons_of(red, mended=False, remedy="I tried.")

    assert [lesson.text for lesson in mended] == [
        "test (`pytest`) was red: AssertionError: 1 != 2 What helped: I rounded the total."
    ]
    assert [lesson.text for lesson in stayed] == [
        "test (`pytest`) was red: AssertionError: 1 != 2 It stayed red."
    ]


def row(session: str, goal_word: str) -> LedgerEntry:
    return LedgerEntry(
        session=session,
        at="2026-11-20T10:00:00Z",
        project="p",
        project_type="python",
        outcome="failed",
        keywords=(goal_word, "totals"),
    )


def memory(tmp_path: Path, *rows: LedgerEntry) -> Memory:
    return Memory(
        file=tmp_path / "facts.json",
        entries=lambda: rows,
        is_ours=lambda entry: entry.session.startswith("ours"),
    )


LESSON = Lesson(check="test", command="pytest", failure="off by one", remedy="Counted from 0.")


def test_a_run_recalls_what_an_earlier_one_has_shown(tmp_path: Path) -> None:
    ours = memory(tmp_path, row("ours-1", "cents"), row("theirs-1", "secretproject"))
    ours.learn("mend totals", [LESSON], [check(CheckStatus.PASSED, seconds=12.4)], [], won=False)

    recalled = ours.recall("mend the totals", "python", rows=True)

    assert recalled.facts == (LESSON.text,)
    assert recalled.lines == (
        LESSON.text,
        "check test (`pytest`): passed, 12 s",
        "2026-11-20, a goal about cents, totals: failed",
    )
    assert "secretproject" not in str(recalled)
    assert ours.recall("mend the totals", "python", rows=False).lines == recalled.lines[:2]


@pytest.mark.parametrize("content", [b"", b"\xff\x00", b'{"facts": 3}', b"[" * 5000])
def test_a_damaged_memory_is_no_memory_and_is_replaced(tmp_path: Path, content: bytes) -> None:
    ours = memory(tmp_path)
    ours.file.write_bytes(content)

    assert ours.recall("goal", "python", rows=True).lines == ()
    ours.learn("goal", [LESSON], [], [], won=True)

    assert [fact.text for fact in msgspec.json.decode(ours.file.read_bytes(), type=Book).facts] == [
        LESSON.text
    ]
    assert ours.file.stat().st_mode & 0o777 == 0o600


def test_an_unreadable_ledger_hinders_nobody(tmp_path: Path) -> None:
    def broken() -> tuple[LedgerEntry, ...]:
        raise PermissionError(13, "not yours")

    ours = Memory(file=tmp_path / "facts.json", entries=broken, is_ours=lambda _: True)

    assert ours.recall("goal", "python", rows=True).lines == ()
