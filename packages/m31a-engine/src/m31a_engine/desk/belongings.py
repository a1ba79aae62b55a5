"""What belongs to one project, whether a model is at hand or not."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from m31a_engine.books import Ledger, Secrets, ledger_at, secrets_of_system
from m31a_engine.config import TRUST_FILE, Config
from m31a_engine.desk.doctor import Doctor
from m31a_engine.desk.history import History
from m31a_engine.desk.model_list import ModelList
from m31a_engine.desk.permissions import Permissions
from m31a_engine.session.home import Home
from m31a_engine.shelf import Shelf
from m31a_engine.trust import Trust


@dataclass(frozen=True, slots=True)
class Belongings:
    """A project's sessions, books and settings; nothing is read before it is asked for."""

    config: Config
    project: Path
    environ: Mapping[str, str]

    @property
    def home(self) -> Home:
        """Where all of M31A's own files are."""
        return Home(root=Path(self.config.home))

    @property
    def sessions(self) -> Shelf:
        """The project's sessions."""
        return Shelf(home=self.home.project(self.project), project=self.project)

    @property
    def ledger(self) -> Ledger:
        """What all runs came to."""
        return ledger_at(self.home.root)

    @property
    def history(self) -> History:
        """The goals that were entered."""
        return History(self.home.history)

    @property
    def secrets(self) -> Secrets:
        """The keys of this system."""
        return secrets_of_system(self.environ)

    @property
    def models(self) -> ModelList:
        """What the chosen provider offers."""
        return ModelList(config=self.config, home=self.home, environ=self.environ)

    @property
    def permissions(self) -> Permissions:
        """What may run without asking."""
        return Permissions(config=self.config, project=self.project, file=self.home.permissions)

    @property
    def trust(self) -> Trust:
        """Which folders are trusted."""
        return Trust(self.home.root / TRUST_FILE)

    @property
    def doctor(self) -> Doctor:
        """Looks at what a run needs."""
        return Doctor(config=self.config, project=self.project, environ=self.environ)
