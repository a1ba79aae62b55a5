from datetime import UTC, datetime, timedelta

import pytest

from m31a_providers import (
    MalformedReply,
    ProviderError,
    RateLimited,
    RequestRejected,
    Retry,
    Stalled,
    StreamBroken,
    Unauthorized,
    Unavailable,
    Unreachable,
    WindowExceeded,
)
from m31a_providers.retry import retry_after_s

BROKEN = StreamBroken(provider="p", reason="r")
DOWN = Unavailable(provider="p", status=503)
GONE = Unreachable(provider="p", reason="r")


def delay(error: ProviderError, attempt: int = 1, **more: object) -> float | None:
    retry = Retry(random=lambda: 1.0)
    facts: dict[str, object] = {"elapsed_s": 0.0, "answered": True, **more}
    return retry.delay_s(error, attempt=attempt, **facts)  # type: ignore[arg-type]


def test_waits_double_up_to_the_cap_and_end_with_the_attempts() -> None:
    retry = Retry(attempts=9, base_s=0.5, cap_s=8.0, random=lambda: 1.0)
    waits = [
        retry.delay_s(DOWN, attempt=attempt, elapsed_s=0, answered=True) for attempt in range(1, 10)
    ]
    assert waits == [0.5, 1.0, 2.0, 4.0, 8.0, 8.0, 8.0, 8.0, None]


def test_jitter_takes_the_whole_range() -> None:
    retry = Retry(random=lambda: 0.0)
    assert retry.delay_s(DOWN, attempt=2, elapsed_s=0, answered=True) == 0.0


@pytest.mark.parametrize("error", [BROKEN, DOWN, GONE, RateLimited(provider="p")])
def test_what_may_pass_is_tried_again(error: ProviderError) -> None:
    assert delay(error) == 0.5


@pytest.mark.parametrize(
    "error",
    [
        MalformedReply(provider="p", reason="r"),
        RequestRejected(provider="p", status=400),
        Unauthorized(provider="p", status=401),
        WindowExceeded(provider="p"),
        Stalled(provider="p", limit="first_token_s", seconds=1),
        Stalled(provider="p", limit="total_s", seconds=1),
    ],
)
def test_what_will_not_pass_is_not_tried_again(error: ProviderError) -> None:
    assert delay(error) is None


def test_silence_in_the_middle_is_tried_again() -> None:
    assert delay(Stalled(provider="p", limit="silence_s", seconds=1)) == 0.5


def test_a_server_is_waited_for_as_long_as_it_asks_but_not_too_long() -> None:
    assert delay(RateLimited(provider="p", retry_after_s=100.0)) == 100.5
    assert delay(RateLimited(provider="p", retry_after_s=121.0)) is None
    assert delay(Unavailable(provider="p", status=503, retry_after_s=3.0)) == 3.5


def test_a_server_that_never_answered_is_given_up_after_a_second() -> None:
    assert delay(GONE, answered=False) == 0.5
    assert delay(GONE, attempt=2, elapsed_s=0.8, answered=False) == pytest.approx(0.2)
    assert delay(GONE, attempt=2, elapsed_s=1.0, answered=False) is None


def test_retry_after_is_seconds_milliseconds_or_a_date() -> None:
    assert retry_after_s("7") == 7.0
    assert retry_after_s(" 1.5 ") == 1.5
    assert retry_after_s("7", "250") == 0.25
    assert retry_after_s("7", "soon") == 7.0
    assert retry_after_s("Wed, 21 Oct 2015 07:28:00 GMT") == 0.0
    soon = datetime.now(UTC) + timedelta(seconds=100)
    wait = retry_after_s(soon.strftime("%a, %d %b %Y %H:%M:%S GMT"))
    assert wait is not None
    assert 50 < wait <= 100


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "soon",
        "-5",
        "nan",
        "inf",
        "1e999",
        "Wed, 99 Oct 2015 07:28:00 GMT",
        "Wed, 21 Foo 2015 07:28:00 GMT",
        "21 Oct 2015",
    ],
)
def test_a_retry_after_nobody_can_read_is_none(text: str | None) -> None:
    assert retry_after_s(text) is None
