"""The last verdict about the sandbox, as long as nothing it depends on has changed."""

import os
import platform
import sys
import time
from pathlib import Path
from typing import TypeVar

import msgspec

from m31a_tools.__about__ import __version__
from m31a_tools.atomic import write_atomic

_T = TypeVar("_T")
_BRIEFLY_S = 600.0
_SWITCHES = (
    "sys/kernel/random/boot_id",
    "sys/user/max_user_namespaces",
    "sys/kernel/unprivileged_userns_clone",
    "sys/kernel/apparmor_restrict_unprivileged_userns",
)
"""Below /proc: which boot this is, and what may forbid namespaces."""
_OWN_LINES = ("CapEff:", "NoNewPrivs:", "Seccomp:")


class _Kept(msgspec.Struct, frozen=True, kw_only=True):
    key: tuple[str, ...]
    until_s: float | None
    """Seconds since 1970; None is for this boot."""
    verdict: msgspec.Raw


def recall(file: Path, program: str, verdict_type: type[_T]) -> _T | None:
    """The verdict in `file`, None when there is none that still holds."""
    try:
        kept = msgspec.json.decode(file.read_bytes(), type=_Kept)
        verdict = msgspec.json.decode(kept.verdict, type=verdict_type)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return None
    if kept.until_s is not None and not 0 <= kept.until_s - time.time() <= _BRIEFLY_S:
        return None
    return verdict if kept.key == _key(program) else None


def remember(file: Path, program: str, verdict: msgspec.Struct, *, lasting: bool) -> None:
    """Keep the verdict: for this boot, or briefly, as the user may just be mending things."""
    kept = _Kept(
        key=_key(program),
        until_s=None if lasting else time.time() + _BRIEFLY_S,
        verdict=msgspec.Raw(msgspec.json.encode(verdict)),
    )
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(file, msgspec.json.encode(kept), mode=0o600)
    except OSError:
        # Without it the next start takes a moment longer.
        return


def _key(program: str) -> tuple[str, ...]:
    """All that a verdict depends on, cheap to look up."""
    return (
        __version__,
        sys.executable,
        platform.machine(),
        str(os.geteuid()),
        os.environ.get("HOME", ""),
        program,
        _state(program),
        *(_line(f"/proc/{name}") for name in _SWITCHES),
        *(_link(f"/proc/self/ns/{name}") for name in ("mnt", "user", "net")),
        *_restrictions(),
    )


def _state(program: str) -> str:
    """Changes when the program is replaced."""
    try:
        status = Path(program).stat()
    except OSError:
        return ""
    return f"{status.st_dev}:{status.st_ino}:{status.st_size}:{status.st_mtime_ns}:{status.st_mode}"


def _line(name: str) -> str:
    try:
        return Path(name).read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def _link(name: str) -> str:
    try:
        return os.readlink(name)  # noqa: PTH115 - no file has this name
    except OSError:
        return ""


def _restrictions() -> tuple[str, ...]:
    """What this process itself may no longer do."""
    lines = _line("/proc/self/status").splitlines()
    return tuple(line for line in lines if line.startswith(_OWN_LINES))
