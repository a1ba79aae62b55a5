"""The prompt texts, from the installed package or from the checkout.

A folder of the user's, and one of a trusted project, may override any of them by a file of
the same name.
"""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from m31a_engine.errors import ConfigError
from m31a_engine.nearest import suggestion

_MAX_OVERRIDE_BYTES = 64 * 1024


@cache
def _folder() -> Path:
    package = Path(__file__).resolve().parents[1]
    packaged = package / "prompts"
    if packaged.is_dir():
        return packaged
    return package.parents[3] / "prompts"  # an editable install of a checkout


@cache
def names() -> tuple[str, ...]:
    """The prompts there are, without `.md`."""
    return tuple(sorted(entry.stem for entry in _folder().glob("*.md")))


@cache
def _text(name: str) -> str:
    return (_folder() / f"{name}.md").read_text(encoding="utf-8").strip()


def read(name: str, overrides: Sequence[Path] = ()) -> str:
    """The text of one prompt; a file of its name in the first of `overrides` that has one wins.

    Raises: KeyError for a name that is not among `names()`; ValueError for an override that
    is empty, no text or too long.
    """
    if name not in names():
        raise KeyError(name)
    files = (folder / f"{name}.md" for folder in overrides)
    file = next((file for file in files if file.is_file()), None)
    return _text(name) if file is None else _override(file)


def require_readable(overrides: Sequence[Path]) -> None:
    """Look at every override before a run relies on it.

    Raises: ConfigError that names the file and what is wrong with it.
    """
    for folder in overrides:
        for file in sorted(folder.glob("*.md")) if folder.is_dir() else ():
            if file.stem not in names():
                hint = suggestion(file.stem, names())
                raise ConfigError(
                    f"is no prompt of M31A{hint}", file=str(file), remedy="rename or remove it"
                )
            try:
                _override(file)
            except (OSError, ValueError) as exc:
                reason = exc.strerror if isinstance(exc, OSError) else exc
                raise ConfigError(
                    f"it cannot be used as a prompt: {reason}", remedy="mend or remove it"
                ) from exc


def _override(file: Path) -> str:
    if not file.is_file():  # a pipe would be waited at for ever
        raise ValueError(f"{file} is not a regular file")
    with file.open("rb") as stream:
        data = stream.read(_MAX_OVERRIDE_BYTES + 1)
    if len(data) > _MAX_OVERRIDE_BYTES:
        raise ValueError(f"{file} is longer than {_MAX_OVERRIDE_BYTES} bytes")
    try:
        text = data.decode("utf-8").strip()
    except UnicodeDecodeError as exc:
        raise ValueError(f"{file} is not text in UTF-8") from exc
    if not text:
        raise ValueError(f"{file} is empty; remove it to use the built-in prompt")
    return text
