"""Everything about a project that needs no model: what the verbs beside `run` stand on."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from m31a_engine.config import load_config
from m31a_engine.desk.applying import Applying
from m31a_engine.desk.approving import Pending, pending_in
from m31a_engine.desk.belongings import Belongings
from m31a_engine.desk.bisecting import Bisecting
from m31a_engine.desk.forking import Forking
from m31a_engine.desk.keeping import Keeping
from m31a_engine.desk.repeat_proof import RepeatingProof
from m31a_engine.desk.replay import Replaying
from m31a_engine.desk.settings import Settings
from m31a_engine.desk.undoing import Undoing
from m31a_engine.session.home import ProjectHome
from m31a_engine.session.journal import read_records
from m31a_engine.shelf import Shelf


@dataclass(frozen=True, slots=True)
class Desk(Belongings):
    """One project, its sessions and its commits; nothing is read before it is asked for."""

    @property
    def _kept(self) -> ProjectHome:
        return self.home.project(self.project)

    @property
    def archived(self) -> Shelf:
        """Sessions that were taken out of the list."""
        return Shelf(home=self._kept.archive, project=self.project)

    def pending(self, session_id: str) -> Pending:
        """What a session waits for.

        Raises:
            JournalBroken: its journal cannot be read.
        """
        return pending_in(read_records(self._kept.session(session_id).root)[0])

    @property
    def keeping(self) -> Keeping:
        """Archives and deletes sessions."""
        return Keeping(project=self.project, home=self._kept)

    @property
    def forking(self) -> Forking:
        """Makes a second session of a first one's past."""
        return Forking(project=self.project, home=self._kept)

    @property
    def applying(self) -> Applying:
        """Lands what sessions have left on their branches."""
        return Applying(
            config=self.config, project=self.project, home=self.home, environ=self.environ
        )

    @property
    def replaying(self) -> Replaying:
        """Builds a session's tree anew from its journal."""
        return Replaying(project=self.project, home=self._kept)

    @property
    def repeating(self) -> RepeatingProof:
        """Repeats the proof that a commit carries."""
        return RepeatingProof(
            config=self.config, project=self.project, home=self.home, environ=self.environ
        )

    @property
    def undoing(self) -> Undoing:
        """Goes back to earlier commits, and forward again."""
        return Undoing(project=self.project, home=self._kept)

    @property
    def bisecting(self) -> Bisecting:
        """Finds the first commit on which a command fails."""
        return Bisecting(project=self.project, home=self._kept, environ=self.environ)

    @property
    def settings(self) -> Settings:
        """The user's own configuration file."""
        return Settings(self.home.root)


def open_desk(
    project: Path,
    environ: Mapping[str, str],
    overrides: Mapping[str, object] | None = None,
    *,
    trusted: bool | None = None,
) -> Desk:
    """The desk of a project; needs no model and no key.

    Raises:
        ConfigError: the configuration cannot be used.
    """
    config = load_config(project, environ, overrides or {}, trusted=trusted)
    return Desk(config=config, project=project, environ=environ)
