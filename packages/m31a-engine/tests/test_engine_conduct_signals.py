"""Which signals end work that was to be done to its end."""

import signal
from collections.abc import Iterator

import anyio
import pytest

from m31a_engine import completed


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """The handlers as they were, afterwards; SIGINT as a program has it."""
    before = {number: signal.getsignal(number) for number in (signal.SIGHUP, signal.SIGTERM)}
    for number in before:
        signal.signal(number, signal.SIG_DFL)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


async def _stopped_by(number: signal.Signals) -> None:
    signal.raise_signal(number)
    await anyio.sleep_forever()


async def _not_stopped_by(number: signal.Signals) -> str:
    signal.raise_signal(number)
    return "done"


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM])
def test_work_ends_with_the_signal_that_came(number: signal.Signals) -> None:
    with pytest.raises(SystemExit) as ended:
        completed(lambda: _stopped_by(number))

    assert ended.value.code == 128 + number
    assert signal.getsignal(number) is signal.SIG_DFL


def test_a_hangup_that_the_caller_ignores_is_ignored() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)

    assert completed(lambda: _not_stopped_by(signal.SIGHUP)) == "done"
    assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
