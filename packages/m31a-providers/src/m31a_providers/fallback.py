"""One provider made of several: when the first cannot answer, the next one does."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field

import anyio
import msgspec

from m31a_providers.errors import (
    OutOfCredit,
    ProviderError,
    RateLimited,
    Stalled,
    StreamBroken,
    Unavailable,
    Unreachable,
)
from m31a_providers.models import ModelInfo
from m31a_providers.provider import LIVE_MS, SLOW_MS, Health, HealthStatus, Provider, grade
from m31a_providers.requests import ChatRequest
from m31a_providers.stream import Restarted, StreamEvent


class Switch(msgspec.Struct, frozen=True, kw_only=True):
    """Another provider answers from now on."""

    origin: str
    """The name of the provider that answered before."""
    target: str
    reason: str


@dataclass(frozen=True, slots=True)
class FallbackSettings:
    """When a provider counts as well, and how long the others stand in for it."""

    health_timeout_s: float = 10.0
    live_ms: float = LIVE_MS
    slow_ms: float = SLOW_MS
    recheck_s: float = 60.0
    """How often a provider that was left is asked whether it is well again."""


_SETTINGS = FallbackSettings()


def _tell_nobody(_: Switch) -> None:
    """Nobody wants to know."""


@dataclass(slots=True)
class FallbackProvider:
    """Providers in order of preference, of which the best that is well answers.

    A rate limit, an outage, an empty account or a broken stream of the one in use makes all
    others be asked for their health at once: the first live one in order takes over, else the
    first slow one. The one that was left gets its place back when it is live again.
    """

    providers: Sequence[Provider]
    models_of: Mapping[str, str] = field(default_factory=dict)
    """By a provider's name the model to ask it for, where it differs from the request's."""
    settings: FallbackSettings = _SETTINGS
    on_switch: Callable[[Switch], None] = _tell_nobody
    clock: Callable[[], float] = anyio.current_time
    _current: int = field(default=0, init=False)
    _checked_at: float = field(default=0.0, init=False)

    def __post_init__(self) -> None:
        """There must be somebody to answer."""
        if not self.providers:
            raise ValueError("a fallback needs at least one provider")

    @property
    def name(self) -> str:
        """The name of the provider that answers now."""
        return self.providers[self._current].name

    async def models(self) -> tuple[ModelInfo, ...]:
        """The models of the provider that answers now."""
        return await self.providers[self._current].models()

    async def health(self) -> Health:
        """The health of the provider that answers now."""
        return await self.providers[self._current].health()

    async def aclose(self) -> None:
        """Close them all."""
        for provider in self.providers:
            await provider.aclose()

    @asynccontextmanager
    async def stream(self, request: ChatRequest) -> AsyncIterator[AsyncIterator[StreamEvent]]:
        """The answer of the best provider that is well.

        Raises:
            ProviderError: of the last one that was tried, when none is left.
        """
        async with aclosing(self._events(request)) as events:
            yield events

    async def _events(self, request: ChatRequest) -> AsyncGenerator[StreamEvent, None]:
        await self._return_if_well()
        tried: set[int] = set()
        was_shown = False
        while True:
            place = self._current
            provider = self.providers[place]
            tried.add(place)
            try:
                async with provider.stream(self._adapted(request, provider)) as events:
                    async for event in events:
                        was_shown = True
                        yield event
                return
            except ProviderError as exc:
                failure = exc
            if not is_worth_switching(failure):
                raise failure
            # Somebody else may have switched meanwhile; that one is as good as any.
            target = self._current if self._current not in tried else await self._best(tried)
            if target is None:
                raise failure
            if target != self._current:
                self._switch(target, str(failure))
            if was_shown:
                yield Restarted(reason=str(failure))
                was_shown = False

    def _adapted(self, request: ChatRequest, provider: Provider) -> ChatRequest:
        model = self.models_of.get(provider.name)
        return msgspec.structs.replace(request, model=model) if model else request

    async def _best(self, tried: set[int]) -> int | None:
        """The first live provider that was not tried, else the first slow one, else none."""
        places = [place for place in range(len(self.providers)) if place not in tried]
        found = await self._statuses(places)
        for wanted in (HealthStatus.live, HealthStatus.slow):
            for place in places:
                if found.get(place) == wanted:
                    return place
        return None

    async def _return_if_well(self) -> None:
        """Go back to a provider of higher rank when one is live again."""
        now = self.clock()
        if not self._current or now - self._checked_at < self.settings.recheck_s:
            return
        self._checked_at = now
        better = list(range(self._current))
        found = await self._statuses(better)
        for place in better:
            if found.get(place) == HealthStatus.live and place < self._current:
                self._switch(place, "it is live again")
                return

    async def _statuses(self, places: Sequence[int]) -> dict[int, HealthStatus]:
        """How each one is, all asked at once; who does not answer in time is left out."""
        found: dict[int, HealthStatus] = {}

        async def ask(place: int) -> None:
            health = await self.providers[place].health()
            if health.status is HealthStatus.offline or health.latency_ms is None:
                return
            settings = self.settings
            found[place] = grade(
                health.latency_ms, live_ms=settings.live_ms, slow_ms=settings.slow_ms
            )

        with anyio.move_on_after(self.settings.health_timeout_s):
            async with anyio.create_task_group() as group:
                for place in places:
                    group.start_soon(ask, place)
        return found

    def _switch(self, target: int, reason: str) -> None:
        origin = self.providers[self._current].name
        self._current = target
        self._checked_at = self.clock()
        self.on_switch(Switch(origin=origin, target=self.providers[target].name, reason=reason))


def is_worth_switching(error: ProviderError) -> bool:
    """Whether another provider may do what this one did not."""
    return isinstance(
        error, RateLimited | Unavailable | Unreachable | OutOfCredit | StreamBroken | Stalled
    )
