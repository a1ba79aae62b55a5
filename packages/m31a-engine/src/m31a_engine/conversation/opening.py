"""The first two messages of a conversation.

The system message is the same bytes everywhere; the phase's prompts, the project and the
goal are the first message of the user's; what changes comes later. So a provider's prompt
cache serves the longest stretch there is.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

from m31a_engine.conversation.history import Conversation
from m31a_engine.conversation.turn import Talker
from m31a_engine.planning.plan import Plan, PlannedTask, RunCriterion, TextCriterion
from m31a_engine.prompting.compose import phase_preface, system_prompt
from m31a_engine.session.state import Session
from m31a_providers import Message, SystemMessage, UserMessage

LISTED_PATHS = 60
MEMORY_BYTES = {"discuss": 2_000, "research": 2_000, "plan": 2_000, "chat": 2_000}
"""What of earlier runs is told where plans are made: about 600 tokens."""
WORKING_MEMORY_BYTES = 800


def begun(
    talker: Talker,
    name: str,
    phase: str,
    session: Session,
    parts: Iterable[str],
    *,
    task: str = "",
    preface: str = "",
) -> Conversation:
    """A phase's conversation as the journal has it, or a new one with its first two messages.

    `preface` chooses other prompts than the phase's own.
    """
    first = opening(preface or phase, session, parts, talker.prompts)
    return Conversation.restore(name, phase, task, first, talker.journal.records)


def asked(talker: Talker, name: str, phase: str, text: str) -> Conversation:
    """A conversation of one question that needs to know nothing of project and goal."""
    first = (
        SystemMessage(text=system_prompt(overrides=talker.prompts)),
        UserMessage(text=text),
    )
    return Conversation.restore(name, phase, "", first, talker.journal.records)


def opening(
    phase: str, session: Session, parts: Iterable[str], overrides: Sequence[Path] = ()
) -> tuple[Message, ...]:
    """System message and first user message of a phase's conversation."""
    body = "\n\n".join(
        part
        for part in (
            phase_preface(phase, overrides=overrides),
            project_text(session),
            memory_text(session, MEMORY_BYTES.get(phase, WORKING_MEMORY_BYTES)),
            *parts,
        )
        if part
    )
    return (SystemMessage(text=system_prompt(overrides=overrides)), UserMessage(text=body))


def project_text(session: Session) -> str:
    """The project as a model needs to know it, in a few lines."""
    facts = session.facts
    lines = [f"# Project\n\nFolder: {session.project}"]
    if facts is not None:
        kind = " ".join(word for word in (facts.type.value, facts.framework) if word)
        lines.append(f"Type: {kind}")
        lines.extend(f"{check.name}: `{check.command}`" for check in facts.checks)
        lines.extend(facts.notes)
    shown = session.listing[:LISTED_PATHS]
    if shown:
        more = len(session.listing) - len(shown)
        lines.append("Files: " + ", ".join(shown) + (f" and {more} more" if more > 0 else ""))
    if facts is not None and facts.instructions:
        lines.append(f"\n# AGENTS.md\n\n{facts.instructions}")
    return "\n".join(lines)


def memory_text(session: Session, most_bytes: int) -> str:
    """What earlier runs here have shown, as far as it fits; "" when there is nothing."""
    lines: list[str] = []
    for line in session.memory.lines:
        most_bytes -= len(line.encode()) + 3
        if most_bytes < 0:
            break
        lines.append(f"- {line}")
    return "# From earlier runs here\n\n" + "\n".join(lines) if lines else ""


def goal_text(session: Session) -> str:
    """The goal and what was answered about it."""
    text = f"# Goal\n\n{session.goal}"
    if session.answers:
        rows = (f"- {item.question} {item.answer or '(no answer)'}" for item in session.answers)
        text += "\n\n# Answers\n\n" + "\n".join(rows)
    return text


def task_text(plan: Plan, task: PlannedTask) -> str:
    """One task of a plan, with its place among the others."""
    if len(plan.tasks) == 1 and not task.files and not task.acceptance_criteria:
        return ""
    lines = [f"# Task {task.id} of {len(plan.tasks)}\n\n{task.action}: {task.description}"]
    if task.files:
        lines.append("Files: " + ", ".join(f"{file.path} ({file.action})" for file in task.files))
    for criterion in task.acceptance_criteria:
        match criterion:
            case TextCriterion():
                lines.append(f"- must hold: {criterion.text}")
            case RunCriterion():
                lines.append(f"- must exit 0: `{criterion.command}`")
    others = [f"{other.id}. {other.description}" for other in plan.tasks if other.id != task.id]
    if others:
        lines.append("Other tasks, not yours:\n" + "\n".join(others))
    return "\n".join(lines)
