"""A confinement as Landlock rules: for machines on which no namespaces can be made.

Landlock only ever allows: what is to be out of sight is left out when everything around it is
listed. It knows no mounts, so a path shows what stands there, and no exceptions, so names within
a writable folder cannot be protected. Constants are those of linux/landlock.h.
"""

import base64
import ctypes
import os
import sys
from collections.abc import Iterator, Mapping, Sequence, Set
from enum import IntFlag
from importlib.resources import files
from pathlib import Path

import msgspec

from m31a_tools.errors import ConfinementRefused
from m31a_tools.inherited import Inherited
from m31a_tools.sandbox.confinement import Confinement, Layout, settle
from m31a_tools.sandbox.launch import Launch, confined_environment
from m31a_tools.sandbox.seccomp import Sockets, seccomp_filter
from m31a_tools.sandbox.secret_places import hiding, home_folders

OLDEST_ABI = 3
"""Before it, files outside could be cut short."""
SIGNALS_ABI = 6
_NETWORK_ABI = 4
_DEVICES_ABI = 5
_CREATE_RULESET = 444
_VERSION = 1

_DEVICES = ("null", "zero", "full", "random", "urandom", "tty")


class Right(IntFlag):
    """LANDLOCK_ACCESS_FS_*: what a rule allows beneath a place."""

    EXECUTE = 1 << 0
    WRITE_FILE = 1 << 1
    READ_FILE = 1 << 2
    READ_DIR = 1 << 3
    REMOVE_DIR = 1 << 4
    REMOVE_FILE = 1 << 5
    MAKE_CHAR = 1 << 6
    MAKE_DIR = 1 << 7
    MAKE_REG = 1 << 8
    MAKE_SOCK = 1 << 9
    MAKE_FIFO = 1 << 10
    MAKE_BLOCK = 1 << 11
    MAKE_SYM = 1 << 12
    REFER = 1 << 13
    TRUNCATE = 1 << 14
    IOCTL_DEV = 1 << 15


_READ = Right.EXECUTE | Right.READ_FILE | Right.READ_DIR
_FILE = Right.EXECUTE | Right.WRITE_FILE | Right.READ_FILE | Right.TRUNCATE | Right.IOCTL_DEV
_ALL = Right((1 << 16) - 1)
_WRITE = _ALL & ~(Right.MAKE_CHAR | Right.MAKE_BLOCK | Right.IOCTL_DEV)


class LandlockOrder(msgspec.Struct, frozen=True, kw_only=True):
    """What the starter is to do; it reads this as JSON."""

    handled: int
    handled_network: int
    scoped: int
    rules: tuple[tuple[str, int], ...]
    """A path and what is allowed beneath it; paths that are gone are passed over."""
    filter: str
    """The seccomp filter in base64."""
    argv: tuple[str, ...]
    env: dict[str, str]
    parent: int
    """The process id of the one who starts it: the command dies with it."""


def landlock_abi() -> int:
    """The version of Landlock that this kernel has, 0 when it has none or it is switched off."""
    if not sys.platform.startswith("linux"):
        return 0
    libc = ctypes.CDLL(None, use_errno=True)
    return max(0, int(libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), _VERSION)))


def landlock_launch(
    abi: int,
    argv: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    confinement: Confinement,
) -> Launch:
    """The launch of `argv` under Landlock of version `abi`. Raises ConfinementRefused."""
    rules = seccomp_filter(Sockets.INTERNET if confinement.network else Sockets.NONE)
    if rules is None:
        raise ConfinementRefused(cwd, "is on a machine whose system calls are not known here")
    homes = home_folders() if confinement.homes is None else confinement.homes
    handled = _handled(abi)
    order = LandlockOrder(
        handled=handled,
        handled_network=3 if abi >= _NETWORK_ABI and not confinement.network else 0,
        scoped=3 if abi >= SIGNALS_ABI else 0,
        rules=tuple((str(path), right & handled) for path, right in _rules(confinement, homes)),
        filter=base64.b64encode(rules).decode("ascii"),
        argv=tuple(argv),
        env=_environment(env, confinement.temp),
        parent=os.getpid(),
    )
    source = files("m31a_tools.sandbox").joinpath("landlock_starter.py").read_text("utf-8")
    return Launch(
        argv=(sys.executable, "-I", "-S", "-c", source, Inherited(msgspec.json.encode(order))),
        cwd=cwd,
        env={"PATH": os.defpath},
        watcher=False,
    )


def _handled(abi: int) -> Right:
    missing = Right(0)
    if abi < _DEVICES_ABI:
        missing |= Right.IOCTL_DEV
    return _ALL & ~missing


def _environment(env: Mapping[str, str], temp: Path | None) -> dict[str, str]:
    # Without a folder of its own the command has no place for temporary files: said by the name.
    return confined_environment(env, Path("/nonexistent") if temp is None else temp)


def _rules(confinement: Confinement, homes: Sequence[Path]) -> Iterator[tuple[Path, Right]]:
    layout = settle(confinement, homes)
    given = [*layout.writable, *(m.at for m in layout.mounts if m.writable)]
    found = hiding(homes, confinement.hidden, network=confinement.network)
    _refuse_the_impossible(layout, confinement, given)
    above = {folder for place in found.hidden for folder in place.parents}
    for path in _around(Path("/"), {*found.hidden, Path("/dev")}, {*above, Path("/")}):
        yield path, _READ
    for place in (*sorted(found.seen), *(m.at for m in layout.mounts if not m.writable)):
        for path in _around(place, found.hidden, above):
            yield path, _READ
    device = Right.READ_FILE | Right.WRITE_FILE | Right.TRUNCATE | Right.IOCTL_DEV
    yield from ((Path("/dev", name), device) for name in _DEVICES)
    for place in (*given, *(() if layout.temp is None else (layout.temp,))):
        yield place, _WRITE


def _refuse_the_impossible(layout: Layout, confinement: Confinement, given: Sequence[Path]) -> None:
    for mount in layout.mounts:
        if mount.source != mount.at:
            raise ConfinementRefused(
                mount.at, f"cannot show {mount.source}: Landlock, the sandbox here, has no mounts"
            )
    for hidden in confinement.hidden:
        real = Path(os.path.realpath(hidden))
        if real.exists() and any(place in real.parents for place in given):
            raise ConfinementRefused(
                hidden, "lies in a writable folder: Landlock, the sandbox here, cannot hide it"
            )


def _around(folder: Path, hidden: Set[Path], above: Set[Path]) -> Iterator[Path]:
    """The largest places from `folder` on that together hold all but what is hidden within.

    `above`: all the folders that something hidden lies in.
    """
    if folder not in above:
        yield folder
        return
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        return
    for entry in entries:
        path = folder / entry.name
        # What a link leads to is seen if its own place is.
        if path not in hidden and not entry.is_symlink():
            yield from _around(path, hidden, above)
