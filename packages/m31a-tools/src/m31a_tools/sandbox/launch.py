"""How a confined command is started: the arguments, the folder, the environment."""

import contextlib
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from m31a_tools.inherited import Inherited

BROKEN = "m31a-sandbox: "
"""Begins what our own starter prints when it cannot confine; it runs nothing then."""

_TO_SERVICES = frozenset(
    {
        "DBUS_SESSION_BUS_ADDRESS",
        "DBUS_SYSTEM_BUS_ADDRESS",
        "DISPLAY",
        "DOCKER_HOST",
        "GNOME_KEYRING_CONTROL",
        "GPG_AGENT_INFO",
        "SSH_AGENT_PID",
        "SSH_AUTH_SOCK",
        "WAYLAND_DISPLAY",
        "XAUTHORITY",
        "XDG_RUNTIME_DIR",
    }
)
"""Variables that lead to services of the user's, which a confined command cannot reach."""


@dataclass(frozen=True, slots=True)
class Launch:
    """A confined command for `run_process(launch.argv, cwd=launch.cwd, env=launch.env, …)`."""

    argv: tuple[str | Inherited, ...]
    cwd: Path
    env: Mapping[str, str]
    watcher: bool
    """Whether the program started only watches over the command (`run_process(watcher=True)`)."""
    stand_ins: tuple[Path, ...] = ()
    """Empty files and folders that hold the place of what was missing, innermost first."""

    def tidy(self) -> None:
        """Remove the stand-ins that are still empty.

        Only when no command is confined there any more: with its stand-in, it would lose the
        protection of that place.
        """
        for path in self.stand_ins:
            with contextlib.suppress(OSError):
                status = path.lstat()
                if stat.S_ISDIR(status.st_mode):
                    path.rmdir()
                elif stat.S_ISREG(status.st_mode) and status.st_size == 0:
                    path.unlink()

    def broke(self, exit_code: int, output: str) -> bool:
        """Whether the sandbox could not be set up, so that the command never ran."""
        return exit_code != 0 and output.startswith((BROKEN, "bwrap: "))


def confined_environment(env: Mapping[str, str], temp: Path) -> dict[str, str]:
    """`env` with temporary files and caches below `temp`, without ways to the user's services."""
    kept = {name: value for name, value in env.items() if name not in _TO_SERVICES}
    cache = temp / ".cache"
    return kept | {
        "TMPDIR": str(temp),
        "XDG_CACHE_HOME": str(cache),
        "npm_config_cache": str(cache / "npm"),
        "PIP_CACHE_DIR": str(cache / "pip"),
        "UV_CACHE_DIR": str(cache / "uv"),
        "GOCACHE": str(cache / "go-build"),
    }
