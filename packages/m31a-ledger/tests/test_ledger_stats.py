from hypothesis import given, settings
from hypothesis import strategies as st

from m31a_ledger import Group, LedgerEntry, LedgerStats, ModelRecord, Tally, summarise

RUN = LedgerEntry(
    session="1",
    at="2026-11-21T00:00:00Z",
    project_type="python",
    framework="flask",
    model="acme/large",
    complexity="complex",
    tasks=4,
    failed=1,
    skipped=1,
    healed=2,
    cost_usd=0.5,
    duration_s=100,
    outcome="shipped",
    failures=("tests", "lint"),
)
SHORT = LedgerEntry(
    session="2",
    at="2026-11-21T00:00:00Z",
    project_type="python",
    framework="flask",
    model="acme/large",
    complexity="complex",
    tasks=2,
    duration_s=50,
    outcome="failed",
    failures=("tests",),
)
OTHER = LedgerEntry(
    session="3",
    at="2026-11-21T00:00:00Z",
    project_type="node",
    framework="react",
    model="acme/large",
    complexity="simple",
    tasks=3,
    cost_usd=0.25,
    duration_s=30,
    outcome="interrupted",
)
DEMO = LedgerEntry(session="4", at="", project_type="python", tasks=99, cost_usd=9, kind="demo")


def test_an_empty_ledger_has_no_averages_to_divide_by_zero() -> None:
    assert summarise([]) == LedgerStats(
        sessions=0,
        tasks_mean=0,
        failed=0,
        skipped=0,
        healed=0,
        cost_known=0,
        cost_total_usd=None,
        cost_mean_usd=None,
        duration_mean_s=0,
        top_failures=(),
        top_frameworks=(),
        project_types=(),
        models=(),
    )


def test_statistics_cover_totals_types_models_and_rankings_without_the_demo() -> None:
    assert summarise([RUN, SHORT, OTHER, DEMO]) == LedgerStats(
        sessions=3,
        tasks_mean=3,
        failed=1,
        skipped=1,
        healed=2,
        cost_known=2,
        cost_total_usd=0.75,
        cost_mean_usd=0.375,
        duration_mean_s=60,
        top_failures=(Tally(name="tests", count=2), Tally(name="lint", count=1)),
        top_frameworks=(Tally(name="flask", count=2), Tally(name="react", count=1)),
        project_types=(
            Group(
                name="python",
                sessions=2,
                failed=1,
                tasks_mean=3,
                cost_mean_usd=0.5,
                duration_mean_s=75,
            ),
            Group(
                name="node",
                sessions=1,
                failed=0,
                tasks_mean=3,
                cost_mean_usd=0.25,
                duration_mean_s=30,
            ),
        ),
        models=(
            ModelRecord(
                model="acme/large",
                complexity="complex",
                sessions=2,
                judged=2,
                succeeded=1,
                tasks=6,
                failed=1,
                healed=2,
                cost_mean_usd=0.5,
                duration_mean_s=75,
            ),
            ModelRecord(
                model="acme/large",
                complexity="simple",
                sessions=1,
                judged=0,
                succeeded=0,
                tasks=3,
                failed=0,
                healed=0,
                cost_mean_usd=0.25,
                duration_mean_s=30,
            ),
        ),
    )


def test_a_model_is_judged_only_by_outcomes_that_speak_of_it() -> None:
    complex_goals, simple_goals = summarise([RUN, SHORT, OTHER]).models

    assert complex_goals.success_rate == 0.5
    assert simple_goals.success_rate is None


@given(st.lists(st.sampled_from([*"abcdefgh", ""]), max_size=40))
@settings(max_examples=60, deadline=None)
def test_rankings_hold_at_most_five_in_falling_order(names: list[str]) -> None:
    runs = [LedgerEntry(session=str(i), at="", framework=name) for i, name in enumerate(names)]

    top = summarise(runs).top_frameworks

    assert len(top) == min(5, len(set(names) - {""}))
    assert list(top) == sorted(top, key=lambda tally: (-tally.count, tally.name))
    assert all(names.count(tally.name) == tally.count for tally in top)
