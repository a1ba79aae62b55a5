"""Seccomp filters: the system calls that no confined command may make.

The program is classic BPF over `struct seccomp_data` (nr, arch, instruction pointer, six
arguments of 64 bits), as linux/filter.h and linux/seccomp.h define it. Numbers of system calls
are those of asm/unistd_64.h and asm-generic/unistd.h.
"""

import platform
import struct
import sys
from dataclasses import dataclass
from enum import StrEnum


class Sockets(StrEnum):
    """Which kinds of socket a filter lets through; pairs of connected ones always pass."""

    NONE = "none"
    INTERNET = "internet"
    """Internet protocols, and the look at the machine's own addresses."""
    ALL_USUAL = "all_usual"
    """The same and local ones."""


@dataclass(frozen=True, slots=True)
class _Machine:
    audit_arch: int
    column: int
    foreign_from: int | None
    """From this number on, calls belong to another ABI of the same machine."""


_MACHINES = {
    "x86_64": _Machine(0xC000003E, 0, 0x40000000),
    "aarch64": _Machine(0xC00000B7, 1, None),
}

_REFUSED: dict[str, tuple[int | None, int | None]] = {
    # other processes
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "process_madvise": (440, 440),
    "kcmp": (312, 272),
    "pidfd_getfd": (438, 438),
    "perf_event_open": (298, 241),
    # keys of the user, held by the kernel
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    # what stands where
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "open_tree": (428, 428),
    "open_tree_attr": (467, 467),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    "setns": (308, 268),
    "open_by_handle_at": (304, 265),
    "fanotify_init": (300, 262),
    "quotactl": (179, 60),
    "quotactl_fd": (443, 443),
    "acct": (163, 89),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    # wide doors into the kernel
    "bpf": (321, 280),
    "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "iopl": (172, None),
    "ioperm": (173, None),
    "uselib": (134, None),
    "lookup_dcookie": (212, 18),
    "nfsservctl": (180, 42),
    # the machine
    "reboot": (169, 142),
    "sethostname": (170, 161),
    "setdomainname": (171, 162),
    "settimeofday": (164, 170),
    "clock_settime": (227, 112),
    "syslog": (103, 116),
    "vhangup": (153, 58),
}
_CLONE = (56, 220)
_CLONE3 = (435, 435)
_UNSHARE = (272, 97)
_IOCTL = (16, 29)
_SOCKET = (41, 198)
_PRLIMIT64 = (302, 261)

_NEW_NAMESPACES = 0x7E020000
_NEW_TIME_NAMESPACE = 0x80
"""Of unshare alone: in clone these bits are the signal."""
_TIOCSTI = 0x5412
_TIOCLINUX = 0x541C
_AF_UNIX, _AF_INET, _AF_INET6, _AF_NETLINK = 1, 2, 10, 16
_EPERM, _ENOSYS = 1, 38

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _KILL, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
_NUMBER, _ARCH, _ARGUMENTS = 0, 4, 16

_Instruction = tuple[int, int, int, int]


def seccomp_filter(sockets: Sockets, machine: str = "") -> bytes | None:
    """The filter as an array of `struct sock_filter`; None when the machine has no table here.

    A refused call fails with EPERM (`clone3` with ENOSYS, so that programs use `clone`, whose
    flags can be looked at); code of another ABI ends its process. `machine` is a name as uname
    gives it, by default this one's.
    """
    found = _MACHINES.get(machine or platform.machine())
    if found is None or (not machine and sys.byteorder != "little"):
        return None
    program = [*_prologue(found)]
    for numbers in _REFUSED.values():
        if (number := numbers[found.column]) is not None:
            program += [(_EQUAL, 0, 1, number), _refuse(_EPERM)]
    program += [(_EQUAL, 0, 1, _CLONE3[found.column]), _refuse(_ENOSYS)]
    program += _when(_CLONE[found.column], _any_bit(0, _NEW_NAMESPACES))
    program += _when(_UNSHARE[found.column], _any_bit(0, _NEW_NAMESPACES | _NEW_TIME_NAMESPACE))
    program += _when(_IOCTL[found.column], _equals(1, _TIOCSTI, _TIOCLINUX))
    # Limits of another process of the user's could end it; of one's own, the number may be 0.
    program += _when(_PRLIMIT64[found.column], _foreign_limits())
    program += _when(_SOCKET[found.column], _families(sockets))
    program.append((_RETURN, 0, 0, _ALLOW))
    return b"".join(struct.pack("<HBBI", *instruction) for instruction in program)


def _prologue(machine: _Machine) -> list[_Instruction]:
    """Leaves the number of the call loaded."""
    program = [
        (_LOAD, 0, 0, _ARCH),
        (_EQUAL, 1, 0, machine.audit_arch),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER),
    ]
    if machine.foreign_from is not None:
        program += [(_AT_LEAST, 0, 1, machine.foreign_from), _refuse(_EPERM)]
    return program


def _refuse(error: int) -> _Instruction:
    return (_RETURN, 0, 0, _ERRNO | error)


def _when(number: int, decide: list[_Instruction]) -> list[_Instruction]:
    """`decide`, which returns on every way, for one call; else past it."""
    return [(_EQUAL, 0, len(decide), number), *decide]


def _argument(place: int) -> _Instruction:
    # The low half: flags, families and requests are ints, and the kernel looks no further either.
    return (_LOAD, 0, 0, _ARGUMENTS + 8 * place)


def _any_bit(place: int, bits: int) -> list[_Instruction]:
    allow = (_RETURN, 0, 0, _ALLOW)
    return [_argument(place), (_ANY_BIT, 0, 1, bits), _refuse(_EPERM), allow]


def _equals(place: int, *values: int) -> list[_Instruction]:
    program = [_argument(place)]
    for value in values:
        program += [(_EQUAL, 0, 1, value), _refuse(_EPERM)]
    return [*program, (_RETURN, 0, 0, _ALLOW)]


def _foreign_limits() -> list[_Instruction]:
    """Reading limits is free: then the pointer to the new ones is null, in both its halves."""
    allow = (_RETURN, 0, 0, _ALLOW)
    return [
        _argument(0),
        (_EQUAL, 0, 1, 0),
        allow,
        _argument(2),
        (_EQUAL, 0, 3, 0),
        (_LOAD, 0, 0, _ARGUMENTS + 8 * 2 + 4),
        (_EQUAL, 0, 1, 0),
        allow,
        _refuse(_EPERM),
    ]


def _families(sockets: Sockets) -> list[_Instruction]:
    families: tuple[int, ...] = ()
    if sockets is not Sockets.NONE:
        families = (_AF_INET, _AF_INET6)
    if sockets is Sockets.ALL_USUAL:
        families = (*families, _AF_UNIX)
    allow = (_RETURN, 0, 0, _ALLOW)
    program = [_argument(0)]
    for family in families:
        program += [(_EQUAL, 0, 1, family), allow]
    if sockets is not Sockets.NONE:
        # Of the kernel's own protocols, routing (0) alone: programs list their addresses by it.
        program += [(_EQUAL, 0, 3, _AF_NETLINK), _argument(2), (_EQUAL, 0, 1, 0), allow]
    return [*program, _refuse(_EPERM)]
