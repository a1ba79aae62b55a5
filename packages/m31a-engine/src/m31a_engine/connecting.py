"""The provider a configuration names, with its key and its prices."""

from collections.abc import Callable, Mapping

from m31a_engine.budget import Prices
from m31a_engine.config import BUILT_IN_PROVIDERS, Config
from m31a_engine.config_sections import ProviderSettings
from m31a_engine.errors import ConfigError, ProviderFailed
from m31a_keychain import Missing, SecretStore, default_store, resolve
from m31a_providers import Provider, ProviderError, connect

PER_TOKEN = 1_000_000
LOOPBACK = ("http://127.", "http://localhost", "http://[::1]")


def provider_of(
    config: Config, environ: Mapping[str, str], store: SecretStore | None = None
) -> Provider:
    """The chosen provider; nothing is sent before it is asked something.

    Raises: as `connector_of` and what it gives.
    """
    return connector_of(config, environ, store)()


def connector_of(
    config: Config, environ: Mapping[str, str], store: SecretStore | None = None
) -> Callable[[], Provider]:
    """Makes the chosen provider, for one run each time; its key is looked for now.

    What it gives raises ConfigError when the provider's settings cannot be used.

    Raises:
        ConfigError: the provider has no address.
        ProviderFailed: it needs a key and there is none.
    """
    name = config.chosen_provider
    settings = config.providers.get(name, ProviderSettings())
    if name not in BUILT_IN_PROVIDERS and settings.base_url is None:
        raise ConfigError(
            f"provider {name} has no address",
            key=f"provider.{name}.base_url",
            remedy="use --base-url URL, or set it in config.toml",
        )
    key = _key(name, settings, environ, store)
    return lambda: _connected(name, settings, config, key)


def _connected(name: str, settings: ProviderSettings, config: Config, key: str | None) -> Provider:
    try:
        return connect(
            name,
            base_url=settings.base_url,
            api_key=key,
            headers=settings.headers,
            trace_headers=config.features.trace_headers.value,
            price_in=None if settings.price_in is None else settings.price_in / PER_TOKEN,
            price_out=None if settings.price_out is None else settings.price_out / PER_TOKEN,
            text_tools=settings.text_tools,
            context=settings.context,
        )
    except ProviderError as exc:
        raise ConfigError(str(exc), key=f"provider.{name}") from exc


def _key(
    name: str,
    settings: ProviderSettings,
    environ: Mapping[str, str],
    store: SecretStore | None,
) -> str | None:
    """The key; None for a server of the user's own that has none."""
    own_server = settings.base_url is not None
    if own_server and _on_loopback(settings) and not _key_is_near(name, settings, environ):
        return None  # a server on this machine needs no key: leave the keychain alone
    found = resolve(
        name,
        environ=environ,
        store=store or default_store(),
        configured=settings.api_key,
        variable=settings.api_key_env,
    )
    if not isinstance(found, Missing):
        return found.secret.reveal()
    if own_server:
        return None
    raise ProviderFailed(
        f"there is no API key for {name}; looked in: {'; '.join(found.tried)}",
        remedy=f"set one of them, for example: m31a keys set {name}",
    )


def _key_is_near(name: str, settings: ProviderSettings, environ: Mapping[str, str]) -> bool:
    variables = (
        f"M31A_{name.upper().replace('-', '_')}_API_KEY",
        f"{name.upper().replace('-', '_')}_API_KEY",
        settings.api_key_env or "",
    )
    return settings.api_key is not None or any(environ.get(variable) for variable in variables)


def _on_loopback(settings: ProviderSettings) -> bool:
    return (settings.base_url or "").startswith(LOOPBACK)


def prices_of(settings: ProviderSettings) -> Prices:
    """Configured prices; a server on this machine costs nothing unless it has one."""
    if settings.price_in is None and settings.price_out is None and _on_loopback(settings):
        return Prices(input_usd=0.0, output_usd=0.0)
    return Prices(
        input_usd=None if settings.price_in is None else settings.price_in / PER_TOKEN,
        output_usd=None if settings.price_out is None else settings.price_out / PER_TOKEN,
    )
