"""Which failures are worth another try, and how long to wait before it. Pure."""

import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from m31a_providers.errors import (
    ProviderError,
    RateLimited,
    Stalled,
    StreamBroken,
    Unavailable,
    Unreachable,
)

# Read by hand: the standard library's reader costs 8 ms of imports before the first request.
_HTTP_DATE = re.compile(r"\w+, (\d\d) (\w{3}) (\d{4}) (\d\d):(\d\d):(\d\d) GMT")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long to wait, apart for each kind of waiting."""

    connect_s: float = 10.0
    """Until the connection stands."""
    first_token_s: float = 300.0
    """From the request to the first piece of the answer; reasoning models may take minutes."""
    silence_s: float = 120.0
    """Between two pieces of the answer."""
    total_s: float = 1800.0
    """The whole call, tries and waits included."""


@dataclass(frozen=True, slots=True)
class Retry:
    """How often to try again, and when."""

    attempts: int = 4
    """Tries in all; 1 never repeats."""
    base_s: float = 0.5
    cap_s: float = 30.0
    """No computed wait is longer."""
    longest_wait_s: float = 120.0
    """A server that asks for a longer wait than this is not waited for."""
    unreachable_s: float = 1.0
    """A server that never answered is given up after this long."""
    random: Callable[[], float] = random.random

    def delay_s(
        self, error: ProviderError, *, attempt: int, elapsed_s: float, answered: bool
    ) -> float | None:
        """Seconds to wait before the next try, or `None` when there is to be none.

        Args:
            error: what went wrong just now.
            attempt: tries so far, from 1.
            elapsed_s: since the call began.
            answered: the server has answered at some time before, so it is likely to come back.
        """
        if attempt >= self.attempts or not worth_retrying(error):
            return None
        # Full jitter: clients that failed together do not come back together.
        jitter_s = self.random() * min(self.cap_s, self.base_s * 2.0 ** (attempt - 1))
        if isinstance(error, Unreachable) and not answered:
            left_s = self.unreachable_s - elapsed_s
            return min(jitter_s, left_s) if left_s > 0 else None
        if isinstance(error, RateLimited | Unavailable) and error.retry_after_s is not None:
            wait_s = error.retry_after_s + self.random() * self.base_s
            return wait_s if error.retry_after_s <= self.longest_wait_s else None
        return jitter_s


def worth_retrying(error: ProviderError) -> bool:
    """Whether the same request may succeed a little later."""
    match error:
        case Unreachable() | RateLimited() | Unavailable() | StreamBroken():
            return True
        case Stalled():
            return error.limit == "silence_s"
        case _:
            return False


def retry_after_s(seconds_or_date: str | None, milliseconds: str | None = None) -> float | None:
    """What the `Retry-After` header (or `Retry-After-Ms`) asks for; `None` if it is unreadable."""
    for text, unit_s in ((milliseconds, 0.001), (seconds_or_date, 1.0)):
        try:
            wait_s = float(text or "") * unit_s
        except ValueError:
            continue
        # Not a number compares false; infinity is no time to wait for.
        if 0 <= wait_s < float("inf"):
            return wait_s
    date = _HTTP_DATE.fullmatch((seconds_or_date or "").strip())
    if date is None or date[2] not in _MONTHS:
        return None
    day, year, hour, minute, second = (int(date[group]) for group in (1, 3, 4, 5, 6))
    try:
        when = datetime(year, _MONTHS.index(date[2]) + 1, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        return None
    return max(0.0, (when - datetime.now(UTC)).total_seconds())
