"""How long a piece of an answer may take, and how large all of it may become."""

import tracemalloc
import zlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import anyio
import pytest

from m31a_providers import MalformedReply, Timeouts
from m31a_providers.failures import Source
from m31a_providers.reply_body import MOST_EVENT_BYTES, MOST_REPLY_BYTES, Limits, ReplyBody
from m31a_providers.secret import Scrubber

pytestmark = pytest.mark.anyio

KEY = "sk-0123456789abcdef"
SOURCE = Source("p", "http://p/v1", Scrubber.of((KEY,)))
MIB = 2**20


@dataclass(frozen=True)
class Endless(AsyncIterator[bytes]):
    piece: bytes

    async def __anext__(self) -> bytes:
        return self.piece


def body_of(piece: bytes, encoding: str = "") -> ReplyBody:
    limits = Limits(Timeouts(), total_at=anyio.current_time() + 60)
    limits.begin()
    return ReplyBody(Endless(piece), limits, SOURCE, encoding)


async def test_each_kind_of_waiting_has_its_own_limit() -> None:
    timeouts = Timeouts(first_token_s=300.0, silence_s=120.0, total_s=1800.0)
    limits = Limits(timeouts, total_at=anyio.current_time() + timeouts.total_s)
    limits.begin()

    def left_s() -> float:
        return round(limits.next_at() - anyio.current_time(), 1)

    assert left_s() == 300.0
    limits.has_begun = True
    assert left_s() == 120.0
    limits.is_ended = True
    assert left_s() == 5.0
    limits.total_at = anyio.current_time() + 1.0
    assert left_s() == 1.0


async def test_an_answer_without_end_is_given_up_though_each_event_is_read() -> None:
    body = body_of(bytes(8 * MIB))
    for _ in range(MOST_REPLY_BYTES // (8 * MIB)):
        await body.read()
        body.unread_bytes = 0
    with pytest.raises(MalformedReply, match="without end"):
        await body.read()


async def test_a_small_packed_piece_does_not_fill_the_memory() -> None:
    packed = zlib.compress(bytes(200 * MIB), level=1)
    body = body_of(packed, "gzip")
    tracemalloc.start()
    try:
        with pytest.raises(MalformedReply, match="without end"):
            await body.read()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 3 * MOST_EVENT_BYTES


MAKERS: dict[str, Callable[[str], BaseException]] = {
    "unreachable": SOURCE.unreachable,
    "broken": SOURCE.broken,
    "malformed": SOURCE.malformed,
    "reported": lambda said: SOURCE.reported({"message": said, "code": 500}),
    "refused": lambda said: SOURCE.refused(400, {}, said.encode()),
    "told not to try again": lambda said: SOURCE.refused(
        503, {"x-should-retry": "false"}, said.encode()
    ),
}


@pytest.mark.parametrize("name", MAKERS)
def test_no_error_repeats_a_key_that_the_server_or_the_network_told(name: str) -> None:
    error = MAKERS[name](f"no such key: {KEY}!")
    assert "no such key" in str(error)
    assert KEY not in f"{error} {error!r} {vars(error)}"
