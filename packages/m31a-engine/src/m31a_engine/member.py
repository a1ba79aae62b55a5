"""One provider of a run, with what is known of its models: windows, prices, the whole list."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

import anyio
import msgspec

from m31a_engine.budget import Prices
from m31a_engine.config_sections import ProviderSettings
from m31a_engine.connecting import is_local, prices_of
from m31a_providers import (
    ChatRequest,
    Finished,
    Health,
    ModelInfo,
    Provider,
    ProviderError,
    StreamEvent,
    cost_of,
    inspect_local,
    load_catalogue,
)

LOOKUP_LIMIT_S = 20.0
"""Longer than a server is waited for, so that its silence is told apart from no copy."""
FRESH_S = 3600.0
"""How old a list of models may be before it is asked for again; an older one serves offline."""


def _as_it_is(model: str) -> str:
    return model


@dataclass(slots=True)
class Member:
    """A provider that prices its answers, and whose models are asked for at most once a run."""

    provider: Provider
    settings: ProviderSettings
    kept_at: Path
    """Where its list of models is kept; a server on this machine is asked each time."""
    called: Callable[[str], str] = _as_it_is
    """From a model of the run to the one that this provider is asked for."""
    _models: Mapping[str, ModelInfo] | None = None
    _asking: anyio.Lock = field(default_factory=anyio.Lock)

    @property
    def name(self) -> str:
        """What people call it."""
        return self.provider.name

    @property
    def is_local(self) -> bool:
        """Whether it stands on this machine."""
        return is_local(self.settings)

    async def models(self) -> tuple[ModelInfo, ...]:
        """The models on offer, as far as known; none when nobody tells."""
        return tuple((await self._listed()).values())

    async def health(self) -> Health:
        """A sign of life."""
        return await self.provider.health()

    async def aclose(self) -> None:
        """Close its connections."""
        await self.provider.aclose()

    @asynccontextmanager
    async def stream(self, request: ChatRequest) -> AsyncIterator[AsyncIterator[StreamEvent]]:
        """The answer, with its cost where the list of models tells what the server does not."""
        model = self.called(request.model)
        if model != request.model:
            request = msgspec.structs.replace(request, model=model)
        async with (
            self.provider.stream(request) as events,
            aclosing(self._priced(events, model)) as priced,
        ):
            yield priced

    async def _priced(
        self, events: AsyncIterator[StreamEvent], model: str
    ) -> AsyncGenerator[StreamEvent, None]:
        async for event in events:
            if isinstance(event, Finished) and event.message.usage.cost_usd is None:
                listed = await self._about(model)
                if listed is not None:
                    usage = event.message.usage
                    usage = msgspec.structs.replace(usage, cost_usd=cost_of(usage, listed))
                    message = msgspec.structs.replace(event.message, usage=usage)
                    event = Finished(message=message)
            yield event

    async def prices(self, model: str) -> Prices:
        """What a model costs: as configured, else as listed, else unknown."""
        configured = prices_of(self.settings)
        if configured.known or configured != Prices(input_usd=None, output_usd=None):
            return configured
        listed = await self._about(model)
        if listed is None:
            return configured
        # What is written into a cache may be dearer than what is only read.
        dearest = max((price for price in _input_prices(listed) if price is not None), default=None)
        return Prices(
            input_usd=None if listed.price_in is None else dearest, output_usd=listed.price_out
        )

    async def window(self, model: str) -> int | None:
        """Tokens a model can hold, prompt and answer together; None when nobody says."""
        if self.settings.context is not None:
            return self.settings.context
        listed = await self._about(model)
        return None if listed is None else listed.context_tokens

    def known_window(self, model: str) -> int | None:
        """The window as far as it is known without asking anybody."""
        if self.settings.context is not None:
            return self.settings.context
        listed = self._found(model, self._models or {})
        return None if listed is None else listed.context_tokens

    def longest_answer(self, model: str) -> int | None:
        """The most tokens a model may write, as far as that is known without asking anybody."""
        listed = self._found(model, self._models or {})
        return None if listed is None else listed.max_output_tokens

    async def _about(self, model: str) -> ModelInfo | None:
        return self._found(model, await self._listed())

    def _found(self, model: str, listed: Mapping[str, ModelInfo]) -> ModelInfo | None:
        if self.is_local and len(listed) == 1:
            # It answers with the one model that it has, whatever it is asked for.
            return next(iter(listed.values()))
        return listed.get(model)

    async def _listed(self) -> Mapping[str, ModelInfo]:
        if self._models is not None:
            return self._models
        async with self._asking:
            if self._models is None:
                self._models = {model.id: model for model in await self._ask()}
            return self._models

    async def _ask(self) -> tuple[ModelInfo, ...]:
        try:
            with anyio.fail_after(LOOKUP_LIMIT_S):
                if not self.is_local:
                    return await self._catalogue()
                if self.settings.context is None:
                    server = await inspect_local(self.settings.base_url or "")
                    if server is not None:
                        return server.models
                return await self.provider.models()
        except (ProviderError, TimeoutError):
            return ()

    async def _catalogue(self) -> tuple[ModelInfo, ...]:
        try:
            kept = await load_catalogue(self.provider, self.kept_at, fresh_s=FRESH_S)
        except OSError:
            return await self.provider.models()  # the cache cannot be written: go without one
        return kept.models


def list_file(cache: Path, name: str, settings: ProviderSettings) -> Path:
    """Where a provider's list of models is kept, apart for each of its settings that shape it."""
    shaping = (name, settings.base_url, settings.price_in, settings.price_out, settings.context)
    return cache / f"models-{sha256(repr(shaping).encode()).hexdigest()[:16]}.json"


def _input_prices(model: ModelInfo) -> tuple[float | None, ...]:
    return model.price_in, model.price_cache_written
