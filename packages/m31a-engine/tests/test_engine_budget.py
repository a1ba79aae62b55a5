import pytest

from m31a_engine.budget import MIN_OUTPUT_TOKENS, Budget, Prices
from m31a_engine.errors import BudgetSpent
from m31a_providers import Usage

DEAR = Prices(input_usd=0.001, output_usd=0.001)


def test_without_a_limit_nothing_is_reserved() -> None:
    assert Budget(None).reserve(10_000, 40_000, DEAR).max_tokens is None


def test_the_longest_answer_is_cut_to_what_is_left() -> None:
    reservation = Budget(3.0).reserve(400, 1600, DEAR)
    assert reservation.max_tokens == 2500
    assert reservation.usd == pytest.approx(3.0)


def test_a_request_that_could_exceed_the_limit_is_not_sent() -> None:
    budget = Budget(1.0)
    with pytest.raises(BudgetSpent, match=r"budget of \$1"):
        budget.reserve(1000, 4000, DEAR)


def test_parallel_requests_share_what_is_left() -> None:
    budget = Budget(4.0)
    first = budget.reserve(0, 0, DEAR)
    assert first.max_tokens == 4000
    with pytest.raises(BudgetSpent):
        budget.reserve(0, 0, DEAR)
    budget.settle(first, Usage(input_tokens=1, output_tokens=1, cost_usd=0.5))
    assert budget.reserve(0, 0, DEAR).max_tokens == 3500


def test_an_answer_that_was_cut_off_counts_as_the_dearest() -> None:
    budget = Budget(2.0)
    budget.lose(budget.reserve(0, 0, DEAR))
    assert budget.spent_usd == pytest.approx(2.0)
    with pytest.raises(BudgetSpent):
        budget.reserve(0, 0, DEAR)


def test_a_free_model_is_never_refused() -> None:
    free = Prices(input_usd=0.0, output_usd=0.0)
    reservation = Budget(0.0).reserve(1_000_000, 4_000_000, free)
    assert (reservation.usd, (reservation.max_tokens or 0) >= MIN_OUTPUT_TOKENS) == (0.0, True)


def test_unknown_cost_stays_unknown() -> None:
    budget = Budget(None)
    budget.count(Usage(input_tokens=5, cost_usd=0.1))
    budget.count(Usage(input_tokens=5, cost_usd=None))
    assert budget.spent_usd is None
