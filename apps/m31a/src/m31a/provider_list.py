"""The providers as they are configured, and the work of changing and asking them."""

from dataclasses import dataclass

import anyio.to_thread

from m31a.desks import KEYLESS, Sign, desk_of, provider_names, sign_of_life
from m31a.program.messages import Message
from m31a.program.services import Services
from m31a_engine import secrets_of_system


@dataclass(frozen=True, slots=True)
class ProviderRow:
    """A provider as it is configured."""

    name: str
    address: str
    key: str
    has_key: bool


@dataclass(frozen=True, slots=True)
class Found(Message):
    """The providers as they are configured."""

    rows: tuple[ProviderRow, ...]
    used: str
    order: tuple[str, ...]
    fallback: bool


@dataclass(frozen=True, slots=True)
class Answered(Message):
    """How one answered."""

    sign: Sign


@dataclass(frozen=True, slots=True)
class Changed(Message):
    """Something was written into the person's configuration."""

    told: str


def keep_setting(services: Services, *, key: str, value: str, told: str) -> Message:
    """Write one key into the person's file."""
    desk_of(services).settings.set(key, value)
    return Changed(told)


def add_server(services: Services, *, name: str, address: str) -> Message:
    """Write a server's address into the person's file."""
    desk_of(services).settings.set(f"provider.{name}.base_url", address)
    return Changed(f"{name} is configured; enter uses it")


def load_providers(services: Services) -> Message:
    """The providers, and where their keys come from; asks the keychain."""
    config = services.config()
    secrets = secrets_of_system(services.environ)
    rows = []
    for name in provider_names(config):
        settings = config.providers.get(name)
        line, found = secrets.status(name, settings)
        own = settings.base_url if settings is not None else None
        told = line.removeprefix(f"{name}: ") if found or not own else KEYLESS
        rows.append(ProviderRow(name, own or "built in", told, found))
    order = tuple(config.provider.fallback_priority)
    return Found(tuple(rows), config.chosen_provider, order, config.provider.auto_fallback)


async def ask_provider(services: Services, *, name: str) -> Message:
    """Ask one for a sign of life."""
    config = await anyio.to_thread.run_sync(services.config)
    return Answered(await sign_of_life(config, name, services.environ))
