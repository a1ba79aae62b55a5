"""What happens in a run, as one ordered stream of plain values.

Rules that consumers may build on:

1. Events hold no future, callback, class or exception; they encode to JSON and back.
2. `Envelope.seq` rises by one. `RunStarted` is first, `RunEnded` last and always there,
   after a failure or an interrupt too.
3. The stream is bounded and loses nothing: the engine waits for a slow reader.
4. An ask is answerable before its `AskOpened` is seen.
5. What a consumer sees has been written to the journal before, except the live pieces
   (`TextStreamed`, `ReasoningStreamed`, `ToolOutput`), which are not journalled: the
   whole text follows in `MessageDone`, the whole output in `ToolEnded`.
6. Fields are only added, with defaults, so that old journals load.
"""

import msgspec

from m31a_engine.asks import Answer, Ask
from m31a_engine.checks.result import CheckResult, Culprit, Finding
from m31a_engine.machine import Mode, Phase
from m31a_engine.planning.plan import Plan
from m31a_engine.report import FileReport, Outcome, RunReport
from m31a_providers import Usage
from m31a_tools import Display


class RunStarted(msgspec.Struct, frozen=True, kw_only=True, tag="run.started"):
    """The first event: what is to be done, where."""

    goal: str
    project: str
    mode: Mode
    model: str
    provider: str
    resumed: bool = False
    recording: bool = False
    """Whether the model's words are a recording (the demo, a replay)."""


class ModeChosen(msgspec.Struct, frozen=True, kw_only=True, tag="mode.chosen"):
    """Which phases this goal takes, and why."""

    mode: Mode
    reason: str


class PhaseStarted(msgspec.Struct, frozen=True, kw_only=True, tag="phase.started"):
    """A phase begins."""

    phase: Phase


class PhaseEnded(msgspec.Struct, frozen=True, kw_only=True, tag="phase.ended"):
    """A phase is over; `next` is the one that follows."""

    phase: Phase
    next: Phase
    elapsed_s: float


class AskOpened(msgspec.Struct, frozen=True, kw_only=True, tag="ask.opened"):
    """A question waits for an answer; it can be answered already."""

    ask: Ask
    timeout_s: float


class AskClosed(msgspec.Struct, frozen=True, kw_only=True, tag="ask.closed"):
    """A question is settled; `answer` is None when its time ran out."""

    ask_id: str
    answer: Answer | None


class TextStreamed(msgspec.Struct, frozen=True, kw_only=True, tag="text.streamed"):
    """A piece of the model's answer, live."""

    conversation: str
    text: str


class ReasoningStreamed(msgspec.Struct, frozen=True, kw_only=True, tag="reasoning.streamed"):
    """A piece of the model's reasoning, live."""

    conversation: str
    text: str


class MessageRestarted(msgspec.Struct, frozen=True, kw_only=True, tag="message.restarted"):
    """The answer begins anew: what was shown of it is to be thrown away."""

    conversation: str
    reason: str


class MessageDone(msgspec.Struct, frozen=True, kw_only=True, tag="message.done"):
    """One answer of the model, whole."""

    conversation: str
    text: str
    model: str
    usage: Usage
    calls: int


class ToolStarted(msgspec.Struct, frozen=True, kw_only=True, tag="tool.started"):
    """A tool call is about to run."""

    conversation: str
    call_id: str
    tool: str
    arguments: str


class ToolOutput(msgspec.Struct, frozen=True, kw_only=True, tag="tool.output"):
    """A piece of a command's output, live."""

    conversation: str
    call_id: str
    text: str


class ToolEnded(msgspec.Struct, frozen=True, kw_only=True, tag="tool.ended"):
    """A tool call is over."""

    conversation: str
    call_id: str
    tool: str
    display: Display
    is_error: bool


class PlanDrafted(msgspec.Struct, frozen=True, kw_only=True, tag="plan.drafted"):
    """A version of the plan that can be read."""

    plan: Plan
    version: int


class TaskStarted(msgspec.Struct, frozen=True, kw_only=True, tag="task.started"):
    """A task begins."""

    task_id: int
    title: str


class TaskHealing(msgspec.Struct, frozen=True, kw_only=True, tag="task.healing"):
    """A task failed and is being mended."""

    task_id: int
    attempt: int
    error: str


