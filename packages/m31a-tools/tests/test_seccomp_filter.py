"""What the kernel would answer to each system call under our filter: the program is run here."""

import errno
import struct

import pytest

from m31a_tools.sandbox.seccomp import Sockets, seccomp_filter

X86_64, AARCH64, I386 = 0xC000003E, 0xC00000B7, 0x40000003
ALLOW, KILL = "allow", "kill"


def filtered(program: bytes, arch: int, number: int, *arguments: int) -> str:
    """What the kernel would answer: `allow`, `kill` or the name of the error."""
    data = struct.pack("<IIQ6Q", number, arch, 0, *arguments, *(0,) * (6 - len(arguments)))
    at = accumulator = 0
    while True:
        code, if_true, if_false, value = struct.unpack_from("<HBBI", program, 8 * at)
        at += 1
        match code:
            case 0x20:
                accumulator = struct.unpack_from("<I", data, value)[0]
            case 0x15:
                at += if_true if accumulator == value else if_false
            case 0x35:
                at += if_true if accumulator >= value else if_false
            case 0x45:
                at += if_true if accumulator & value else if_false
            case 0x06 if value == 0x7FFF0000:
                return ALLOW
            case 0x06 if value == 0x80000000:
                return KILL
            case 0x06 if value >> 16 == 5:
                return errno.errorcode[value & 0xFFFF]
            case _:
                raise AssertionError(f"instruction {at} means nothing to the kernel")


MACHINES = pytest.mark.parametrize(("machine", "arch"), [("x86_64", X86_64), ("aarch64", AARCH64)])
# name: number on x86_64, on aarch64 (asm/unistd_64.h, asm-generic/unistd.h), arguments, answer
CALLS: dict[str, tuple[int, int, tuple[int, ...], str]] = {
    "read": (0, 63, (), ALLOW),
    "execve": (59, 221, (), ALLOW),
    "ptrace": (101, 117, (), "EPERM"),
    "process_vm_writev": (311, 271, (), "EPERM"),
    "keyctl": (250, 219, (), "EPERM"),
    "bpf": (321, 280, (), "EPERM"),
    "mount": (165, 40, (), "EPERM"),
    "pivot_root": (155, 41, (), "EPERM"),
    "setns": (308, 268, (), "EPERM"),
    "open_by_handle_at": (304, 265, (), "EPERM"),
    "userfaultfd": (323, 282, (), "EPERM"),
    "perf_event_open": (298, 241, (), "EPERM"),
    "io_uring_setup": (425, 425, (), "EPERM"),
    "finit_module": (313, 273, (), "EPERM"),
    "kexec_load": (246, 104, (), "EPERM"),
    "reboot": (169, 142, (), "EPERM"),
    "clone3": (435, 435, (), "ENOSYS"),
    "clone, a thread": (56, 220, (0x3D0F00,), ALLOW),
    "clone, a process": (56, 220, (0x1200011,), ALLOW),
    "clone, a user namespace": (56, 220, (0x10000011,), "EPERM"),
    "clone, high bits": (56, 220, (0xFFFFFFFF00000011,), ALLOW),
    "unshare, files": (272, 97, (0x400,), ALLOW),
    "unshare, a time namespace": (272, 97, (0x80,), "EPERM"),
    "unshare, a mount namespace": (272, 97, (0x20000,), "EPERM"),
    "ioctl, window size": (16, 29, (0, 0x5413), ALLOW),
    "ioctl, TIOCSTI": (16, 29, (0, 0x5412), "EPERM"),
    "ioctl, TIOCSTI in disguise": (16, 29, (0, 0xFF00000000005412), "EPERM"),
    "ioctl, TIOCLINUX": (16, 29, (0, 0x541C), "EPERM"),
    "prlimit64, own": (302, 261, (0, 7, 0x1000), ALLOW),
    "prlimit64, a look": (302, 261, (9, 7, 0), ALLOW),
    "prlimit64, another's": (302, 261, (9, 7, 0x1000), "EPERM"),
    "prlimit64, another's, far up": (302, 261, (9, 7, 0x7F0000000000), "EPERM"),
}


@MACHINES
@pytest.mark.parametrize("name", CALLS)
def test_a_filter_refuses_what_it_should_on_either_machine(
    machine: str, arch: int, name: str
) -> None:
    *numbers, arguments, answer = CALLS[name]
    program = seccomp_filter(Sockets.ALL_USUAL, machine)
    assert program is not None

    number = numbers[machine == "aarch64"]
    assert isinstance(number, int)
    assert filtered(program, arch, number, *arguments) == answer


@MACHINES
@pytest.mark.parametrize(
    ("sockets", "allowed"),
    [
        (Sockets.NONE, set()),
        (Sockets.INTERNET, {"inet", "inet6", "routes"}),
        (Sockets.ALL_USUAL, {"unix", "inet", "inet6", "routes"}),
    ],
)
def test_a_filter_lets_the_named_kinds_of_socket_through(
    machine: str, arch: int, sockets: Sockets, allowed: set[str]
) -> None:
    program = seccomp_filter(sockets, machine)
    assert program is not None
    kinds = {
        "unix": (1, 1, 0),
        "inet": (2, 1, 0),
        "inet6": (10, 2, 0),
        "routes": (16, 3, 0),
        "firewall": (16, 3, 12),
        "packet": (17, 3, 0),
        "crypto": (38, 5, 0),
        "vsock": (40, 1, 0),
    }
    number = 198 if machine == "aarch64" else 41

    through = {
        kind for kind, call in kinds.items() if filtered(program, arch, number, *call) == ALLOW
    }

    assert through == allowed


def test_code_of_another_kind_of_machine_is_ended() -> None:
    program = seccomp_filter(Sockets.ALL_USUAL, "x86_64")
    assert program is not None

    assert filtered(program, I386, 26) == KILL
    assert filtered(program, AARCH64, 101) == KILL
    assert filtered(program, X86_64, 0x40000000) == "EPERM"


def test_a_machine_without_a_table_has_no_filter() -> None:
    assert seccomp_filter(Sockets.NONE, "riscv64") is None
