"""The providers a configuration names: where each one is, with which key, at which price."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from m31a_engine.budget import Prices
from m31a_engine.config import BUILT_IN_PROVIDERS, Config
from m31a_engine.config_layers import Source
from m31a_engine.config_sections import ProviderSettings, TraceHeaders
from m31a_engine.errors import ConfigError, ProviderFailed
from m31a_keychain import Missing, SecretStore, default_store, resolve, variables_of
from m31a_providers import PrefixBreak, Provider, ProviderError, Retry, connect, is_loopback

PER_TOKEN = 1_000_000
PATIENT = Retry()
HASTY = Retry(longest_wait_s=5.0)
"""Where another one can answer, a server that wants to be left alone for longer is left."""


@dataclass(frozen=True, slots=True)
class Connection:
    """A provider that can be asked: it has an address, and a key where it needs one."""

    name: str
    settings: ProviderSettings
    trace_headers: TraceHeaders
    key: str | None = field(repr=False)

    def open(
        self,
        on_prefix_break: Callable[[PrefixBreak], None] | None = None,
        *,
        retry: Retry = PATIENT,
    ) -> Provider:
        """The provider; nothing is sent before it is asked something.

        Raises:
            ConfigError: its settings cannot be used.
        """
        settings = self.settings
        try:
            return connect(
                self.name,
                kind=None if settings.kind is None else settings.kind.value,
                base_url=settings.base_url,
                api_key=self.key,
                headers=settings.headers,
                retry=retry,
                trace_headers=self.trace_headers.value,
                price_in=_per_token(settings.price_in),
                price_out=_per_token(settings.price_out),
                text_tools=settings.text_tools,
                context=settings.context,
                on_prefix_break=on_prefix_break,
            )
        except ProviderError as exc:
            raise ConfigError(str(exc), key=f"provider.{self.name}") from exc


def provider_of(config: Config, environ: Mapping[str, str]) -> Provider:
    """The chosen provider; nothing is sent before it is asked something.

    Raises: as `connection_to`, and ConfigError when its settings cannot be used.
    """
    return connection_to(config.chosen_provider, config, environ).open()


def connection_to(
    name: str, config: Config, environ: Mapping[str, str], store: SecretStore | None = None
) -> Connection:
    """A provider by its name; its key is looked for now, which may ask the keychain.

    Raises:
        ConfigError: the provider has no address.
        ProviderFailed: it needs a key and there is none.
    """
    settings = config.providers.get(name, ProviderSettings())
    if name not in BUILT_IN_PROVIDERS and settings.base_url is None:
        raise ConfigError(
            f"provider {name} has no address",
            key=f"provider.{name}.base_url",
            remedy="use --base-url URL, or set it in config.toml",
        )
    key = _key(name, settings, environ, store)
    return Connection(
        name=name, settings=settings, trace_headers=config.features.trace_headers, key=key
    )


def connections_of(
    config: Config, environ: Mapping[str, str], store: SecretStore | None = None
) -> tuple[Connection, ...]:
    """The chosen provider, and after it those that may stand in for it and can be asked.

    Nobody stands in unless `auto_fallback` is on. A `fallback_priority` that somebody wrote
    names all of them; without one every configured provider may, too.

    Raises: as `connection_to`, for the chosen one.
    """
    chosen = config.chosen_provider
    found = [connection_to(chosen, config, environ, store)]
    if not config.provider.auto_fallback:
        return tuple(found)
    written = config.sources.get("provider.fallback_priority", Source.DEFAULT)
    others = config.providers if written is Source.DEFAULT else ()
    for name in dict.fromkeys((*config.provider.fallback_priority, *others)):
        if name == chosen:
            continue
        try:
            found.append(connection_to(name, config, environ, store))
        except (ConfigError, ProviderFailed):
            continue  # who has no key or no address cannot stand in for anybody
    return tuple(found)


def is_named(name: str, config: Config) -> bool:
    """Whether a name is a built-in provider's, or one of the configuration's."""
    return name in BUILT_IN_PROVIDERS or name in config.providers


def is_local(settings: ProviderSettings) -> bool:
    """Whether the server stands on this machine."""
    return settings.base_url is not None and is_loopback(settings.base_url)


def prices_of(settings: ProviderSettings) -> Prices:
    """Configured prices; a server on this machine costs nothing unless it has one."""
    if settings.price_in is None and settings.price_out is None and is_local(settings):
        return Prices(input_usd=0.0, output_usd=0.0)
    return Prices(
        input_usd=_per_token(settings.price_in), output_usd=_per_token(settings.price_out)
    )


def _per_token(price: float | None) -> float | None:
    return None if price is None else price / PER_TOKEN


def _key(
    name: str,
    settings: ProviderSettings,
    environ: Mapping[str, str],
    store: SecretStore | None,
) -> str | None:
    """The key; None for a server of the user's own that has none."""
    if is_local(settings) and not _key_is_near(name, settings, environ):
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
    if settings.base_url is not None:
        return None
    ours, usual = variables_of(name)
    variable = settings.api_key_env or usual
    trouble = "".join(f"; {told}" for told in found.tried if not told.endswith(": not set"))
    raise ProviderFailed(
        f"there is no API key for {name}: none in {ours}, {variable}, the keychain (m31a/{name})"
        f" or provider.{name}.api_key{trouble}",
        remedy=f"set {variable}, or where there is a keychain: m31a keys set {name}",
    )


def _key_is_near(name: str, settings: ProviderSettings, environ: Mapping[str, str]) -> bool:
    variables = (*variables_of(name), settings.api_key_env or "")
    return settings.api_key is not None or any(environ.get(variable) for variable in variables)
