"""When to act, and when to stop trying."""

import pytest

from m31a_autodream import BadWindow, Breaker, ConsolidationStopped, Window


@pytest.mark.parametrize(
    ("tokens", "consolidate", "warn"),
    [
        (0, False, False),
        (599, False, False),
        (600, True, False),
        (799, True, False),
        (800, True, True),
        (5000, True, True),
    ],
)
def test_the_trigger_is_at_sixty_percent_and_the_warning_at_eighty(
    tokens: int, consolidate: bool, warn: bool
) -> None:
    window = Window(1000)

    assert (consolidate, warn) == (window.should_consolidate(tokens), window.should_warn(tokens))
    assert window.share(tokens) == tokens / 1000


def test_a_share_that_is_no_whole_number_of_tokens_triggers_just_above_it() -> None:
    window = Window(7, trigger=0.5, warn=1.0)

    assert window.trigger_tokens == 4
    assert not window.should_consolidate(3)
    assert window.should_warn(7)
    assert Window(10, trigger=0.3).trigger_tokens == 3


@pytest.mark.parametrize(
    ("limit", "trigger", "warn"),
    [
        (0, 0.6, 0.8),
        (-1, 0.6, 0.8),
        (100, 0.0, 0.8),
        (100, 1.1, 0.8),
        (100, 0.6, 0.0),
        (100, 0.6, 1.5),
        (100, float("nan"), 0.8),
    ],
)
def test_a_window_that_cannot_be_is_refused(limit: int, trigger: float, warn: float) -> None:
    with pytest.raises(BadWindow, match="cannot be") as caught:
        Window(limit, trigger, warn)

    assert caught.value.limit_tokens == limit


def test_the_breaker_trips_after_two_poor_consolidations_in_a_row() -> None:
    breaker = Breaker()
    breaker.record(1000, 99)
    assert not breaker.tripped
    breaker.record(1000, 100)
    breaker.record(1000, 50)
    assert not breaker.tripped, "a good one stood between"
    breaker.check()

    breaker.record(0, 0)

    assert breaker.tripped
    with pytest.raises(
        ConsolidationStopped, match="freed only 5%, 0% of the conversation"
    ) as caught:
        breaker.check()
    assert caught.value.freed == (0.05, 0.0)


def test_a_reset_breaker_lets_consolidations_through_again() -> None:
    breaker = Breaker(floor=0.5, times=1)
    breaker.record(100, 49)
    assert breaker.tripped

    breaker.reset()

    assert not breaker.tripped
