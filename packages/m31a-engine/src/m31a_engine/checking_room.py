"""Where a session's checks are made: the project, the folders, the limits, the shelter."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from m31a_engine.checks.result import CheckResult
from m31a_engine.config import Config
from m31a_engine.project.facts import ProjectFacts
from m31a_engine.shelter import Shelter
from m31a_rollback import Repository


@dataclass(frozen=True, slots=True)
class CheckingRoom:
    """All that running a session's checks takes; the machinery itself is loaded later."""

    repository: Repository
    config: Config
    scratch: Path
    cache: Path
    environ: Mapping[str, str]
    shelter: Shelter
    emit: Callable[[CheckResult], Awaitable[None]]

    def dependency_folders(self, facts: ProjectFacts | None) -> tuple[str, ...]:
        """What the checks find in the project although no commit has it."""
        return (*(facts.dependency_folders if facts else ()), *self.config.verify.keep)
