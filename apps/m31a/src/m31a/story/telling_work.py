"""What a model says and does, as it becomes part of a story."""

from collections.abc import Callable
from dataclasses import replace
from typing import assert_never

from m31a.story.blocks import PlanCard, Said, TaskMark, Thought, ToolCard
from m31a.story.places import changed, placed, settled
from m31a.story.story import Story
from m31a_engine import events

OUTPUT_KEPT = 20_000
"""Characters of a running command's output that are kept; the whole comes with its end."""

Talk = events.TextStreamed | events.ReasoningStreamed | events.MessageRestarted | events.MessageDone
Work = (
    events.ToolStarted
    | events.ToolOutput
    | events.ToolEnded
    | events.PlanDrafted
    | events.TaskStarted
    | events.TaskHealing
    | events.TaskEnded
)


def hear_talk(story: Story, event: Talk) -> Story:
    """What the model says."""
    match event:
        case events.TextStreamed():
            key = f"said:{event.conversation}"
            if key not in story.places:
                new = Said(event.conversation, event.text)
                return placed(story, "said", event.conversation, new)
            return changed(
                story, key, Said, lambda said: replace(said, text=said.text + event.text)
            )
        case events.ReasoningStreamed():
            key = f"thought:{event.conversation}"
            if key not in story.places:
                idea = Thought(event.conversation, event.text)
                return placed(story, "thought", event.conversation, idea)
            return changed(
                story, key, Thought, lambda idea: replace(idea, text=idea.text + event.text)
            )
        case events.MessageRestarted():
            return changed(
                story, f"said:{event.conversation}", Said, lambda said: replace(said, text="")
            )
        case events.MessageDone():
            return _message_done(story, event)
        case _:
            assert_never(event)


def _message_done(story: Story, event: events.MessageDone) -> Story:
    key = f"said:{event.conversation}"
    if key not in story.places and event.text.strip():
        story = placed(story, "said", event.conversation, Said(event.conversation, ""))
    done = changed(story, key, Said, lambda said: replace(said, text=event.text, done=True))
    said = settled(done, key, f"thought:{event.conversation}")
    return replace(said, model=event.model or story.model)


def hear_work(story: Story, event: Work, now_s: float) -> Story:
    """Tools, plans and tasks."""
    match event:
        case events.ToolStarted():
            card = ToolCard(event.conversation, event.call_id, event.tool, event.arguments)
            return placed(story, "tool", _call(event), card)
        case events.ToolOutput():
            return changed(
                story,
                f"tool:{_call(event)}",
                ToolCard,
                lambda card: replace(card, output=(card.output + event.text)[-OUTPUT_KEPT:]),
            )
        case events.ToolEnded():
            key = f"tool:{_call(event)}"
            if key not in story.places:  # refused before it began
                card = ToolCard(event.conversation, event.call_id, event.tool, "")
                story = placed(story, "tool", _call(event), card)
            ended = changed(
                story,
                key,
                ToolCard,
                lambda card: replace(card, display=event.display, is_error=event.is_error),
            )
            return settled(ended, key)
        case events.PlanDrafted():
            drafted = story.adding(PlanCard(event.plan, event.version))
            return replace(
                drafted,
                plan=event.plan,
                plan_version=event.version,
                plans=(*story.plans, event.plan),
            )
        case events.TaskStarted() | events.TaskHealing() | events.TaskEnded():
            return _tasked(story, event, now_s)
        case _:
            assert_never(event)


def _tasked(
    story: Story,
    event: events.TaskStarted | events.TaskHealing | events.TaskEnded,
    now_s: float,
) -> Story:
    match event:
        case events.TaskStarted():
            return _task(story, TaskMark(event.task_id, event.title, began_s=now_s))
        case events.TaskHealing():
            return _retask(
                story,
                event.task_id,
                lambda mark: replace(mark, heals=event.attempt, outcome="", reason=event.error),
            )
        case events.TaskEnded():
            return _retask(
                story,
                event.task_id,
                lambda mark: replace(
                    mark, outcome=event.outcome, reason=event.reason, elapsed_s=event.elapsed_s
                ),
            )


def _call(event: events.ToolStarted | events.ToolOutput | events.ToolEnded) -> str:
    return f"{event.conversation}/{event.call_id}"


def _task(story: Story, mark: TaskMark) -> Story:
    others = [task for task in story.tasks if task.task_id != mark.task_id]
    tasks = tuple(sorted([*others, mark], key=lambda task: task.task_id))
    return replace(placed(story, "task", str(mark.task_id), mark), tasks=tasks)


def _retask(story: Story, task_id: int, change: Callable[[TaskMark], TaskMark]) -> Story:
    if story.task(task_id) is None:  # skipped before it began
        planned = story.plan.task(task_id) if story.plan is not None else None
        story = _task(story, TaskMark(task_id, planned.description if planned else ""))
    marked = changed(story, f"task:{task_id}", TaskMark, change)
    tasks = tuple(change(task) if task.task_id == task_id else task for task in story.tasks)
    return replace(marked, tasks=tasks)
