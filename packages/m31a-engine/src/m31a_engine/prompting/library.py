"""The prompt texts, from the installed package or from the checkout.

A folder of the user's may override any of them by a file of the same name.
"""

from functools import cache
from pathlib import Path

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


def read(name: str, override: Path | None = None) -> str:
    """The text of one prompt; a file of its name in the folder `override` wins.

    Raises: KeyError for a name that is not among `names()`; ValueError for an override that
    is empty, no text or too long.
    """
    if name not in names():
        raise KeyError(name)
    file = None if override is None else override / f"{name}.md"
    return _override(file) if file is not None and file.is_file() else _text(name)


def _override(file: Path) -> str:
    with file.open("rb") as stream:
        data = stream.read(_MAX_OVERRIDE_BYTES + 1)
    if len(data) > _MAX_OVERRIDE_BYTES:
        raise ValueError(f"{file} is longer than {_MAX_OVERRIDE_BYTES} bytes")
    text = data.decode("utf-8").strip()  # a UnicodeDecodeError is a ValueError
    if not text:
        raise ValueError(f"{file} is empty; remove it to use the built-in prompt")
    return text
