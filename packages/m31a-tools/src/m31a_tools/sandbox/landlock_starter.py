"""Gives itself a Landlock domain and a seccomp filter, then becomes the command.

It is started from its source text by `python -I -S -c`, so it uses the standard library alone and
nothing of this package. Argument: the number of a descriptor with the order in JSON, see
`LandlockOrder`. Exit code 125: it could not confine, and ran nothing.
"""

import base64
import ctypes
import json
import os
import signal
import stat
import struct
import sys
from typing import Any, NoReturn

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
BENEATH = 1
FILE_RIGHTS = 0b1100_0000_0000_0111
"""Of all rights, those that a file which is no folder can have."""
SET_PDEATHSIG, SET_SECCOMP, DROP_BOUND, SET_NO_NEW_PRIVS = 1, 22, 24, 38
CAPABILITY_VERSION = 0x20080522
FILTER_MODE = 2
BROKEN = "m31a-sandbox: "
MARK = "M31A_CALL"

libc = ctypes.CDLL(None, use_errno=True)


def main(descriptor: int) -> NoReturn:
    """Confine this process and become the command."""
    with os.fdopen(descriptor, "rb") as file:
        order = json.load(file)
    try:
        die_with(order["parent"])
        checked(libc.prctl(SET_NO_NEW_PRIVS, 1, 0, 0, 0))
        drop_capabilities()
        restrict(order)
        filter_calls(base64.b64decode(order["filter"]))
    except OSError as exc:
        fail(f"the command could not be confined, so it was not run: {exc.strerror}")
    env = order["env"]
    if MARK in os.environ:
        env[MARK] = os.environ[MARK]
    argv = order["argv"]
    # Python ignores these, and what is ignored stays so in the command.
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    try:
        os.execvpe(argv[0], argv, env)  # noqa: S606 - that is what it is for
    except OSError as exc:
        fail(f"{argv[0]} could not be started: {exc.strerror}")


def fail(reason: str) -> NoReturn:
    """Say why nothing runs."""
    os.write(2, f"{BROKEN}{reason}\n".encode("utf-8", "replace"))
    os._exit(125)


def checked(result: int) -> int:
    """The result of a system call. Raises OSError when it is negative."""
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def die_with(parent: int) -> None:
    """End when the one who started this ends, even if that has happened already."""
    checked(libc.prctl(SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0))
    if os.getppid() != parent:
        os._exit(128 + signal.SIGKILL)


def drop_capabilities() -> None:
    """Give up what root may do beyond its own files: with it, /proc shows other environments."""
    capability = 0
    # Fails past the last one, and at once for who has none to give up.
    while libc.prctl(DROP_BOUND, capability, 0, 0, 0) == 0:
        capability += 1
    head = struct.pack("=Ii", CAPABILITY_VERSION, 0)
    checked(libc.capset(head, bytes(24)))


def restrict(order: dict[str, Any]) -> None:
    """Enter a Landlock domain with the rules of the order."""
    # Older kernels accept a longer structure as long as what they do not know is zero.
    attributes = struct.pack("=QQQ", order["handled"], order["handled_network"], order["scoped"])
    size = ctypes.c_size_t(len(attributes))
    ruleset = checked(libc.syscall(CREATE_RULESET, attributes, size, 0))
    for path, rights in order["rules"]:
        try:
            place = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except OSError:
            # Gone since it was listed; what has no rule is refused.
            continue
        if not stat.S_ISDIR(os.fstat(place).st_mode):
            rights &= FILE_RIGHTS
        rule = struct.pack("=Qi", rights, place)
        checked(libc.syscall(ADD_RULE, ruleset, BENEATH, rule, 0))
        os.close(place)
    checked(libc.syscall(RESTRICT_SELF, ruleset, 0))
    os.close(ruleset)


def filter_calls(program: bytes) -> None:
    """Load the seccomp filter."""
    instructions = ctypes.create_string_buffer(program, len(program))
    # struct sock_fprog: the number of instructions, padded, and where they stand.
    head = struct.pack("@HP", len(program) // 8, ctypes.addressof(instructions))
    checked(libc.prctl(SET_SECCOMP, FILTER_MODE, head, 0, 0))


if __name__ == "__main__":
    main(int(sys.argv[1]))
