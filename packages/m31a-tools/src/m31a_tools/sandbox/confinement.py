"""What a confined command may see and change, as plain values."""

import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from m31a_tools.errors import ConfinementRefused

PROTECTED = (".git", ".m31a")


@dataclass(frozen=True, slots=True)
class Mount:
    """The file or folder `source` seen at the path `at`, besides or instead of what stands there.

    Where nothing stands, `at` lies in a writable folder (an empty stand-in is left there, see
    `Launch.stand_ins`), below `/tmp` or below `/run`, which are the command's own.
    """

    source: Path
    at: Path
    writable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Confinement:
    """What one command may see and change; everything else is read-only, keys are out of sight.

    Paths are absolute. Where places lie in one another, the innermost counts, so a writable
    folder in a hidden one works, and a hidden one in a writable one.
    """

    writable: tuple[Path, ...] = ()
    """Files and folders that can be changed; each must exist."""
    mounts: tuple[Mount, ...] = ()
    protected: tuple[str, ...] = PROTECTED
    """Names that stay as they are, or missing, directly in every writable folder."""
    read_only: tuple[Path, ...] = ()
    """Further paths within writable folders that stay as they are, or missing."""
    hidden: tuple[Path, ...] = ()
    """Files and folders out of sight, besides the keys in the home folders."""
    homes: tuple[Path, ...] | None = None
    """Home folders whose keys are out of sight; None is the user's."""
    network: bool = False
    """Whether the machine's network is there; without it there is a loopback of one's own."""
    temp: Path | None = None
    """The folder for temporary files and caches; None is one in memory, gone with the command,
    and under Landlock none at all."""


@dataclass(frozen=True, slots=True)
class Layout:
    """A confinement whose paths are real and checked.

    A place is a path as the command sees it; `host` says what of this machine stands there.
    """

    writable: tuple[Path, ...]
    mounts: tuple[Mount, ...]
    protected: tuple[Path, ...]
    """Places that stay as they are, whether something stands there or not."""
    temp: Path | None

    def host(self, place: Path) -> Path:
        """The path outside of what is seen at `place`, links not followed."""
        for top in (place, *place.parents):
            for mount in self.mounts:
                if top == mount.at:
                    return mount.source / place.relative_to(top)
            if top in self.writable:
                break
        return place

    def changeable(self, place: Path) -> bool:
        """Whether what stands at `place` itself was given to be changed."""
        return place in self.writable or any(m.at == place and m.writable for m in self.mounts)

    def holding(self, place: Path) -> Path | None:
        """The innermost writable place or mount that `place` lies in, itself excluded."""
        places = {*self.writable, *(mount.at for mount in self.mounts)}
        return next((each for each in place.parents if each in places), None)


def settle(confinement: Confinement, homes: Iterable[Path], temp_at: Iterable[Path] = ()) -> Layout:
    """The layout of a confinement, with its temporary folder, if it has one, at `temp_at`.

    Raises ConfinementRefused, which names the path.
    """
    homes = tuple(homes)
    writable = tuple(_writable(path, homes) for path in confinement.writable)
    mounts = tuple(_mount(mount, homes) for mount in confinement.mounts)
    temp = None if confinement.temp is None else _writable(confinement.temp, homes)
    given = () if temp is None else tuple(Mount(temp, at, True) for at in temp_at)
    layout = Layout(writable=writable, mounts=(*mounts, *given), protected=(), temp=temp)
    folders = [*writable, *(mount.at for mount in mounts if mount.writable)]
    names = set(confinement.protected)
    protected = {
        folder / name
        for folder in folders
        # What is given from within a git folder is meant: a hook's index, say.
        if layout.host(folder).is_dir() and not set(folder.parts) & names
        for name in names
    }
    protected |= {_absolute(path) for path in confinement.read_only}
    # What a mount puts there is not what the folder holds, and is as writable as it was asked for.
    protected -= {mount.at for mount in mounts}
    for place in (*protected, *(mount.at for mount in mounts)):
        _refuse_links(place, layout)
    return replace(layout, protected=tuple(sorted(protected)))


def _absolute(path: Path) -> Path:
    if not path.is_absolute() or "\0" in str(path):
        raise ConfinementRefused(path, "is no absolute path")
    return Path(os.path.normpath(path))


def _existing(path: Path) -> Path:
    try:
        return _absolute(path).resolve(strict=True)
    except (OSError, RuntimeError) as exc:
        raise ConfinementRefused(path, "is not there or leads nowhere") from exc


def _writable(path: Path, homes: tuple[Path, ...]) -> Path:
    real = _existing(path)
    _refuse_home(real, path, homes)
    return real


def _mount(mount: Mount, homes: tuple[Path, ...]) -> Mount:
    source = _existing(mount.source)
    at = _absolute(mount.at)
    if mount.writable:
        _refuse_home(source, mount.source, homes)
    if at == Path("/"):
        raise ConfinementRefused(mount.at, "is the root folder, over which nothing is mounted")
    return Mount(source, at, mount.writable)


def _refuse_home(real: Path, path: Path, homes: tuple[Path, ...]) -> None:
    if any(home.is_relative_to(real) for home in (*homes, Path("/"))):
        raise ConfinementRefused(path, "holds a whole home folder, too much to be writable")


def _refuse_links(place: Path, layout: Layout) -> None:
    """A link where something is to be put would lead it elsewhere.

    Only what the innermost place brings can hold a planted one; what is above was looked at.
    """
    top = layout.holding(place)
    here = Path("/") if top is None else top
    for name in place.relative_to(here).parts:
        # What stands there before anything is mounted over it.
        if (layout.host(here) / name).is_symlink():
            raise ConfinementRefused(place, "leads through a symbolic link, which could be moved")
        here /= name
