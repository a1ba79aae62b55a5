"""Real conversations kept on disk, and played again without a model.

A recording is a file of JSON lines, one for each answer: the hash of the request, what rules
look at, and the whole message. Requests themselves, headers and keys are never in it.
"""

import hashlib
import os
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager, suppress
from pathlib import Path
from typing import assert_never

import anyio
import anyio.to_thread
import msgspec

from m31a_providers.chat_wire import RequestEncoder
from m31a_providers.errors import NotRecorded
from m31a_providers.messages import AssistantMessage, ReasoningPart, TextPart, ToolCall
from m31a_providers.models import ModelInfo
from m31a_providers.provider import Health, HealthStatus, Provider
from m31a_providers.requests import ChatRequest
from m31a_providers.script import Asked, Call, Reply, Rule, Script, asked_by
from m31a_providers.stream import (
    Finished,
    ReasoningDelta,
    StreamEvent,
    TextDelta,
    ToolCallStarted,
)


class Exchange(msgspec.Struct, frozen=True, kw_only=True):
    """One request, told by its hash, and the answer it got."""

    request_hash: str
    """SHA-256 of the request's body, in hexadecimal."""
    phase: str = ""
    task: str = ""
    turn: int = 1
    message: AssistantMessage


class Recorder:
    """A provider that passes on another's answers and keeps them in a file.

    What failed is not kept: a recording holds whole answers only.
    """

    def __init__(self, provider: Provider, path: Path) -> None:
        """Answers are added to the file at `path`, which is made if need be, for its owner only."""
        self._provider = provider
        self._path = path
        self._encoder = RequestEncoder()
        self._lock = anyio.Lock()

    @property
    def name(self) -> str:
        """The name of the provider that answers."""
        return self._provider.name

    async def models(self) -> tuple[ModelInfo, ...]:
        """The models of the provider that answers."""
        return await self._provider.models()

    async def health(self) -> Health:
        """The health of the provider that answers."""
        return await self._provider.health()

    async def aclose(self) -> None:
        """Close the provider that answers."""
        await self._provider.aclose()

    @asynccontextmanager
    async def stream(self, request: ChatRequest) -> AsyncIterator[AsyncIterator[StreamEvent]]:
        """The answer, which is on disk before its `Finished` is passed on."""
        async with (
            self._provider.stream(request) as events,
            aclosing(self._kept(request, events)) as kept,
        ):
            yield kept

    async def _kept(
        self, request: ChatRequest, events: AsyncIterator[StreamEvent]
    ) -> AsyncGenerator[StreamEvent, None]:
        async for event in events:
            if isinstance(event, Finished):
                asked = asked_by(request)
                exchange = Exchange(
                    request_hash=request_hash(request, self._encoder),
                    phase=asked.phase,
                    task=asked.task,
                    turn=asked.turn,
                    message=event.message,
                )
                async with self._lock:
                    await anyio.to_thread.run_sync(_append, self._path, exchange)
            yield event


class Recording:
    """A recorded conversation, to be played again.

    As a provider or as a script it answers each recorded request once: the same request with
    the same answer, and another one with the answer that its phase, task and turn got.
    """

    def __init__(self, path: Path) -> None:
        """Read the file at `path`; a last line that was cut off by a crash is left out.

        Raises:
            OSError: the file cannot be read.
            ValueError: it is no recording.
        """
        *lines, last = path.read_bytes().split(b"\n")
        exchanges = [msgspec.json.decode(line, type=Exchange) for line in lines]
        if last:
            with suppress(msgspec.DecodeError):
                exchanges.append(msgspec.json.decode(last, type=Exchange))
        self.exchanges = tuple(exchanges)

    def script(self) -> Script:
        """Rules for a `ModelServer` that answers as the model did, over HTTP."""
        rules = tuple(
            Rule(
                reply=_reply(exchange.message),
                phase=exchange.phase,
                task=exchange.task,
                turn=exchange.turn,
                times=1,
            )
            for exchange in self.exchanges
        )
        models = dict.fromkeys(exchange.message.model for exchange in self.exchanges)
        return Script(rules=rules, models=tuple(models))

    def provider(self) -> "RecordedProvider":
        """A provider inside the process that answers as the model did."""
        return RecordedProvider(self)


class RecordedProvider:
    """A `Provider` that answers from a recording."""

    name = "recording"

    def __init__(self, recording: Recording) -> None:
        """Nothing has been played yet."""
        self._exchanges = recording.exchanges
        self._encoder = RequestEncoder()
        self._left = dict.fromkeys(range(len(self._exchanges)))

    async def models(self) -> tuple[ModelInfo, ...]:
        """The models that answered."""
        names = dict.fromkeys(exchange.message.model for exchange in self._exchanges)
        return tuple(ModelInfo(id=name) for name in names)

    async def health(self) -> Health:
        """Always well."""
        return Health(status=HealthStatus.live, latency_ms=0.0, detail="a recording")

    async def aclose(self) -> None:
        """Nothing is open."""

    @asynccontextmanager
    async def stream(self, request: ChatRequest) -> AsyncIterator[AsyncIterator[StreamEvent]]:
        """The recorded answer.

        Raises:
            NotRecorded: there is none left for this request.
        """
        asked = asked_by(request)
        place = self._find(request_hash(request, self._encoder), asked)
        if place is None:
            raise NotRecorded(provider=self.name, asked=str(asked))
        del self._left[place]
        async with aclosing(_events(self._exchanges[place].message)) as events:
            yield events

    def _find(self, digest: str, asked: Asked) -> int | None:
        for place in self._left:
            if self._exchanges[place].request_hash == digest:
                return place
        for place in self._left:
            exchange = self._exchanges[place]
            if (exchange.phase, exchange.task, exchange.turn) == (
                asked.phase,
                asked.task,
                asked.turn,
            ):
                return place
        return None


def request_hash(request: ChatRequest, encoder: RequestEncoder) -> str:
    """SHA-256 of the body, in hexadecimal: the same for the same question, whoever asks."""
    return hashlib.sha256(encoder.encode(request)).hexdigest()


def _append(path: Path, exchange: Exchange) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as file:
        file.write(msgspec.json.encode(exchange) + b"\n")


async def _events(message: AssistantMessage) -> AsyncGenerator[StreamEvent, None]:
    for part in message.parts:
        match part:
            case TextPart():
                yield TextDelta(text=part.text)
            case ReasoningPart():
                yield ReasoningDelta(text=part.text)
            case ToolCall():
                yield ToolCallStarted(id=part.id, name=part.name)
            case _:
                assert_never(part)
    yield Finished(message=message)


def _reply(message: AssistantMessage) -> Reply:
    calls = tuple(
        Call(id=call.id, name=call.name, arguments=call.arguments) for call in message.tool_calls
    )
    return Reply(
        text=message.text,
        reasoning=message.reasoning,
        tool_calls=calls,
        model=message.model,
        usage=(message.usage.input_tokens, message.usage.output_tokens),
        cached_tokens=message.usage.cached_tokens,
        cost_usd=message.usage.cost_usd,
        no_usage=message.usage.estimated,
        finish=message.stop.value,
    )
