"""Settings from one layer: a file, the environment, the command line.

Each is checked on its own as it is read, so that a message can name the place it stands in.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache
from types import UnionType
from typing import Any, Union, get_args, get_origin

import msgspec

from m31a_engine.config_file import TomlFile
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
from m31a_engine.nearest import nearest, suggestion

SECTIONS: Mapping[str, type[msgspec.Struct]] = {
    "provider": ProviderSection,
    "model": ModelSection,
    "agents": AgentsSection,
    "features": FeaturesSection,
    "permissions": PermissionsSection,
    "tools": ToolsSection,
    "verify": VerifySection,
    "git": GitSection,
    "context": ContextSection,
    "ledger": LedgerSection,
    "ui": UiSection,
}

Key = tuple[str, ...]
"""(section, field), or ("provider", name, field)."""


class Source(StrEnum):
    """Where a value comes from."""

    DEFAULT = "default"
    USER_FILE = "user file"
    PROJECT_FILE = "project file"
    ENVIRONMENT = "environment"
    COMMAND_LINE = "command line"


@dataclass(frozen=True, slots=True)
class Setting:
    """One value of one layer, of the type its key wants, and where it stands."""

    key: Key
    value: object
    source: Source
    file: str
    line: int | None = None

    @property
    def dotted(self) -> str:
        """The key as people write it."""
        return ".".join(self.key)

    def error(self, reason: str, *, remedy: str = "") -> ConfigError:
        """An error that names this setting's place."""
        return ConfigError(reason, file=self.file, key=self.dotted, line=self.line, remedy=remedy)


def settings_of_file(file: TomlFile, source: Source) -> tuple[Setting, ...]:
    """All settings of a TOML file.

    Raises: ConfigError for an unknown key or a value of the wrong type.
    """
    raw = (
        Setting(key=key, value=value, source=source, file=file.name, line=file.line_of(key))
        for key, value in _flattened(file.table)
    )
    return tuple(_checked(setting, lax=False) for setting in raw)


def settings_of_environment(
    environ: Mapping[str, str], providers: Iterable[str]
) -> tuple[Setting, ...]:
    """All settings of `M31A_*` variables, `M31A_HOME` and keys apart; empty ones are unset.

    `providers` are the names of the configured servers, for `M31A_PROVIDER_MY_BOX_BASE_URL`
    does not tell `my-box` from `my_box`. Raises: ConfigError.
    """
    names = {re.sub(r"\W", "_", name).lower(): name for name in providers}
    found = []
    for variable in sorted(environ):
        if not variable.startswith("M31A_") or variable == "M31A_HOME" or not environ[variable]:
            continue
        key = _key_of_variable(variable, names)
        if key is not None:
            raw = Setting(
                key=key, value=environ[variable], source=Source.ENVIRONMENT, file=variable
            )
            found.append(_checked(raw, lax=True))
    return tuple(found)


def settings_of_overrides(overrides: Mapping[str, object]) -> tuple[Setting, ...]:
    """All settings given on the command line, by dotted key.

    Raises: ConfigError.
    """
    found = []
    for dotted, value in overrides.items():
        key = tuple(dotted.split("."))
        raw = Setting(
            key=key, value=value, source=Source.COMMAND_LINE, file=Source.COMMAND_LINE.value
        )
        if key[-1] == "api_key":
            raise raw.error("a key is never taken from an argument", remedy="m31a keys set NAME")
        found.append(_checked(raw, lax=True))
    return tuple(found)


def _flattened(table: Mapping[str, object]) -> Iterator[tuple[Key, object]]:
    """The keys of a file down to where values begin; what is unknown is passed on as it is."""
    for section, body in table.items():
        if section not in SECTIONS or not isinstance(body, dict):
            yield (section,), body
            continue
        for name, value in body.items():
            server = section == "provider" and name not in _types(ProviderSection)
            if server and isinstance(value, dict):
                yield from (((section, name, field), entry) for field, entry in value.items())
            else:
                yield (section, name), value


_ENDINGS = tuple(sorted(ProviderSettings.__struct_fields__, key=len, reverse=True))


