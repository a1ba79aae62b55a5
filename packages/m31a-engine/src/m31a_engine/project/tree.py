"""The files of a project, or of a folder in it, as the recognisers look at them."""

import os
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from m31a_engine.project.facts import CheckCommand, ProjectType
from m31a_engine.regular_file import read_regular

Read = Callable[[str], bytes | None]
"""The bytes of a path below the project, or None when there is no such file."""

_MAX_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Tree:
    """Tracked files, all paths relative to `folder` with forward slashes."""

    root: Path
    """The project's own folder; asked for what is not tracked, such as installed packages."""
    folder: str
    """The folder looked at, relative to `root`; empty for the project itself."""
    files: frozenset[str]
    read: Read
    environ: Mapping[str, str]

    def has(self, *paths: str) -> bool:
        """Whether one of these files is there."""
        return any(path in self.files for path in paths)

    def text(self, path: str) -> str:
        """The text of a file, or nothing when it is not there or too big."""
        if path not in self.files:
            return ""
        data = self.read(f"{self.folder}/{path}" if self.folder else path)
        return "" if data is None or len(data) > _MAX_BYTES else data.decode("utf-8", "replace")

    def named(self, pattern: str) -> list[str]:
        """The files whose name (or end of path) a regular expression matches, sorted."""
        search = re.compile(rf"(?:^|/)(?:{pattern})$").search
        return sorted(filter(search, self.files))

    def any_named(self, pattern: str) -> bool:
        """Whether there is a file whose name a regular expression matches."""
        return bool(self.named(pattern))

    @property
    def location(self) -> Path:
        """The folder on disk."""
        return self.root / self.folder if self.folder else self.root

    def installed(self, path: str) -> bool:
        """Whether an executable is there that the repository does not bring itself."""
        return path not in self.files and os.access(self.location / path, os.X_OK)

    def program(self, name: str) -> bool:
        """Whether a program can be found on PATH."""
        return self.which(name) is not None

    def which(self, name: str) -> Path | None:
        """Where on PATH a program stands."""
        found = shutil.which(name, path=self.environ.get("PATH", os.defpath))
        return Path(found) if found else None

    def below(self, folder: str) -> "Tree":
        """The same project seen from one of its folders."""
        prefix = folder + "/"
        inside = (path.removeprefix(prefix) for path in self.files if path.startswith(prefix))
        return Tree(
            root=self.root,
            folder=f"{self.folder}/{folder}" if self.folder else folder,
            files=frozenset(inside),
            read=self.read,
            environ=self.environ,
        )


@dataclass(frozen=True, slots=True)
class Recognised:
    """What one recogniser knows of a tree."""

    type: ProjectType
    framework: str = ""
    package_manager: str = ""
    checks: tuple[CheckCommand, ...] = ()
    notes: tuple[str, ...] = ()


def as_build(command: str, *, sure: bool, why: str) -> CheckCommand:
    """A check that the project builds."""
    return CheckCommand(name="build", command=command, behavioural=False, sure=sure, why=why)


def as_test(command: str, *, sure: bool, why: str) -> CheckCommand:
    """A check that runs the project's tests."""
    return CheckCommand(name="test", command=command, behavioural=True, sure=sure, why=why)


def as_lint(command: str, *, why: str) -> CheckCommand:
    """A check of style, one the project itself asks for."""
    return CheckCommand(name="lint", command=command, behavioural=False, sure=True, why=why)


def disk_reader(root: Path) -> Read:
    """Reads files below a folder; links, devices and what is too big count as not there."""

    def read(path: str) -> bytes | None:
        try:
            content = read_regular(root / path, max_bytes=_MAX_BYTES, follow_links=False)
        except OSError:
            return None
        return content.data if content.whole else None

    return read
