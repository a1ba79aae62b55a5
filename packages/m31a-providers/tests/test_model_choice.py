import pytest

from m31a_providers import Complexity, ModelInfo, Need, Record, choose_model, complexity_of

BIG = ModelInfo(id="big", context_tokens=200_000, price_in=10e-6, price_out=30e-6)
SMALL = ModelInfo(id="small", context_tokens=128_000, price_in=1e-6, price_out=3e-6)
TINY = ModelInfo(id="tiny", context_tokens=4_000, price_in=0.1e-6, price_out=0.1e-6)
FREE = ModelInfo(id="free", context_tokens=128_000, price_in=0.0, price_out=0.0)
UNPRICED = ModelInfo(id="unpriced", context_tokens=128_000)
NO_TOOLS = ModelInfo(id="mute", price_in=0.0, price_out=0.0, supports_tools=False)


@pytest.mark.parametrize(
    ("need", "complexity"),
    [
        (Need(text="fix the typo"), Complexity.simple),
        (Need(text="whatever"), Complexity.simple),
        (Need(text="Rapid progress"), Complexity.simple),
        (Need(text="Refactor the parser"), Complexity.moderate),
        (Need(text="rename the API"), Complexity.moderate),
        (Need(text="Implement and deploy"), Complexity.complex),
        (Need(text="a security audit"), Complexity.complex),
        (Need(text="fix it", files=3, dependencies=3), Complexity.simple),
        (Need(text="fix it", files=4), Complexity.moderate),
        (Need(text="fix it", dependencies=4), Complexity.moderate),
        (Need(text="fix it", files=4, dependencies=4), Complexity.complex),
        (Need(text="migrate it", files=4, dependencies=4), Complexity.complex),
    ],
    ids=lambda value: value.text if isinstance(value, Need) and not value.files else None,
)
def test_complexity_comes_from_words_files_and_dependencies(
    need: Need, complexity: Complexity
) -> None:
    assert complexity_of(need) is complexity


def test_the_cheapest_that_fits_wins_and_says_what_it_saves() -> None:
    choice = choose_model(Need(text="fix it"), [BIG, SMALL, TINY], default="big")
    assert choice.model == "tiny"
    assert (choice.input_tokens, choice.output_tokens) == (2000, 1000)
    assert choice.cost_usd == pytest.approx(0.0003)
    assert choice.saving_usd == pytest.approx(0.05 - 0.0003)
    assert choice.reason == "simple task: tiny saves $0.0497 of $0.0500"


def test_a_window_that_is_too_small_or_unknown_counts_for_what_it_is() -> None:
    moderate = Need(text="implement it")
    assert choose_model(moderate, [BIG, SMALL, TINY], default="big").model == "small"
    unknown = ModelInfo(id="x", price_in=0.0, price_out=0.0)
    assert choose_model(moderate, [BIG, unknown], default="big").model == "x"
    assert choose_model(Need(text="design it"), [BIG, unknown], default="big").model == "big"


def test_free_models_win_and_unpriced_ones_never_do() -> None:
    choice = choose_model(Need(text="fix it"), [BIG, UNPRICED, FREE], default="big")
    assert (choice.model, choice.cost_usd) == ("free", 0.0)
    assert choice.saving_usd == pytest.approx(0.05)


def test_a_model_without_tools_is_chosen_only_where_none_are_needed() -> None:
    need = Need(text="fix it", needs_tools=False)
    assert choose_model(need, [BIG, NO_TOOLS], default="big").model == "mute"
    choice = choose_model(Need(text="fix it"), [BIG, NO_TOOLS], default="big")
    assert (choice.model, choice.reason) == ("big", "simple task: big is the cheapest that fits")


def test_the_default_stays_when_too_little_is_saved() -> None:
    near = ModelInfo(id="near", price_in=8e-6, price_out=24e-6)
    choice = choose_model(Need(text="fix it"), [near, BIG], default="big", threshold=0.3)
    assert (choice.model, choice.saving_usd) == ("big", 0.0)
    assert "too little to leave big" in choice.reason
    assert choose_model(Need(text="fix it"), [near, BIG], default="big", threshold=0.1).model == (
        "near"
    )


def test_failures_are_priced_in_and_bad_records_shut_a_model_out() -> None:
    need, catalogue = Need(text="fix it"), [BIG, SMALL, TINY]
    losing = {"tiny": Record(wins=1, losses=9)}
    assert choose_model(need, catalogue, default="big", records=losing).model == "small"
    few = {"tiny": Record(losses=2)}
    assert choose_model(need, catalogue, default="big", records=few).model == "tiny"
    half = {"tiny": Record(wins=2, losses=2)}
    choice = choose_model(need, catalogue, default="big", records=half)
    assert choice.cost_usd == pytest.approx(0.0006)
    never = {"tiny": Record(losses=9)}
    assert (
        choose_model(need, catalogue, default="big", records=never, least_success=0).model
        == "small"
    )


@pytest.mark.parametrize(
    ("catalogue", "default", "model", "reason"),
    [
        ([], "big", "big", "no priced model fits"),
        ([UNPRICED], "big", "big", "no priced model fits"),
        ([SMALL], "elsewhere", "elsewhere", "the price of elsewhere is unknown"),
        ([SMALL, UNPRICED], "unpriced", "unpriced", "the price of unpriced is unknown"),
        ([TINY, SMALL], "tiny", "small", "tiny does not fit"),
    ],
    ids=["empty", "unpriced", "unlisted default", "unpriced default", "unfit default"],
)
def test_a_default_that_cannot_be_compared_is_explained(
    catalogue: list[ModelInfo], default: str, model: str, reason: str
) -> None:
    choice = choose_model(Need(text="implement it"), catalogue, default=default)
    assert (choice.model, choice.saving_usd) == (model, 0.0)
    assert reason in choice.reason


def test_close_alternatives_are_named_cheapest_first() -> None:
    models = [
        ModelInfo(id=name, price_in=price, price_out=price)
        for name, price in (("d", 9.0), ("b", 1.1), ("c", 1.2), ("a", 1.0), ("e", 1.31))
    ]
    choice = choose_model(Need(text="fix it"), models, default="d")
    assert (choice.model, choice.alternatives) == ("a", ("b", "c"))
