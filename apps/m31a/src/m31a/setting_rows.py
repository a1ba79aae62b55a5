"""The keys of the configuration as rows: what each holds, what it may hold, how it is written."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import get_args, get_type_hints

from m31a.desks import desk_of
from m31a.program.messages import Message
from m31a.program.services import Services
from m31a_engine import shown
from m31a_engine.config_layers import SECTIONS
from m31a_engine.config_sections import ProviderSettings


@dataclass(frozen=True, slots=True)
class Row:
    """One key as it stands."""

    key: str
    value: str
    """As it is typed: lists with commas, nothing for what is not set."""
    source: str
    editable: bool = True


def row_key(row: Row) -> str:
    """What a row is found by."""
    return row.key


@dataclass(frozen=True, slots=True)
class Loaded(Message):
    """The configuration in force; `changed` is the key that was just written."""

    rows: tuple[Row, ...]
    changed: str = ""
    told: str = ""


def words_of(key: str, themes: Sequence[str]) -> tuple[str, ...]:
    """The words a key can have; empty when it takes any text."""
    if key == "ui.theme":
        return ("auto", *themes)
    section, *rest = key.split(".")
    kind = get_type_hints(ProviderSettings if len(rest) == 2 else SECTIONS[section])[rest[-1]]
    options = get_args(kind) or (kind,)
    if bool in options:
        return ("true", "false")
    return tuple(
        word.value
        for option in options
        if isinstance(option, type) and issubclass(option, StrEnum)
        for word in option
    )


def _text(value: object) -> tuple[str, bool]:
    """A value as it is typed, and whether it can be typed at all."""
    match value:
        case None:
            return "", True
        case bool():
            return str(value).lower(), True
        case str() | int() | float():
            return str(value), True
        case list() | tuple() if all(isinstance(each, str) for each in value):
            return ", ".join(value), True
        case _:
            return json.dumps(value, ensure_ascii=False), not value


def _rows(services: Services) -> tuple[Row, ...]:
    config = services.config()
    rows = []
    for key, value in shown(config).items():
        text, typed = _text(value)
        secret = key.endswith((".api_key", ".headers", ".rules"))
        source = config.sources.get(key, "default")
        rows.append(Row(key, text, str(source), typed and not secret))
    return tuple(rows)


def load_settings(services: Services) -> Message:
    """Every key as it stands."""
    return Loaded(_rows(services))


def write_setting(services: Services, *, key: str, text: str) -> Message:
    """The key written into the person's own file; an empty text takes it out of there.

    Raises:
        ConfigError: the value is none for this key, or the file cannot be used.
    """
    if not text.strip():
        return clear_setting(services, key=key)
    desk_of(services).settings.set(key, text.strip())
    return Loaded(_rows(services), key, f"{key} is kept")


def clear_setting(services: Services, *, key: str) -> Message:
    """The key taken out of the person's own file."""
    was = desk_of(services).settings.unset(key)
    told = f"{key} is not set in your file any more" if was else f"{key} is not set in your file"
    return Loaded(_rows(services), key, told)
