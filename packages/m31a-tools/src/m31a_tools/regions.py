"""Where a command's targets lie."""

import posixpath
from dataclasses import dataclass
from enum import StrEnum

from m31a_tools.shell.commands import Target

PROTECTED = frozenset({".git", ".m31a"})
"""Names of files and folders in which no tool writes."""


class Region(StrEnum):
    """Where a path leads."""

    INSIDE = "inside"
    TEMPORARY = "temporary"
    """In the system's folder for such files: a sandbox has one of its own."""
    OUTSIDE = "outside"
    PROTECTED = "protected"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Place:
    """Where one target lies."""

    region: Region
    path: str
    """Inside: seen from the root, without dots; empty when it cannot be told."""


def place_of(target: Target) -> Place:
    """Where a target lies by its name alone; absolute paths are outside."""
    if not target.path:
        return Place(Region.UNKNOWN, "")
    path = posixpath.normpath(target.path)
    if is_temporary(path):
        return Place(Region.TEMPORARY, path)
    if _is_home(target) or path.startswith("/") or path.split("/")[0] == "..":
        return Place(Region.OUTSIDE, path)
    if any(is_protected(name) for name in path.split("/")):
        return Place(Region.PROTECTED, path)
    return Place(Region.INSIDE if target.exact else Region.UNKNOWN, path)


def _is_home(target: Target) -> bool:
    return target.path.startswith("~") and not target.exact


def is_temporary(path: str) -> bool:
    """Whether a path lies in the folder for temporary files."""
    steps = posixpath.normpath(path).lstrip("/").split("/")
    return path.startswith("/") and steps[0] == "tmp" and len(steps) > 1


def is_protected(name: str) -> bool:
    """Whether no tool writes into a file or folder of this name."""
    # File systems that ignore case and trailing dots let .GIT and ".git." through.
    return name.casefold().rstrip(". ") in PROTECTED
