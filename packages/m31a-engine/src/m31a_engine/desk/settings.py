"""One key of the user's configuration file set or taken out, the rest of the file as it was."""

import re
from dataclasses import dataclass
from pathlib import Path

import msgspec

from m31a_engine.config import USER_FILE, load_config
from m31a_engine.config_file import TomlFile, read_toml
from m31a_engine.config_layers import Source, settings_of_file, settings_of_overrides
from m31a_engine.errors import ConfigError
from m31a_tools import write_atomic

_HEADER = re.compile(r"\s*\[([^\[\]]+)\]\s*(?:#.*)?$")
_BARE = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class Settings:
    """The user's own file, for one change at a time; comments and order stay."""

    home: Path

    @property
    def file(self) -> Path:
        """Where it is."""
        return self.home / USER_FILE

    def set(self, dotted: str, text: str) -> object:
        """Set a key to what the text means for it; the value as it is kept.

        Raises:
            ConfigError: there is no such key, the value is not one for it, or the file would
                mean something else than before in another place. Nothing was written then.
        """
        setting = settings_of_overrides({dotted: text})[0]
        value = msgspec.json.decode(msgspec.json.encode(setting.value))
        self._change(setting.key, f"{setting.key[-1]} = {_toml(value)}", value)
        return value

    def unset(self, dotted: str) -> bool:
        """Take a key out of the file; False when it does not stand there.

        Raises:
            ConfigError: it cannot be taken out alone. Nothing was written then.
        """
        key = tuple(dotted.split("."))
        before = self._read()
        if before is None or _at(before.table, key) is None:
            return False
        self._change(key, None, None)
        return True

    def _change(self, key: tuple[str, ...], line: str | None, value: object) -> None:
        before = self._read()
        text = before.text if before is not None else ""
        table = before.table if before is not None else {}
        changed = _with_line(text, key, line)
        after = self._parsed(changed)
        if (
            after is None
            or _without(after, key) != _without(table, key)
            or _at(after, key) != value
        ):
            raise ConfigError(
                "cannot be changed alone: it stands in a form that spans lines or tables",
                file=str(self.file),
                key=".".join(key),
                remedy="edit the file by hand",
            )
        self.home.mkdir(parents=True, exist_ok=True, mode=0o700)
        mode = None if before is not None else 0o600
        write_atomic(self.file, changed.encode("utf-8"), mode=mode)
        try:
            load_config(None, {"M31A_HOME": str(self.home)}, {})
        except ConfigError:  # sound alone, and not together with the rest
            write_atomic(self.file, text.encode("utf-8"))
            raise

    def _read(self) -> TomlFile | None:
        file = read_toml(self.file, name=str(self.file), follow_links=True)
        if file is not None:
            settings_of_file(file, Source.USER_FILE)  # a file with an error is mended first
        return file

    def _parsed(self, text: str) -> dict[str, object] | None:
        import tomllib  # as in config_file: only who sets something pays for it

        try:
            return tomllib.loads(text)
        except ValueError:
            return None


def _with_line(text: str, key: tuple[str, ...], line: str | None) -> str:
    """The text with the key's line replaced, added to its table, or left out for None."""
    lines = text.splitlines()
    table, name = key[:-1], key[-1]
    assignment = re.compile(rf"\s*(?:{re.escape(name)}|\"{re.escape(name)}\")\s*=")
    here: tuple[str, ...] = ()
    last = None
    for number, row in enumerate(lines):
        if header := _HEADER.match(row):
            here = tuple(part.strip().strip("\"'") for part in header[1].split("."))
        elif here == table and assignment.match(row):
            kept = [*lines[:number], *([line] if line is not None else []), *lines[number + 1 :]]
            return "\n".join(kept) + "\n"
        if here == table and row.strip():
            last = number
    if line is None:
        return text
    if last is not None:
        return "\n".join([*lines[: last + 1], line, *lines[last + 1 :]]) + "\n"
    gap = [""] if lines and lines[-1].strip() else []
    return "\n".join([*lines, *gap, f"[{'.'.join(table)}]", line]) + "\n"


def _toml(value: object) -> str:
    """A value as TOML writes it on one line."""
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float():
            return repr(value)
        case list() | tuple():
            return f"[{', '.join(map(_toml, value))}]"
        case dict():
            pairs = (f"{_name(key)} = {_toml(item)}" for key, item in value.items())
            return f"{{ {', '.join(pairs)} }}"
        case _:
            return _text(str(value))


def _name(key: object) -> str:
    return str(key) if _BARE.fullmatch(str(key)) else _text(str(key))


def _text(text: str) -> str:
    # JSON's escapes are all TOML's too, but for DEL, which TOML wants escaped.
    return msgspec.json.encode(text).decode().replace("\x7f", "\\u007f")


def _at(table: object, key: tuple[str, ...]) -> object:
    for part in key:
        if not isinstance(table, dict) or part not in table:
            return None
        table = table[part]
    return table


def _without(table: dict[str, object], key: tuple[str, ...]) -> dict[str, object]:
    """The table without one key, and without tables that are empty then."""
    rest = dict(table)
    if len(key) == 1:
        rest.pop(key[0], None)
        return rest
    inner = rest.get(key[0], {})
    if isinstance(inner, dict):
        rest[key[0]] = _without(inner, key[1:])
        if not rest[key[0]]:
            del rest[key[0]]
    return rest
