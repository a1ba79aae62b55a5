"""The models on offer, with their windows and prices."""

from collections.abc import Mapping
from dataclasses import dataclass

from m31a_engine.config import Config
from m31a_engine.config_sections import ProviderSettings
from m31a_engine.connecting import provider_of
from m31a_engine.errors import ProviderFailed
from m31a_engine.member import list_file
from m31a_engine.session.home import Home
from m31a_providers import Catalogue, LocalServer, ProviderError, discover, load_catalogue

FRESH_S = 300.0


@dataclass(frozen=True, slots=True)
class ModelList:
    """What the chosen provider offers; asked for at most every five minutes."""

    config: Config
    home: Home
    environ: Mapping[str, str]

    async def local(self) -> tuple[LocalServer, ...]:
        """The model servers that answer on this machine now; no key is sent anywhere."""
        return await discover()

    async def list(self, *, anew: bool = False) -> Catalogue:
        """The provider's models; an old list, and the trouble, when it does not answer.

        Raises:
            ConfigError: the provider's settings cannot be used.
            ProviderFailed: it has no key, or does not answer and never has.
        """
        provider = provider_of(self.config, self.environ)
        name = self.config.chosen_provider
        settings = self.config.providers.get(name, ProviderSettings())
        file = list_file(self.home.cache, name, settings)
        try:
            return await load_catalogue(provider, file, fresh_s=0.0 if anew else FRESH_S)
        except ProviderError as exc:
            raise ProviderFailed(
                f"{name} does not tell its models: {exc}", remedy="m31a doctor looks around"
            ) from exc
        finally:
            await provider.aclose()
