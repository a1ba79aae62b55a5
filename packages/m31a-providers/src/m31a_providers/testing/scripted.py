"""A provider inside the process that plays a script."""

from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from contextlib import aclosing, asynccontextmanager

import anyio
import msgspec

from m31a_providers.chat_wire import RequestEncoder
from m31a_providers.errors import NotRecorded, ProviderError
from m31a_providers.finish import finished_message
from m31a_providers.models import ModelInfo
from m31a_providers.provider import Health, HealthStatus
from m31a_providers.reply import Reply as ReplyReader
from m31a_providers.requests import ChatRequest
from m31a_providers.script import Playback, Reply, Rule, Script, asked_by
from m31a_providers.server import server_for
from m31a_providers.stream import Finished, StreamEvent
from m31a_providers.testing.payloads import event_payloads


class ScriptedProvider:
    """A `Provider` that answers from a script, for tests of whoever talks to models.

    What concerns bytes on a wire (`raw`, `hold`, `flush`, `plain_json`) has no meaning here;
    `ModelServer` plays that.
    """

    def __init__(
        self,
        replies: Script | Iterable[Rule | Reply | str | ProviderError],
        *,
        name: str = "scripted",
        health: Health | None = None,
    ) -> None:
        """Answers in the order of `replies`, where an error stands for a request that fails."""
        lines = replies.rules if isinstance(replies, Script) else tuple(replies)
        self._errors = {
            place: line for place, line in enumerate(lines) if isinstance(line, ProviderError)
        }
        script = Script.of("" if isinstance(line, ProviderError) else line for line in lines)
        self._models = replies.models if isinstance(replies, Script) else script.models
        self._playback = Playback(script.rules)
        self._health = health or Health(status=HealthStatus.live, latency_ms=0.0)
        self._server = server_for(name, base_url="http://localhost/scripted")
        self._encoder = RequestEncoder()
        self.name = name
        self.requests: list[ChatRequest] = []
        """All that was asked, in order."""

    async def models(self) -> tuple[ModelInfo, ...]:
        """The models of the script."""
        return tuple(ModelInfo(id=name, price_in=0.0, price_out=0.0) for name in self._models)

    async def health(self) -> Health:
        """What it was told to say."""
        return self._health

    async def aclose(self) -> None:
        """Nothing is open."""

    @asynccontextmanager
    async def stream(self, request: ChatRequest) -> AsyncIterator[AsyncIterator[StreamEvent]]:
        """The answer of the first rule that fits.

        Raises:
            NotRecorded: no rule fits.
        """
        async with aclosing(self._events(request)) as events:
            yield events

    async def _events(self, request: ChatRequest) -> AsyncGenerator[StreamEvent, None]:
        self.requests.append(request)
        asked = asked_by(request)
        place = self._playback.choose(asked)
        if place is None:
            raise NotRecorded(provider=self.name, asked=str(asked))
        if place in self._errors:
            raise self._errors[place]
        reply = self._playback.rules[place].reply
        source = self._server.source
        if reply.status != 200:
            body = msgspec.json.encode({"error": {"message": reply.error or "scripted"}})
            raise source.refused(reply.status, reply.headers, body)
        request_bytes = len(self._encoder.encode(request))
        payloads = event_payloads(
            reply, model=request.model, turn=asked.turn, request_bytes=request_bytes
        )
        reader = ReplyReader(source)
        await anyio.sleep(reply.first_delay_ms / 1000)
        for place, payload in enumerate(payloads):
            if place == reply.break_after:
                raise source.broken("scripted", reader.partial)
            for event in reader.read_event("", payload):
                yield event
            await anyio.sleep(reply.delay_ms / 1000)
        if not reader.is_ended:
            raise source.broken("it ended in the middle", reader.partial)
        message, _ = finished_message(
            reader, request, self._server, {}, request_bytes=request_bytes
        )
        yield Finished(message=message)