class TaskEnded(msgspec.Struct, frozen=True, kw_only=True, tag="task.ended"):
    """A task is over: done, failed, skipped, cancelled or waiting."""

    task_id: int
    outcome: str
    reason: str = ""
    elapsed_s: float = 0.0


class CheckEnded(msgspec.Struct, frozen=True, kw_only=True, tag="check.ended"):
    """One check of Verify, with its evidence."""

    result: CheckResult


class FindingMade(msgspec.Struct, frozen=True, kw_only=True, tag="finding.made"):
    """Something about the change that a person should know or that stops Ship."""

    finding: Finding


class CulpritFound(msgspec.Struct, frozen=True, kw_only=True, tag="culprit.found"):
    """Which commit made a check red, or why none can be named."""

    culprit: Culprit


class UsageChanged(msgspec.Struct, frozen=True, kw_only=True, tag="usage.changed"):
    """Tokens and cost of the session so far; cost None is unknown, not 0."""

    usage: Usage
    requests: int
    context_tokens: int = 0
    """What the newest conversation takes up of its model's window."""
    context_limit: int | None = None
    """That window; None when it is not known."""


class ProviderSwitched(msgspec.Struct, frozen=True, kw_only=True, tag="provider.switched"):
    """Another provider answers from here on."""

    origin: str
    target: str
    reason: str


class ModelChosen(msgspec.Struct, frozen=True, kw_only=True, tag="model.chosen"):
    """A model was chosen for a task by what it costs and how it did before."""

    task_id: int
    model: str
    instead_of: str
    """The phase's model; the same one where that stays."""
    complexity: str
    reason: str
    saving_usd: float = 0.0
    """Against the phase's model, as estimated; 0 when that one stays or has no known price."""
    cost_usd: float | None = None
    """The estimate for the task; None when the model has no known price."""


class ContextCondensed(msgspec.Struct, frozen=True, kw_only=True, tag="context.condensed"):
    """Older messages of a conversation were replaced by a summary."""

    conversation: str
    removed: int
    saved_tokens: int


class CommitMade(msgspec.Struct, frozen=True, kw_only=True, tag="commit.made"):
    """A commit stands on the session's branch."""

    commit: str
    subject: str
    task_id: int | None = None
    files: tuple[FileReport, ...] = ()


class Landed(msgspec.Struct, frozen=True, kw_only=True, tag="landed"):
    """The verified commit is on the user's branch and in the user's tree."""

    commit: str
    branch: str


class LandingRefused(msgspec.Struct, frozen=True, kw_only=True, tag="landing.refused"):
    """The commit stays on the session's branch; nothing of the user's was touched."""

    reason: str
    paths: tuple[str, ...]
    command: str


class LedgerWritten(msgspec.Struct, frozen=True, kw_only=True, tag="ledger.written"):
    """The run's row is in the ledger."""

    path: str


class Noticed(msgspec.Struct, frozen=True, kw_only=True, tag="noticed"):
    """One sentence a person should see; nothing depends on it."""

    text: str
    remedy: str = ""


class RunEnded(msgspec.Struct, frozen=True, kw_only=True, tag="run.ended"):
    """The last event: how it went, with the whole report."""

    outcome: Outcome
    report: RunReport


Event = (
    RunStarted
    | ModeChosen
    | PhaseStarted
    | PhaseEnded
    | AskOpened
    | AskClosed
    | TextStreamed
    | ReasoningStreamed
    | MessageRestarted
    | MessageDone
    | ToolStarted
    | ToolOutput
    | ToolEnded
    | PlanDrafted
    | TaskStarted
    | TaskHealing
    | TaskEnded
    | CheckEnded
    | FindingMade
    | CulpritFound
    | UsageChanged
    | ProviderSwitched
    | ModelChosen
    | ContextCondensed
    | CommitMade
    | Landed
    | LandingRefused
    | LedgerWritten
    | Noticed
    | RunEnded
)


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """An event with its place in the stream."""

    seq: int
    at: str
    """UTC, ISO 8601."""
    session: str
    event: Event


_encoder = msgspec.json.Encoder()


def encode_envelope(envelope: Envelope) -> str:
    """An envelope as JSON on one line, without a line end."""
    return _encoder.encode(envelope).decode()
