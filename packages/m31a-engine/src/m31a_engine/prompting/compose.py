"""Which prompts a phase gets, in which order.

The system message is the same bytes everywhere, and a phase's prompts are the same bytes in
each of its conversations: servers keep what they have read of a stable beginning.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Final

from m31a_engine.prompting import library

RULE: Final = "\n\n---\n\n"


class Preface(StrEnum):
    """What a conversation is for, as far as its prompts differ."""

    DISCUSS = "discuss"
    RESEARCH = "research"
    PLAN = "plan"
    EXECUTE = "execute"
    HEAL = "heal"
    VERIFY = "verify"
    SHIP = "ship"
    CHAT = "chat"
    AUTONOMOUS = "autonomous"
    """Execute in the modes that skip Plan: the goal is the task."""


PROMPTS: Final[Mapping[Preface, tuple[str, ...]]] = MappingProxyType(
    {
        Preface.DISCUSS: ("discuss-questions", "context-awareness"),
        Preface.RESEARCH: ("context-awareness", "code-intelligence"),
        Preface.PLAN: ("plan-format", "context-awareness", "code-intelligence", "code-quality"),
        Preface.EXECUTE: ("execute-task", "tool-use", "code-quality", "code-intelligence"),
        Preface.HEAL: ("tool-use", "self-heal", "code-quality", "code-intelligence"),
        Preface.VERIFY: ("tool-use",),
        Preface.SHIP: ("autonomous", "demonstration-format"),
        Preface.CHAT: ("autonomous", "tool-use"),
        Preface.AUTONOMOUS: ("autonomous", "tool-use", "execute-task"),
    }
)


def system_prompt(*, overrides: Sequence[Path] = ()) -> str:
    """The system message: the same bytes in every conversation."""
    return library.read("base", overrides)


def phase_preface(phase: Preface | str, *, overrides: Sequence[Path] = ()) -> str:
    """The prompts of a phase, joined by rule lines; they open its first user message.

    Raises: ValueError for a word that is no `Preface`, and what `library.read` raises.
    """
    return RULE.join(library.read(name, overrides) for name in PROMPTS[Preface(phase)])
