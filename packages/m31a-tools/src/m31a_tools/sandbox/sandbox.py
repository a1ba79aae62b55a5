"""Which sandbox this machine has, and how to start a command in it.

Each kind has a module, loaded when it is tried or used: a machine has one.
"""

import shutil
import sys
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import assert_never

import msgspec

from m31a_tools.errors import SandboxMissing
from m31a_tools.sandbox.confinement import Confinement
from m31a_tools.sandbox.confines import SENTENCES, Confines
from m31a_tools.sandbox.launch import Launch


class SandboxKind(StrEnum):
    """What confines a command."""

    BUBBLEWRAP = "bubblewrap"
    LANDLOCK = "landlock"
    SEATBELT = "seatbelt"
    NONE = "none"


class Sandbox(msgspec.Struct, frozen=True, kw_only=True):
    """What confines commands on this machine, as found by trying it."""

    kind: SandboxKind
    confines: frozenset[Confines] = frozenset()
    """What was tried in it and did not get through."""
    reasons: tuple[str, ...] = ()
    """Why no better kind is used."""
    program: str = ""
    """Where bwrap is."""
    landlock_abi: int = 0

    @staticmethod
    def detect(cache_folder: Path | None = None, *, seatbelt: bool = False) -> "Sandbox":
        """The best sandbox that works here, found by trying it; blocks for up to some seconds.

        The verdict is kept in `cache_folder`, which commands must not be able to write, until
        the kernel, bwrap or what they allow changes. `seatbelt` takes macOS's sandbox-exec
        untried.
        """
        if not sys.platform.startswith("linux"):
            return _elsewhere(seatbelt=seatbelt)
        program = shutil.which("bwrap") or ""
        from m31a_tools.sandbox.verdict_cache import recall, remember

        if cache_folder is None:
            return _tried(program)
        file = cache_folder / "sandbox.json"
        known = recall(file, program, Sandbox)
        if known is not None:
            return known
        found = _tried(program)
        lasting = found.kind is SandboxKind.BUBBLEWRAP and not found.partial
        remember(file, program, found, lasting=lasting)
        return found

    @property
    def works(self) -> bool:
        """Whether commands can be confined at all."""
        return self.kind is not SandboxKind.NONE

    @property
    def mounts(self) -> bool:
        """Whether a path can be made to show something else."""
        return self.kind is SandboxKind.BUBBLEWRAP

    @property
    def partial(self) -> bool:
        """Whether it works and yet lets something through; `gaps` tells what."""
        return self.works and bool(self.gaps)

    @property
    def gaps(self) -> tuple[str, ...]:
        """What a command can still do; each ends the sentence *A command can …*."""
        return tuple(SENTENCES[each] for each in Confines if each not in self.confines)

    @property
    def remedies(self) -> tuple[str, ...]:
        """Sentences that say what would give a better sandbox, empty when this is the best."""
        if self.works and not self.partial:
            return ()
        if sys.platform == "darwin":
            return ("On macOS there is sandbox-exec; it is untested here and used when asked for.",)
        if shutil.which("bwrap") is None:
            best = "Install bubblewrap (apt install bubblewrap, dnf install bubblewrap)."
        else:
            best = (
                "Allow bubblewrap to make user namespaces (sysctl user.max_user_namespaces, "
                "kernel.apparmor_restrict_unprivileged_userns; in a container, its profile)."
            )
        next_best = "Linux 6.2 or newer with Landlock confines in part."
        return (best,) if self.works else (best, next_best)

    def launch(
        self, argv: Sequence[str], *, cwd: Path, env: Mapping[str, str], confinement: Confinement
    ) -> Launch:
        """How to start `argv` confined, in the folder `cwd` as it is seen inside.

        `env` is what the command gets, but for temporary files, caches, and ways to services.
        Nothing is started or written. The launch must be handed to `run_process` by this
        process, in a thread that outlives the command: it dies with its parent.

        Raises:
            SandboxMissing: the kind is none; nothing runs unconfined instead.
            ConfinementRefused: a path cannot be used as asked.
        """
        match self.kind:
            case SandboxKind.BUBBLEWRAP:
                from m31a_tools.sandbox.bubblewrap import bubblewrap_launch

                return bubblewrap_launch(
                    self.program, argv, cwd=cwd, env=env, confinement=confinement
                )
            case SandboxKind.LANDLOCK:
                from m31a_tools.sandbox.landlock import landlock_launch

                return landlock_launch(
                    self.landlock_abi, argv, cwd=cwd, env=env, confinement=confinement
                )
            case SandboxKind.SEATBELT:
                from m31a_tools.sandbox.seatbelt import seatbelt_launch

                return seatbelt_launch(argv, cwd=cwd, env=env, confinement=confinement)
            case SandboxKind.NONE:
                raise SandboxMissing(self.reasons, self.remedies)
            case _:
                assert_never(self.kind)


_NEEDED = {
    SandboxKind.BUBBLEWRAP: frozenset(Confines) - {Confines.KERNEL, Confines.SERVICES},
    SandboxKind.LANDLOCK: frozenset(
        {Confines.WRITES, Confines.SECRETS, Confines.NETWORK, Confines.SERVICES}
        | {Confines.TRACING, Confines.KERNEL}
    ),
}
"""Without any of these, the kind is not used at all."""


def _tried(program: str) -> Sandbox:
    """The first kind that passes its trial."""
    from m31a_tools.sandbox.landlock import landlock_abi

    reasons: list[str] = []
    for candidate in (
        Sandbox(kind=SandboxKind.BUBBLEWRAP, program=program),
        Sandbox(kind=SandboxKind.LANDLOCK, landlock_abi=landlock_abi()),
    ):
        found = _trial(candidate)
        if isinstance(found, Sandbox):
            return msgspec.structs.replace(found, reasons=tuple(reasons))
        reasons.append(f"{candidate.kind}: {found}")
    return Sandbox(kind=SandboxKind.NONE, reasons=tuple(reasons))


def _trial(candidate: Sandbox) -> Sandbox | str:
    """The candidate with what it confines, or why it cannot be used."""
    from m31a_tools.sandbox.landlock import OLDEST_ABI
    from m31a_tools.sandbox.selftest import try_sandbox

    if candidate.kind is SandboxKind.BUBBLEWRAP and not candidate.program:
        return "bwrap is not installed"
    if candidate.kind is SandboxKind.LANDLOCK and candidate.landlock_abi < OLDEST_ABI:
        return "this kernel does not have it, or an old version"
    found = try_sandbox(candidate.launch, mounts=candidate.mounts)
    if found.problem:
        return found.problem
    confines = found.confines
    if candidate.kind is SandboxKind.BUBBLEWRAP:
        # A namespace of processes ends with its first one, and that with its parent.
        confines |= {Confines.OUTLIVING}
    if let_through := sorted(_NEEDED[candidate.kind] - confines):
        return f"in its trial a command could {SENTENCES[let_through[0]]}"
    if candidate.mounts and not found.shows:
        return "in its trial a mounted folder was not seen"
    return msgspec.structs.replace(candidate, confines=confines)


def _elsewhere(*, seatbelt: bool) -> Sandbox:
    from m31a_tools.sandbox.seatbelt import SANDBOX_EXEC

    if seatbelt and sys.platform == "darwin" and SANDBOX_EXEC.exists():
        return Sandbox(
            kind=SandboxKind.SEATBELT, reasons=("seatbelt: nothing about it was tried here",)
        )
    return Sandbox(kind=SandboxKind.NONE, reasons=(f"{sys.platform}: no tested sandbox",))
