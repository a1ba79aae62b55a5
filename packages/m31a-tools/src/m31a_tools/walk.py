"""The files below a folder that are worth looking at."""

import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from m31a_tools.ignore import IgnoreRules
from m31a_tools.workspace import Workspace

MAX_DEPTH = 200
"""Deeper folders are left out: each level holds a descriptor."""

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_IGNORE = ".gitignore"
_IGNORE_BYTES = 1 << 20

Fitting = Callable[[list[str]], list[str]]
"""Those of the names that are to be looked at."""


class Folder(NamedTuple):
    """The files of one folder; a tuple, for there are many."""

    path: str
    """Real path with a slash at the end, empty for the root."""
    names: list[str]
    fd: int
    """The folder, open until the next one is asked for."""


_Level = tuple[int, IgnoreRules]
"""Length of the path of the folder with the rules, and the rules."""


def walk(
    workspace: Workspace, path: str, *, fitting: Fitting | None = None, regular: bool = False
) -> Iterator[Folder]:
    """Each folder at and below `path` with its files, or those whose names fit.

    Links are listed, not followed; `regular` leaves out all that is no regular file. Left out
    are protected names, hidden paths and what a .gitignore ignores; `path` itself is looked at
    even if it is ignored. Raises PathRefused, OSError for `path` alone.
    """
    with workspace.walk_root(path) as (fd, real):
        prefix = "" if real == "." else f"{real}/"
        walker = _Walker(workspace, fitting, regular)
        yield from walker.walk(fd, prefix, _levels_above(workspace, real), 0)


@dataclass(frozen=True, slots=True)
class _Walker:
    """Looks at a name as little as it can: there may be a hundred thousand of them."""

    workspace: Workspace
    fitting: Fitting | None
    regular: bool

    def walk(
        self, fd: int, prefix: str, levels: tuple[_Level, ...], depth: int
    ) -> Iterator[Folder]:
        try:
            folders, files = self.listed(fd)
        except OSError:
            return
        rules = _rules_in(fd) if _IGNORE in files else None
        if rules is not None:
            levels = ((len(prefix), rules), *levels)
        if self.fitting is not None:
            files = self.fitting(files)
        yield Folder(path=prefix, names=self.kept(files, prefix, levels), fd=fd)
        if depth == MAX_DEPTH:
            return
        for name in sorted(folders):
            if self.left_out(name, prefix, levels, is_folder=True):
                continue
            try:
                inner = os.open(name, _FOLDER, dir_fd=fd)
            except OSError:
                continue
            try:
                yield from self.walk(inner, f"{prefix}{name}/", levels, depth + 1)
            finally:
                os.close(inner)

    def listed(self, fd: int) -> tuple[list[str], list[str]]:
        """The names of the folders and of the files in a folder."""
        with os.scandir(fd) as scan:
            entries = list(scan)
        folders = [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
        if self.regular:
            return folders, [e.name for e in entries if e.is_file(follow_symlinks=False)]
        names = [entry.name for entry in entries]
        if folders:
            strangers = frozenset(folders)
            names = [name for name in names if name not in strangers]
        return folders, names

    def kept(self, files: list[str], prefix: str, levels: tuple[_Level, ...]) -> list[str]:
        """The files that are not left out."""
        if self.workspace.hidden:
            suspects = frozenset(files)
        else:
            protected = self.workspace.protected_initials
            found = [name for name in files if name.startswith(protected)]
            for length, rules in levels:
                found += rules.suspects(prefix[length:], files)
            suspects = frozenset(found)
        if not suspects:
            return files
        return [
            name
            for name in files
            if name not in suspects or not self.left_out(name, prefix, levels, is_folder=False)
        ]

    def left_out(
        self, name: str, prefix: str, levels: tuple[_Level, ...], *, is_folder: bool
    ) -> bool:
        workspace = self.workspace
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
        fd = os.open(_IGNORE, flags, dir_fd=folder_fd)
    except OSError:
        return None
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        return None
    with os.fdopen(fd, "rb", buffering=0) as file:
        text = (file.read(_IGNORE_BYTES) or b"").decode("utf-8", "surrogateescape")
    return IgnoreRules.parse(text.removeprefix("\ufeff"))
