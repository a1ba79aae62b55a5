"""What past runs came to: rows, charts, and one row in full."""

from collections.abc import Callable
from dataclasses import replace

from m31a.draw.frame import Size
from m31a.program.effects import CopyText, Work
from m31a.program.messages import RunOver, WorkFailed
from m31a.screens.ledger import Read
from m31a.testing import Desk
from m31a.widgets.ledger_rows import Book, Figures, Rate, RunRow

Snapshot = Callable[[Callable[[], Desk], str], None]
USUAL = Size(80, 24)
ROW = RunRow(
    session="20261121-041530-9f3a",
    at="2026-11-21T04:17:05Z",
    project="slugs",
    model="coder-large",
    mode="full",
    outcome="shipped",
    tasks=7,
    failed=1,
    healed=1,
    commits=7,
    cost_usd=0.44,
    duration_s=421.0,
    keywords=("slugify", "numbers"),
    failures=("two tests failed",),
    demo=False,
)
ROWS = (
    ROW,
    replace(ROW, session="b", outcome="failed", cost_usd=1.5, keywords=("tokens",), duration_s=90),
    replace(ROW, session="c", cost_usd=None, keywords=(), at="2026-11-19T10:00:00Z"),
    replace(ROW, session="d", demo=True, cost_usd=0.0, keywords=("cart",)),
)
BOOK = Book(
    rows=ROWS,
    figures=Figures(
        sessions=3,
        tasks_mean=7.0,
        failed=3,
        healed=3,
        cost_usd=1.94,
        cost_known=2,
        duration_mean_s=310.0,
        failures=(("two tests failed", 3), ("no network", 1)),
        frameworks=(("flask", 2),),
        models=(Rate("coder-large simple", 0.66, 3), Rate("small-fast", None, 1)),
        ended=(("shipped", 2), ("failed", 1)),
        costs_usd=(0.0, 1.5, 0.44),
        durations_s=(421.0, 90.0, 421.0),
    ),
    problems=("line 12: 23 cells, 24 expected",),
)
NOTHING = Book(
    (),
    Figures(
        sessions=0,
        tasks_mean=0.0,
        failed=0,
        healed=0,
        cost_usd=None,
        cost_known=0,
        duration_mean_s=0.0,
        failures=(),
        frameworks=(),
        models=(),
        ended=(),
        costs_usd=(),
        durations_s=(),
    ),
    (),
)


def read(argument: str | None = None, size: Size = USUAL) -> Desk:
    """The ledger with four rows."""
    desk = Desk("ledger", argument, size=size).send(Read(BOOK))
    desk.effects.clear()
    return desk


def test_the_rows(snapshot: Snapshot) -> None:
    snapshot(read, "ledger/rows")


def test_the_charts(snapshot: Snapshot) -> None:
    snapshot(lambda: read("stats"), "ledger/stats")


COSTS = tuple(0.12 + 0.07 * ((7 * run) % 11) + (1.4 if run % 13 == 0 else 0) for run in range(48))
MANY = Book(
    rows=tuple(replace(ROW, session=str(run), cost_usd=cost) for run, cost in enumerate(COSTS)),
    figures=Figures(
        sessions=48,
        tasks_mean=5.3,
        failed=9,
        healed=21,
        cost_usd=sum(COSTS),
        cost_known=48,
        duration_mean_s=287.0,
        failures=(("a test failed", 11), ("no network", 4), ("the patch did not apply", 3)),
        frameworks=(("flask", 19), ("django", 12), ("fastapi", 6)),
        models=(
            Rate("coder-large complex", 0.92, 13),
            Rate("coder-large simple", 1.0, 9),
            Rate("open-coder-120b simple", 0.83, 18),
        ),
        ended=(("shipped", 38), ("answered", 4), ("shipped_on_branch", 3), ("failed", 3)),
        costs_usd=COSTS,
        durations_s=tuple(90.0 + 31 * ((5 * run) % 17) for run in range(48)),
    ),
    problems=(),
)


def test_the_charts_of_many_runs(snapshot: Snapshot) -> None:
    snapshot(lambda: Desk("ledger", "stats").send(Read(MANY)), "ledger/many")


def test_figures_of_demos_alone_say_why_there_are_none() -> None:
    demos = replace(NOTHING, rows=(replace(ROW, demo=True),))
    desk = Desk("ledger", "stats").send(Read(demos))
    assert "Only demos have ended so far" in desk.text


def test_the_search(snapshot: Snapshot) -> None:
    snapshot(lambda: read().press("/").type("slugs with numbers"), "ledger/search")


def test_no_run_yet(snapshot: Snapshot) -> None:
    snapshot(lambda: Desk("ledger").send(Read(NOTHING)), "ledger/empty")


def test_a_ledger_that_cannot_be_read(snapshot: Snapshot) -> None:
    failed = WorkFailed("/home/ada/.m31a/LEDGER.md: Permission denied", "")
    snapshot(lambda: Desk("ledger").send(failed), "ledger/trouble")


def test_a_tab_turns_to_the_charts_and_back() -> None:
    assert "how they ended" in read(size=Size(100, 40)).press("tab").text
    assert "▸ ✓ 2026-11-21" in read().press("tab", "tab").text


def test_the_charts_leave_demos_out_and_tell_unknown_costs() -> None:
    text = read("stats", Size(120, 60)).text

    assert "$1.94 (2 runs with a known cost)" in text
    assert "66% of 3" in text
    assert "none judged of 1" in text
    assert "line 12: 23 cells, 24 expected" in text


def test_long_charts_are_scrolled() -> None:
    desk = read("stats", Size(60, 14))
    assert "frameworks" not in desk.text

    assert "line 12" in desk.press("end").text
    assert "line 12" not in desk.press("home", "down").text


def test_a_row_in_full_and_its_changes() -> None:
    desk = read(size=Size(120, 40)).press("down")
    assert "outcome" not in desk.text
    assert "1.5000" in desk.text

    assert desk.press("enter").top.id == "diff"


def test_a_search_is_read_from_the_file_and_can_be_dropped() -> None:
    desk = read().press("/").type("slugs").press("enter")
    assert [type(each) for each in desk.effects] == [Work]
    assert "like slugs" in desk.text

    desk.send(Read(NOTHING))
    assert "no run is like that" in desk.text

    desk.press("x", "/").paste("tokens\nnow").press("escape")
    assert "like" not in desk.text


def test_words_given_with_the_command_are_searched_for() -> None:
    desk = Desk("repl").type("/ledger old tokens").press("enter").send(Read(BOOK))

    assert "like old tokens" in desk.text


def test_it_is_read_again_on_demand_and_after_a_run() -> None:
    desk = read().press("r").send(RunOver())

    assert [type(each) for each in desk.effects] == [Work, Work]


def test_what_is_shown_is_copied() -> None:
    row = read().press("y").effects[0]
    stats = read("stats").press("y").effects[0]

    assert isinstance(row, CopyText)
    assert "model     coder-large" in row.text
    assert isinstance(stats, CopyText)
    assert "runs      3" in stats.text


def test_keys_before_it_is_read_do_nothing() -> None:
    desk = Desk("ledger").press("down", "y", "enter")

    assert "reading …" in desk.text
