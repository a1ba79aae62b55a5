"""Does, from within a sandbox, what a command must not be able to do; started as source text.

Argument: a JSON object of places. Output: a JSON object from the name of each action to what came
of it: "done", or why not.
"""

import ctypes
import fcntl
import json
import os
import platform
import signal
import socket
import stat
import sys
from collections.abc import Callable
from pathlib import Path

P = json.loads(sys.argv[1])
WORK, BARE, REPO = Path(P["work"]), Path(P["bare"]), Path(P["repo"])
OUTSIDE, HOME, KEPT = Path(P["outside"]), Path(P["home"]), Path(P["outside"], "kept")
VICTIM = int(P["victim"])
ARM = platform.machine() == "aarch64"
libc = ctypes.CDLL(None, use_errno=True)


class NotSeen(Exception):
    """The victim is not there to be attacked."""


def call(name: str, *args: object) -> None:
    checked(getattr(libc, name)(*args))


def number(x86: int, arm: int, *args: object) -> None:
    checked(libc.syscall(arm if ARM else x86, *args))


def checked(result: int) -> None:
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def victim() -> int:
    line = Path("/proc", str(VICTIM), "cmdline").read_bytes()
    if P["token"].encode() not in line:
        raise NotSeen
    return VICTIM


def connect(family: int, address: object, kind: int = socket.SOCK_STREAM) -> None:
    with socket.socket(family, kind) as client:
        client.settimeout(2)
        client.connect(address)  # type: ignore[arg-type]
        client.send(b"hello")
        # That nobody was there to hear it is told by the second.
        client.send(b"hello")


def through_link(name: str, target: Path) -> Path:
    link = WORK / name
    link.symlink_to(target)
    return link


def write_hidden() -> None:
    """Make a file that nobody would find again where the keys are."""
    (HOME / ".ssh").chmod(0o700)
    (HOME / ".ssh" / "new").write_bytes(b"x")


def rename_onto(path: Path) -> None:
    other = path.parent / "made"
    other.mkdir(exist_ok=True)
    other.rename(path)


def made(path: Path) -> None:
    """Succeeds when the path can be made by any means."""
    ways: list[Callable[[], object]] = [
        path.mkdir,
        lambda: path.write_bytes(b"gitdir: /elsewhere"),
        lambda: path.symlink_to(OUTSIDE),
        lambda: rename_onto(path),
        lambda: os.link(WORK / "file", path),
        lambda: (path / "hooks").mkdir(),
    ]
    last: OSError | None = None
    for way in ways:
        try:
            way()
        except OSError as exc:
            last = exc
        else:
            return
    if last is not None:
        raise last


def tiocsti() -> None:
    _, slave = os.openpty()
    fcntl.ioctl(slave, 0x5412, b"x")


def write_memory() -> None:
    with Path("/proc", str(victim()), "mem").open("r+b", buffering=0):
        pass


def read_memory() -> None:
    buffer = ctypes.create_string_buffer(8)
    vector = (ctypes.c_void_p * 2)(ctypes.addressof(buffer), 8)
    call("process_vm_readv", victim(), vector, 1, vector, 1, 0)


def new_privileges() -> None:
    if libc.prctl(39, 0, 0, 0, 0) == 1:
        raise PermissionError(1, "no new privileges")


def steal_descriptor() -> None:
    handle = os.pidfd_open(victim())
    number(438, 438, handle, 0, 0)


def swap_folder() -> None:
    """Put another folder where a protected path lies further down."""
    (REPO / "deep").rename(REPO / "moved")
    (REPO / "deep").mkdir()
    (REPO / "deep" / "fixed").write_bytes(b"other")


