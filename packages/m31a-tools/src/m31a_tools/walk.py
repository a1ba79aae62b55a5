"""The files below a folder that are worth looking at."""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass

from m31a_tools.ignore import IgnoreRules
from m31a_tools.workspace import Workspace

MAX_DEPTH = 200
"""Deeper folders are left out: each level holds a descriptor."""

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_IGNORE_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Folder:
    """The files of one folder. Their `stat` works until the next folder is asked for."""

    path: str
    """Real path with a slash at the end, empty for the root."""
    files: list[os.DirEntry[str]]


_Level = tuple[int, IgnoreRules]
"""Length of the path of the folder with the rules, and the rules."""


def walk(workspace: Workspace, path: str) -> Iterator[Folder]:
    """Each folder at and below `path` with its files; links are listed, not followed.

    Left out are protected names, hidden paths and what a .gitignore ignores; `path` itself is
    looked at even if it is ignored. Raises PathRefused, OSError for `path` alone.
    """
    with workspace.walk_root(path) as (fd, real):
        prefix = "" if real == "." else f"{real}/"
        yield from _walk(workspace, fd, prefix, _levels_above(workspace, real), 0)


def _walk(
    workspace: Workspace, fd: int, prefix: str, levels: tuple[_Level, ...], depth: int
) -> Iterator[Folder]:
    rules = _rules_in(fd)
    if rules is not None:
        levels = ((len(prefix), rules), *levels)
    files: list[os.DirEntry[str]] = []
    folders: list[str] = []
    try:
        with os.scandir(fd) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    if not _left_out(workspace, prefix, entry.name, levels, is_folder=True):
                        folders.append(entry.name)
                elif not _left_out(workspace, prefix, entry.name, levels, is_folder=False):
                    files.append(entry)
    except OSError:
        return
    yield Folder(path=prefix, files=files)
    if depth == MAX_DEPTH:
        return
    for name in sorted(folders):
        try:
            inner = os.open(name, _FOLDER, dir_fd=fd)
        except OSError:
            continue
        try:
            yield from _walk(workspace, inner, f"{prefix}{name}/", levels, depth + 1)
        finally:
            os.close(inner)


def _left_out(
    workspace: Workspace, prefix: str, name: str, levels: tuple[_Level, ...], *, is_folder: bool
) -> bool:
    if workspace.is_protected(name):
        return True
    if workspace.hidden and workspace.is_hidden(prefix + name, is_folder=is_folder):
        return True
    for length, rules in levels:
        verdict = rules.verdict(prefix[length:], name, is_folder=is_folder)
        if verdict is not None:
            return verdict
    return False


def _levels_above(workspace: Workspace, real: str) -> tuple[_Level, ...]:
    """The rules that stand in the folders above `real`, nearest first."""
    if real == "." or real.startswith("/"):
        return ()
    steps = real.split("/")
    levels: list[_Level] = []
    for depth in range(len(steps)):
        above = "/".join(steps[:depth]) or "."
        with workspace.walk_root(above) as (fd, _):
            rules = _rules_in(fd)
        if rules is not None:
            levels.append((0 if above == "." else len(above) + 1, rules))
    return tuple(reversed(levels))


def _rules_in(folder_fd: int) -> IgnoreRules | None:
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        fd = os.open(".gitignore", flags, dir_fd=folder_fd)
    except OSError:
        return None
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        return None
    with os.fdopen(fd, "rb", buffering=0) as file:
        text = (file.read(_IGNORE_BYTES) or b"").decode("utf-8", "surrogateescape")
    return IgnoreRules.parse(text.removeprefix("\ufeff"))
