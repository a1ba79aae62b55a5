from hypothesis import given, settings
from hypothesis import strategies as st

from m31a_ledger import LedgerEntry, keywords_of, recall


def run(
    session: str, goal: str, at: str = "2026-11-01T00:00:00Z", kind: str = "python"
) -> LedgerEntry:
    return LedgerEntry(session=session, at=at, project_type=kind, keywords=keywords_of(goal))


def order(entries: list[LedgerEntry], goal: str, kind: str | None = None) -> list[str]:
    return [entry.session for entry in recall(entries, goal, project_type=kind)]


def test_keywords_are_the_telling_words_once_in_order() -> None:
    goal = (
        "Please add rate-limiting to the HTTP client, and rate-limiting for C++ (see src/api.py)!"
    )

    assert keywords_of(goal) == ("rate-limiting", "http", "client", "c++", "see", "src/api.py")


def test_keywords_leave_out_what_is_long_enough_to_be_a_key() -> None:
    assert keywords_of("use token " + "sk" * 20) == ("token",)


def test_keywords_of_a_huge_goal_stay_few() -> None:
    assert len(keywords_of(" ".join(f"word{number}" for number in range(100_000)))) == 24


@given(st.text(max_size=200))
@settings(max_examples=60, deadline=None)
def test_keywords_of_any_text_are_their_own_keywords(goal: str) -> None:
    words = keywords_of(goal)

    assert keywords_of(" ".join(words)) == words


def test_the_likest_entry_comes_first_and_unlike_ones_not_at_all() -> None:
    entries = [
        run("other", "draw charts"),
        run("close", "retry http client requests"),
        run("same", "add rate limits to http client"),
    ]

    assert order(entries, "rate limit for the http client") == ["same", "close"]


def test_a_rare_word_says_more_than_a_common_one() -> None:
    entries = [run(f"c{number}", f"client thing{number}") for number in range(5)]
    entries.append(run("rare", "kerberos thing9"))

    assert order(entries, "kerberos client")[0] == "rare"


def test_of_equal_entries_the_newer_and_then_the_later_comes_first() -> None:
    entries = [
        run("old", "parse dates", at="2025-01-01T00:00:00Z"),
        run("undated", "parse dates", at="long ago"),
        run("new", "parse dates", at="2026-11-01T00:00:00Z"),
        run("later", "parse dates", at="2026-11-01T00:00:00"),
    ]

    assert order(entries, "parse dates") == ["later", "new", "old", "undated"]


def test_a_fresh_weak_match_does_not_beat_a_year_old_exact_one() -> None:
    entries = [
        run("exact", "parse iso dates strictly", at="2025-11-01T00:00:00Z"),
        run("weak", "strictly draw charts from csv with a legend", at="2026-11-01T00:00:00Z"),
    ]

    assert order(entries, "parse iso dates strictly") == ["exact", "weak"]


def test_the_project_type_brings_in_entries_without_a_common_word() -> None:
    entries = [run("go", "draw charts", kind="go"), run("py", "draw charts", kind="Python")]

    assert order(entries, "parse dates", kind="python") == ["py"]
    assert order(entries, "draw charts", kind="python") == ["py", "go"]
    assert order(entries, "parse dates") == []


def test_demo_rows_are_never_recalled_and_the_limit_holds() -> None:
    demo = LedgerEntry(session="demo", at="", keywords=("parse",), kind="demo")
    entries = [demo, *(run(f"r{number}", "parse") for number in range(9))]

    assert len(recall(entries, "parse")) == 5
    assert recall(entries, "parse", limit=0) == ()
    assert recall([demo], "parse") == ()
