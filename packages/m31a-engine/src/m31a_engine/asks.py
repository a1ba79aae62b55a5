"""Questions the engine puts to a person or a policy, and their answers, tied by an id.

An ask is registered before it is announced: an answer can never arrive before somebody
waits for it. The first answer wins; a later one is refused. Nothing here holds a future
inside a message: asks and answers are plain values that can be stored and replayed.
"""

from enum import StrEnum
from typing import assert_never

import anyio
import msgspec

from m31a_engine.planning.plan import Plan
from m31a_tools import PermissionRequest


class Grant(StrEnum):
    """What a permission answer says."""

    ONCE = "once"
    ALWAYS = "always"
    DENY = "deny"
    DEFER = "defer"
    EXIT = "exit"
    """No, and stop the run."""


class PlanChoice(StrEnum):
    """What is to happen to a plan."""

    ACCEPT = "accept"
    REFINE = "refine"
    REJECT = "reject"
    DISCUSS = "discuss"
    """Ask more questions first; refined instead when that has been done often enough."""


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """One question of Discuss and the answer taken when nobody gives one."""

    text: str
    suggestion: str = ""


class PermissionAsk(msgspec.Struct, frozen=True, kw_only=True, tag="permission"):
    """May this call run? Unanswered: deferred, or denied by configuration."""

    ask_id: str
    request: PermissionRequest
    task: str = ""


class QuestionsAsk(msgspec.Struct, frozen=True, kw_only=True, tag="questions"):
    """Questions whose answers would change the plan. Unanswered: the suggestions count."""

    ask_id: str
    questions: tuple[Question, ...]


class PlanAsk(msgspec.Struct, frozen=True, kw_only=True, tag="plan"):
    """Is this plan to be carried out? Unanswered: no."""

    ask_id: str
    plan: Plan
    version: int
    problems: tuple[str, ...] = ()


Ask = PermissionAsk | QuestionsAsk | PlanAsk


class PermissionAnswer(msgspec.Struct, frozen=True, kw_only=True, tag="permission"):
    """The answer to a `PermissionAsk`; `feedback` is passed on to the model."""

    ask_id: str
    grant: Grant
    feedback: str = ""


class QuestionsAnswer(msgspec.Struct, frozen=True, kw_only=True, tag="questions"):
    """One answer a question, in order; an empty one skips its question."""

    ask_id: str
    answers: tuple[str, ...] = ()


class PlanAnswer(msgspec.Struct, frozen=True, kw_only=True, tag="plan"):
    """The answer to a `PlanAsk`; `feedback` is what to change when it is refined."""

    ask_id: str
    choice: PlanChoice
    feedback: str = ""
    by_person: bool = False
    """Whether a person read it: only then may the plan lift findings about changed tests."""


Answer = PermissionAnswer | QuestionsAnswer | PlanAnswer


class OpenAsks:
    """The asks that wait for an answer."""

    def __init__(self) -> None:
        self._waiting: dict[str, tuple[type[Answer], anyio.Event]] = {}
        self._answers: dict[str, Answer] = {}
        self._count = 0

    def new_id(self, prefix: str) -> str:
        """A new id, unique in this run."""
        self._count += 1
        return f"{prefix}-{self._count}"

    def register(self, ask: Ask) -> None:
        """Make an ask answerable; to be called before it is announced."""
        self._waiting[ask.ask_id] = (_answer_type(ask), anyio.Event())

    def answer(self, answer: Answer) -> bool:
        """Take an answer; False when nobody waits for it any more or it does not fit."""
        waiting = self._waiting.get(answer.ask_id)
        if waiting is None or answer.ask_id in self._answers:
            return False
        expected, event = waiting
        if type(answer) is not expected:
            return False
        self._answers[answer.ask_id] = answer
        event.set()
        return True

    async def wait(self, ask: Ask, timeout_s: float) -> Answer | None:
        """The first answer, or None when the time is over; the ask is closed then."""
        _, event = self._waiting[ask.ask_id]
        try:
            with anyio.move_on_after(timeout_s):
                await event.wait()
            return self._answers.get(ask.ask_id)
        finally:
            del self._waiting[ask.ask_id]
            self._answers.pop(ask.ask_id, None)


def _answer_type(ask: Ask) -> type[Answer]:
    match ask:
        case PermissionAsk():
            return PermissionAnswer
        case QuestionsAsk():
            return QuestionsAnswer
        case PlanAsk():
            return PlanAnswer
        case _:
            assert_never(ask)
