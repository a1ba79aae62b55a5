"""One task from its first request to its commit: talk, integrate, mend."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import anyio

from m31a_engine.arbitrage import Arbitrage
from m31a_engine.committing import Commits, HookRefused
from m31a_engine.compass import Compass
from m31a_engine.conversation.hands import Hands
from m31a_engine.conversation.history import Conversation
from m31a_engine.conversation.opening import begun, goal_text, task_text
from m31a_engine.conversation.turn import Talker
from m31a_engine.errors import WaitingForApproval, sole
from m31a_engine.events import CommitMade, TaskHealing
from m31a_engine.machine import Mode
from m31a_engine.planning.plan import Plan, PlannedTask, title_of
from m31a_engine.proof import failure_text
from m31a_engine.report import FileReport
from m31a_engine.session.journal import Journal
from m31a_engine.session.state import Session, TaskState
from m31a_engine.session.stream import EventStream
from m31a_engine.session.workbench import ComingBay, Integrated, MergeConflict, Workbench
from m31a_providers import AssistantMessage, Usage
from m31a_rollback import Repository
from m31a_taskrunner import StopRun, Task, Unhealable
from m31a_tools import Background

ORIENTATION_TOKENS = 250
HandsFor = Callable[[str, ComingBay, Background], Hands]


class Stopped(StopRun):
    """Not the task's failure but the world's, or ours, stops the whole run; `error` says which."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


class Waits(Unhealable):
    """The task waits for a person's leave; others go on."""


class Broken(Exception):
    """What the task left cannot be right; the text goes to the healing attempt."""


class Gate:
    """Tasks pass it together; one that was sent back passes it alone."""

    def __init__(self) -> None:
        self._inside = 0
        self._change = anyio.Condition()
        self._alone = anyio.Lock()

    @asynccontextmanager
    async def together(self) -> AsyncIterator[None]:
        """Be inside beside others."""
        async with self._alone, self._change:
            self._inside += 1
        try:
            yield
        finally:
            with anyio.CancelScope(shield=True):
                async with self._change:
                    self._inside -= 1
                    self._change.notify_all()

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        """Be the only one inside."""
        async with self._alone:
            async with self._change:
                while self._inside:
                    await self._change.wait()
            yield


async def work_through(
    talker: Talker, talk: Conversation, hands_for: HandsFor, coming: ComingBay
) -> str:
    """The closing words of a conversation that works in a work tree, once all of it has ended."""
    async with Background() as background:
        hands = hands_for(talk.name, coming, background)
        closing = await talker.carry_on(talk, hands)
        await background.stop_all()
        await hands.end()
    return closing


def key_of(session: Session, task_id: int) -> str:
    """The name of a task's work in the journal."""
    return f"execute-{session.round}/task-{task_id}"


