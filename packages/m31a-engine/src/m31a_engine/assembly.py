"""The one place where an engine is put together from its parts."""

import os
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from m31a_engine.config import Config
from m31a_engine.config_sections import PermissionMode
from m31a_engine.connecting import HASTY, PATIENT, connection_to, connections_of, is_named
from m31a_engine.engine import Engine
from m31a_engine.errors import ConfigError
from m31a_engine.member import Member, list_file
from m31a_engine.session.home import Home
from m31a_engine.switchboard import OpenMember, Switchboard
from m31a_keychain import SecretStore
from m31a_providers import FallbackSettings, PrefixBreak


def build(
    config: Config,
    project: Path,
    *,
    environ: Mapping[str, str] | None = None,
    store: SecretStore | None = None,
    permissions: PermissionMode = PermissionMode.SANDBOXED,
) -> Engine:
    """An engine for one project; nothing is opened, sent or written yet.

    `permissions` is the mode where the configuration names none.

    Raises:
        ConfigError: no model is named, or the provider's settings cannot be used.
        ProviderFailed: the provider needs a key and there is none.
        Refused: the permission mode needs what is not there.
    """
    environ = os.environ if environ is None else environ
    if not config.model_for("execute"):
        raise ConfigError(
            "no model is named",
            key="model.default",
            remedy="use --model ID, or set it in the file that `m31a config path` names",
        )
    home = Home(root=Path(config.home))
    return Engine(
        config=config,
        project=project,
        switchboard=_switchboard(config, environ, store, home),
        environ=environ,
        default_mode=permissions,
    )


def _switchboard(
    config: Config, environ: Mapping[str, str], store: SecretStore | None, home: Home
) -> Callable[[], Switchboard]:
    """Makes the providers of one run; the keys of those in line are looked for now."""
    found = {each.name: each for each in connections_of(config, environ, store)}
    *hasty, _last = found

    def open_member(name: str, told: Callable[[PrefixBreak], None]) -> Member:
        connection = found.get(name) or connection_to(name, config, environ, store)
        settings = connection.settings
        return Member(
            provider=connection.open(told, retry=HASTY if name in hasty else PATIENT),
            settings=settings,
            kept_at=list_file(home.cache, name, settings),
        )

    opening: OpenMember = open_member
    provider = config.provider
    fallback = FallbackSettings(
        health_timeout_s=provider.health_timeout_s,
        live_ms=provider.live_ms,
        slow_ms=provider.slow_ms,
    )
    return partial(
        Switchboard,
        tuple(found),
        opening,
        is_named=lambda name: is_named(name, config),
        fallback=fallback if provider.auto_fallback else None,
        limit_usd=config.features.budget_limit_usd,
    )


def project_root(folder: Path) -> Path:
    """The repository a folder is in, or the folder itself where there is none."""
    real = folder.resolve()
    return next((place for place in (real, *real.parents) if (place / ".git").exists()), real)
