"""A confinement as a profile of macOS's sandbox-exec.

Written from Apple's reference of the profile language and the profiles in /System/Library/Sandbox;
never run by us, and so never chosen unless asked for.
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from m31a_tools.errors import ConfinementRefused
from m31a_tools.sandbox.confinement import Confinement, Layout, settle
from m31a_tools.sandbox.launch import Launch, confined_environment
from m31a_tools.sandbox.secret_places import hiding, home_folders

SANDBOX_EXEC = Path("/usr/bin/sandbox-exec")
_DEVICES = ("/dev/null", "/dev/zero", "/dev/dtracehelper", "/dev/tty")


def seatbelt_launch(
    argv: Sequence[str], *, cwd: Path, env: Mapping[str, str], confinement: Confinement
) -> Launch:
    """The launch of `argv` under sandbox-exec. Raises ConfinementRefused."""
    homes = home_folders() if confinement.homes is None else confinement.homes
    layout = settle(confinement, homes)
    for mount in layout.mounts:
        if mount.source != mount.at:
            raise ConfinementRefused(mount.at, "cannot show another place: macOS has no mounts")
    temp = Path("/nonexistent") if layout.temp is None else layout.temp
    text = seatbelt_profile(layout, confinement, homes)
    return Launch(
        argv=(str(SANDBOX_EXEC), "-p", text, "--", *argv),
        cwd=cwd,
        env=confined_environment(env, temp),
        watcher=False,
    )


def seatbelt_profile(layout: Layout, confinement: Confinement, homes: Sequence[Path]) -> str:
    """The profile as text; of several rules that fit, the last one counts."""
    found = hiding(homes, confinement.hidden, network=confinement.network)
    given = [*layout.writable, *(mount.at for mount in layout.mounts if mount.writable)]
    if layout.temp is not None:
        given.append(layout.temp)
    devices = " ".join(f"(literal {_quoted(Path(name))})" for name in _DEVICES)
    rules = [
        "(version 1)",
        "(allow default)",
        "(deny file-write*)",
        f"(allow file-write* {devices})",
        *(f"(deny file-read* (subpath {_quoted(path)}))" for path in sorted(found.hidden)),
        *(f"(allow file-read* (subpath {_quoted(path)}))" for path in sorted(found.seen)),
        *(f"(allow file-read* file-write* (subpath {_quoted(path)}))" for path in given),
        *(f"(deny file-write* (subpath {_quoted(path)}))" for path in layout.protected),
        "(deny process-info* (target others))",
        "(deny signal (target others))",
        "(deny mach-task-name)",
        "(deny mach-priv-task-port)",
        '(deny mach-lookup (global-name "com.apple.SecurityServer"))',
        "(deny appleevent-send)",
    ]
    if not confinement.network:
        rules.append("(deny network*)")
    return "\n".join(rules) + "\n"


def _quoted(path: Path) -> str:
    text = os.fspath(path).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'
