"""One question asked again: how long, and what is taken back in between."""

from collections.abc import AsyncGenerator, Callable, Iterator

import anyio
import anyio.lowlevel
import pytest

from m31a_providers import (
    ProviderError,
    RateLimited,
    Restarted,
    Retry,
    StreamBroken,
    StreamEvent,
    TextDelta,
)
from m31a_providers.tries import Tries

pytestmark = pytest.mark.anyio

BROKEN = StreamBroken(provider="p", reason="r")
Attempt = Callable[[], AsyncGenerator[StreamEvent, None]]


def attempts(*ends: tuple[str, ProviderError | None]) -> Attempt:
    """One try after another: the text it shows, and the error it ends with."""
    left: Iterator[tuple[str, ProviderError | None]] = iter(ends)

    async def attempt() -> AsyncGenerator[StreamEvent, None]:
        text, error = next(left)
        if text:
            yield TextDelta(text=text)
        if error is not None:
            raise error

    return attempt


async def events_of(tries: Tries, attempt: Attempt) -> list[StreamEvent]:
    with anyio.fail_after(5):
        return [event async for event in tries.events(attempt)]


async def test_a_wait_that_ends_after_the_total_limit_is_not_begun() -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    limited = RateLimited(provider="p", retry_after_s=20.0)
    retry = Retry(random=lambda: 0.0)
    for total_s, waits in ((19.0, []), (3600.0, [20.0])):
        slept.clear()
        tries = Tries(retry, total_s, sleep, lambda: True)
        try:
            events = await events_of(tries, attempts(("", limited), ("late", None)))
        except RateLimited:
            events = []
        assert (slept, bool(events)) == (waits, bool(waits))


async def test_only_what_was_shown_since_is_taken_back() -> None:
    async def at_once(_: float) -> None:
        await anyio.lowlevel.checkpoint()

    tries = Tries(Retry(random=lambda: 0.0), 60.0, at_once, lambda: True)
    ends = (("a", BROKEN), ("", BROKEN), ("b", BROKEN), ("c", None))

    events = await events_of(tries, attempts(*ends))

    back = Restarted(reason=str(BROKEN))
    assert events == [TextDelta(text="a"), back, TextDelta(text="b"), back, TextDelta(text="c")]
