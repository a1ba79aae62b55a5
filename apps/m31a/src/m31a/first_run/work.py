"""The work behind the steps of the first run, and what it comes to."""

from dataclasses import dataclass

import anyio.to_thread

from m31a.desks import Nearby, desk_of, servers_nearby
from m31a.first_steps import asks_for_trust
from m31a.program.messages import Message
from m31a.program.services import Services
from m31a_engine import ModelInfo, secrets_of_system
from m31a_engine.config import BUILT_IN_PROVIDERS


@dataclass(frozen=True, slots=True)
class Looked(Message):
    """Which built-in providers have a key."""

    keyed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NearbyFound(Message):
    """Model servers on this machine."""

    servers: tuple[Nearby, ...]


@dataclass(frozen=True, slots=True)
class ProviderKept(Message):
    """The provider stands in the configuration."""


@dataclass(frozen=True, slots=True)
class Offered(Message):
    """The provider's models."""

    models: tuple[ModelInfo, ...]


@dataclass(frozen=True, slots=True)
class ModelKept(Message):
    """The model stands in the configuration."""

    model: str


@dataclass(frozen=True, slots=True)
class Finished(Message):
    """The theme is kept; whether the folder is to be asked about next."""

    trust_next: bool


def look(services: Services) -> Message:
    """Which built-in providers have a key; asks the keychain."""
    secrets = secrets_of_system(services.environ)
    return Looked(tuple(name for name in BUILT_IN_PROVIDERS if secrets.status(name)[1]))


async def search(services: Services) -> Message:
    """The model servers on this machine."""
    return NearbyFound(await servers_nearby(services.environ))


async def list_models(services: Services) -> Message:
    """The models of the provider that was taken."""
    desk = await anyio.to_thread.run_sync(desk_of, services)
    return Offered((await desk.models.list()).models)


def keep_provider(services: Services, *, name: str, address: str) -> Message:
    """Write the provider, and the address of a server of one's own, into the person's file."""
    settings = desk_of(services).settings
    if address:
        settings.set(f"provider.{name}.base_url", address)
    settings.set("provider.default", name)
    return ProviderKept()


def keep_model(services: Services, *, model: str) -> Message:
    """Write the model into the person's file."""
    desk_of(services).settings.set("model.default", model)
    return ModelKept(model)


def keep_theme(services: Services, *, theme: str) -> Message:
    """Write the theme into the person's file; the last step."""
    desk_of(services).settings.set("ui.theme", theme)
    return Finished(asks_for_trust(services.config(), services.project))
