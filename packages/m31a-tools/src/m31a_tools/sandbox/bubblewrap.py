"""A confinement as arguments of bubblewrap (bwrap), with namespaces of every kind of its own."""

import os
import resource
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path

from m31a_tools.errors import ConfinementRefused
from m31a_tools.inherited import Inherited
from m31a_tools.sandbox.confinement import Confinement, Layout, settle
from m31a_tools.sandbox.launch import Launch, confined_environment
from m31a_tools.sandbox.seccomp import Sockets, seccomp_filter
from m31a_tools.sandbox.secret_places import hiding, home_folders

MAX_PROCESSES = 4096
"""Processes and threads of one command at a time, where it is not root's."""
_TEMP = Path("/tmp")  # noqa: S108 - the command's own, not the machine's
_TEMPS = (_TEMP, Path("/var/tmp"))  # noqa: S108
_SYSTEM = (
    *("--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc"),
    # The kernel lets user 0 write some of these without any capability, core_pattern among them.
    *(
        argument
        for name in ("sys", "fs", "acpi", "scsi", "driver", "mtrr")
        for argument in ("--ro-bind-try", f"/proc/{name}", f"/proc/{name}")
    ),
)
_ALONE = (
    *("--unshare-user", "--unshare-ipc", "--unshare-pid", "--unshare-uts", "--unshare-cgroup-try"),
    *("--cap-drop", "ALL", "--die-with-parent"),
)


class _Rank(IntEnum):
    """What wins at one and the same place: the later."""

    HIDDEN = 0
    SEEN = 1
    WRITABLE = 2
    MOUNT = 3
    PROTECTED = 4


@dataclass(slots=True)
class _Places:
    """What stands where; put up from the outside in, so that the innermost counts."""

    layout: Layout
    at: dict[Path, tuple[_Rank, tuple[str, ...]]] = field(default_factory=dict)
    closed: list[Path] = field(default_factory=list)
    """Places of their own file system, made read-only when all stands."""
    stand_ins: list[Path] = field(default_factory=list)

    def put(self, place: Path, rank: _Rank, arguments: tuple[str, ...]) -> None:
        if place not in self.at or self.at[place][0] <= rank:
            self.at[place] = (rank, arguments)

    def rank_around(self, place: Path) -> _Rank | None:
        """The rank of the innermost place around this one."""
        return next((self.at[each][0] for each in place.parents if each in self.at), None)

    def can_make(self, place: Path) -> bool:
        """Whether bwrap can make something there to mount over: in what is not read-only."""
        innermost = next((each for each in place.parents if each in self.at), None)
        if innermost is None:
            return False
        return self.at[innermost][0] is _Rank.HIDDEN or self.layout.changeable(innermost)

    def out_of_sight(self, folder: Path) -> bool:
        """Whether a command could not start in the folder."""
        innermost = next((each for each in (folder, *folder.parents) if each in self.at), None)
        if innermost is None or (innermost == folder and folder in _TEMPS):
            return False
        return self.at[innermost][0] is _Rank.HIDDEN

    def has(self, place: Path) -> bool:
        """Whether something stands there before anything is put up."""
        return os.path.lexists(self.layout.host(place.parent) / place.name)

    def arguments(self) -> list[str]:
        ordered = sorted(self.at.items(), key=lambda item: (len(item[0].parts), item[1][0]))
        return [
            *(argument for _, (_, arguments) in ordered for argument in arguments),
            *(argument for place in self.closed for argument in ("--remount-ro", str(place))),
        ]


def bubblewrap_launch(
    program: str,
    argv: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    confinement: Confinement,
) -> Launch:
    """The launch of `argv` under the bwrap at `program`. Raises ConfinementRefused."""
    homes = home_folders() if confinement.homes is None else confinement.homes
    places = _places(confinement, homes, cwd, _programs_in_temp(argv, env))
    settings = [
        *_ALONE,
        *(() if confinement.network else ("--unshare-net",)),
        *_SYSTEM,
        *places.arguments(),
        *("--chdir", str(cwd)),
        "--clearenv",
    ]
    for name, value in confined_environment(env, _TEMP).items():
        settings += ("--setenv", name, value)
    for setting in settings:
        if "\0" in setting:
            raise ConfinementRefused(Path(setting), "has a NUL character")
    data = b"".join(os.fsencode(setting) + b"\0" for setting in settings)
    rules = seccomp_filter(Sockets.ALL_USUAL)
    guard = () if rules is None else ("--seccomp", Inherited(rules))
    return Launch(
        argv=(program, *guard, "--args", Inherited(data), "--", *_counted(), *argv),
        # Nothing of the command's reaches bwrap itself: not its folder, not its LD_PRELOAD.
        cwd=Path("/"),
        env={"PATH": os.defpath},
        watcher=True,
        stand_ins=tuple(places.stand_ins),
    )


def _counted() -> tuple[str, ...]:
    """What keeps a normal user's command from filling the machine with processes.

    The kernel counts them for each user namespace, so the limit is this sandbox's own; it counts
    none of root's.
    """
    prlimit = shutil.which("prlimit", path=os.defpath)
    if os.geteuid() == 0 or prlimit is None:
        return ()
    _, most = resource.getrlimit(resource.RLIMIT_NPROC)
    limit = MAX_PROCESSES if most == resource.RLIM_INFINITY else min(MAX_PROCESSES, most)
    return (prlimit, f"--nproc={limit}:{limit}", "--")


