"""The project's files by name, for completion: what people write, not what tools make."""

import os
from collections.abc import Iterator
from pathlib import Path

MOST_FILES = 20_000
SKIPPED = frozenset(
    {"node_modules", "__pycache__", "venv", "env", "target", "dist", "build", "vendor", "htmlcov"}
)


def project_files(project: Path, most: int = MOST_FILES) -> tuple[str, ...]:
    """Paths relative to the project, the shallow ones first; hidden and generated folders left out.

    Ignore files are not read: this is a help for typing, not a rule.
    """
    found: list[str] = []
    level = [project]
    while level and len(found) < most:
        deeper: list[Path] = []
        for folder in level:
            for entry in _entries(folder):
                if entry.is_dir(follow_symlinks=False):
                    if entry.name not in SKIPPED and not entry.name.startswith("."):
                        deeper.append(Path(entry.path))
                elif entry.name.isprintable():
                    found.append(os.path.relpath(entry.path, project))
        level = deeper
    return tuple(found[:most])


def _entries(folder: Path) -> Iterator["os.DirEntry[str]"]:
    try:
        with os.scandir(folder) as entries:
            yield from sorted(entries, key=lambda entry: entry.name)
    except OSError:  # not ours to read, or gone meanwhile
        return
