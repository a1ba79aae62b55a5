"""The one place where an engine is put together from its parts."""

import os
from collections.abc import Mapping
from pathlib import Path

from m31a_engine.config import Config
from m31a_engine.config_sections import PermissionMode, ProviderSettings
from m31a_engine.connecting import connector_of, prices_of
from m31a_engine.engine import Engine
from m31a_engine.errors import ConfigError, Refused
from m31a_engine.session.home import Home
from m31a_keychain import SecretStore


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
    name = config.chosen_provider
    settings = config.providers.get(name, ProviderSettings())
    prices = prices_of(settings)
    limit = config.features.budget_limit_usd
    if limit is not None and not prices.known:
        raise Refused(
            f"a budget of ${limit:g} cannot be kept: the price of {name}'s model is not known",
            remedy=f"set price_in and price_out in [provider.{name}]",
        )
    return Engine(
        config=config,
        project=project,
        home=Home(root=Path(config.home)),
        connect=connector_of(config, environ, store),
        prices=prices,
        environ=environ,
        default_mode=permissions,
    )


def project_root(folder: Path) -> Path:
    """The repository a folder is in, or the folder itself where there is none."""
    real = folder.resolve()
    return next((place for place in (real, *real.parents) if (place / ".git").exists()), real)
