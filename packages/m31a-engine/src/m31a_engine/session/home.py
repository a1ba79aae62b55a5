"""Where things are kept below M31A_HOME."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Home:
    """The folder of all of M31A's own files (default `~/.m31a`)."""

    root: Path

    @property
    def ledger(self) -> Path:
        """The ledger of all runs."""
        return self.root / "LEDGER.md"

    @property
    def history(self) -> Path:
        """The goals that were entered."""
        return self.root / "history.json"

    @property
    def permissions(self) -> Path:
        """Answers that hold for longer than one run."""
        return self.root / "permissions.json"

    @property
    def prompts(self) -> Path:
        """Texts of the user's that take the place of our own prompts."""
        return self.root / "prompts"

    @property
    def cache(self) -> Path:
        """What can be made again."""
        return self.root / "cache"

    def project(self, project: Path) -> "ProjectHome":
        """The folder of one project, found by its real path."""
        digest = hashlib.sha256(str(project.resolve()).encode()).hexdigest()[:16]
        return ProjectHome(
            root=self.root / "projects" / digest, worktrees=self.root / "worktrees" / digest
        )


@dataclass(frozen=True, slots=True)
class ProjectHome:
    """Everything kept for one project."""

    root: Path
    worktrees: Path

    @property
    def lock(self) -> Path:
        """Held by the foreground session."""
        return self.root / "session.lock"

    @property
    def checks(self) -> Path:
        """Results of checks, kept by tree, command and environment."""
        return self.root / "checks"

    @property
    def facts(self) -> Path:
        """What was learned of the project."""
        return self.root / "facts.json"

    @property
    def sessions(self) -> Path:
        """One folder a session."""
        return self.root / "sessions"

    @property
    def archive(self) -> "ProjectHome":
        """Where sessions are that were taken out of the list."""
        return ProjectHome(root=self.root / "archive", worktrees=self.worktrees)

    def session(self, session_id: str) -> "SessionFolder":
        """The folder of one session."""
        return SessionFolder(root=self.sessions / session_id, worktrees=self.worktrees / session_id)


@dataclass(frozen=True, slots=True)
class SessionFolder:
    """Everything kept for one session, in every state."""

    root: Path
    worktrees: Path

    def make(self) -> None:
        """Create the folder, for its owner only."""
        self.root.mkdir(parents=True, exist_ok=True, mode=0o700)

    @property
    def lock(self) -> Path:
        """Held by the process in which the session runs."""
        return self.root / "lock"

    @property
    def outputs(self) -> Path:
        """Tool outputs too long for the conversation."""
        return self.root / "outputs"

    @property
    def report(self) -> Path:
        """The run's report as JSON."""
        return self.root / "report.json"

    def plan(self, version: int) -> Path:
        """One version of the plan."""
        return self.root / f"plan_v{version}.md"

    @property
    def verify_report(self) -> Path:
        """The checks with their evidence, for people."""
        return self.root / "VERIFY_REPORT.md"

    @property
    def summary(self) -> Path:
        """What was built and how to try it."""
        return self.root / "SUMMARY.md"

    @property
    def checkout(self) -> Path:
        """Where trees are checked out to be verified."""
        return self.worktrees / "verify"


def new_session_id() -> str:
    """An id that sorts by time and does not collide: `20261121-041530-9f3a`."""
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"
