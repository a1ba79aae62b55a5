"""The engine's faces as screens use them: the project's desk, and providers that are asked."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import anyio

from m31a.program.messages import Message
from m31a.program.services import Services
from m31a_engine import Config, EngineError, ModelInfo, load_config, secrets_of_system
from m31a_engine.config import BUILT_IN_PROVIDERS
from m31a_engine.connecting import provider_of
from m31a_engine.desk.desk import Desk
from m31a_engine.desk.model_list import ModelList
from m31a_engine.document import changed
from m31a_engine.session.home import Home

T = TypeVar("T")

USUAL_ADDRESSES: Mapping[str, str] = {
    "http://127.0.0.1:8080/v1": "llama.cpp",
    "http://127.0.0.1:11434/v1": "ollama",
    "http://127.0.0.1:1234/v1": "lm-studio",
    "http://127.0.0.1:8000/v1": "vllm",
}
"""Where model servers listen unless they are told otherwise, and what people call them."""
KEYLESS = "none; a server of your own may need none"
"""What is said of the key of a server that has an address and no key."""
NEARBY_S = 1.5
"""How long a server of this machine may take to tell its models."""


def settled(work: Callable[[], Awaitable[T]]) -> T:
    """What a coroutine gives, in a thread of its own: what it asks for may block.

    What it raises comes out as it is, out of the groups it may be wrapped in.
    """
    try:
        return anyio.run(work)
    except BaseExceptionGroup as group:
        first: BaseException = group
        while isinstance(first, BaseExceptionGroup):
            first = first.exceptions[0]
        raise first from group


def desk_of(services: Services) -> Desk:
    """The project's desk, as the configuration is now.

    Raises:
        ConfigError: the configuration cannot be used.
    """
    return Desk(config=services.config(), project=services.project, environ=services.environ)


def choosing(config: Config, provider: str) -> Config:
    """The configuration with another provider chosen."""
    return changed(config, provider=changed(config.provider, default=provider))


def provider_names(config: Config) -> tuple[str, ...]:
    """Every provider that can be chosen: the person's own first."""
    return tuple(dict.fromkeys((*config.providers, *BUILT_IN_PROVIDERS)))


@dataclass(frozen=True, slots=True)
class KeyStored(Message):
    """A key stands in the keychain."""

    told: str


@dataclass(frozen=True, slots=True)
class StoreKey:
    """Puts a key into the keychain: the work of an effect, which shows no key when it is looked at.

    Called, it raises Refused when there is no keychain, or the text cannot be a key.
    """

    provider: str
    key: str = field(repr=False)

    def __call__(self, services: Services) -> Message:
        """The message that it is done."""
        return KeyStored(secrets_of_system(services.environ).set(self.provider, self.key))


@dataclass(frozen=True, slots=True)
class Sign:
    """How a provider answered."""

    provider: str
    status: str
    """live, slow, degraded or offline; `not asked` when something hindered it."""
    latency_ms: float | None = None
    detail: str = ""


async def sign_of_life(config: Config, provider: str, environ: Mapping[str, str]) -> Sign:
    """A sign of life of a provider; never an error: what hinders asking is an answer too."""
    limit_s = config.provider.health_timeout_s
    try:
        server = provider_of(choosing(config, provider), environ)
    except EngineError as exc:
        return Sign(provider, "not asked", detail=f"{exc.message}")
    try:
        with anyio.fail_after(limit_s):
            health = await server.health()
    except TimeoutError:
        return Sign(provider, "offline", detail=f"no answer within {limit_s:g} s")
    finally:
        with anyio.move_on_after(1.0, shield=True):
            await server.aclose()
    return Sign(provider, health.status.value, health.latency_ms, health.detail)


@dataclass(frozen=True, slots=True)
class Nearby:
    """A model server on this machine that told its models."""

    kind: str
    base_url: str
    models: tuple[ModelInfo, ...]


async def servers_nearby(
    environ: Mapping[str, str],
    addresses: Mapping[str, str] = USUAL_ADDRESSES,
    limit_s: float = NEARBY_S,
) -> tuple[Nearby, ...]:
    """The model servers that answer on this machine, in the order of `addresses`; no key is sent.

    Raises:
        ConfigError: the person's configuration cannot be used.
    """
    found: dict[str, Nearby] = {}

    async def look(address: str) -> None:
        overrides = {"provider.default": "nearby", "provider.nearby.base_url": address}
        config = load_config(None, _without_keys(environ), overrides)
        asking = ModelList(config, Home(root=Path(config.home)), environ)
        with anyio.move_on_after(limit_s):
            try:
                offered = await asking.list(anew=True)
            except EngineError:
                return
            if not offered.trouble:
                found[address] = Nearby(addresses[address], address, offered.models)

    async with anyio.create_task_group() as group:
        for address in addresses:
            group.start_soon(look, address)
    return tuple(found[address] for address in addresses if address in found)


def _without_keys(environ: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environ.items() if not name.endswith("_API_KEY")}
