"""Where the programs are that the tools start by themselves."""

import os
import shutil
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path


def find_program(name: str, path: str, *, outside: Sequence[Path] = ()) -> str | None:
    """The program of this name on `path`, None when there is none that can be trusted.

    Left out is what lies in a folder of `outside`, and what a relative folder names: a project
    would choose what runs without anybody's leave. What was found is kept while it is there.
    """
    found = _find(name, path, tuple(outside))
    if found is None or not os.access(found, os.X_OK):
        _find.cache_clear()
        found = _find(name, path, tuple(outside))
    return found


@lru_cache(maxsize=32)
def _find(name: str, path: str, outside: tuple[Path, ...]) -> str | None:
    roots = {place for folder in outside for place in (folder, folder.resolve())}
    for folder in path.split(os.pathsep):
        found = shutil.which(name, path=folder) if folder.startswith("/") else None
        if found is not None and not any(
            place.is_relative_to(root)
            for place in (Path(os.path.normpath(found)), Path(os.path.realpath(found)))
            for root in roots
        ):
            return found
    return None
