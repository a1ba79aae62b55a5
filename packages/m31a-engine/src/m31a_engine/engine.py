"""The engine: goals in, runs out."""

import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import anyio
import msgspec

from m31a_engine.budget import Prices
from m31a_engine.config import Config
from m31a_engine.config_sections import PermissionMode
from m31a_engine.ground import Ground, survey
from m31a_engine.leave import policy_of
from m31a_engine.machinery import Keeper
from m31a_engine.run import Run
from m31a_engine.session.home import Home, new_session_id
from m31a_engine.session.journal import Journal
from m31a_engine.session.locks import SessionLock
from m31a_engine.session.state import Options, Session
from m31a_engine.session.stream import utc_now
from m31a_engine.shelf import SESSION, Shelf
from m31a_engine.workshop import Workshop
from m31a_providers import Provider

DEFAULTS = Options()


@dataclass(frozen=True, slots=True)
class Engine:
    """Everything one project's runs need; made by `m31a_engine.build`."""

    config: Config
    project: Path
    home: Home
    provider: Provider
    prices: Prices
    environ: Mapping[str, str]
    permissions: PermissionMode

    @property
    def sessions(self) -> Shelf:
        """The project's sessions."""
        return Shelf(home=self.home.project(self.project), project=self.project)

    @asynccontextmanager
    async def start(self, goal: str, options: Options = DEFAULTS) -> AsyncGenerator[Run]:
        """A run of a goal, in progress; leaving the block before its end interrupts it.

        Raises:
            Refused: the folder or repository is in a state that is not to be touched.
            Busy: another session works in this project.
        """
        policy_of(self.config, None, self.permissions)  # refuse before anything is made
        ground = await survey(self.project, options, trusted=self.config.trusted)
        session_id = new_session_id()
        session = Session(
            id=session_id,
            goal=goal,
            project=str(ground.repository.root),
            started_at=utc_now(),
            options=options,
            base=ground.base,
            user_branch=ground.branch,
            branch=f"m31a/{session_id}",
        )
        async with self._running(session, ground, new=True) as run:
            yield run

    @asynccontextmanager
    async def resume(
        self, session_id: str | None = None, options: Options = DEFAULTS
    ) -> AsyncGenerator[Run]:
        """A session taken up where it stopped; None takes the newest that can go on.

        Of `options` what is given anew counts: findings allowed, `until`, `on_failure`.

        Raises:
            NothingToResume: there is no such session, or it has ended.
            JournalBroken: its journal cannot be read.
            Refused: as in `start`.
        """
        policy_of(self.config, None, self.permissions)
        session = self.sessions.to_resume(session_id)
        before = session.options
        merged = msgspec.structs.replace(
            before,
            allow=tuple(dict.fromkeys((*before.allow, *options.allow))),
            until=options.until,
            on_failure=options.on_failure,
            dirty="leave",
        )
        ground = await survey(self.project, merged, trusted=self.config.trusted)
        session = msgspec.structs.replace(session, options=merged)
        async with self._running(session, ground, new=False) as run:
            yield run

    @asynccontextmanager
    async def _running(self, session: Session, ground: Ground, *, new: bool) -> AsyncGenerator[Run]:
        started = time.monotonic()
        home = self.home.project(self.project)
        lock = None if session.options.ghost else SessionLock(home.lock, session.id, utc_now())
        try:
            folder = home.session(session.id)
            folder.make()
            journal = Journal.open(folder.root)
            try:
                if new:
                    await journal.intend(SESSION, session)
                workshop = Workshop(
                    config=self.config,
                    provider=self.provider,
                    prices=self.prices,
                    environ=self.environ,
                    default_mode=self.permissions,
                    home=self.home,
                    project_home=home,
                    folder=folder,
                    ground=ground,
                    journal=journal,
                    started=started,
                    keeper=Keeper(session=session),
                    until=session.options.until,
                )
                async with anyio.create_task_group() as group:
                    run = workshop.open(session)
                    group.start_soon(workshop.work, run, session, not new)
                    try:
                        yield run
                    finally:
                        run.interrupt()
                        run.detach()
            finally:
                journal.close()
        finally:
            if lock is not None:
                lock.close()
