"""What the configuration says of the app."""

from dataclasses import replace

from m31a.program.scene import Settings
from m31a_engine import Config


def configured(settings: Settings, config: Config) -> Settings:
    """The settings as the configuration has them now; what the person chose since stays."""
    mode = config.permissions.mode
    server = config.providers.get(config.chosen_provider)
    return replace(
        settings,
        model=settings.model or config.model_for("execute"),
        provider=config.chosen_provider,
        permissions="ask" if mode is None else mode.value,
        budget_usd=config.features.budget_limit_usd,
        context_limit=server.context if server is not None else None,
        context_warn=config.context.warn,
        trusted=config.trusted,
    )
