"""The engine: goals in, runs out."""

import dataclasses
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import ExitStack, asynccontextmanager, suppress
from dataclasses import dataclass

import anyio
import anyio.to_thread
import msgspec

from m31a_engine.config_sections import PermissionMode
from m31a_engine.desk.approving import (
    accept_plan,
    leave_for,
    pending_in,
    renew_options,
    require_pending,
    with_leave,
)
from m31a_engine.desk.belongings import Belongings
from m31a_engine.desk.permissions import Permissions
from m31a_engine.errors import EngineError, Refused
from m31a_engine.ground import Ground, require_apart, survey
from m31a_engine.machinery import Keeper
from m31a_engine.prompting.library import require_readable
from m31a_engine.recalled import kept_options
from m31a_engine.run import Run
from m31a_engine.session.home import ProjectHome, new_session_id
from m31a_engine.session.journal import Journal, read_records
from m31a_engine.session.locks import SessionLock
from m31a_engine.session.state import Options, Session
from m31a_engine.session.stream import utc_now
from m31a_engine.shelf import SESSION
from m31a_engine.switchboard import Switchboard
from m31a_engine.workshop import Workshop, prompt_folders

DEFAULTS = Options()
First = Callable[[Journal], Awaitable[None]]
"""What is written into a session's journal before it goes on."""


@dataclass(frozen=True, slots=True)
class Engine(Belongings):
    """Everything one project's runs need; made by `m31a_engine.build`."""

    switchboard: Callable[[], Switchboard]
    """Makes the providers of one run, which closes them at its end."""
    default_mode: PermissionMode
    """Where the configuration names none."""

    @property
    def permissions(self) -> Permissions:
        """What may run without asking."""
        return Permissions(
            config=self.config,
            project=self.project,
            file=self.home.permissions,
            default=self.default_mode,
        )

    @asynccontextmanager
    async def start(self, goal: str, options: Options = DEFAULTS) -> AsyncGenerator[Run]:
        """A run of a goal, in progress; leaving the block before its end interrupts it.

        Raises:
            Refused: the folder or repository is in a state that is not to be touched.
            Busy: another session works in this project.
        """
        require_readable(prompt_folders(self.config, self.home, self.project))
        require_apart(self.home.root, self.project)
        if self.config.git.init:
            options = msgspec.structs.replace(options, init=True)
        if options.kind != "demo":  # its model is gone when it has ended
            options = msgspec.structs.replace(options, given=kept_options(self.config))
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
        async with self._running(session, ground, None, new=True) as run:
            yield run

    @asynccontextmanager
    async def chat(self, text: str) -> AsyncGenerator[Run]:
        """A run that answers in words: it looks at the project and changes nothing of it.

        Raises: as `start`.
        """
        async with self.start(text, Options(kind="chat", ghost=True)) as run:
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
        async with self._resumed(self.sessions.to_resume(session_id), options) as run:
            yield run

    @asynccontextmanager
    async def approve(self, session_id: str, options: Options = DEFAULTS) -> AsyncGenerator[Run]:
        """A waiting session taken up with a person's yes to what it waits for.

        That is its plan, read and accepted, and exactly the calls that were put off.

        Raises:
            NothingToResume: it waits for nobody, has ended, or there is no such session.
            JournalBroken, Refused: as in `resume`.
        """
        session = self.sessions.to_resume(session_id)
        records, _ = read_records(self.home.project(self.project).session(session_id).root)
        pending = pending_in(records)
        require_pending(session_id, pending)
        leave = leave_for(pending.requests)
        granted = with_leave(self.config, leave, "a person approved it")

        async def accept(journal: Journal) -> None:
            await accept_plan(journal, pending)

        engine = dataclasses.replace(self, config=granted)
        async with engine._resumed(session, options, accept) as run:
            yield run

    @asynccontextmanager
    async def _resumed(
        self, session: Session, options: Options, first: First | None = None
    ) -> AsyncGenerator[Run]:
        before = session.options
        merged = msgspec.structs.replace(
            before,
            allow=tuple(dict.fromkeys((*before.allow, *options.allow))),
            until=options.until,
            on_failure=options.on_failure,
            heal=options.heal,
            dirty="leave",
            given=kept_options(self.config) or before.given,
        )
        ground = await survey(self.project, merged, trusted=self.config.trusted)
        session = msgspec.structs.replace(session, options=merged)

        async def renew(journal: Journal) -> None:
            if first is not None:
                await first(journal)
            await renew_options(journal, merged)

        async with self._running(session, ground, renew, new=False) as run:
            yield run

    @asynccontextmanager
    async def _running(
        self, session: Session, ground: Ground, first: First | None, *, new: bool
    ) -> AsyncGenerator[Run]:
        started = time.monotonic()
        board = await self._board()
        home = self.home.project(self.project)
        with ExitStack() as locks:
            folder = home.session(session.id)
            journal = self._opened(session, home, locks)
            if new:
                await journal.intend(SESSION, session)
            if first is not None:
                await first(journal)
            workshop = Workshop(
                config=with_leave(self.config, self.permissions.rules(), "a person answered so"),
                board=board,
                environ=self.environ,
                default_mode=self.default_mode,
                home=self.home,
                project_home=home,
                folder=folder,
                ground=ground,
                journal=journal,
                started=started,
                keeper=Keeper(session=session),
                keep_rules=self.permissions.add,
                until=session.options.until,
            )
            async with anyio.create_task_group() as group:
                run = workshop.open(session)
                group.start_soon(workshop.work, run, session, not new)
                if new and session.options.kind == "run":
                    group.start_soon(anyio.to_thread.run_sync, self._remember, session.goal)
                try:
                    yield run
                finally:
                    run.interrupt()
                    run.detach()

    def _opened(self, session: Session, home: ProjectHome, locks: ExitStack) -> Journal:
        """The session's journal, with nobody else at work in it or, ghosts aside, the project.

        Raises:
            Busy: somebody is.
            Refused: our own folder cannot be written.
        """
        folder = home.session(session.id)
        try:
            if not session.options.ghost:
                locks.callback(SessionLock(home.lock, session.id, utc_now()).close)
            folder.make()
            locks.callback(SessionLock(folder.lock, session.id, utc_now()).close)
            journal = Journal.open(folder.root)
        except OSError as exc:
            raise Refused(
                f"M31A's own folder {self.home.root} cannot be written: {exc.strerror}",
                remedy="free disk space, or set M31A_HOME to a folder that you can write",
            ) from exc
        locks.callback(journal.close)
        return journal

    async def _board(self) -> Switchboard:
        """The providers of a run. Raises: Refused when their prices leave a limit unkept."""
        board = self.switchboard()
        try:
            await board.require_prices(self.config.models)
        except BaseException:
            with anyio.CancelScope(shield=True):
                await board.aclose()
            raise
        return board

    def _remember(self, goal: str) -> None:
        """Keep the goal for another time; that it cannot be kept stops no run."""
        with suppress(EngineError, OSError):
            self.history.add(goal, self.project)
