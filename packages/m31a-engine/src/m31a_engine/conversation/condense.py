"""A conversation made shorter, with what matters in it kept word for word."""

from collections.abc import Awaitable, Callable, Hashable, Iterable, Sequence

from m31a_autodream import Breaker, Consolidation, ConsolidationStopped, consolidate
from m31a_engine.conversation.window import BYTES_PER_TOKEN
from m31a_providers import (
    AssistantMessage,
    Message,
    SystemMessage,
    ToolMessage,
    UserMessage,
)

STUB_CHARS = 1_600
"""A tool's output longer than this is shortened first: it can be had again."""
SUMMARY = "[M31A] Summary of the earlier part of this conversation:\n\n"

SUMMARISE = (
    "Summarise the part of a conversation below for whoever goes on with it. Keep what was "
    "decided and why, which files were read or changed and what matters in them, what failed and "
    "with which message, and what is still to be done. Names, paths and numbers word for word. "
    "No preface; at most 400 words."
)

Summarise = Callable[[Sequence[Message]], Awaitable[str]]


async def condense(
    messages: Sequence[Message], summarise: Summarise, breaker: Breaker
) -> Consolidation[Message] | None:
    """A shorter form of a conversation; None when nothing can go, or it helps no more.

    The system message and everything a person or the program said stays word for word: the
    goal, the plan, the criteria. A call and its results are never parted.
    """
    groups = _groups(messages)

    async def as_message(removed: Sequence[Message]) -> Message:
        return UserMessage(text=SUMMARY + await summarise(removed))

    try:
        result = await consolidate(
            messages,
            protect=_is_state,
            size=_tokens,
            summarise=as_message,
            group=lambda message: groups.get(id(message)),
            stub=_stub,
            role=_role,
            breaker=breaker,
        )
    except ConsolidationStopped:
        return None
    return result if result.saved_tokens > 0 else None


def stubbed(messages: Sequence[Message]) -> tuple[Message, ...] | None:
    """The conversation with each long output shortened that the model has answered to already.

    For when no summary is to be had and it still does not fit; None when there is no such output.
    """
    answered = max(
        (place for place, one in enumerate(messages) if isinstance(one, AssistantMessage)),
        default=0,
    )
    shorter = tuple(
        (_stub(message) if place < answered else None) or message
        for place, message in enumerate(messages)
    )
    return None if shorter == tuple(messages) else shorter


def transcript(messages: Sequence[Message]) -> str:
    """Messages as a model that is to summarise them reads them."""
    return "\n\n".join(f"## {_role(message)}\n\n{_text(message)}" for message in messages)


def _is_state(message: Message) -> bool:
    match message:
        case SystemMessage():
            return True
        case UserMessage():
            return not message.text.startswith(SUMMARY)
        case AssistantMessage() | ToolMessage():
            return False


def _groups(messages: Sequence[Message]) -> dict[int, Hashable]:
    """The turn that each call and each result belongs to; call ids repeat, turns do not."""
    groups: dict[int, Hashable] = {}
    turns: dict[str, int] = {}
    for place, message in enumerate(messages):
        if isinstance(message, AssistantMessage) and message.tool_calls:
            groups[id(message)] = place
            turns |= {call.id: place for call in message.tool_calls}
        elif isinstance(message, ToolMessage) and message.call_id in turns:
            groups[id(message)] = turns[message.call_id]
    return groups


def _stub(message: Message) -> Message | None:
    if not isinstance(message, ToolMessage) or len(message.text) <= STUB_CHARS:
        return None
    half = STUB_CHARS // 4
    left_out = len(message.text) - 2 * half
    text = (
        f"{message.text[:half]}\n[… {left_out} characters left out; "
        f"call again to see them …]\n{message.text[-half:]}"
    )
    return ToolMessage(call_id=message.call_id, text=text, is_error=message.is_error)


def _role(message: Message) -> str:
    match message:
        case SystemMessage():
            return "system"
        case UserMessage():
            return "user"
        case AssistantMessage():
            return "assistant"
        case ToolMessage():
            return "tool"


def _text(message: Message) -> str:
    if not isinstance(message, AssistantMessage):
        return message.text
    calls = [f"[called {call.name} {call.arguments}]" for call in message.tool_calls]
    return "\n".join([*([message.text] if message.text else []), *calls])


def _tokens(message: Message) -> int:
    return max(1, int(len(_text(message).encode()) / BYTES_PER_TOKEN))


def tokens_in(messages: Iterable[Message]) -> int:
    """About how many tokens messages take."""
    return sum(map(_tokens, messages))
