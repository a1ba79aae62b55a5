"""The configuration: defaults, files, environment and command line in one value.

Later wins: defaults, user file, project file, environment, command line. The project file
belongs to whoever wrote the repository, so it is read only when the folder is trusted, and
then it may tighten anything and loosen nothing (`config_project`).
"""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import cast

import msgspec

from m31a_engine.config_file import read_toml, require_private
from m31a_engine.config_layers import (
    SECTIONS,
    Key,
    Setting,
    Source,
    settings_of_environment,
    settings_of_file,
    settings_of_overrides,
)
from m31a_engine.config_project import admitted
from m31a_engine.config_sections import (
    AgentsSection,
    ContextSection,
    FeaturesSection,
    GitSection,
    LedgerSection,
    ModelSection,
    PermissionsSection,
    ProviderSection,
    ProviderSettings,
    ToolsSection,
    UiSection,
    VerifySection,
)
from m31a_engine.errors import ConfigError
from m31a_engine.nearest import suggestion
from m31a_engine.trust import Trust

USER_FILE = "config.toml"
PROJECT_FILE = "m31a.toml"
TRUST_FILE = "trust.json"
BUILT_IN_PROVIDERS = ("openrouter", "zen", "anthropic")


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a run may be told beforehand."""

    home: str
    """The folder of all state, absolute: `M31A_HOME`, else `~/.m31a`."""
    provider: ProviderSection = ProviderSection()
    providers: dict[str, ProviderSettings] = {}
    model: ModelSection = ModelSection()
    agents: AgentsSection = AgentsSection()
    features: FeaturesSection = FeaturesSection()
    permissions: PermissionsSection = PermissionsSection()
    tools: ToolsSection = ToolsSection()
    verify: VerifySection = VerifySection()
    git: GitSection = GitSection()
    context: ContextSection = ContextSection()
    ledger: LedgerSection = LedgerSection()
    ui: UiSection = UiSection()
    trusted: bool = False
    """Whether the project's folder is trusted."""
    sources: dict[str, Source] = {}
    """Dotted key → where its value comes from; every key is there."""
    ignored: tuple[str, ...] = ()
    """Sentences: what was found in the project and not obeyed."""

    @property
    def chosen_provider(self) -> str:
        """`provider.default`, else the only configured server, else openrouter."""
        if self.provider.default:
            return self.provider.default
        return next(iter(self.providers)) if len(self.providers) == 1 else BUILT_IN_PROVIDERS[0]

    @property
    def models(self) -> tuple[str, ...]:
        """Every model that a phase has, each once."""
        phases = ("intent", *(name for name in AgentsSection.__struct_fields__))
        return tuple(dict.fromkeys(filter(None, map(self.model_for, phases))))

    def model_for(self, phase: str) -> str:
        """The model of a phase (`research` included), or empty when none is configured."""
        agents: dict[str, str] = msgspec.structs.asdict(self.agents)
        return agents.get(phase) or self.agents.default or self.model.default


def load_config(
    project: Path | None,
    environ: Mapping[str, str],
    overrides: Mapping[str, object],
    *,
    trusted: bool | None = None,
) -> Config:
    """The configuration that holds for a project (None: for no project). Writes nothing.

    `overrides` has dotted keys (`model.default`, `provider.local.base_url`). `trusted` None
    looks the folder up in `trust.json`. Raises: ConfigError with file, line and key.
    """
    home = home_folder(environ)
    in_force = {setting.key: setting for setting in _user_settings(home)}
    servers = [key[1] for key in in_force if len(key) == 3]
    later = (
        *settings_of_environment(environ, servers),
        *settings_of_overrides(overrides),
    )
    ignored: tuple[str, ...] = ()
    if project is not None:
        if trusted is None:
            trusted = Trust(home / TRUST_FILE).is_trusted(project)
        strongest = in_force | {setting.key: setting for setting in later}
        taken, ignored = _project_settings(project, strongest, trusted=trusted)
        in_force |= {setting.key: setting for setting in taken}
    in_force |= {setting.key: setting for setting in later}
    config = _assembled(home, in_force.values())
    _require_sense(config, in_force)
    return msgspec.structs.replace(config, trusted=bool(trusted), ignored=ignored)


def home_folder(environ: Mapping[str, str]) -> Path:
    """`M31A_HOME`, else `~/.m31a`; absolute, whether it exists or not.

    Raises: ConfigError when neither is known.
    """
    if chosen := environ.get("M31A_HOME"):
        if chosen == "~" or chosen.startswith("~/"):
            chosen = _user_home(environ) + chosen[1:]
        return Path(chosen).absolute()
    return Path(_user_home(environ)).absolute() / ".m31a"


