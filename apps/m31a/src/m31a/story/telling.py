"""The fold: a story and an event make the next story."""

from collections.abc import Callable
from dataclasses import replace
from types import MappingProxyType
from typing import TypeVar

from m31a.story.blocks import (
    AskCard,
    Block,
    CheckCard,
    CommitCard,
    Ending,
    FindingCard,
    Notice,
    PhaseMark,
    PlanCard,
    Said,
    TaskMark,
    Thought,
    ToolCard,
)
from m31a.story.story import OpenAsk, Story, no_places
from m31a_engine import (
    AskClosed,
    AskOpened,
    CheckEnded,
    CommitMade,
    ContextCondensed,
    CulpritFound,
    Envelope,
    Event,
    FindingMade,
    Landed,
    LandingRefused,
    LedgerWritten,
    MessageDone,
    MessageRestarted,
    ModeChosen,
    ModelChosen,
    Noticed,
    Phase,
    PhaseEnded,
    PhaseStarted,
    PlanDrafted,
    ProviderSwitched,
    ReasoningStreamed,
    RunEnded,
    RunStarted,
    TaskEnded,
    TaskHealing,
    TaskStarted,
    TextStreamed,
    ToolEnded,
    ToolOutput,
    ToolStarted,
    UsageChanged,
)

OUTPUT_KEPT = 20_000
"""Characters of a running command's output that are kept; the whole comes with its end."""

B = TypeVar("B", bound=Block)


def hear(story: Story, envelope: Envelope, now_s: float = 0.0) -> Story:
    """The story after what a run tells next."""
    told = tell(story, envelope.event, now_s)
    return told if told.session else replace(told, session=envelope.session)


def tell(story: Story, event: Event, now_s: float = 0.0) -> Story:
    """The story after one more event; an event it does not know changes nothing."""
    return (
        _course(story, event, now_s)
        or _talk(story, event)
        or _work(story, event, now_s)
        or _proof(story, event)
        or _money(story, event)
        or story
    )


def _course(story: Story, event: Event, now_s: float) -> Story | None:
    """Start, phases, asks and end."""
    match event:
        case RunStarted():
            return replace(
                story,
                goal=event.goal,
                running=True,
                model=event.model,
                provider=event.provider,
                mode=event.mode,
                recording=event.recording,
            )
        case ModeChosen():
            return replace(story, mode=event.mode, mode_reason=event.reason)
        case PhaseStarted():
            placed = _placed(story, "phase", event.phase, PhaseMark(event.phase))
            return replace(placed, phase=event.phase)
        case PhaseEnded():
            done = (*(p for p in story.phases_done if p is not event.phase), event.phase)
            ended = _changed(
                story,
                f"phase:{event.phase}",
                PhaseMark,
                lambda mark: replace(mark, elapsed_s=event.elapsed_s),
            )
            return replace(ended, phases_done=done)
        case AskOpened():
            opened = OpenAsk(event.ask, event.timeout_s, now_s)
            asked = _placed(story, "ask", event.ask.ask_id, AskCard(event.ask))
            return replace(asked, asks=(*story.asks, opened))
        case AskClosed():
            left = tuple(each for each in story.asks if each.ask.ask_id != event.ask_id)
            closed = _changed(
                story,
                f"ask:{event.ask_id}",
                AskCard,
                lambda card: replace(card, answer=event.answer, closed=True),
            )
            return replace(closed, asks=left)
        case RunEnded():
            ended_story = story.adding(Ending(event.report))
            return replace(
                ended_story,
                running=False,
                phase=Phase.IDLE,
                report=event.report,
                asks=(),
                session=event.report.session,
                places=no_places(),
            )
        case _:
            return None


def _talk(story: Story, event: Event) -> Story | None:
    """What the model says."""
    match event:
        case TextStreamed():
            key = f"said:{event.conversation}"
            if key not in story.places:
                new = Said(event.conversation, event.text)
                return _placed(story, "said", event.conversation, new)
            return _changed(
                story, key, Said, lambda said: replace(said, text=said.text + event.text)
            )
        case ReasoningStreamed():
            key = f"thought:{event.conversation}"
            if key not in story.places:
                idea = Thought(event.conversation, event.text)
                return _placed(story, "thought", event.conversation, idea)
            return _changed(
                story, key, Thought, lambda idea: replace(idea, text=idea.text + event.text)
            )
        case MessageRestarted():
            return _changed(
                story, f"said:{event.conversation}", Said, lambda said: replace(said, text="")
            )
        case MessageDone():
            return _message_done(story, event)
        case _:
            return None


def _message_done(story: Story, event: MessageDone) -> Story:
    key = f"said:{event.conversation}"
    if key not in story.places and event.text.strip():
        story = _placed(story, "said", event.conversation, Said(event.conversation, ""))
    done = _changed(story, key, Said, lambda said: replace(said, text=event.text, done=True))
    kept = {
        place: index
        for place, index in done.places.items()
        if place not in (key, f"thought:{event.conversation}")
    }
    return replace(done, places=MappingProxyType(kept), model=event.model or story.model)


