"""Everything the screens know of a run, as one value."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from m31a.story.block_list import BlockList
from m31a.story.blocks import (
    AskCard,
    Block,
    Notice,
    Said,
    TaskMark,
    ToolCard,
    UserSaid,
)
from m31a_engine import (
    Ask,
    CheckResult,
    Finding,
    LandingRefused,
    Mode,
    Phase,
    Plan,
    RunReport,
    Usage,
)
from m31a_engine.checks.result import Culprit


def no_places() -> Mapping[str, int]:
    """No block may change any more."""
    return MappingProxyType({})


def grows(block: Block) -> bool:
    """Whether more is still to come for a block of a run in progress."""
    match block:
        case Said(done=done):
            return not done
        case ToolCard(display=display):
            return display is None
        case AskCard(closed=closed):
            return not closed
        case _:
            return False


@dataclass(frozen=True, slots=True)
class OpenAsk:
    """A question that waits, and until when."""

    ask: Ask
    timeout_s: float
    opened_s: float
    """On the app's clock."""


@dataclass(frozen=True, slots=True)
class Story:
    """Everything the screens know of the run in progress, or of the last one."""

    blocks: BlockList = field(default_factory=BlockList)
    goal: str = ""
    running: bool = False
    session: str = ""
    """Known from the first thing the run tells."""
    phase: Phase = Phase.IDLE
    phases_done: tuple[Phase, ...] = ()
    mode: Mode = Mode.AUTO
    mode_reason: str = ""
    model: str = ""
    provider: str = ""
    recording: bool = False
    plan: Plan | None = None
    plan_version: int = 0
    plans: tuple[Plan, ...] = ()
    """All versions, the first one first."""
    tasks: tuple[TaskMark, ...] = ()
    """Those that began, in the order of their ids."""
    checks: tuple[CheckResult, ...] = ()
    findings: tuple[Finding, ...] = ()
    culprit: Culprit | None = None
    """What made a check red, as far as it was looked for."""
    refused: LandingRefused | None = None
    """Why the commit is not on the person's branch, and the command that puts it there."""
    asks: tuple[OpenAsk, ...] = ()
    usage: Usage = field(default_factory=Usage)
    requests: int = 0
    context_tokens: int = 0
    context_limit: int | None = None
    """The window of the newest conversation's model, once it is known."""
    report: RunReport | None = None
    began_s: float = 0.0
    places: Mapping[str, int] = field(default_factory=no_places)
    """Where the blocks stand that may still change: kind and id → index."""

    def adding(self, *blocks: Block) -> "Story":
        """The story with blocks at its end."""
        return replace(self, blocks=self.blocks.adding(*blocks))

    @property
    def whole(self) -> int:
        """How many blocks, from the first one on, will not grow any more."""
        if not self.running:
            return len(self.blocks)
        growing = (at for at in self.places.values() if grows(self.blocks[at]))
        return min(growing, default=len(self.blocks))

    def task(self, task_id: int) -> TaskMark | None:
        """What is known of a task that began."""
        return next((task for task in self.tasks if task.task_id == task_id), None)


def begin(story: Story, goal: str, now_s: float) -> Story:
    """The story of a new run: what stood before stays above it."""
    return Story(
        blocks=story.blocks.adding(UserSaid(goal)),
        goal=goal,
        running=True,
        model=story.model,
        provider=story.provider,
        began_s=now_s,
    )


def halted(story: Story, text: str, remedy: str = "") -> Story:
    """The story of a run that could not begin, or broke off without an end."""
    return replace(
        story.adding(Notice(text, remedy, "err")), running=False, phase=Phase.IDLE, asks=()
    )
