"""Where the programs are that the tools start by themselves."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path


def find_program(name: str, path: str, *, outside: Sequence[Path] = ()) -> str | None:
    """The program of this name on `path`, None when there is none that can be trusted.

    Left out is what lies in a folder of `outside`, and what a relative folder names: a project
    would choose what runs without anybody's leave.
    """
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
