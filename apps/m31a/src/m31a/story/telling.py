"""The fold: a story and an event make the next story."""

from dataclasses import replace
from typing import assert_never

from m31a.story.blocks import (
    AskCard,
    CheckCard,
    CommitCard,
    Ending,
    FindingCard,
    Notice,
    PhaseMark,
)
from m31a.story.places import changed, placed, settled
from m31a.story.story import OpenAsk, Story, no_places
from m31a.story.telling_work import Talk, Work, hear_talk, hear_work
from m31a_engine import Phase, events

Course = (
    events.RunStarted
    | events.ModeChosen
    | events.PhaseStarted
    | events.PhaseEnded
    | events.AskOpened
    | events.AskClosed
    | events.RunEnded
)
Proof = (
    events.CheckEnded
    | events.FindingMade
    | events.CulpritFound
    | events.CommitMade
    | events.Landed
    | events.LandingRefused
)
Money = (
    events.UsageChanged
    | events.ProviderSwitched
    | events.ModelChosen
    | events.ContextCondensed
    | events.LedgerWritten
    | events.Noticed
)


def hear(story: Story, envelope: events.Envelope, now_s: float = 0.0) -> Story:
    """The story after what a run tells next."""
    told = tell(story, envelope.event, now_s)
    return told if told.session else replace(told, session=envelope.session)


def tell(story: Story, event: events.Event, now_s: float = 0.0) -> Story:
    """The story after one more event."""
    if isinstance(event, Talk):
        return hear_talk(story, event)
    if isinstance(event, Work):
        return hear_work(story, event, now_s)
    if isinstance(event, Course):
        return _course(story, event, now_s)
    return _proof(story, event) if isinstance(event, Proof) else _money(story, event)


def _course(story: Story, event: Course, now_s: float) -> Story:
    """Start, phases, asks and end."""
    match event:
        case events.RunStarted():
            return replace(
                story,
                goal=event.goal,
                running=True,
                model=event.model,
                provider=event.provider,
                mode=event.mode,
                recording=event.recording,
            )
        case events.ModeChosen():
            return replace(story, mode=event.mode, mode_reason=event.reason)
        case events.PhaseStarted():
            marked = placed(story, "phase", event.phase, PhaseMark(event.phase))
            return replace(marked, phase=event.phase)
        case events.PhaseEnded():
            done = (*(p for p in story.phases_done if p is not event.phase), event.phase)
            ended = changed(
                story,
                f"phase:{event.phase}",
                PhaseMark,
                lambda mark: replace(mark, elapsed_s=event.elapsed_s),
            )
            return replace(ended, phases_done=done)
        case events.AskOpened() | events.AskClosed():
            return _asked(story, event, now_s)
        case events.RunEnded():
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
            assert_never(event)


def _asked(story: Story, event: events.AskOpened | events.AskClosed, now_s: float) -> Story:
    match event:
        case events.AskOpened():
            opened = OpenAsk(event.ask, event.timeout_s, now_s)
            asked = placed(story, "ask", event.ask.ask_id, AskCard(event.ask))
            return replace(asked, asks=(*story.asks, opened))
        case events.AskClosed():
            left = tuple(each for each in story.asks if each.ask.ask_id != event.ask_id)
            closed = changed(
                story,
                f"ask:{event.ask_id}",
                AskCard,
                lambda card: replace(card, answer=event.answer, closed=True),
            )
            return replace(settled(closed, f"ask:{event.ask_id}"), asks=left)


def _proof(story: Story, event: Proof) -> Story:
    """Checks, findings, commits and landing."""
    match event:
        case events.CheckEnded():
            checked = story.adding(CheckCard(event.result))
            return replace(checked, checks=(*story.checks, event.result))
        case events.FindingMade():
            found = story.adding(FindingCard(event.finding))
            return replace(found, findings=(*story.findings, event.finding))
        case events.CulpritFound(culprit=culprit):
            found_at = (
                f"{culprit.check} is red since {(culprit.commit or '')[:10]} {culprit.subject}"
            )
            unknown = f"where {culprit.check} broke is not clear: {culprit.inconclusive}"
            told = story.adding(Notice(found_at if culprit.commit else unknown, level="warn"))
            return replace(told, culprit=culprit)
        case events.CommitMade():
            return story.adding(CommitCard(event.commit, event.subject, event.files))
        case events.Landed():
            return story.adding(CommitCard(event.commit, "", landed_on=event.branch))
        case events.LandingRefused():
            text = f"not landed: {event.reason}"
            said = story.adding(Notice(text, f"merge it with: {event.command}", "warn"))
            return replace(said, refused=event)
        case _:
            assert_never(event)


def _money(story: Story, event: Money) -> Story:
    """Usage, providers, and sentences."""
    match event:
        case events.UsageChanged():
            return replace(
                story,
                usage=event.usage,
                requests=event.requests,
                context_tokens=event.context_tokens or story.context_tokens,
                context_limit=event.context_limit or story.context_limit,
            )
        case events.ProviderSwitched():
            text = f"{event.target} answers instead of {event.origin}: {event.reason}"
            return replace(story.adding(Notice(text, level="warn")), provider=event.target)
        case events.ContextCondensed():
            text = f"{event.removed} older messages became a summary ({event.saved_tokens} tokens)"
            return story.adding(Notice(text))
        case events.ModelChosen() if event.model != event.instead_of:
            about = f"task {event.task_id}: {event.model} instead of {event.instead_of}"
            saved = f" (saves about ${event.saving_usd:.2f})" if event.saving_usd > 0 else ""
            return story.adding(Notice(f"{about}{saved}: {event.reason}"))
        case (
            events.ModelChosen() | events.LedgerWritten()
        ):  # nothing is other than it was; the end tells the row
            return story
        case events.Noticed():
            return story.adding(Notice(event.text, event.remedy))
        case _:
            assert_never(event)
