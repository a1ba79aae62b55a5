"""A sandbox together with what the commands of one workspace may do in it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from m31a_tools.sandbox.confinement import Confinement
from m31a_tools.sandbox.launch import Launch
from m31a_tools.sandbox.sandbox import Sandbox

_REFUSED = re.compile(
    r"read-only file system|operation not permitted|permission denied|\bE(?:ROFS|PERM|ACCES)\b",
    re.IGNORECASE,
)
_OFFLINE = re.compile(
    r"network is unreachable|could not resolve host|name resolution|\bE(?:NETUNREACH|AI_AGAIN)\b"
    r"|connection refused|\bENOTFOUND\b|\bECONNREFUSED\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Confined:
    """How every command of a workspace is run."""

    sandbox: Sandbox
    confinement: Confinement

    def launch(self, argv: Sequence[str], *, cwd: Path, env: Mapping[str, str]) -> Launch:
        """As `Sandbox.launch`; `cwd` is the folder as it is on this machine."""
        return self.sandbox.launch(
            argv, cwd=self.seen_at(cwd), env=env, confinement=self.confinement
        )

    def explain(self, output: str) -> str:
        """What a failed command should be told about the sandbox; empty when that is not why."""
        told: list[str] = []
        if _REFUSED.search(output):
            places = [*self.confinement.writable]
            places += [mount.at for mount in self.confinement.mounts if mount.writable]
            given = ", ".join(map(str, places)) or "no folder"
            told.append(f"only {given} and $TMPDIR can be changed, and no .git")
        if not self.confinement.network and _OFFLINE.search(output):
            told.append("there is no network")
        return f"commands run in a sandbox: {'; '.join(told)}" if told else ""

    def seen_at(self, path: Path) -> Path:
        """Where a command sees what is at `path` on this machine: through a mount, or there."""
        for mount in self.confinement.mounts:
            if path.is_relative_to(mount.source):
                return mount.at / path.relative_to(mount.source)
        return path
