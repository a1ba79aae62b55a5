"""What was seen when a command ran on a tree, kept so that it never runs there twice."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import msgspec

from m31a_engine.checks.result import TestCounts
from m31a_tools import write_atomic

NOT_FOUND = frozenset({126, 127})
"""How a shell says that a program is not there or cannot be started."""


class Observation(msgspec.Struct, frozen=True, kw_only=True):
    """One command on one tree in one environment, run once or, when red, twice."""

    tree: str
    command: str
    fingerprint: str
    exit_codes: tuple[int, ...]
    """Of each run; empty when it was not let run."""
    timed_out: bool = False
    counts: TestCounts | None = None
    failing: tuple[str, ...] = ()
    """Names of failing tests, where the runner prints them."""
    changed: tuple[str, ...] = ()
    """Tracked files that the command changed in its checkout."""
    put_back: tuple[str, ...] = ()
    """Tracked files that it wrote to, and left as they had been."""
    seconds: float = 0.0
    output_tail: str = ""
    covered_percent: float | None = None
    """What it printed of coverage, if anything."""
    blocked: str = ""
    """Why it was not run."""

    @property
    def green(self) -> bool:
        """Whether every run of it ended well; figures of failing tests speak against that."""
        if self.blocked or self.timed_out or not self.exit_codes:
            return False
        return all(code == 0 for code in self.exit_codes) and not (
            self.counts is not None and self.counts.failed
        )

    @property
    def flaky(self) -> bool:
        """Whether it was red and green on the same tree."""
        return 0 in self.exit_codes and any(self.exit_codes)

    @property
    def missing(self) -> bool:
        """Whether its program was not found."""
        return bool(self.exit_codes) and self.exit_codes[-1] in NOT_FOUND

    @property
    def tested_nothing(self) -> bool:
        """Whether its runner says that no test passed or failed."""
        return self.counts is not None and self.counts.ran == 0


@dataclass(frozen=True, slots=True)
class ObservationCache:
    """Observations as files of a folder that only M31A writes to."""

    folder: Path

    def get(self, tree: str, command: str, fingerprint: str) -> Observation | None:
        """What was seen for exactly these; None when nothing was, or it cannot be read."""
        try:
            found = msgspec.json.decode(
                self._path(tree, command, fingerprint).read_bytes(), type=Observation
            )
        except (OSError, msgspec.DecodeError, UnicodeDecodeError):
            return None
        same = (found.tree, found.command, found.fingerprint) == (tree, command, fingerprint)
        return found if same and found.exit_codes and not found.timed_out else None

    def put(self, observation: Observation) -> None:
        """Keep it. What ran out of time or was not let run is not kept: it may end otherwise."""
        if observation.timed_out or not observation.exit_codes or observation.missing:
            return
        path = self._path(observation.tree, observation.command, observation.fingerprint)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_atomic(path, msgspec.json.encode(observation), mode=0o600)

    def _path(self, tree: str, command: str, fingerprint: str) -> Path:
        key = hashlib.sha256(
            "\0".join((tree, fingerprint, command)).encode("utf-8", "surrogatepass")
        ).hexdigest()
        return self.folder / f"{key[:40]}.json"
