"""Reading one TOML file, and saying in which line a key stands."""

import contextlib
import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path

from m31a_engine.errors import ConfigError
from m31a_engine.regular_file import Content, NotRegular, read_regular

MAX_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class TomlFile:
    """A file that was read: its name for messages, its text, its table, its mode."""

    name: str
    text: str
    table: dict[str, object]
    status: os.stat_result

    def line_of(self, key: tuple[str, ...]) -> int | None:
        """The line in which a key (or the section that holds it) begins."""
        return _line_of(self.text, key)


def read_toml(path: Path, *, name: str, follow_links: bool) -> TomlFile | None:
    """The file, or None when there is none.

    Raises: ConfigError when it cannot be read, is no regular file, too big or no TOML.
    """
    content = _read(path, name, follow_links=follow_links)
    if content is None:
        return None
    try:
        text = content.data.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        line = content.data.count(b"\n", 0, exc.start) + 1
        raise ConfigError("is not UTF-8 text", file=name, line=line) from exc
    return TomlFile(name=name, text=text, table=_parse(text, name), status=content.status)


def _read(path: Path, name: str, *, follow_links: bool) -> Content | None:
    try:
        content = read_regular(path, max_bytes=MAX_BYTES, follow_links=follow_links)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except NotRegular as exc:
        reason = "is a symbolic link" if path.is_symlink() else "is not a regular file"
        raise ConfigError(f"{reason}; put a file in its place", file=name) from exc
    except OSError as exc:
        raise ConfigError(f"cannot be read: {exc.strerror}", file=name) from exc
    if not content.whole:
        raise ConfigError(f"is larger than {MAX_BYTES} bytes", file=name)
    return content


def _parse(text: str, name: str) -> dict[str, object]:
    import tomllib  # here, because a start without a file to read should not pay its 17 ms

    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as exc:
        reason = str(exc)
        place = re.search(r" \(at line (\d+), column \d+\)$", reason)
        line = int(place[1]) if place else text.count("\n") + 1
        reason = re.sub(r" \(at [^()]*\)$", "", reason)
        raise ConfigError(f"not valid TOML: {reason}", file=name, line=line) from exc
    except (RecursionError, ValueError) as exc:
        raise ConfigError(
            "not valid TOML: nested too deeply or a number too long", file=name
        ) from exc


_HEADER = re.compile(r"\s*\[\[?([^\[\]]+)\]\]?\s*(?:#.*)?$")
_ASSIGNMENT = re.compile(
    r"\s*((?:[\w-]+|\"[^\"]*\"|'[^']*')(?:\s*\.\s*(?:[\w-]+|\"[^\"]*\"|'[^']*'))*)\s*="
)
_PART = re.compile(r"\"([^\"]*)\"|'([^']*)'|([\w-]+)")


def _line_of(text: str, key: tuple[str, ...]) -> int | None:
    """The line of the longest beginning of `key` that is written out.

    Lines inside multi-line strings are looked at too: then the answer may be a line that
    merely looks like the key, which is good enough for a message.
    """
    section: tuple[str, ...] = ()
    best: tuple[int, int] | None = None
    for number, line in enumerate(text.splitlines(), start=1):
        if header := _HEADER.match(line):
            section = here = _parts(header[1])
        elif assignment := _ASSIGNMENT.match(line):
            here = section + _parts(assignment[1])
        else:
            continue
        if here == key[: len(here)] and (best is None or len(here) > best[0]):
            best = (len(here), number)
    return None if best is None else best[1]


def _parts(dotted: str) -> tuple[str, ...]:
    return tuple(next(filter(None, match), "") for match in _PART.findall(dotted))


def require_private(file: TomlFile) -> None:
    """Refuse a file with a key in it that others could read.

    Raises: ConfigError.
    """
    with contextlib.suppress(AttributeError):  # no owners on Windows
        if file.status.st_uid not in {os.geteuid(), 0}:
            raise ConfigError("holds an api_key and belongs to another user", file=file.name)
    if file.status.st_mode & 0o077:
        mode = stat.S_IMODE(file.status.st_mode)
        raise ConfigError(
            f"holds an api_key and has mode {mode:04o}: others can read it",
            file=file.name,
            remedy=f"chmod 600 {file.name}",
        )