def shown(config: Config) -> dict[str, object]:
    """Dotted key → value of the whole configuration, keys and header values replaced by dots."""
    rows: dict[str, object] = {}
    for section in SECTIONS:
        body: dict[str, object] = msgspec.to_builtins(_section(config, section))
        rows |= {f"{section}.{name}": value for name, value in body.items()}
    for name, settings in config.providers.items():
        for field, value in msgspec.to_builtins(settings).items():
            rows[f"provider.{name}.{field}"] = _masked(field, value)
    return rows


def _masked(field: str, value: object) -> object:
    match field, value:
        case "api_key", str():
            return "••••"
        case "headers", dict():
            return dict.fromkeys(value, "••••")
        case _:
            return value


def _section(config: Config, name: str) -> msgspec.Struct:
    section = msgspec.structs.asdict(config)[name]
    assert isinstance(section, msgspec.Struct)
    return section


def _user_home(environ: Mapping[str, str]) -> str:
    if home := environ.get("HOME"):
        return home
    try:
        return str(Path.home())
    except RuntimeError as exc:
        raise ConfigError(
            "no home folder is known", key="M31A_HOME", remedy="set M31A_HOME to a folder"
        ) from exc


def _user_settings(home: Path) -> tuple[Setting, ...]:
    path = home / USER_FILE
    file = read_toml(path, name=str(path), follow_links=True)
    if file is None:
        return ()
    settings = settings_of_file(file, Source.USER_FILE)
    if any(setting.key[-1] == "api_key" for setting in settings):
        require_private(file)
    return settings


def _project_settings(
    project: Path, in_force: Mapping[Key, Setting], *, trusted: bool
) -> tuple[tuple[Setting, ...], tuple[str, ...]]:
    """What a project's file sets, and sentences about what was not obeyed."""
    path = project / PROJECT_FILE
    if not trusted:
        if os.path.lexists(path):
            return (), (f"{PROJECT_FILE} is ignored: the folder is not trusted (m31a trust)",)
        return (), ()
    file = read_toml(path, name=PROJECT_FILE, follow_links=False)
    taken: list[Setting] = []
    ignored: list[str] = []

    def value_of(key: Key) -> object:
        return in_force[key].value if key in in_force else _default(key)

    for setting in settings_of_file(file, Source.PROJECT_FILE) if file is not None else ():
        kept, sentences = admitted(setting, value_of)
        ignored.extend(sentences)
        if kept is not None:
            taken.append(kept)
    return tuple(taken), tuple(ignored)


def _default(key: Key) -> object:
    section = ProviderSettings if len(key) == 3 else SECTIONS[key[0]]
    return msgspec.structs.asdict(section())[key[-1]]


def _assembled(home: Path, settings: Iterable[Setting]) -> Config:
    sections: dict[str, dict[str, object]] = {name: {} for name in SECTIONS}
    servers: dict[str, dict[str, object]] = {}
    sources = {
        f"{section}.{field}": Source.DEFAULT
        for section, struct in SECTIONS.items()
        for field in struct.__struct_fields__
    }
    for setting in settings:
        sources[setting.dotted] = setting.source
        match setting.key:
            case (_, server, field):
                servers.setdefault(server, {})[field] = setting.value
            case (section, field):
                sections[section][field] = setting.value
    return msgspec.convert(
        {
            "home": str(home),
            "providers": servers,
            "sources": sources,
            **sections,
        },
        Config,
    )


def _require_sense(config: Config, settings: Mapping[Key, Setting]) -> None:
    """Refuse values that are sound alone and not together.

    Raises: ConfigError at the setting to change.
    """
    known = (*BUILT_IN_PROVIDERS, *config.providers)
    named = {
        ("provider", "default"): (config.provider.default,),
        ("provider", "fallback_priority"): config.provider.fallback_priority,
    }
    for key, names in named.items():
        for name in names if key in settings else ():
            if name and name not in known:
                raise settings[key].error(
                    f"there is no provider {name!r}{suggestion(name, known)}",
                    remedy=f"give its base_url in [provider.{name}]",
                )
    for name, server in config.providers.items():
        address = settings.get(("provider", name, "base_url"))
        if address is not None and not _is_address(server.base_url or ""):
            raise address.error("is not an address that begins with http:// or https://")
    for low, high in (
        (("provider", "live_ms"), ("provider", "slow_ms")),
        (("context", "trigger"), ("context", "warn")),
    ):
        _require_order(low, high, settings)


def _is_address(text: str) -> bool:
    scheme, colon, rest = text.partition("://")
    host = rest.split("/", 1)[0]
    return (
        bool(colon and host)
        and scheme in {"http", "https"}
        and text.isprintable()
        and " " not in text
    )


def _require_order(low: Key, high: Key, settings: Mapping[Key, Setting]) -> None:
    culprit = settings.get(low) or settings.get(high)
    if culprit is None:
        return
    least, most = (settings[key].value if key in settings else _default(key) for key in (low, high))
    if cast(float, least) > cast(float, most):
        raise culprit.error(f"{'.'.join(low)} ({least}) is above {'.'.join(high)} ({most})")