def _programs_in_temp(argv: Sequence[str], env: Mapping[str, str]) -> tuple[Path, ...]:
    """Where programs lie below the machine's `/tmp`: a virtual environment made there, say.

    What a command is called by, or is found by on PATH, is to be seen like every other program,
    although the rest of `/tmp` is not; of `X/bin` that is all of X.
    """
    folders = [Path(each) for each in env.get("PATH", "").split(os.pathsep)]
    folders += [Path(word).parent for word in argv[:1]]
    roots = (
        each.parent if each.name in {"bin", "sbin"} else each
        for each in map(Path, map(os.path.normpath, folders))
    )
    return tuple(
        root
        for root in dict.fromkeys(roots)
        if any(temp in root.parents for temp in _TEMPS) and root.is_dir()
    )


def _places(
    confinement: Confinement, homes: Sequence[Path], cwd: Path, programs: Sequence[Path]
) -> _Places:
    """Everything in its place. Raises ConfinementRefused."""
    places = _Places(settle(confinement, homes, temp_at=_TEMPS))
    _give(places)
    _hide(places, confinement, homes)
    _show(places, programs)
    _protect(places)
    for mount in places.layout.mounts:
        if not places.has(mount.at) and not places.can_make(mount.at):
            raise ConfinementRefused(mount.at, "is not there to be mounted over")
    if places.out_of_sight(cwd):
        raise ConfinementRefused(cwd, "is out of the command's sight, so it cannot start there")
    return places


def _give(places: _Places) -> None:
    for path in places.layout.writable:
        places.put(path, _Rank.WRITABLE, ("--bind", str(path), str(path)))
    for mount in places.layout.mounts:
        how = "--bind" if mount.writable else "--ro-bind"
        places.put(mount.at, _Rank.MOUNT, (how, str(mount.source), str(mount.at)))


def _hide(places: _Places, confinement: Confinement, homes: Sequence[Path]) -> None:
    found = hiding(homes, confinement.hidden, network=confinement.network)
    # Outer places first: what lies in a hidden one is hidden with it.
    for place in sorted({*found.hidden, *found.seen}, key=lambda each: len(each.parts)):
        around = places.rank_around(place)
        if place in found.seen:
            if around is _Rank.HIDDEN:
                places.put(place, _Rank.SEEN, ("--ro-bind", str(place), str(place)))
        elif around is not _Rank.HIDDEN and places.has(place) and place not in places.at:
            places.put(place, _Rank.HIDDEN, ())
    for place in [each for each, (rank, _) in places.at.items() if rank is _Rank.HIDDEN]:
        places.at[place] = (_Rank.HIDDEN, _mask(places, place))


def _show(places: _Places, programs: Sequence[Path]) -> None:
    """Let programs be seen that only the command's own `/tmp` covers."""
    for root in programs:
        around = next((each for each in root.parents if each in places.at), None)
        if around in _TEMPS:
            places.put(root, _Rank.SEEN, ("--ro-bind", str(root), str(root)))


def _mask(places: _Places, place: Path) -> tuple[str, ...]:
    if place in _TEMPS:
        return ("--perms", "1777", "--tmpfs", str(place))
    if not places.layout.host(place).is_dir():
        # Devices cannot be opened through a bind: reading a hidden file is refused, not empty.
        return ("--ro-bind", "/dev/null", str(place))
    places.closed.append(place)
    # Never listed, but passed through: a program that looks for its settings finds none there,
    # where it would stop at a folder that is closed.
    return ("--perms", "0111", "--tmpfs", str(place))


def _protect(places: _Places) -> None:
    for place in places.layout.protected:
        top = places.layout.holding(place)
        if top is not None and places.layout.changeable(top):
            _hold(places, top, place)
    for place in tuple(places.at):
        _note_stand_ins(places, place)


def _hold(places: _Places, top: Path, place: Path) -> None:
    """Keep `place`, in the writable `top`, as it is."""
    here = top
    for name in place.relative_to(top).parts:
        here /= name
        if not places.has(here):
            # The first that is missing: there can be nothing below it then either.
            places.put(here, _Rank.PROTECTED, ("--tmpfs", str(here)))
            places.closed.append(here)
            return
        bind = "--ro-bind" if here == place else "--bind"
        # A folder in between could be renamed and made anew, were it no mount of its own.
        if here == place or here not in places.at:
            rank = _Rank.PROTECTED if here == place else _Rank.WRITABLE
            places.put(here, rank, (bind, str(places.layout.host(here)), str(here)))


def _note_stand_ins(places: _Places, place: Path) -> None:
    """bwrap makes what it mounts over; in a folder of this machine's that stays behind."""
    layout = places.layout
    for path in (place, *place.parents):
        if places.rank_around(path) in (_Rank.HIDDEN, None) or places.has(path):
            return
        host = layout.host(path.parent) / path.name
        own = layout.temp is not None and host.is_relative_to(layout.temp)
        if not own and host not in places.stand_ins:
            places.stand_ins.append(host)
