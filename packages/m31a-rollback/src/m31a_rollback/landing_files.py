"""Files brought into the user's work tree one by one, each with a way back.

All functions here block and know nothing of git: contents come ready from a staging folder. A
file is replaced by a rename, after what stood there was kept under a second name.
"""

import os
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from stat import S_IMODE, S_ISDIR, S_ISREG

Stamp = tuple[int, int, int, int, int] | None
"""What changes when a file is touched; None where there is none, or a folder."""


class Touched(Exception):
    """A file is no longer as it was when it was checked."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path


@dataclass(frozen=True, slots=True)
class Placement:
    """One file to be put in its place, or taken away."""

    path: str
    number: int
    """Its place in the landing: names its temporary and its backup."""
    removes: bool


@dataclass(frozen=True, slots=True)
class Stage:
    """The folder in which a landing keeps what it needs; it outlives a kill."""

    folder: Path
    token: str

    @property
    def incoming(self) -> Path:
        """Where the new files stand, under their paths."""
        return self.folder / "new"

    @property
    def former(self) -> Path:
        """Where files of the base stand, for those that have no backup."""
        return self.folder / "base"

    @property
    def index_before(self) -> Path:
        """The user's index as it was before it was replaced."""
        return self.folder / "index-before"

    def backup(self, number: int) -> Path:
        """Where the user's file number `number` is kept."""
        return self.folder / f"old-{number}"

    def temporary(self, target: Path, number: int) -> Path:
        """The name under which a file comes into being beside its target."""
        return target.with_name(f".m31a-{self.token}-{number}")


def is_inside(path: str) -> bool:
    """Whether a path read from a file stays below the root and out of the git folder."""
    parts = path.split("/")
    return "\0" not in path and not any(
        part in {"", ".", ".."} or part.lower() == ".git" for part in parts
    )


def stamp(path: Path) -> Stamp:
    """What tells whether the file was touched since."""
    try:
        facts = path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    if S_ISDIR(facts.st_mode):
        return None
    return (facts.st_dev, facts.st_ino, facts.st_mode, facts.st_size, facts.st_mtime_ns)


def place(
    root: Path,
    stage: Stage,
    placements: Sequence[Placement],
    stamps: Mapping[str, Stamp],
    placed: dict[str, Stamp],
) -> None:
    """Put every file in its place, deletions first, each only if nobody has touched it.

    `placed` gets every path that was changed, with what it is like now.

    Raises:
        Touched: somebody has; the files before it are in place.
        OSError: the file system refused.
    """
    for item in sorted(placements, key=lambda item: not item.removes):
        target = root / item.path
        if folder_in_the_way(root, item.path) or stamp(target) != stamps[item.path]:
            raise Touched(item.path)
        if item.removes:
            _keep(target, stage.backup(item.number))
            target.unlink()
            placed[item.path] = None
            _drop_empty_parents(root, target)
        else:
            _put(stage.incoming / item.path, target, stage, item)
            _forget(stage.incoming / item.path)
            placed[item.path] = stamp(target)


def restore(root: Path, stage: Stage, placements: Sequence[Placement], source: Path) -> None:
    """Bring the former files back, from the backups or, where there is none, from `source`.

    Placements whose former state was `no file` have neither: their files are taken away. What is
    now reached through a link or a file is left alone.
    """
    for item in sorted(placements, key=lambda item: item.removes):
        if folder_in_the_way(root, item.path):
            continue
        target = root / item.path
        former = stage.backup(item.number)
        if not os.path.lexists(former):
            former = source / item.path
        if os.path.lexists(former):
            _clear_way(target)
            temporary = stage.temporary(target, item.number)
            _clone(former, temporary)
            temporary.replace(target)
            _forget(former)
        elif not item.removes:
            target.unlink(missing_ok=True)
            _drop_empty_parents(root, target)


def sweep(root: Path, stage: Stage, placements: Sequence[Placement]) -> None:
    """Take away what a landing leaves besides its files."""
    for item in placements:
        with suppress(OSError):
            stage.temporary(root / item.path, item.number).unlink()
    shutil.rmtree(stage.folder, ignore_errors=True)


def folder_in_the_way(root: Path, path: str) -> str | None:
    """The first part of `path`, the last left out, that is something other than a folder."""
    parts = path.split("/")
    for count in range(1, len(parts)):
        parent = "/".join(parts[:count])
        try:
            mode = (root / parent).lstat().st_mode
        except FileNotFoundError:
            return None
        if not S_ISDIR(mode):
            return parent
    return None


def files_below(folder: Path) -> list[Path]:
    """Every file and link below the folder, ignored ones included."""
    return [
        Path(at, name) for at, names, files in os.walk(folder) for name in _leaves(at, names, files)
    ]


def _leaves(at: str, names: list[str], files: list[str]) -> list[str]:
    return files + [name for name in names if Path(at, name).is_symlink()]


def _put(source: Path, target: Path, stage: Stage, item: Placement) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = stage.temporary(target, item.number)
    _clone(source, temporary)
    if not os.path.lexists(target):
        _sync(temporary)
        _move_to_free_name(temporary, target, item.path)
        return
    before, now = target.lstat().st_mode, temporary.lstat().st_mode
    if S_ISREG(before) and S_ISREG(now) and not (before ^ now) & 0o100:
        temporary.chmod(S_IMODE(before))
    _sync(temporary)
    _keep(target, stage.backup(item.number))
    temporary.replace(target)


def _sync(path: Path) -> None:
    if not path.is_symlink():
        with path.open("rb") as handle:
            os.fsync(handle.fileno())


def _move_to_free_name(source: Path, target: Path, path: str) -> None:
    """Rename without ever covering a file that has come there meanwhile."""
    try:
        os.link(source, target, follow_symlinks=False)
    except FileExistsError as exc:
        raise Touched(path) from exc
    except OSError:  # a file system without hard links
        source.replace(target)
    source.unlink(missing_ok=True)


def _keep(target: Path, backup: Path) -> None:
    backup.unlink(missing_ok=True)
    _clone(target, backup)


def _clone(source: Path, target: Path) -> None:
    """The same file under a second name; a copy where there can be no second name."""
    target.unlink(missing_ok=True)
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:
        shutil.copy2(source, target, follow_symlinks=False)


def _forget(second_name: Path) -> None:
    """Take the second name away at once: done later, it would change the times git has noted."""
    second_name.unlink()


def _clear_way(target: Path) -> None:
    """Make the folder of `target`, and remove an empty folder that stands at its place."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.is_dir() and not target.is_symlink():
        target.rmdir()


def _drop_empty_parents(root: Path, target: Path) -> None:
    for parent in target.parents:
        if parent == root:
            return
        try:
            parent.rmdir()
        except OSError:
            return