def _work(story: Story, event: Event, now_s: float) -> Story | None:
    """Tools, plans and tasks."""
    match event:
        case ToolStarted():
            card = ToolCard(event.conversation, event.call_id, event.tool, event.arguments)
            return _placed(story, "tool", _call(event), card)
        case ToolOutput():
            return _changed(
                story,
                f"tool:{_call(event)}",
                ToolCard,
                lambda card: replace(card, output=(card.output + event.text)[-OUTPUT_KEPT:]),
            )
        case ToolEnded():
            key = f"tool:{_call(event)}"
            if key not in story.places:  # refused before it began
                card = ToolCard(event.conversation, event.call_id, event.tool, "")
                story = _placed(story, "tool", _call(event), card)
            return _changed(
                story,
                key,
                ToolCard,
                lambda card: replace(card, display=event.display, is_error=event.is_error),
            )
        case PlanDrafted():
            drafted = story.adding(PlanCard(event.plan, event.version))
            return replace(
                drafted,
                plan=event.plan,
                plan_version=event.version,
                plans=(*story.plans, event.plan),
            )
        case TaskStarted():
            return _task(story, TaskMark(event.task_id, event.title, began_s=now_s))
        case TaskHealing():
            return _retask(
                story,
                event.task_id,
                lambda mark: replace(mark, heals=event.attempt, outcome="", reason=event.error),
            )
        case TaskEnded():
            return _retask(
                story,
                event.task_id,
                lambda mark: replace(
                    mark, outcome=event.outcome, reason=event.reason, elapsed_s=event.elapsed_s
                ),
            )
        case _:
            return None


def _proof(story: Story, event: Event) -> Story | None:
    """Checks, findings, commits and landing."""
    match event:
        case CheckEnded():
            checked = story.adding(CheckCard(event.result))
            return replace(checked, checks=(*story.checks, event.result))
        case FindingMade():
            found = story.adding(FindingCard(event.finding))
            return replace(found, findings=(*story.findings, event.finding))
        case CulpritFound(culprit=culprit):
            found_at = (
                f"{culprit.check} is red since {(culprit.commit or '')[:10]} {culprit.subject}"
            )
            unknown = f"where {culprit.check} broke is not clear: {culprit.inconclusive}"
            told = story.adding(Notice(found_at if culprit.commit else unknown, level="warn"))
            return replace(told, culprit=culprit)
        case CommitMade():
            return story.adding(CommitCard(event.commit, event.subject, event.files))
        case Landed():
            return story.adding(CommitCard(event.commit, "", landed_on=event.branch))
        case LandingRefused():
            text = f"not landed: {event.reason}"
            said = story.adding(Notice(text, f"merge it with: {event.command}", "warn"))
            return replace(said, refused=event)
        case _:
            return None


def _money(story: Story, event: Event) -> Story | None:
    """Usage, providers, and sentences."""
    match event:
        case UsageChanged():
            return replace(
                story,
                usage=event.usage,
                requests=event.requests,
                context_tokens=event.context_tokens or story.context_tokens,
                context_limit=event.context_limit or story.context_limit,
            )
        case ProviderSwitched():
            text = f"{event.target} answers instead of {event.origin}: {event.reason}"
            return replace(story.adding(Notice(text, level="warn")), provider=event.target)
        case ContextCondensed():
            text = f"{event.removed} older messages became a summary ({event.saved_tokens} tokens)"
            return story.adding(Notice(text))
        case ModelChosen() if event.model != event.instead_of:
            about = f"task {event.task_id}: {event.model} instead of {event.instead_of}"
            saved = f" (saves about ${event.saving_usd:.2f})" if event.saving_usd > 0 else ""
            return story.adding(Notice(f"{about}{saved}: {event.reason}"))
        case ModelChosen() | LedgerWritten():  # nothing is other than it was; the end tells the row
            return story
        case Noticed():
            return story.adding(Notice(event.text, event.remedy))
        case _:
            return None


def _call(event: ToolStarted | ToolOutput | ToolEnded) -> str:
    return f"{event.conversation}/{event.call_id}"


def _placed(story: Story, kind: str, name: str, block: Block) -> Story:
    """The story with a block at its end that may still change."""
    places = {**story.places, f"{kind}:{name}": len(story.blocks)}
    return replace(story, blocks=story.blocks.adding(block), places=MappingProxyType(places))


def _changed(story: Story, key: str, kind: type[B], change: Callable[[B], B]) -> Story:
    """The story with the block of that key changed; without one nothing changes."""
    index = story.places.get(key)
    block = story.blocks[index] if index is not None else None
    if index is None or not isinstance(block, kind):
        return story
    return replace(story, blocks=story.blocks.changing(index, change(block)))


def _task(story: Story, mark: TaskMark) -> Story:
    others = [task for task in story.tasks if task.task_id != mark.task_id]
    tasks = tuple(sorted([*others, mark], key=lambda task: task.task_id))
    return replace(_placed(story, "task", str(mark.task_id), mark), tasks=tasks)


def _retask(story: Story, task_id: int, change: Callable[[TaskMark], TaskMark]) -> Story:
    if story.task(task_id) is None:  # skipped before it began
        planned = story.plan.task(task_id) if story.plan is not None else None
        story = _task(story, TaskMark(task_id, planned.description if planned else ""))
    changed = _changed(story, f"task:{task_id}", TaskMark, change)
    tasks = tuple(change(task) if task.task_id == task_id else task for task in story.tasks)
    return replace(changed, tasks=tasks)
