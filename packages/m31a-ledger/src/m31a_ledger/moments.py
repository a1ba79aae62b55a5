"""Points in time as entries write them."""

import math
from datetime import UTC, datetime


def moment_of(at: str) -> float:
    """Seconds since 1970 for an ISO 8601 text, taken as UTC where it names no zone.

    A text that is no point in time is older than everything.
    """
    try:
        when = datetime.fromisoformat(at)
        return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return -math.inf
