"""What confines a run's commands here, for programs that show it."""

from pathlib import Path

import msgspec

from m31a_engine.config import Config
from m31a_engine.config_sections import PermissionMode
from m31a_tools import Sandbox


class SandboxState(msgspec.Struct, frozen=True, kw_only=True):
    """Which sandbox there is, what gets through it, and whether it is used."""

    kind: str
    """bubblewrap, landlock, seatbelt or none."""
    wanted: bool
    """False where everything may run as it is."""
    gaps: tuple[str, ...] = ()
    """What a command can still do; each ends the sentence *A command can …*."""
    reasons: tuple[str, ...] = ()
    """Why there is no better one."""
    remedies: tuple[str, ...] = ()
    """What would give a better one."""


def sandbox_state(config: Config) -> SandboxState:
    """The sandbox that a run would use.

    Blocks for up to some seconds when it is tried for the first time; afterwards the verdict that
    is kept below M31A_HOME counts until the machine changes.
    """
    sandbox = Sandbox.detect(Path(config.home) / "cache")
    return SandboxState(
        kind=sandbox.kind.value,
        wanted=config.permissions.mode is not PermissionMode.ALLOW_ALL,
        gaps=sandbox.gaps if sandbox.works else (),
        reasons=sandbox.reasons,
        remedies=sandbox.remedies,
    )
