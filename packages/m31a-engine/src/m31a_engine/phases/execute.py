"""The fourth phase: every task of the plan worked on, each ending in one commit."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import msgspec

from m31a_engine.arbitrage import Arbitrage
from m31a_engine.committing import Commits
from m31a_engine.compass import Compass
from m31a_engine.config import Config
from m31a_engine.conversation.turn import Talker
from m31a_engine.events import TaskEnded, TaskStarted
from m31a_engine.machine import Mode, Phase
from m31a_engine.planning.plan import Plan, PlannedTask, single_task_plan
from m31a_engine.planning.tasks import graph_of
from m31a_engine.session.effects import once
from m31a_engine.session.journal import Journal
from m31a_engine.session.state import Session, Step, TaskState
from m31a_engine.session.stream import EventStream
from m31a_engine.session.wish import Wish
from m31a_engine.session.workbench import Workbench
from m31a_engine.taskwork import HandsFor, Stopped, TaskWork, key_of
from m31a_taskrunner import (
    Cancelled,
    Control,
    Done,
    Failed,
    Report,
    Skipped,
    Task,
    run,
)

TASK_LIMIT_S = 1800.0


@dataclass(frozen=True, slots=True)
class Execute:
    """Runs the plan's graph: a conversation and a work tree a task, integrated in order."""

    talker: Talker
    stream: EventStream
    journal: Journal
    config: Config
    workbench: Workbench
    commits: Commits
    hands_for: HandsFor
    control: Control
    wishes: Callable[[], Wish]
    """What a person wants to have done once more; asked once, then forgotten."""
    compass: Compass
    next_wave: Callable[[Session], Awaitable[Session]]
    """Plans the next wave of an outline."""
    arbitrage: Arbitrage | None = None

    async def run(self, session: Session) -> Step:
        """The session with its tasks done, failed or skipped.

        Raises:
            EngineError: the provider, the budget, a limit, or a missing leave ends the run.
        """
        if _wave_is_done(session):
            session = await self.next_wave(session)
        plan = session.plan or single_task_plan(session.goal)
        session = msgspec.structs.replace(session, plan=plan)
        await self.workbench.prepare()
        while True:
            session = await self._worked(session, plan)
            wish = await self._wish(session)
            if wish == Wish():
                break
            undone = await self._taken_back(session) if wish.undo else ()
            gone = {*wish.heal, *undone}
            session = msgspec.structs.replace(
                session,
                tasks=tuple(task for task in session.tasks if task.id not in gone),
                healing=wish.heal,
                round=session.round + 1,
            )
        following = Phase.SHIP if session.mode is Mode.DIRECT else Phase.VERIFY
        return Step(session=session, next=following)

    async def _wish(self, session: Session) -> Wish:
        """What a person wants to have done once more."""
        key = f"execute-{session.round}/wish"
        known = self.journal.done(key, Wish)
        if known is not None:
            return known
        wish = self.wishes()
        if wish != Wish():
            await self.journal.finish(key, wish)
        return wish

    async def _taken_back(self, session: Session) -> tuple[int, ...]:
        """The newest task, when its commit could be taken off the branch."""
        key = f"execute-{session.round}/undone"
        newest = next((one for one in session.tasks if one.commit == self.workbench.head), None)

        async def take_back() -> tuple[int, ...]:
            if newest is None or newest.commit is None:
                return ()
            return (newest.id,) if await self.workbench.take_back(newest.commit) else ()

        return await once(self.journal, key, tuple[int, ...], take_back)

    async def _worked(self, session: Session, plan: Plan) -> Session:
        """The session once every task of the plan has ended."""
        earlier = self._earlier(session, plan)
        work = self._work(session, plan)
        report = await self._run(work, earlier)
        states = tuple(_state(task, report, earlier) for task in plan.tasks)
        for state in states:
            if state.id not in earlier:
                waits = work.waiting.get(state.id)
                await self.stream.emit(
                    TaskEnded(
                        task_id=state.id,
                        outcome=state.outcome if waits is None else "waiting",
                        reason=state.reason if waits is None else waits.message,
                        elapsed_s=state.elapsed_s,
                    )
                )
        for error in work.waiting.values():
            raise error
        # What was verified before was another tree.
        return msgspec.structs.replace(
            session, head=self.workbench.head, tasks=states, verification=None
        )

    def _earlier(self, session: Session, plan: Plan) -> dict[int, TaskState]:
        """Tasks done in an earlier round or by an earlier process."""
        known = (
            self.journal.done(f"{key_of(session, task.id)}/state", TaskState) for task in plan.tasks
        )
        before = {state.id: state for state in session.tasks if state.outcome == "done"}
        return before | {state.id: state for state in known if state is not None}

    def _work(self, session: Session, plan: Plan) -> TaskWork:
        return TaskWork(
            talker=self.talker,
            stream=self.stream,
            journal=self.journal,
            workbench=self.workbench,
            commits=self.commits,
            hands_for=self.hands_for,
            session=session,
            plan=plan,
            compass=self.compass,
            arbitrage=self.arbitrage,
        )

    async def _run(self, work: TaskWork, earlier: dict[int, TaskState]) -> Report[TaskState]:
        graph = graph_of(work.plan.tasks)

        async def do(task: Task[PlannedTask]) -> TaskState:
            planned = work.plan.task(int(task.id))
            await self.stream.emit(
                TaskStarted(task_id=int(task.id), title=planned.description if planned else "")
            )
            return await work.do(task)

        try:
            return await run(
                graph,
                do,
                limit=self.config.features.max_parallel_tasks,
                heal=work.heal,
                max_heals=self.config.features.max_heal_attempts,
                control=self.control,
                timeout_s=TASK_LIMIT_S,
                finished=[str(task_id) for task_id in earlier],
            )
        except Stopped as exc:
            raise exc.error from exc


def _wave_is_done(session: Session) -> bool:
    """Whether all that is planned is done, and the outline goes on."""
    if session.plan is None or not session.waves_left:
        return False
    done = {task.id for task in session.tasks if task.outcome == "done"}
    return done.issuperset(task.id for task in session.plan.tasks)


def _state(
    task: PlannedTask, report: Report[TaskState], earlier: dict[int, TaskState]
) -> TaskState:
    outcome = report.outcomes[str(task.id)]
    match outcome:
        case Done(result=TaskState() as state):
            return msgspec.structs.replace(state, heals=outcome.heals, elapsed_s=outcome.elapsed_s)
        case Done():
            return earlier[task.id]
        case Failed():
            return TaskState(
                id=task.id,
                outcome="failed",
                heals=outcome.heals,
                reason=outcome.error,
                elapsed_s=outcome.elapsed_s,
            )
        case Skipped():
            return TaskState(id=task.id, outcome="skipped", reason=outcome.because)
        case Cancelled():
            return TaskState(id=task.id, outcome="cancelled", elapsed_s=outcome.elapsed_s)
