"""The six phases, each with what it works with: hands, a policy, somebody to ask, a prover."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import anyio
import anyio.to_thread

from m31a_engine.arbitrage import Arbitrage
from m31a_engine.asks import OpenAsks
from m31a_engine.chat import Chat
from m31a_engine.checking_room import CheckingRoom
from m31a_engine.checks.result import CheckResult
from m31a_engine.committing import Commits
from m31a_engine.compass import Compass
from m31a_engine.config import Config
from m31a_engine.conversation.turn import Talker
from m31a_engine.drafting import Drafting
from m31a_engine.events import CheckEnded
from m31a_engine.ground import Ground
from m31a_engine.hooks import HookRunner
from m31a_engine.intent_call import IntentCall
from m31a_engine.learning.memory import Memory, Recalled
from m31a_engine.machine import Mode, Phase
from m31a_engine.machinery import Keeper, RunsPhase
from m31a_engine.outfit import Outfitter
from m31a_engine.phases.execute import Execute
from m31a_engine.phases.initialize import Initialize
from m31a_engine.phases.ship import Ship
from m31a_engine.proof import Prover, without_secrets
from m31a_engine.session.home import SessionFolder
from m31a_engine.session.journal import Journal
from m31a_engine.session.state import Session
from m31a_engine.session.stream import EventStream
from m31a_engine.session.wish import Wish
from m31a_engine.session.workbench import Workbench
from m31a_engine.shelter import Shelter
from m31a_engine.summary_call import SummaryCall
from m31a_taskrunner import Control
from m31a_tools import Rule


@dataclass(slots=True)
class Stations:
    """Makes the phases of one session when they are entered."""

    config: Config
    environ: Mapping[str, str]
    shelter: Shelter
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
    compass: Compass
    wishes: Callable[[], Wish]
    keep_rules: Callable[[Sequence[Rule]], object]
    memory: Memory | None
    """What is known from earlier runs; None where nothing is to be recalled."""
    arbitrage: Arbitrage | None = None
    outfit: Outfitter = field(init=False)

    def __post_init__(self) -> None:
        """Have hands made with what is here already."""

        async def note_environment() -> None:
            await self._prover().note_environment(self.keeper.session)

        self.outfit = Outfitter(
            config=self.config,
            environ=self.environ,
            folder=self.folder,
            ground=self.ground,
            workbench=self.workbench,
            shelter=self.shelter,
            asks=self.asks,
            journal=self.journal,
            stream=self.stream,
            keeper=self.keeper,
            first_command=note_environment,
            keep_rules=self.keep_rules,
        )

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
            ask_intent=IntentCall(talker=self.talker, config=self.config).ask,
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
            stream=self.stream,
            journal=self.journal,
            asks=self.asks,
            hands=self.outfit.reading(),
        )

    def _plan(self) -> RunsPhase:
        from m31a_engine.phases.plan import MakePlan  # nor plan

        return MakePlan(
            drafting=self._drafting(),
            talker=self.talker,
            journal=self.journal,
            config=self.config,
            hands=self.outfit.reading(),
            compass=self.compass,
        )

    def _drafting(self) -> Drafting:
        return Drafting(
            talker=self.talker,
            stream=self.stream,
            journal=self.journal,
            asks=self.asks,
            config=self.config,
            hands=self.outfit.reading(),
            folder=self.folder,
        )

    async def _next_wave(self, session: Session) -> Session:
        from m31a_engine.waves import Waves

        return await Waves(drafting=self._drafting, journal=self.journal).next(session)

    def _commits(self) -> Commits:
        return Commits(
            workbench=self.workbench,
            hooks=HookRunner(
                repository=self.ground.repository,
                config=self.config,
                shelter=self.shelter,
                environment=self.outfit.command_environment,
                folders=self.outfit.dependencies,
            ),
            journal=self.journal,
            stream=self.stream,
            talker=self.talker,
        )

    def _execute(self) -> RunsPhase:
        return Execute(
            talker=self.talker,
            stream=self.stream,
            journal=self.journal,
            config=self.config,
            workbench=self.workbench,
            commits=self._commits(),
            hands_for=self.outfit.working,
            control=self.control,
            wishes=self.wishes,
            compass=self.compass,
            next_wave=self._next_wave,
            arbitrage=self.arbitrage,
        )

    def _verify(self) -> RunsPhase:
        from m31a_engine.phases.verify import Verify  # direct mode goes without

        return Verify(
            prover=self._prover(),
            talker=self.talker,
            stream=self.stream,
            journal=self.journal,
            config=self.config,
            workbench=self.workbench,
            commits=self._commits(),
            hands_for=self.outfit.working,
        )

    def _ship(self) -> RunsPhase:
        return Ship(
            repository=self.ground.repository,
            prover=self._prover(),
            stream=self.stream,
            journal=self.journal,
            config=self.config,
            workbench=self.workbench,
            commits=self._commits(),
            summarise=SummaryCall(talker=self.talker, repository=self.ground.repository).ask,
        )

    def _prover(self) -> Prover:
        async def tell(result: CheckResult) -> None:
            await self.stream.emit(CheckEnded(result=without_secrets(result)))

        room = CheckingRoom(
            repository=self.ground.repository,
            config=self.config,
            scratch=self.folder.checkout,
            cache=self.checks_cache,
            environ=self.environ,
            shelter=self.shelter,
            emit=tell,
        )
        return Prover(room, self.journal)

    async def answer(self, session: Session) -> str:
        """The model's answer to a goal that is a question."""
        return await Chat(talker=self.talker, hands=self.outfit.reading()).answer(session)