@dataclass(frozen=True, slots=True)
class TaskWork:
    """How the tasks of one entry into Execute are done."""

    talker: Talker
    stream: EventStream
    journal: Journal
    workbench: Workbench
    commits: Commits
    hands_for: HandsFor
    session: Session
    plan: Plan
    compass: Compass
    arbitrage: Arbitrage | None = None
    """Chooses a model for each task, where that is switched on."""
    gate: Gate = field(default_factory=Gate)
    waiting: dict[int, WaitingForApproval] = field(default_factory=dict)
    """The tasks that need leave, and for what."""

    async def do(self, task: Task[PlannedTask]) -> TaskState:
        """The task's state once its commit stands on the session's branch.

        Raises:
            Stopped: the provider, the budget or a limit ends the run.
            Waits: a call needs a person's leave.
            Broken: the files it left do not parse, or a commit hook refused them.
            Unhealable: no message was accepted by the hooks.
        """
        planned = _payload(task)
        key = key_of(self.session, planned.id)
        again = planned.id in self.session.healing
        phase, news = ("heal", self._complaint()) if again else ("execute", "")
        async with self.gate.together():
            try:
                return await self._attempt(planned, key, phase, news)
            except MergeConflict as exc:
                paths = ", ".join(exc.paths)
        news = (
            f"Another task was finished meanwhile and collides with yours in {paths}. "
            "The files are now as that task left them: do your task again on them."
        )
        async with self.gate.alone():
            return await self._attempt(planned, f"{key}/again", "execute", news)

    async def heal(self, task: Task[PlannedTask], error: Exception, attempt: int) -> TaskState:
        """The task's state after a healing attempt; errors as in `do`."""
        planned = _payload(task)
        key = f"{key_of(self.session, planned.id)}/heal-{attempt}"
        await self.stream.emit(TaskHealing(task_id=planned.id, attempt=attempt, error=str(error)))
        async with self.gate.alone():
            return await self._attempt(planned, key, "heal", f"# What went wrong\n\n{error}")

    def _complaint(self) -> str:
        """Why a task that was worked on before is worked on again."""
        red = failure_text(self.session.verification) if self.session.verification else ""
        said = red or "A person wants this task to be worked on again: look at what it left."
        return f"# What went wrong\n\n{said}"

    async def _attempt(self, planned: PlannedTask, key: str, phase: str, news: str) -> TaskState:
        try:
            return await self._worked(planned, key, phase, news)
        except (MergeConflict, Broken, Unhealable):
            raise
        except Exception as caught:
            match sole(caught):
                case WaitingForApproval() as exc:
                    self.waiting[planned.id] = exc
                    raise Waits(exc.message) from caught
                case error:
                    raise Stopped(error) from caught

    async def _worked(self, planned: PlannedTask, key: str, phase: str, news: str) -> TaskState:
        work = f"task-{planned.id}"
        coming = self.commits.coming(key, work)
        if phase == "execute" and self.arbitrage is not None:
            await self.arbitrage.choose(planned, f"{key_of(self.session, planned.id)}/model")
        talk = await self._conversation(planned, key, phase, news)
        closing = await work_through(self.talker, talk, self.hands_for, coming)
        message = title_of(planned.description)
        bay = await coming.get()
        try:
            done = await self.commits.integrate(bay, message, work)
        except HookRefused as exc:
            raise (Unhealable if exc.final else Broken)(str(exc)) from exc
        await self.compass.edited(done.files, bay.tree.path)
        self.workbench.give_back(bay)
        if done.commit is not None:
            await self._announce(planned, done, message)
            await self._require_syntax(bay.place.base, done)
        state = TaskState(
            id=planned.id,
            outcome="done",
            commit=done.commit,
            files=done.files,
            summary=closing,
            usage=_usage(talk),
            models=_models(talk),
            asked=talk.model,
        )
        await self.journal.finish(f"{key_of(self.session, planned.id)}/state", state)
        return state

    async def _conversation(
        self, planned: PlannedTask, key: str, phase: str, news: str
    ) -> Conversation:
        alone = self.session.mode is not Mode.FULL and phase == "execute"
        named = [file.path for file in planned.files]
        files = await self.compass.orientation(planned.description, ORIENTATION_TOKENS, named)
        parts = (files, goal_text(self.session), task_text(self.plan, planned), news)
        return begun(
            self.talker,
            key,
            phase,
            self.session,
            parts,
            task=str(planned.id),
            preface="autonomous" if alone else "",
        )

    async def _announce(self, planned: PlannedTask, done: Integrated, message: str) -> None:
        await self.stream.emit(
            CommitMade(
                commit=done.commit or "",
                subject=message,
                task_id=planned.id,
                files=tuple(
                    FileReport(path=path, status="", added=None, removed=None)
                    for path in done.files
                ),
            )
        )

    async def _require_syntax(self, base: str, done: Integrated) -> None:
        broken = await syntax_errors(self.workbench.repository, done.commit or base, done.files)
        if broken:
            raise Broken("These files do not parse:\n" + broken)


async def syntax_errors(repository: Repository, commit: str, files: tuple[str, ...]) -> str:
    """What does not parse among some files of a commit; "" when all do."""
    from m31a_engine.checks.syntax import check_syntax  # not before the first request

    result = await check_syntax(repository, commit, files)
    return "" if result is None or result.passed else result.output_tail


def _payload(task: Task[PlannedTask]) -> PlannedTask:
    if task.payload is None:
        raise TypeError("a task of the plan has no payload")
    return task.payload


def _models(talk: Conversation) -> tuple[str, ...]:
    """Who answered, each once."""
    said = (one.model for one in talk.messages if isinstance(one, AssistantMessage))
    return tuple(dict.fromkeys(name for name in said if name))


def _usage(talk: Conversation) -> Usage:
    total = Usage()
    for message in talk.messages:
        if isinstance(message, AssistantMessage):
            total = message.usage if total == Usage() else total + message.usage
    return total
