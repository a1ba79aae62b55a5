"""Tries, from within a sandbox, what a command must not be able to do.

It is started from its source text by `python -I -S -c`, so it uses the standard library alone and
nothing of this package. Argument: what to try it on, in JSON, see `Ground`. Output: a line of JSON
that says of each thing whether it got through. Whatever it does is harmless where it succeeds.
"""

import contextlib
import ctypes
import json
import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

NEW_USER_NAMESPACE = 0x10000000
SEIZE, DETACH = 0x4206, 17

libc = ctypes.CDLL(None, use_errno=True)


def main(ground: dict[str, Any]) -> None:
    """Try everything and report."""
    tries: dict[str, Callable[[dict[str, Any]], bool]] = {
        "metadata": metadata,
        "writes": writes,
        "protected": protected,
        "secrets": secrets,
        "network": network,
        "services": services,
        "signals": signals,
        "processes": seen,
        "tracing": tracing,
        "kernel": kernel,
    }
    report = {name: attempt(ground) for name, attempt in tries.items()}
    report["works"] = works(ground)
    report["shows"] = Path(ground["place"], "other").exists()
    sys.stdout.write(json.dumps(report) + "\n")


def succeeds(attempt: Callable[[], object]) -> bool:
    """Whether it can be done."""
    try:
        attempt()
    except OSError:
        return False
    return True


def works(ground: dict[str, Any]) -> bool:
    """Whether the command can do what it is for."""
    Path(ground["work"], "sub").mkdir()
    Path(ground["work"], "sub", "own").write_text("x", encoding="ascii")
    Path(ground["work"], "sub", "own").chmod(0o700)
    Path(os.environ["TMPDIR"], "own").write_text("x", encoding="ascii")
    return True


def writes(ground: dict[str, Any]) -> bool:
    """Change what lies outside, straight and by links."""
    kept, work = Path(ground["kept"]), Path(ground["work"])
    soft, hard = work / "soft", work / "hard"
    with contextlib.suppress(OSError):
        soft.symlink_to(kept)
    return any(
        (
            succeeds(lambda: os.link(kept, hard)),
            succeeds(lambda: kept.with_name("new").write_bytes(b"")),
            succeeds(lambda: kept.open("ab").close()),
            succeeds(lambda: soft.open("ab").close()),
            succeeds(lambda: os.truncate(kept, 4)),
            succeeds(lambda: kept.rename(kept.with_name("moved"))),
            succeeds(lambda: kept.rename(work / "moved")),
            succeeds(kept.unlink),
        )
    )


def metadata(ground: dict[str, Any]) -> bool:
    """Change what is known about a file outside."""
    kept = Path(ground["kept"])
    return succeeds(lambda: os.utime(kept, (1, 1))) or succeeds(lambda: kept.chmod(0o600))


def protected(ground: dict[str, Any]) -> bool:
    """Make what is missing in the writable folder, and is to be missing."""
    work = Path(ground["work"])
    return (
        succeeds((work / ".git" / "hooks").mkdir)
        or succeeds((work / ".git").mkdir)
        or succeeds(lambda: (work / ".git").write_bytes(b"gitdir: elsewhere"))
        or succeeds((work / ".m31a" / "new").mkdir)
        or succeeds((work / ".m31a").mkdir)
    )


def secrets(ground: dict[str, Any]) -> bool:
    """Read a key."""
    key = Path(ground["key"])
    return succeeds(key.read_bytes) or succeeds(lambda: list(os.scandir(key.parent)))


def network(ground: dict[str, Any]) -> bool:
    """Reach a server of the machine's."""
    return reaches(socket.AF_INET, ("127.0.0.1", ground["port"]))


def services(ground: dict[str, Any]) -> bool:
    """Reach a service by a socket with a path, and by one with only a name."""
    return reaches(socket.AF_UNIX, ground["service"]) or (
        reaches(socket.AF_UNIX, "\0" + ground["name"])
    )


def reaches(family: int, address: object) -> bool:
    """Whether a connection can be made."""
    try:
        with socket.socket(family, socket.SOCK_STREAM) as client:
            client.settimeout(2)
            client.connect(address)  # type: ignore[arg-type]
    except OSError:
        return False
    return True


def seen(ground: dict[str, Any]) -> bool:
    """Whether the process that started all this is there, and not another of its number."""
    try:
        status = Path("/proc", str(ground["pid"]), "stat").read_bytes()
    except OSError:
        return False
    return bool(status.rpartition(b")")[2].split()[19] == ground["started"].encode("ascii"))


def signals(ground: dict[str, Any]) -> bool:
    """Signal it; signal 0 is harmless."""
    return succeeds(lambda: os.kill(ground["pid"], 0)) and seen(ground)


def tracing(ground: dict[str, Any]) -> bool:
    """Trace it, or read its environment."""
    if not seen(ground):
        return False
    if libc.ptrace(SEIZE, ground["pid"], None, None) == 0:
        libc.ptrace(DETACH, ground["pid"], None, None)
        return True
    return succeeds(Path("/proc", str(ground["pid"]), "environ").read_bytes)


def kernel(ground: dict[str, Any]) -> bool:  # noqa: ARG001 - as the others
    """Make a namespace in which it would be root."""
    return int(libc.unshare(NEW_USER_NAMESPACE)) == 0


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
