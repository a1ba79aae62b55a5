"""The run's event stream: journalled first, then shown."""

from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from m31a_engine.errors import JournalBroken
from m31a_engine.events import Envelope, Event
from m31a_engine.session.journal import Entry, Journal, entry

BUFFER = 1024
"""Envelopes that may wait for a slow reader before the engine waits too."""


def utc_now() -> str:
    """Now, as ISO 8601 in UTC with milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(slots=True)
class _InLine:
    """Envelopes that are handed over in their turn, once they are on disk."""

    envelopes: tuple[Envelope, ...]
    ready: bool


class EventStream:
    """Numbers events, writes them to the journal and hands them to the reader in order.

    Parallel tasks wait for the disk at once, and live pieces do not wait for it: a line is
    kept, so that no envelope overtakes one with a lower number.
    """

    def __init__(self, session: str, journal: Journal, first_seq: int = 1) -> None:
        self._session = session
        self._journal = journal
        self._seq = first_seq
        self._line: deque[_InLine] = deque()
        self._handing = anyio.Lock(fast_acquire=True)
        self._send: MemoryObjectSendStream[Envelope]
        self.reader: MemoryObjectReceiveStream[Envelope]
        self._send, self.reader = anyio.create_memory_object_stream[Envelope](BUFFER)

    async def emit(self, *events: Event) -> None:
        """Return when the events are on disk and in line for the reader."""
        await self.record((), *events)

    async def record(self, entries: tuple[Entry, ...], *events: Event) -> None:
        """Write records and events with one sync, then hand the events over."""
        batch = self._stand_in_line(events, ready=False)
        written = (entry("envelope", item) for item in batch.envelopes)
        try:
            await self._journal.append(*entries, *written)
        except BaseException:
            self._line.remove(batch)
            raise
        batch.ready = True
        await self._hand_over()

    async def end(self, event: Event) -> None:
        """Hand over the last event and end the stream; a journal that is lost does not keep it."""
        try:
            await self.emit(event)
        except JournalBroken:
            await self.live(event)
        self.close()

    async def live(self, event: Event) -> None:
        """Hand over a piece that is not journalled because the whole follows."""
        self._stand_in_line((event,), ready=True)
        await self._hand_over()

    def _stand_in_line(self, events: tuple[Event, ...], *, ready: bool) -> _InLine:
        batch = _InLine(tuple(self._envelope(event) for event in events), ready)
        self._line.append(batch)
        return batch

    def _envelope(self, event: Event) -> Envelope:
        envelope = Envelope(seq=self._seq, at=utc_now(), session=self._session, event=event)
        self._seq += 1
        return envelope

    async def _hand_over(self) -> None:
        """Hand over what is ready at the head of the line; a slow reader is waited for."""
        # Shielded: whoever is cancelled here would take envelopes of others along.
        with anyio.CancelScope(shield=True):
            async with self._handing:
                while self._line and self._line[0].ready:
                    for envelope in self._line.popleft().envelopes:
                        await self._hand(envelope)

    async def _hand(self, envelope: Envelope) -> None:
        try:
            self._send.send_nowait(envelope)
        except anyio.WouldBlock:
            with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):
                await self._send.send(envelope)
        except (anyio.BrokenResourceError, anyio.ClosedResourceError):
            return  # nobody reads any more; the journal has it

    def close(self) -> None:
        """End the stream for its reader."""
        self._send.close()
