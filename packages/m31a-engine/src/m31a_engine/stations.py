"""The six phases, each with what it works with: hands, a policy, somebody to ask, a prover."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import anyio
import anyio.to_thread

from m31a_engine.asks import OpenAsks
from m31a_engine.chat import Chat
from m31a_engine.checks.result import CheckResult
from m31a_engine.compass import Compass
from m31a_engine.config import Config
from m31a_engine.config_sections import PermissionMode
from m31a_engine.conversation.asker import RunAsker
from m31a_engine.conversation.hands import Hands
from m31a_engine.conversation.turn import Talker
from m31a_engine.drafting import Drafting
from m31a_engine.events import CheckEnded
from m31a_engine.ground import Ground
from m31a_engine.intent_call import IntentCall
from m31a_engine.learning.memory import Memory, Recalled
from m31a_engine.leave import may_check, policy_of
from m31a_engine.machine import Mode, Phase
from m31a_engine.machinery import Keeper, RunsPhase
from m31a_engine.phases.execute import Execute
from m31a_engine.phases.initialize import Initialize
from m31a_engine.phases.ship import Ship
from m31a_engine.phases.verify import Verify
from m31a_engine.proof import Prover, without_secrets
from m31a_engine.session.home import SessionFolder
from m31a_engine.session.journal import Journal
from m31a_engine.session.state import Session
from m31a_engine.session.stream import EventStream
from m31a_engine.session.workbench import ComingBay, Workbench
from m31a_engine.summary_call import SummaryCall
from m31a_taskrunner import Control
from m31a_tools import (
    FileRead,
    Glob,
    Grep,
    Policy,
    Toolbox,
    Workspace,
    child_environment,
    default_toolbox,
)
from m31a_tools import Mode as ToolMode


@dataclass(slots=True)
class Stations:
    """Makes the phases of one session when they are entered."""

    config: Config
    environ: Mapping[str, str]
    default_mode: PermissionMode
    folder: SessionFolder
    checks_cache: Path
    ground: Ground
    journal: Journal
    stream: EventStream
    workbench: Workbench
    talker: Talker
    asks: OpenAsks
    control: Control
    keeper: Keeper
    prompts: Sequence[Path]
    """Folders whose texts take the place of our own prompts, the first one first."""
    compass: Compass
    to_heal: Callable[[], tuple[int, ...]]
    memory: Memory | None
    """What is known from earlier runs; None where nothing is to be recalled."""
    _noting: anyio.Lock = field(default_factory=anyio.Lock)
    _noted: bool = False

    def phase(self, phase: Phase) -> RunsPhase:
        """The phase that is entered."""
        match phase:
            case Phase.INITIALIZE:
                return self._initialize()
            case Phase.DISCUSS:
                return self._discuss()
            case Phase.PLAN:
                return self._plan()
            case Phase.EXECUTE:
                return self._execute()
            case Phase.VERIFY:
                return self._verify()
            case Phase.SHIP:
                return self._ship()
            case Phase.IDLE:
                raise ValueError("idle is where no phase runs")

    def _initialize(self) -> RunsPhase:
        return Initialize(
            repository=self.ground.repository,
            config=self.config,
            stream=self.stream,
            project=self.ground.repository.root,
            ask_intent=IntentCall(
                talker=self.talker,
                journal=self.journal,
                config=self.config,
                prompts=self.prompts,
            ).ask,
            recall=self._recall,
        )

    async def _recall(self, goal: str, project_type: str, mode: Mode) -> Recalled:
        memory = self.memory
        if memory is None:
            return Recalled()
        rows = mode is not Mode.DIRECT
        return await anyio.to_thread.run_sync(lambda: memory.recall(goal, project_type, rows=rows))

    def _discuss(self) -> RunsPhase:
        from m31a_engine.phases.discuss import Discuss  # most runs never discuss

        return Discuss(
            talker=self.talker,
            prompts=self.prompts,
            stream=self.stream,
            journal=self.journal,
            asks=self.asks,
            hands=self._reading(),
        )

    def _plan(self) -> RunsPhase:
        from m31a_engine.phases.plan import MakePlan  # nor plan

        return MakePlan(
            drafting=self._drafting(),
            talker=self.talker,
            prompts=self.prompts,
            journal=self.journal,
            config=self.config,
            hands=self._reading(),
            orient=self.compass.orientation,
        )

    def _drafting(self) -> Drafting:
        return Drafting(
            talker=self.talker,
            prompts=self.prompts,
            stream=self.stream,
            journal=self.journal,
            asks=self.asks,
            config=self.config,
            hands=self._reading(),
            folder=self.folder,
        )

    async def _next_wave(self, session: Session) -> Session:
        from m31a_engine.waves import Waves

        return await Waves(drafting=self._drafting, journal=self.journal).next(session)

    def _execute(self) -> RunsPhase:
        return Execute(
            talker=self.talker,
            prompts=self.prompts,
            stream=self.stream,
            journal=self.journal,
            config=self.config,
            workbench=self.workbench,
            hands_for=self._working,
            control=self.control,
            to_heal=self.to_heal,
            compass=self.compass,
            next_wave=self._next_wave,
        )

    def _verify(self) -> RunsPhase:
        return Verify(
            prover=self._prover(),
            talker=self.talker,
            prompts=self.prompts,
            stream=self.stream,
            journal=self.journal,
            config=self.config,
            workbench=self.workbench,
            hands_for=self._working,
        )

    def _ship(self) -> RunsPhase:
        return Ship(
            repository=self.ground.repository,
            prover=self._prover(),
            stream=self.stream,
            journal=self.journal,
            config=self.config,
            workbench=self.workbench,
            summarise=SummaryCall(
                talker=self.talker,
                journal=self.journal,
                repository=self.ground.repository,
                prompts=self.prompts,
            ).ask,
        )

    def _prover(self) -> Prover:
        async def tell(result: CheckResult) -> None:
            await self.stream.emit(CheckEnded(result=without_secrets(result)))

        allowed = may_check(self.config, self.default_mode)
        return Prover(
            repository=self.ground.repository,
            config=self.config,
            scratch=self.folder.checkout,
            cache=self.checks_cache,
            environ=self.environ,
            may_check=allowed,
            may_run=lambda _: allowed,
            emit=tell,
            journal=self.journal,
        )

    async def answer(self, session: Session) -> str:
        """The model's answer to a goal that is a question."""
        chat = Chat(
            talker=self.talker,
            prompts=self.prompts,
            journal=self.journal,
            hands=self._reading(),
        )
        return await chat.answer(session)

    def _policy(self) -> Policy:
        facts = self.keeper.session.facts
        return policy_of(self.config, facts, self.default_mode)

    def _working(self, key: str, coming: ComingBay) -> Hands:
        """The six tools in a work tree; the model sees the project's own paths."""
        ready: list[Workspace] = []

        async def workspace() -> Workspace:
            bay = await coming.get()
            await self._environment_noted()
            if not ready:
                ready.append(self._workspace(bay.tree.path))
            return ready[0]

        return Hands(
            toolbox=default_toolbox(self._workspace(self.ground.repository.root)),
            policy=self._policy(),
            asker=self._asker(key),
            workspace=workspace,
        )

    async def _environment_noted(self) -> None:
        async with self._noting:
            if not self._noted:
                await self._prover().note_environment(self.keeper.session)
                self._noted = True

    def _reading(self) -> Hands:
        """Reading tools over the base commit, for Discuss, Plan and questions."""

        async def ready() -> Workspace:
            return self._workspace(await self.workbench.look())

        return Hands(
            toolbox=Toolbox(tools=(FileRead(), Glob(), Grep())),
            policy=Policy(mode=ToolMode.DENY_ALL),
            asker=self._asker("reading"),
            workspace=ready,
        )

    def _workspace(self, root: Path) -> Workspace:
        self.folder.outputs.mkdir(exist_ok=True, mode=0o700)
        return Workspace(
            root=root,
            shown_as=self.ground.repository.root,
            environment=self._command_environment(),
            outputs=self.folder.outputs,
        )

    def _command_environment(self) -> dict[str, str]:
        """What commands see: no secrets, and the project's own virtual environment first."""
        environment = child_environment(self.environ)
        # Whatever a command leaves behind and git does not ignore becomes part of the commit;
        # and edits within one second, of one length, would be hidden by a cached module.
        environment["PYTHONDONTWRITEBYTECODE"] = "1"
        for name in (".venv", "venv"):
            folder = self.ground.repository.root / name
            if (folder / "bin" / "python").exists():
                environment["VIRTUAL_ENV"] = str(folder)
                environment["PATH"] = f"{folder / 'bin'}{os.pathsep}{environment.get('PATH', '')}"
                break
        return environment

    def _asker(self, task: str) -> RunAsker:
        permissions = self.config.permissions
        return RunAsker(
            self.stream, self.asks, task, permissions.timeout_s, permissions.on_timeout.value
        )
