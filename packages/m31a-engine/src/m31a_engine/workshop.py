"""Everything one session works with, put together, and the work itself from start to end."""

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import anyio
import msgspec

from m31a_engine.arbitrage import Arbitrage
from m31a_engine.asks import OpenAsks
from m31a_engine.budget import Budget
from m31a_engine.closing import Closing
from m31a_engine.compass import Compass
from m31a_engine.config import Config
from m31a_engine.config_sections import PermissionMode
from m31a_engine.conversation.helm import Helm
from m31a_engine.conversation.history import replies_in
from m31a_engine.conversation.models import Models
from m31a_engine.conversation.steering import Steering
from m31a_engine.conversation.turn import Talker
from m31a_engine.conversation.window import WindowWatch
from m31a_engine.errors import JournalBroken, sole
from m31a_engine.events import Envelope, Noticed, RunEnded, RunStarted
from m31a_engine.experience import Experience
from m31a_engine.ground import Ground
from m31a_engine.learning.memory import Memory
from m31a_engine.machine import Phase
from m31a_engine.machinery import Ending, Keeper, Machinery
from m31a_engine.report import ErrorReport, Outcome, RunReport
from m31a_engine.run import Run
from m31a_engine.session.home import Home, ProjectHome, SessionFolder
from m31a_engine.session.journal import Journal
from m31a_engine.session.scratch import clear
from m31a_engine.session.state import Session
from m31a_engine.session.stream import EventStream
from m31a_engine.session.workbench import Workbench
from m31a_engine.shelf import ENDED
from m31a_engine.shelter import Shelter
from m31a_engine.stations import Stations
from m31a_engine.sweeping import Sweep
from m31a_engine.switchboard import Switchboard
from m31a_engine.trust import PROMPTS_FOLDER
from m31a_engine.views import Views
from m31a_rollback import RollbackError
from m31a_taskrunner import Control
from m31a_tools import Rule, write_atomic

logger = logging.getLogger(__name__)


def prompt_folders(config: Config, home: Home, project: Path) -> tuple[Path, ...]:
    """Where prompts of one's own may stand: in a trusted project, then in the user's folder."""
    return (*((project / PROMPTS_FOLDER,) if config.trusted else ()), home.prompts)