def _key_of_variable(variable: str, providers: Mapping[str, str]) -> Key | None:
    """The key a variable sets, or None when it is none of the configuration's."""
    section, _, name = variable.removeprefix("M31A_").lower().partition("_")
    if section == "provider" and name.endswith("_api_key"):
        better = "M31A_" + variable.removeprefix("M31A_PROVIDER_")
        raise ConfigError(f"is not read; a key stands in {better}", file=variable)
    if variable.endswith("_API_KEY"):
        return None
    if section not in SECTIONS:
        meant = nearest(section, SECTIONS)
        if meant is not None and name in _types(SECTIONS[meant]):
            better = f"M31A_{meant}_{name}".upper()
            raise ConfigError(f"is not a setting; did you mean {better!r}?", file=variable)
        return None
    if section == "provider" and name not in _types(ProviderSection):
        for field in _ENDINGS:
            server = name.removesuffix(f"_{field}")
            if server and server != name:
                return (section, providers.get(server, server), field)
    return (section, name)


def _checked(setting: Setting, *, lax: bool) -> Setting:
    """The setting with its value converted to the type its key wants."""
    wanted = _wanted_type(setting)
    value = setting.value
    if lax and isinstance(value, str):
        value = _from_text(value, wanted)
    try:
        converted = msgspec.convert(value, wanted, strict=not lax)
    except msgspec.ValidationError as exc:
        raise setting.error(_reason(exc, value, wanted)) from exc
    return replace(setting, value=converted)


def _wanted_type(setting: Setting) -> Any:
    section, *rest = setting.key
    if section not in SECTIONS:
        raise setting.error(f"unknown section{suggestion(section, SECTIONS)}")
    match rest:
        case [name]:
            known = _types(SECTIONS[section])
        case [server, name] if section == "provider":
            if not re.fullmatch(r"[A-Za-z0-9][\w-]{0,63}", server, re.ASCII):
                raise setting.error(
                    "a provider's name has letters, digits, '-' and '_' only, at most 64"
                )
            known = _types(ProviderSettings)
        case []:
            raise setting.error("is a section: write its keys below [" + section + "]")
        case _:
            raise setting.error("unknown key: there is nothing that deep")
    if name not in known:
        raise setting.error(f"unknown key{suggestion(name, known)}")
    return known[name]


@cache
def _types(section: type[msgspec.Struct]) -> Mapping[str, Any]:
    """Field name → type of a section; resolved once, and only when there is a setting."""
    return {field.name: field.type for field in msgspec.structs.fields(section)}


_TRUTH = {"yes": True, "on": True, "no": False, "off": False}


def _from_text(text: str, wanted: Any) -> object:
    """A value as variables and arguments spell it: lists by commas, `yes` and `off`."""
    if get_origin(wanted) is tuple and get_args(wanted)[0] is str:
        return [part.strip() for part in text.split(",") if part.strip()]
    if wanted is bool:
        return _TRUTH.get(text.strip().lower(), text)
    return text


_SPOKEN = {
    "int": "a whole number",
    "float": "a number",
    "str": "text",
    "bool": "true or false",
    "array": "a list",
    "object": "a table",
    "null": "nothing",
}


def _reason(exc: msgspec.ValidationError, value: object, wanted: Any) -> str:
    """What is wrong with a value, in words of the configuration's user."""
    reason, _, place = str(exc).partition(" - at ")
    if reason.startswith("Invalid enum value") and isinstance(value, str):
        words = [word.value for word in _words(wanted)]
        return f"{value!r} is none of {', '.join(words)}{suggestion(value, words)}"
    reason = reason.replace(" | null", "")
    reason = re.sub(r"`(\w+)`", lambda found: _SPOKEN.get(found[1], repr(found[1])), reason)
    where = place.strip("`").removeprefix("$")
    return f"{reason[0].lower()}{reason[1:]}" + (f" at {where}" if where else "")


def _words(wanted: Any) -> list[StrEnum]:
    options = get_args(wanted) if get_origin(wanted) in {Union, UnionType} else (wanted,)
    return [
        word
        for option in options
        if isinstance(option, type) and issubclass(option, StrEnum)
        for word in option
    ]