ACTIONS: dict[str, Callable[[], object]] = {
    # files outside
    "write outside": lambda: (OUTSIDE / "new").write_bytes(b"x"),
    "append outside": lambda: KEPT.open("ab").write(b"x"),
    "truncate outside": lambda: os.truncate(KEPT, 1),
    "make a folder outside": lambda: (OUTSIDE / "folder").mkdir(),
    "rename outside": lambda: KEPT.rename(OUTSIDE / "renamed"),
    "rename into the work tree": lambda: KEPT.rename(WORK / "renamed"),
    "rename out of the work tree": lambda: (WORK / "file").rename(OUTSIDE / "file"),
    "hard link to outside": lambda: os.link(KEPT, WORK / "hard"),
    "write through a link": lambda: through_link("soft", KEPT).write_bytes(b"x"),
    "write through a linked folder": lambda: (through_link("far", OUTSIDE) / "y").write_bytes(b"x"),
    "write through /proc": lambda: Path(f"/proc/self/root{OUTSIDE}/z").write_bytes(b"x"),
    "write through ..": lambda: (WORK / ".." / "outside" / "w").write_bytes(b"x"),
    "write to /etc": lambda: Path("/etc/m31a-test").write_bytes(b"x"),
    "write to the home": lambda: (HOME / "new").write_bytes(b"x"),
    "write a start-up file": lambda: (HOME / ".bashrc").write_bytes(b"x"),
    "write in a hidden folder": write_hidden,
    "write to a toolchain": lambda: (HOME / ".cargo" / "bin" / "tool").write_bytes(b"x"),
    "remove outside": lambda: KEPT.unlink(),
    "change a mode outside": lambda: KEPT.chmod(0o777),
    "change times outside": lambda: os.utime(KEPT, (1, 1)),
    "change attributes outside": lambda: os.setxattr(KEPT, "user.m31a", b"x"),
    "make a device": lambda: os.mknod(WORK / "device", stat.S_IFBLK | 0o600, os.makedev(8, 0)),
    "open a disk": lambda: os.open(P["disk"], os.O_RDONLY),
    "write a kernel setting": lambda: Path("/proc/sys/kernel/hostname").write_text("x"),
    "open sysrq": lambda: os.open("/proc/sysrq-trigger", os.O_WRONLY),
    # git and our own folder
    "make .git": lambda: made(BARE / ".git"),
    "make .m31a": lambda: made(BARE / ".m31a"),
    "write a hook": lambda: (REPO / ".git" / "hooks" / "pre-commit").write_bytes(b"x"),
    "write git's settings": lambda: (REPO / ".git" / "config").open("ab").write(b"x"),
    "rename the .git folder": lambda: (REPO / ".git").rename(REPO / "git"),
    "write a .git file": lambda: (WORK / ".git").write_bytes(b"gitdir: /elsewhere"),
    "remove a .git file": lambda: (WORK / ".git").unlink(),
    "rename onto a .git file": lambda: (WORK / "file").rename(WORK / ".git"),
    "write a read-only path": lambda: (REPO / "deep" / "fixed").write_bytes(b"x"),
    "swap a folder above a read-only path": swap_folder,
    # keys
    **{
        f"read {name}": (lambda name=name: (HOME / name).read_bytes())  # type: ignore[misc]
        for name in P["keys"]
    },
    "list .ssh": lambda: list(os.scandir(HOME / ".ssh")),
    "read a key through a link": lambda: through_link("key", HOME / ".ssh/id").read_bytes(),
    "read a key through /proc": lambda: Path(f"/proc/self/root{HOME}/.ssh/id").read_bytes(),
    "read the machine's passwords": lambda: Path("/etc/shadow").read_bytes(),
    "read another's temporary file": lambda: Path(P["stray"]).read_bytes(),
    # network and services
    "connect by TCP": lambda: connect(socket.AF_INET, ("127.0.0.1", P["tcp"])),
    "send by UDP": lambda: connect(socket.AF_INET, ("127.0.0.1", P["udp"]), socket.SOCK_DGRAM),
    "connect to a named socket": lambda: connect(socket.AF_UNIX, "\0" + P["abstract"]),
    "connect to a service in the home": lambda: connect(socket.AF_UNIX, f"{HOME}/.bus"),
    "connect to a service in /run": lambda: connect(socket.AF_UNIX, P["run"]),
    "open a packet socket": lambda: socket.socket(17, socket.SOCK_RAW),
    "open a vsock": lambda: socket.socket(40, socket.SOCK_STREAM),
    "open a crypto socket": lambda: socket.socket(38, socket.SOCK_SEQPACKET),
    "open an audit socket": lambda: socket.socket(16, socket.SOCK_RAW, 9),
    # other processes
    "see a process": victim,
    "read its environment": lambda: Path("/proc", str(victim()), "environ").read_bytes(),
    "stop it": lambda: os.kill(victim(), signal.SIGTERM),
    "stop it by a descriptor": lambda: signal.pidfd_send_signal(
        os.pidfd_open(victim()), signal.SIGTERM
    ),
    "trace it": lambda: call("ptrace", 0x4206, victim(), None, None),
    "read its memory": read_memory,
    "write its memory": write_memory,
    "take its descriptors": steal_descriptor,
    "limit it": lambda: call("prlimit", victim(), 7, (ctypes.c_ulong * 2)(0, 0), None),
    # the kernel
    "make a user namespace": lambda: call("unshare", 0x10000000),
    "clone into a namespace": lambda: number(56, 220, 0x10000000 | 17, 0, 0, 0, 0),
    "enter a namespace": lambda: call("setns", os.open("/proc/self/ns/net", os.O_RDONLY), 0),
    "mount": lambda: call("mount", b"none", os.fsencode(WORK), b"tmpfs", 0, None),
    "make / writable": lambda: call("mount", b"none", b"/", None, 0x1020, None),
    "unmount": lambda: call("umount2", b"/proc", 2),
    "change the root": lambda: call("chroot", os.fsencode(WORK)),
    "load a filter of bpf": lambda: number(321, 280, 5, None, 0),
    "make an io_uring": lambda: number(425, 425, 1, ctypes.create_string_buffer(120)),
    "use the keyring": lambda: number(250, 219, 0, -3, 0),
    "add a key": lambda: number(248, 217, b"user", b"m31a", b"x", 1, -3),
    "watch performance": lambda: number(298, 241, ctypes.create_string_buffer(128), 0, -1, -1, 0),
    "handle page faults": lambda: number(323, 282, 1),
    "load a module": lambda: number(175, 105, None, 0, b""),
    "type into a terminal": tiocsti,
    "gain privileges": new_privileges,
}


def main() -> None:
    report = {}
    for name, action in ACTIONS.items():
        try:
            action()
        except NotSeen:
            report[name] = "another process has its number"
        except OSError as exc:
            report[name] = exc.strerror or type(exc).__name__
        else:
            report[name] = "done"
    sys.stdout.write(json.dumps(report))


if __name__ == "__main__":
    main()
