"""The one value that the phases carry along: replaced after each step, never changed."""

import msgspec

from m31a_engine.checks.result import Finding, Verification
from m31a_engine.intent import Intent, Kind
from m31a_engine.learning.lessons import Lesson
from m31a_engine.learning.memory import Recalled
from m31a_engine.machine import Mode, Phase
from m31a_engine.planning.plan import Plan, Wave
from m31a_engine.project.facts import ProjectFacts
from m31a_providers import Usage


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What the caller chose for a run; kept, so that a resumed run goes on the same way."""

    mode: Mode = Mode.AUTO
    """`auto` takes `features.workflow_mode`; where that is `auto` too, the goal decides."""
    ghost: bool = False
    """Leave the verified commit on the session's branch."""
    until: Phase | None = None
    on_failure: str = "keep"
    dirty: str = "leave"
    init: bool = False
    allow: tuple[str, ...] = ()
    ask_questions: bool = True
    heal: tuple[int, ...] = ()
    """Tasks that a resumed session works on again, done or not."""
    kind: str = "run"
    """run, demo or chat; a demo's ledger row is marked, a chat answers and changes nothing."""
    given: dict[str, str | int | float] = {}
    """Settings of the command line that a resumed run goes by; the engine fills them in."""


class TaskState(msgspec.Struct, frozen=True, kw_only=True):
    """What has become of one task."""

    id: int
    outcome: str = "pending"
    heals: int = 0
    commit: str | None = None
    files: tuple[str, ...] = ()
    summary: str = ""
    reason: str = ""
    usage: Usage = Usage()
    models: tuple[str, ...] = ()
    """The models that answered, as they name themselves."""
    asked: str = ""
    """The model that was asked for."""
    elapsed_s: float = 0.0


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """A question of Discuss and what was answered."""

    question: str
    answer: str


class Shipped(msgspec.Struct, frozen=True, kw_only=True):
    """What Ship did."""

    commit: str
    landed: bool
    refused: str = ""
    paths: tuple[str, ...] = ()
    command: str = ""


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """A run's state between two phases."""

    id: str
    goal: str
    project: str
    started_at: str
    options: Options
    phase: Phase = Phase.IDLE
    mode: Mode = Mode.AUTO
    intent: Intent | None = None
    base: str = ""
    """The commit everything is measured against."""
    user_branch: str | None = None
    """The branch the user is on; None when HEAD is detached."""
    branch: str = ""
    """The session's own branch."""
    facts: ProjectFacts | None = None
    listing: tuple[str, ...] = ()
    """The first paths of the project, for the model."""
    answers: tuple[Answered, ...] = ()
    plan: Plan | None = None
    plan_version: int = 0
    plan_read_by_person: bool = False
    memory: Recalled = Recalled()
    """What is known from earlier runs."""
    lessons: tuple[Lesson, ...] = ()
    """What was red in this run, and what helped."""
    research: str = ""
    """What a look at the project has shown, for complex goals."""
    source_files: int = 0
    outline: tuple[Wave, ...] = ()
    """The waves of a goal that is planned piece by piece; empty when the plan is whole."""
    waves_planned: int = 1
    cycles: int = 0
    head: str = ""
    """The newest commit of the session's branch."""
    tasks: tuple[TaskState, ...] = ()
    healing: tuple[int, ...] = ()
    """Tasks that a person wants to have worked on again."""
    round: int = 1
    """How often Execute was entered."""
    verification: Verification | None = None
    preflight: tuple[Finding, ...] = ()
    """What Ship found in its last look."""
    shipped: Shipped | None = None
    closing: str = ""
    ignored: tuple[str, ...] = ()

    @property
    def is_question(self) -> bool:
        """Whether the goal is answered in words, and nothing is changed."""
        if self.options.kind == "chat":
            return True
        asked = self.intent is not None and self.intent.kind is Kind.QUESTION
        return asked and self.options.mode is Mode.AUTO

    @property
    def waves_left(self) -> tuple[Wave, ...]:
        """The waves of the outline that have no tasks yet."""
        return self.outline[self.waves_planned :]

    @property
    def all_done(self) -> bool:
        """Whether there are tasks and every one is done."""
        return bool(self.tasks) and all(task.outcome == "done" for task in self.tasks)


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """What a phase gives back: the new state and the phase that follows."""

    session: Session
    next: Phase
