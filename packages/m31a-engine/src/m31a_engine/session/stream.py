"""The run's event stream: journalled first, then shown."""

from datetime import UTC, datetime

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from m31a_engine.events import Envelope, Event
from m31a_engine.session.journal import Entry, Journal, entry

BUFFER = 1024
"""Envelopes that may wait for a slow reader before the engine waits too."""


def utc_now() -> str:
    """Now, as ISO 8601 in UTC with milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class EventStream:
    """Numbers events, writes them to the journal and hands them to the reader."""

    def __init__(self, session: str, journal: Journal, first_seq: int = 1) -> None:
        self._session = session
        self._journal = journal
        self._seq = first_seq
        self._send: MemoryObjectSendStream[Envelope]
        self.reader: MemoryObjectReceiveStream[Envelope]
        self._send, self.reader = anyio.create_memory_object_stream[Envelope](BUFFER)

    async def emit(self, *events: Event) -> None:
        """Return when the events are on disk and handed over."""
        await self.record((), *events)

    async def record(self, entries: tuple[Entry, ...], *events: Event) -> None:
        """Write records and events with one sync, then hand the events over."""
        envelopes = [self._envelope(event) for event in events]
        await self._journal.append(*entries, *(entry("envelope", item) for item in envelopes))
        for item in envelopes:
            await self._hand_over(item)

    async def live(self, event: Event) -> None:
        """Hand over a piece that is not journalled because the whole follows."""
        await self._hand_over(self._envelope(event))

    def _envelope(self, event: Event) -> Envelope:
        envelope = Envelope(seq=self._seq, at=utc_now(), session=self._session, event=event)
        self._seq += 1
        return envelope

    async def _hand_over(self, envelope: Envelope) -> None:
        try:
            self._send.send_nowait(envelope)
        except anyio.WouldBlock:
            await self._send.send(envelope)
        except (anyio.BrokenResourceError, anyio.ClosedResourceError):
            return  # nobody reads any more; the journal has it

    def close(self) -> None:
        """End the stream for its reader."""
        self._send.close()