@dataclass(slots=True)
class Workshop:
    """One session's collaborators; used for one run and then left."""

    config: Config
    board: Switchboard
    environ: Mapping[str, str]
    default_mode: PermissionMode
    home: Home
    project_home: ProjectHome
    folder: SessionFolder
    ground: Ground
    journal: Journal
    started: float
    keeper: Keeper
    keep_rules: Callable[[Sequence[Rule]], object]
    """Keeps rules that a person's *always* made, for later runs."""
    until: Phase | None = None
    asks: OpenAsks = field(default_factory=OpenAsks)
    control: Control = field(default_factory=Control)
    budget: Budget = field(init=False)
    stream: EventStream = field(init=False)
    workbench: Workbench = field(init=False)
    compass: Compass = field(init=False)
    shelter: Shelter = field(init=False)
    models: Models = field(init=False)
    window: WindowWatch = field(init=False)
    steering: Steering = field(init=False)
    talker: Talker = field(init=False)
    helm: Helm = field(init=False)

    def open(self, session: Session) -> Run:
        """The run as its caller sees it."""
        self.budget = Budget(self.config.features.budget_limit_usd)
        for reply in replies_in(self.journal.records):
            self.budget.count(reply.usage, reply.model)
        first = 1 + max(
            (
                msgspec.json.decode(record.body, type=Envelope).seq
                for record in self.journal.records
                if record.kind == "envelope"
            ),
            default=0,
        )
        self.stream = EventStream(session.id, self.journal, first)
        self.workbench = Workbench(
            self.ground.repository,
            self.journal,
            session.branch,
            self.folder.worktrees,
            session.base,
        )
        self.compass = Compass(
            self.ground.repository, self.home.cache / "code" / self.project_home.root.name
        )
        self.shelter = Shelter(
            self.ground.repository, self.config, self.default_mode, self.home.root
        )
        self.models = Models(self.config)
        self.steering = Steering(self.journal)
        self.window = WindowWatch(self.board, self.config.context.trigger, self.config.context.warn)
        self.talker = Talker(
            prompts=prompt_folders(self.config, self.home, self.ground.repository.root),
            board=self.board,
            stream=self.stream,
            journal=self.journal,
            models=self.models,
            window=self.window,
            steering=self.steering,
            budget=self.budget,
            session=session.id,
            turns=self.config.features.max_turns,
        )
        self.helm = Helm(
            board=self.board,
            control=self.control,
            journal=self.journal,
            models=self.models,
            steering=self.steering,
            window=self.window,
        )
        return Run(session.id, self.stream.reader, self.asks, self.helm.take)

    async def work(self, run: Run, session: Session, resumed: bool) -> None:
        """Carry the session to an end and say which; never raises but on cancellation."""
        keeper = self.keeper
        ending: Ending | None = None
        with run.scope:
            try:
                await self._say_hello(session, resumed)
                async with anyio.create_task_group() as group:
                    self.helm.crew = group
                    group.start_soon(self._prepare)
                    group.start_soon(self._tell_news)
                    ending = await self._machinery().drive(keeper)
                    self.helm.crew = None
                    group.cancel_scope.cancel()
            except Exception as caught:
                # The machinery ends with a word for everything; beside it only the journal fails.
                match sole(caught):
                    case JournalBroken() as exc:
                        error = ErrorReport(code=exc.code, message=exc.message, remedy=exc.remedy)
                        ending = Ending(keeper.session, Outcome.FAILED, error)
                    case _:
                        raise
        with anyio.CancelScope(shield=True):
            ending = ending or Ending(session=keeper.session, outcome=Outcome.INTERRUPTED)
            report = await self._close(ending)
            if ending.outcome in ENDED:
                with suppress(OSError, RollbackError):  # a later run sweeps
                    await clear(self.ground.repository, self.folder.worktrees)
            self.compass.close()
            await self.board.aclose()
            await self.stream.end(RunEnded(outcome=report.outcome, report=report))

    async def _close(self, ending: Ending) -> RunReport:
        """The report; also when what belongs to the end cannot be written any more."""
        closing = Closing(
            repository=self.ground.repository,
            home=self.home,
            folder=self.folder,
            config=self.config,
            stream=self.stream,
            budget=self.budget,
            provider=self.board.name,
            model=self._worked_with(ending.session),
            views=self._views(),
            started=self.started,
            memory=self._memory(),
        )
        try:
            await self.board.tell(self.stream.emit)
            return await closing.close(ending)
        except (OSError, RollbackError, JournalBroken) as exc:
            session = ending.session
            error = ending.error or ErrorReport(
                code="world", message=f"the end of the run could not be written: {exc}"
            )
            return RunReport(
                session=session.id,
                outcome=ending.outcome,
                goal=session.goal,
                mode=session.mode,
                branch=session.branch,
                commit=session.shipped.commit if session.shipped else None,
                verification=session.verification,
                session_path=str(self.folder.root),
                error=error,
            )

    @property
    def _experience(self) -> Experience:
        return Experience(config=self.config, home=self.home, project=self.project_home)

    def _memory(self) -> Memory | None:
        return self._experience.memory(self.keeper.session.options.kind)

    def _arbitrage(self) -> Arbitrage | None:
        """What chooses a model for each task; None where that is not wanted."""
        if not self.config.model.auto_arbitrage:
            return None
        return Arbitrage(
            board=self.board,
            models=self.models,
            journal=self.journal,
            stream=self.stream,
            threshold=self.config.model.arbitrage_threshold,
            rows=self._experience.rows,
        )

    def _worked_with(self, session: Session) -> str:
        """The models that tasks asked for, as who answered last calls them."""
        asked = [task.asked for task in session.tasks if task.asked]
        asked = asked or [self.models.model_for("execute")]
        names = (self.board.model_at(self.board.current, model) for model in asked)
        return " + ".join(dict.fromkeys(names))

    async def _tell_news(self) -> None:
        """Tell at once who answers instead, also while the first word is still waited for."""
        while True:
            await self.board.wait_for_news()
            await self.board.tell(self.stream.emit)

    async def _prepare(self) -> None:
        """Make the branch and the work tree while the model is being asked."""
        try:
            await self.workbench.prepare()
            await self._look_for_sandbox()
            await self.compass.prepare(self.keeper.session.base, self.workbench.first_path)
            kept_days = self.config.git.kept_days
            await Sweep(self.ground.repository, self.project_home, kept_days).run()
        except Exception:
            logger.debug("not all was made beforehand", exc_info=True)

    async def _look_for_sandbox(self) -> None:
        sandbox = await self.shelter.sandbox()
        if not sandbox.works and self.shelter.mode is not PermissionMode.ALLOW_ALL:
            await self.stream.emit(
                Noticed(
                    text="no sandbox works here: " + "; ".join(sandbox.reasons),
                    remedy=await self.shelter.remedy(),
                )
            )

    async def _say_hello(self, session: Session, resumed: bool) -> None:
        await self.stream.emit(
            RunStarted(
                goal=session.goal,
                project=session.project,
                mode=session.options.mode,
                model=self.config.model_for("execute"),
                provider=self.board.name,
                resumed=resumed,
                recording=session.options.kind == "demo",
            )
        )
        if self.journal.torn:
            await self.stream.emit(
                Noticed(text="the journal's last line was cut off by a kill; it was set aside")
            )
        if self.ground.dirty and not resumed:
            count = len(self.ground.dirty)
            await self.stream.emit(
                Noticed(
                    text=f"{count} uncommitted paths are not part of this run and stay as they are",
                    remedy="use --dirty commit or --dirty refuse to have it otherwise",
                )
            )

    def _machinery(self) -> Machinery:
        stations = Stations(
            config=self.config,
            environ=self.environ,
            shelter=self.shelter,
            folder=self.folder,
            checks_cache=self.project_home.checks,
            ground=self.ground,
            journal=self.journal,
            stream=self.stream,
            workbench=self.workbench,
            talker=self.talker,
            asks=self.asks,
            control=self.control,
            keeper=self.keeper,
            memory=self._memory(),
            compass=self.compass,
            wishes=self.helm.wishes,
            keep_rules=self.keep_rules,
            arbitrage=self._arbitrage(),
        )
        return Machinery(
            phase=stations.phase,
            answer=stations.answer,
            stream=self.stream,
            journal=self.journal,
            show=self._show,
            crashed=self._crashed,
            until=self.until,
        )

    def _show(self, session: Session) -> None:
        views = self._views()
        if views is not None:
            views.exclude()
            views.write(session)

    def _views(self) -> Views | None:
        if self.keeper.session.options.ghost:
            return None
        return Views(
            project=self.ground.repository.root,
            common_git_dir=self.ground.repository.common_dir,
            session_folder=self.folder.root,
        )

    def _crashed(self, text: str) -> None:
        write_atomic(self.folder.root / "crash.log", text.encode(), mode=0o600)
