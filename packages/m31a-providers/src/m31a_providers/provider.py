"""The one face of every model server."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from enum import StrEnum
from typing import Protocol

import msgspec

from m31a_providers.models import ModelInfo
from m31a_providers.requests import ChatRequest
from m31a_providers.stream import StreamEvent

LIVE_MS = 500.0
SLOW_MS = 2000.0


class HealthStatus(StrEnum):
    """How a server answers, best first."""

    live = "live"
    slow = "slow"
    degraded = "degraded"
    offline = "offline"


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """How a server answered when it was asked for a sign of life."""

    status: HealthStatus
    latency_ms: float | None = None
    """`None` when it did not answer."""
    detail: str = ""


def grade(latency_ms: float, *, live_ms: float = LIVE_MS, slow_ms: float = SLOW_MS) -> HealthStatus:
    """The status that an answer after so many milliseconds deserves."""
    if latency_ms < live_ms:
        return HealthStatus.live
    return HealthStatus.slow if latency_ms < slow_ms else HealthStatus.degraded


class Provider(Protocol):
    """A model server, or something that stands for one."""

    @property
    def name(self) -> str:
        """What people call it: `openrouter`, `zen`, or the name in their configuration."""
        ...

    async def models(self) -> tuple[ModelInfo, ...]:
        """The models on offer now. Raises `ProviderError`."""
        ...

    async def health(self) -> Health:
        """A sign of life; a dead server is an answer, not an error."""
        ...

    def stream(
        self, request: ChatRequest
    ) -> AbstractAsyncContextManager[AsyncIterator[StreamEvent]]:
        """The answer as it is written; leaving the context drops what has not been read.

        Raises `ProviderError`, on entering or between events.
        """
        ...

    async def aclose(self) -> None:
        """Close the connections that were kept."""
        ...
