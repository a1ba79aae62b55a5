"""An engine in this process, on a person's project in a folder, with a scripted model."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import anyio

from m31a_engine import (
    Answer,
    Ask,
    AskOpened,
    Engine,
    Envelope,
    Run,
    RunEnded,
    RunReport,
    build,
    load_config,
)
from m31a_keychain import MemoryStore
from m31a_rollback.testing import Project
from scripted import BROKEN, TEST


@dataclass(frozen=True, slots=True)
class Place:
    """A person's project and home."""

    project: Path
    home: Path

    @classmethod
    def make(cls, folder: Path) -> "Place":
        """A project with a red test and its commit, below a folder."""
        project = Project.make(folder / "project")
        project.write("sums.py", BROKEN)
        project.write("test_sums.py", TEST)
        project.commit("Start")
        return cls(project=project.root, home=folder / "home")

    @property
    def environ(self) -> dict[str, str]:
        """The variables of the person."""
        return {**os.environ, "M31A_HOME": str(self.home)}

    def engine(self, base_url: str, **overrides: object) -> Engine:
        """An engine for this project whose model stands at an address; `__` stands for a dot."""
        given = {name.replace("__", "."): value for name, value in overrides.items()}
        settings = {
            "provider.default": "mine",
            "provider.mine.base_url": base_url,
            "model.default": "any",
            "permissions.mode": "allow_all",
        }
        config = load_config(self.project, self.environ, settings | given, trusted=True)
        return build(config, self.project, environ=self.environ, store=MemoryStore())

    def git(self, *words: str) -> str:
        """What git says in the project."""
        return Project(self.project).git(*words).strip()


async def watched(run: Run, answer: Callable[[Ask], Answer] | None = None) -> list[Envelope]:
    """All envelopes of a run whose asks are answered."""
    seen: list[Envelope] = []
    with anyio.fail_after(60):
        async for envelope in run.events:
            seen.append(envelope)
            if isinstance(envelope.event, AskOpened) and answer is not None:
                assert run.answer(answer(envelope.event.ask))
    return seen


def report_of(seen: list[Envelope]) -> RunReport:
    """The report that a run ended with."""
    end = seen[-1].event
    assert isinstance(end, RunEnded)
    return end.report
