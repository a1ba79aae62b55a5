"""Dependency folders of the user's project, and whether they lead back into it.

A checkout that borrows `.venv` or `node_modules` tests the user's files instead of its own when
an editable install or a workspace link points there. Such folders are told apart by looking at
everything in them that can name another place.
"""

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from urllib.parse import unquote, urlsplit

_MOST_BYTES = 1_000_000
_URL = re.compile(rb'"url"\s*:\s*"(file:[^"]{1,4096})"')


class Family(StrEnum):
    """Who uses a dependency folder."""

    PYTHON = "python"
    NODE = "node"
    OTHER = "other"


_NAMES = {
    ".venv": Family.PYTHON,
    "venv": Family.PYTHON,
    "env": Family.PYTHON,
    "node_modules": Family.NODE,
    "vendor": Family.OTHER,
    ".bundle": Family.OTHER,
}
_PROGRAMS = {
    Family.PYTHON: re.compile(
        r"(?:python[\d.]*|pytest|py\.test|unittest|tox|nox|ruff|mypy|flake8|pylint|black|coverage"
        r"|uv|poetry|pdm|hatch|pip[\d.]*)"
    ),
    Family.NODE: re.compile(
        r"(?:node|npm|npx|yarn|pnpm|bun|deno|jest|vitest|mocha|tsc|eslint|prettier)"
    ),
    Family.OTHER: re.compile(
        r"(?:go|cargo|gofmt|rustc|ruby|bundle|rake|rspec|php|composer|phpunit|prove|perl|git"
        r"|true|false|echo|printf|test|cd|cat|grep|ls)"
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class WayBack:
    """A place from which a check would reach the user's own files."""

    family: Family
    folder: str
    """Where it was found, as people name it."""
    why: str


def family_of(folder: str) -> Family | None:
    """Who uses the folder at this path; None when its name is none of dependencies."""
    return _NAMES.get(folder.rstrip("/").rpartition("/")[2])


def families_of(command: str) -> frozenset[Family]:
    """Whose dependencies a command may use; all, when it starts a program that is not known."""
    found: set[Family] = set()
    for part in re.split(r"&&|\|\||[;|&\n()]", command):
        words = [
            word for word in part.split() if not re.fullmatch(r"\w+=\S*|!|exec|time|env", word)
        ]
        if not words:
            continue
        program = words[0].rpartition("/")[2]
        family = next((kin for kin, names in _PROGRAMS.items() if names.fullmatch(program)), None)
        if family is None or "$" in part or "`" in part:
            return frozenset(Family)
        found.add(family)
    return frozenset(found) or frozenset(Family)


def ways_back(
    folder: Path, project: Path, *, follow: bool = True, most_entries: int = 400_000
) -> Iterator[str]:
    """What in `folder` leads into `project` outside the folder itself, in words.

    Looked at are links, `*.pth`, `*.egg-link`, `__editable__*` and `direct_url.json`; with
    `follow=False` only those that lie directly in the folder or in a folder directly in it. A
    folder of more than `most_entries` is not searched to its end, and counts as leading back.
    """
    inside = (folder.absolute(), folder.resolve())
    roots = (project.absolute(), project.resolve())
    entries = 0
    stack = [(folder, 0)]
    while stack:
        here, depth = stack.pop()
        try:
            found = list(os.scandir(here))
        except OSError:
            continue
        entries += len(found)
        if entries > most_entries:
            yield f"{folder.name} has too many entries to be searched"
            return
        for entry in found:
            path = Path(entry.path)
            if entry.is_symlink():
                targets: tuple[Path, ...] = (path.resolve(), here / path.readlink())
            elif entry.is_dir(follow_symlinks=False):
                if follow or depth < 1:
                    stack.append((path, depth + 1))
                continue
            else:
                targets = _named_by(path)
            if any(_leads(target, roots, inside) for target in targets):
                yield os.path.relpath(path, folder)


def _leads(target: Path, roots: Sequence[Path], inside: Sequence[Path]) -> bool:
    target = Path(os.path.normpath(target))
    if any(target.is_relative_to(place) for place in inside):
        return False
    return any(target.is_relative_to(root) or root.is_relative_to(target) for root in roots)


def _named_by(path: Path) -> tuple[Path, ...]:
    """Places that a file of an installer names."""
    name = path.name
    editable = name.startswith(("__editable__", "_editable_impl_"))
    if not (editable or name == "direct_url.json" or name.endswith((".pth", ".egg-link"))):
        return ()
    try:
        if path.stat().st_size > _MOST_BYTES:
            return (Path("/"),)
        data = path.read_bytes()
    except OSError:
        return ()
    if name == "direct_url.json":
        return tuple(
            Path(unquote(urlsplit(url.decode("utf-8", "replace")).path))
            for url in _URL.findall(data)
        )
    text = data.decode("utf-8", "surrogateescape")
    if editable or name.endswith(".py"):
        return _quoted(text)
    places: list[Path] = []
    for line in text.splitlines():
        if line.startswith(("import ", "import\t")):
            places.extend(_quoted(line))
        elif line.strip() and not line.startswith("#"):
            places.append(path.parent / line.strip())
    return tuple(places)


def _quoted(text: str) -> tuple[Path, ...]:
    """Absolute paths that stand in quotes, or alone on a line, in a program text."""
    found = re.findall(r"""['"](/[^'"\n]{1,4096})['"]""", text)
    found += [line for line in text.splitlines() if line.startswith("/")]
    return tuple(Path(place) for place in found)
