"""The phases of a run, the modes that choose among them, and which may follow which.

Expanding a wave, a conflict between tasks and a hook are steps inside a phase: they are no
transitions. Nothing here acts; the engine asks and obeys.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from m31a_engine.errors import BadTransition

MAX_DISCUSS_PLAN_CYCLES: Final = 3
"""How often Plan may send a goal back to Discuss before it has to go on or stop."""


class Phase(StrEnum):
    """Where a run stands."""

    IDLE = "idle"
    INITIALIZE = "initialize"
    DISCUSS = "discuss"
    PLAN = "plan"
    EXECUTE = "execute"
    VERIFY = "verify"
    SHIP = "ship"


class Mode(StrEnum):
    """How much ceremony a goal gets; `auto` is replaced by one of the others at the start."""

    AUTO = "auto"
    FULL = "full"
    FAST = "fast"
    DIRECT = "direct"


TRANSITIONS: Final[Mapping[Phase, frozenset[Phase]]] = MappingProxyType(
    {
        Phase.IDLE: frozenset({Phase.INITIALIZE}),
        Phase.INITIALIZE: frozenset({Phase.DISCUSS, Phase.EXECUTE, Phase.IDLE}),
        Phase.DISCUSS: frozenset({Phase.PLAN, Phase.EXECUTE, Phase.IDLE}),
        Phase.PLAN: frozenset({Phase.EXECUTE, Phase.PLAN, Phase.DISCUSS, Phase.IDLE}),
        Phase.EXECUTE: frozenset({Phase.VERIFY, Phase.SHIP, Phase.IDLE}),
        Phase.VERIFY: frozenset({Phase.SHIP, Phase.EXECUTE, Phase.IDLE}),
        Phase.SHIP: frozenset({Phase.IDLE}),
    }
)

_PATHS: Final[Mapping[Mode, tuple[Phase, ...]]] = MappingProxyType(
    {
        Mode.FULL: (
            Phase.INITIALIZE,
            Phase.DISCUSS,
            Phase.PLAN,
            Phase.EXECUTE,
            Phase.VERIFY,
            Phase.SHIP,
        ),
        Mode.FAST: (Phase.INITIALIZE, Phase.DISCUSS, Phase.EXECUTE, Phase.VERIFY, Phase.SHIP),
        Mode.DIRECT: (Phase.INITIALIZE, Phase.EXECUTE, Phase.SHIP),
    }
)


def advance(phase: Phase, to: Phase) -> Phase:
    """The phase `to`, when it may follow `phase`.

    Raises: BadTransition.
    """
    if to not in TRANSITIONS[phase]:
        raise BadTransition(phase, to)
    return to


def path_of(mode: Mode) -> tuple[Phase, ...]:
    """The phases of a mode in order, `idle` left out.

    Raises: ValueError for `auto`, which is not a path but a choice still to be made.
    """
    if mode is Mode.AUTO:
        raise ValueError("mode auto has no path: classify the goal first")
    return _PATHS[mode]
