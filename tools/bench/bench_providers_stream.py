"""Prints what m31a-providers spends on an event of a stream, beside what others spend.

    python tools/bench/bench_providers_stream.py

A stream of 50 MB in deltas of 40 bytes, from memory: once in reads of 64 KiB, once with one event
a read. "Bytes to events" is the decoding alone; "with time limits" is what a program gets, where
each wait for the network has its deadline. Figures are CPU microseconds an event, the best of some
rounds. It ends with exit code 1 when a goal is missed; openai's client is left out, and said to
be, where it is not installed (`pip install openai`).
"""

import json
import sys
import time
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from importlib import import_module
from importlib.util import find_spec

import anyio
import httpx

from m31a_providers.chat_client import read_events
from m31a_providers.failures import Source
from m31a_providers.reply import Reply
from m31a_providers.reply_body import Limits, ReplyBody
from m31a_providers.retry import Timeouts
from m31a_providers.secret import Scrubber

STREAM_BYTES, READ_BYTES, ROUNDS = 50 * 2**20, 65_536, 3
SINGLE_READS, FEW = 30_000, 10_000
GOAL_US, GOAL_PEAK_MB = 7.0, 2.0
SOURCE = Source("bench", "http://localhost/v1", Scrubber(()))
CHUNK = {
    "id": "chatcmpl-9f2c1d0b7a6e4c53b1a2",
    "object": "chat.completion.chunk",
    "created": 1795000000,
    "model": "vendor/model-large",
    "system_fingerprint": "fp_0123456789",
    "choices": [{"index": 0, "delta": {"content": "x" * 40}, "finish_reason": None}],
}
EVENT = b"data: %b\n\n" % json.dumps(CHUNK, separators=(",", ":")).encode()
END = b'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
EVENTS = STREAM_BYTES // len(EVENT)


class Untimed(ReplyBody):
    """A body whose reads have no deadline."""

    async def read(self) -> bytes | None:
        """The next piece."""
        if self._head:
            head, self._head = self._head, b""
            return head
        return None if self.is_cut else await anext(self.pieces, None)


