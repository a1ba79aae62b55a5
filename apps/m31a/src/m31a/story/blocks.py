"""The items of a conversation, in the order in which they came."""

from dataclasses import dataclass

from m31a_engine import (
    Answer,
    Ask,
    CheckResult,
    Display,
    FileReport,
    Finding,
    Phase,
    Plan,
    RunReport,
)


@dataclass(frozen=True, slots=True)
class UserSaid:
    """What the person typed."""

    text: str


@dataclass(frozen=True, slots=True)
class PhaseMark:
    """A phase began; `elapsed_s` is None while it lasts."""

    phase: Phase
    elapsed_s: float | None = None


@dataclass(frozen=True, slots=True)
class Said:
    """The model's words in one answer; they grow until `done`."""

    conversation: str
    text: str
    done: bool = False


@dataclass(frozen=True, slots=True)
class Thought:
    """The model's reasoning in one answer."""

    conversation: str
    text: str


@dataclass(frozen=True, slots=True)
class ToolCard:
    """One tool call; `display` is None while it runs."""

    conversation: str
    call_id: str
    tool: str
    arguments: str
    """JSON as the model wrote it."""
    output: str = ""
    """The last of what it has printed so far."""
    display: Display | None = None
    is_error: bool = False


@dataclass(frozen=True, slots=True)
class TaskMark:
    """A task began, is mended, or ended; `outcome` is empty while it runs."""

    task_id: int
    title: str
    outcome: str = ""
    reason: str = ""
    heals: int = 0
    elapsed_s: float = 0.0
    began_s: float | None = None
    """On the app's clock; None for one that was skipped before it began."""


@dataclass(frozen=True, slots=True)
class PlanCard:
    """A version of the plan."""

    plan: Plan
    version: int


@dataclass(frozen=True, slots=True)
class CheckCard:
    """One check with its evidence."""

    result: CheckResult


@dataclass(frozen=True, slots=True)
class FindingCard:
    """Something that speaks against the change."""

    finding: Finding


@dataclass(frozen=True, slots=True)
class CommitCard:
    """A commit on the session's branch, or (`landed`) on the user's."""

    commit: str
    subject: str
    files: tuple[FileReport, ...] = ()
    landed_on: str = ""


@dataclass(frozen=True, slots=True)
class AskCard:
    """A question to the person; `closed` with an answer, or with None when its time ran out."""

    ask: Ask
    answer: Answer | None = None
    closed: bool = False


@dataclass(frozen=True, slots=True)
class Notice:
    """A sentence to be seen. `level` is info, warn or err."""

    text: str
    remedy: str = ""
    level: str = "info"


@dataclass(frozen=True, slots=True)
class ShellCard:
    """A command the person ran with `!`, and what it printed; None while it runs."""

    command: str
    output: str = ""
    exit_code: int | None = None


@dataclass(frozen=True, slots=True)
class Ending:
    """How a run ended."""

    report: RunReport


Block = (
    UserSaid
    | PhaseMark
    | Said
    | Thought
    | ToolCard
    | TaskMark
    | PlanCard
    | CheckCard
    | FindingCard
    | CommitCard
    | AskCard
    | Notice
    | ShellCard
    | Ending
)
