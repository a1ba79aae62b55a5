"""AskUser: a question to the person the work is for."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, ClassVar

import msgspec

from m31a_tools.sanitise import encodable
from m31a_tools.tool import Access, Plain, Risk, ToolResult
from m31a_tools.workspace import Workspace

MAX_SUGGESTIONS = 8
_NOBODY = (
    "Nobody can answer now. Decide by what the task and the files say, prefer what is easy to "
    "change later, and say what you assumed."
)


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What a person is asked, in the model's words: pass it through `sanitise` to show it."""

    text: str
    suggestions: tuple[str, ...] = ()
    """Answers to choose from; another is welcome, too."""


OnQuestion = Callable[[Question], Awaitable[str | None]]
"""Puts a question to a person. None: nobody answered, or the time for it ran out."""


class AskUserArgs(msgspec.Struct, frozen=True, kw_only=True):
    """The question."""

    question: Annotated[str, msgspec.Meta(min_length=1)]
    suggestions: Annotated[
        tuple[str, ...],
        msgspec.Meta(description="likely answers, best first", max_length=MAX_SUGGESTIONS),
    ] = ()


@dataclass(frozen=True, slots=True)
class AskUser:
    """Asks through `on_question`; without one, the model is told that nobody can answer."""

    on_question: OnQuestion | None = None
    output_chars: int = 10_000

    name: ClassVar[str] = "AskUser"
    description: ClassVar[str] = "Ask the user what only they can know. Go on without if you can."
    risk: ClassVar[Risk] = Risk.SAFE
    read_only: ClassVar[bool] = True
    args_type: ClassVar[type[AskUserArgs]] = AskUserArgs

    def access(self, args: AskUserArgs) -> Access:
        """Nothing but a person's time."""
        return Access(summary="ask the user", detail=args.question)

    def claims(self, args: AskUserArgs) -> frozenset[str]:  # noqa: ARG002 - the protocol's
        """One question after another."""
        return frozenset({"user"})

    async def run(
        self,
        args: AskUserArgs,
        workspace: Workspace,  # noqa: ARG002 - the protocol's
    ) -> ToolResult:
        """The answer."""
        answer: str | None = None
        if self.on_question is not None:
            question = Question(text=args.question, suggestions=args.suggestions)
            answer = await self.on_question(question)
        if answer is None or not answer.strip():
            return ToolResult(for_model=_NOBODY, display=Plain(text="nobody answered"))
        told = encodable(answer)
        return ToolResult(for_model=f"The user answers: {told}", display=Plain(text=told))