def bulk(events: int) -> Iterator[bytes]:
    """The stream in reads of 64 KiB, made on the way."""
    whole = EVENT * (READ_BYTES // len(EVENT) + 1)
    left = events * len(EVENT)
    offset = 0
    while left:
        size = min(READ_BYTES, left)
        piece = (whole[offset:] + whole[:offset])[:size]
        offset = (offset + size) % len(EVENT)
        left -= size
        yield piece
    yield END


def singly(events: int) -> Iterator[bytes]:
    """The stream with one event a read."""
    for _ in range(events):
        yield EVENT
    yield END


async def _arriving(pieces: Iterable[bytes]) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


async def ours(pieces: Iterable[bytes], kind: type[ReplyBody]) -> int:
    """Events read by m31a-providers."""
    limits = Limits(Timeouts(), total_at=anyio.current_time() + 600)
    limits.begin()
    body = kind(aiter(_arriving(pieces)), limits, SOURCE)
    count = 0
    async for _ in read_events(body, Reply(SOURCE)):
        count += 1
    return count


async def with_iter_lines(pieces: Iterable[bytes]) -> int:
    """Events read by httpx's own lines and the standard library's json."""
    count = 0
    for line in httpx.Response(200, content=pieces).iter_lines():
        if line.startswith("data: ") and line != "data: [DONE]":
            chunk = json.loads(line[6:])
            count += chunk["choices"][0]["delta"].get("content") is not None
    return count


async def with_openai_decoder(pieces: Iterable[bytes]) -> int:
    """Events read by the decoder of openai's client, without its objects, and json."""
    decoder = import_module("openai._streaming").SSEDecoder()
    count = 0
    for event in decoder.iter_bytes(iter(pieces)):
        if event.data != "[DONE]":
            count += event.json()["choices"][0]["delta"].get("content") is not None
    return count


async def with_openai_client(pieces: Iterable[bytes]) -> int:
    """Events as the objects of openai's client."""
    openai = import_module("openai")
    client = openai.OpenAI(api_key="none", base_url="http://localhost/v1")
    # Its newer versions bring an httpx of their own.
    transport = sys.modules[type(client._client).__mro__[2].__module__.partition(".")[0]]
    response = transport.Response(200, content=pieces)
    chunks = openai.types.chat.ChatCompletionChunk
    stream = openai.Stream(cast_to=chunks, response=response, client=client)
    count = 0
    for chunk in stream:
        count += chunk.choices[0].delta.content is not None
    return count


def best_us(
    read: Callable[[Iterable[bytes]], Awaitable[int]],
    pieces: Callable[[int], Iterator[bytes]],
    events: int,
    *,
    backend: str = "asyncio",
    rounds: int = ROUNDS,
) -> float:
    """CPU microseconds an event, at best."""
    best = float("inf")
    for _ in range(rounds):
        made = list(pieces(events)) if pieces is singly else pieces(events)

        async def timed(made: Iterable[bytes] = made) -> float:
            began = time.process_time()
            assert await read(made) == events
            return time.process_time() - began

        best = min(best, anyio.run(timed, backend=backend))
    return best / events * 1e6


def peak_mb(events: int) -> float:
    """MB in use at most, beyond those of the answer itself."""
    kept: list[Reply] = []

    async def read() -> None:
        limits = Limits(Timeouts(), total_at=anyio.current_time() + 600)
        limits.begin()
        kept.append(Reply(SOURCE))
        async for _ in read_events(
            ReplyBody(aiter(_arriving(bulk(events))), limits, SOURCE), kept[0]
        ):
            pass

    tracemalloc.start()
    anyio.run(read)
    now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return (peak - now) / 2**20


async def decoded(pieces: Iterable[bytes]) -> int:
    """Bytes to events alone."""
    return await ours(pieces, Untimed)


async def limited(pieces: Iterable[bytes]) -> int:
    """Bytes to events, each read under its time limit."""
    return await ours(pieces, ReplyBody)


def main() -> int:
    """Print the table; 0 when every goal is met."""
    print(f"{EVENTS} events of {len(EVENT)} bytes, 40 of them text; CPU µs an event")
    found = {}
    for backend in ("asyncio", "trio") if find_spec("trio") else ("asyncio",):
        for name, read in (("bytes to events", decoded), ("with time limits", limited)):
            whole = best_us(read, bulk, EVENTS, backend=backend)
            single = best_us(read, singly, SINGLE_READS, backend=backend)
            found[backend, name] = (whole, single)
            print(
                f"  m31a-providers, {name:16} {backend:8}"
                f" {whole:7.1f} in 64 KiB {single:7.1f} singly"
            )
    peers = [("httpx iter_lines + json", with_iter_lines, EVENTS)]
    if find_spec("openai"):
        peers.append(("openai's decoder + json", with_openai_decoder, FEW * 5))
        peers.append(("openai's client, objects", with_openai_client, FEW))
    else:
        print("  openai's client: not measured, it is not installed (pip install openai)")
    for name, read, events in peers:
        whole, single = (best_us(read, kind, events, rounds=2) for kind in (bulk, singly))
        print(f"  {name:41} {whole:7.1f} in 64 KiB {single:7.1f} singly")
    few, many = peak_mb(EVENTS // 10), peak_mb(EVENTS)
    print(f"memory beside the answer itself: {few:.1f} MB of 5 MB, {many:.1f} MB of 50 MB")

    whole, single = found["asyncio", "bytes to events"]
    met = max(whole, single, found["asyncio", "with time limits"][0]) <= GOAL_US
    met = met and many <= GOAL_PEAK_MB
    verdict = "met" if met else "MISSED"
    print(f"goal: {GOAL_US:g} µs from bytes to event, {GOAL_PEAK_MB:g} MB: {verdict}")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
