import random
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import aclosing
from typing import Any

import anyio
import pytest

from m31a_providers import (
    AssistantMessage,
    Finished,
    ProviderError,
    ReasoningDelta,
    TextDelta,
    Timeouts,
    ToolCallStarted,
)
from m31a_providers.chat_client import read_events
from m31a_providers.failures import Source
from m31a_providers.reply_body import Limits, ReplyBody
from m31a_providers.secret import Scrubber

SOURCE = Source("test", "http://test/v1", Scrubber(()))
MakeReader = Callable[..., Any]
Meaning = AssistantMessage | tuple[type[ProviderError], str]
ReadReply = Callable[[MakeReader, bytes, Iterable[int]], Awaitable[Meaning]]


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def read_reply() -> ReadReply:
    """What bytes that are cut at some places mean to a reader; the error and the text so far."""
    return _read


@pytest.fixture
def places_to_cut() -> Callable[..., Iterator[list[int]]]:
    """Where to cut an answer: at one byte after the other, then at some at once."""
    dice = random.Random(31)

    def places(size: int, *, is_thorough: bool) -> Iterator[list[int]]:
        step = 1 if is_thorough else 9
        step = step if size < 4000 else max(step, size // 200)
        yield from ([place] for place in range(dice.randrange(1, step + 1), size, step))
        for _ in range(3):
            count = min(max(0, size - 1), dice.randrange(1, 9))
            yield sorted(dice.sample(range(1, max(1, size)), count))

    return places


async def _pieces(raw: bytes, cuts: Sequence[int]) -> AsyncGenerator[bytes, None]:
    for start, end in zip([0, *cuts], [*cuts, len(raw)], strict=True):
        yield raw[start:end]


async def _read(make: MakeReader, raw: bytes, cuts: Iterable[int]) -> Meaning:
    numbers = iter(range(1, 99))
    reply = make(SOURCE, new_id=lambda: f"new{next(numbers)}")
    limits = Limits(Timeouts(), total_at=anyio.current_time() + 60)
    limits.begin()
    events = []
    try:
        async with aclosing(_pieces(raw, tuple(cuts))) as pieces:
            async for event in read_events(ReplyBody(pieces, limits, SOURCE), reply):
                events.append(event)
        whole: AssistantMessage = reply.message()
    except ProviderError as exc:
        return type(exc), reply.partial
    # The deltas on the way add up to the message.
    assert not any(isinstance(event, Finished) for event in events)
    text = "".join(event.text for event in events if isinstance(event, TextDelta))
    reasoning = "".join(event.text for event in events if isinstance(event, ReasoningDelta))
    started = [event.id for event in events if isinstance(event, ToolCallStarted)]
    assert (whole.text, whole.reasoning) == (text, reasoning)
    assert [call.id for call in whole.tool_calls] == started
    return whole
