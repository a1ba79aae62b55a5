"""How much a model can hold, and whether a conversation still fits into it."""

from dataclasses import dataclass
from typing import Protocol

from m31a_autodream import Window
from m31a_engine.budget import MAX_OUTPUT_TOKENS, MIN_OUTPUT_TOKENS
from m31a_engine.conversation.history import Conversation
from m31a_providers import AssistantMessage

ROOMY_BYTES = 8_000
"""A conversation shorter than this fits everywhere: nobody far away is asked for the window."""
BYTES_PER_TOKEN = 3.5
"""A careful mean for prose, code and JSON; used only for what no server has counted yet."""
ANSWER_SHARE = 4
"""The longest answer is at most one in so many parts of the window."""


class KnowsWindows(Protocol):
    """What tells how large a model's window is: configured, or asked for once, never guessed."""

    @property
    def is_local(self) -> bool:
        """Whether asking costs next to nothing, for the server stands on this machine."""
        ...

    async def window(self, model: str) -> int | None:
        """Tokens the model can hold, prompt and answer together; None when nobody says."""
        ...

    def known_window(self, model: str) -> int | None:
        """The same, as far as it is known without asking anybody."""
        ...

    def longest_answer(self, model: str) -> int | None:
        """The most tokens the model may write, as far as that is known."""
        ...


@dataclass(slots=True)
class WindowWatch:
    """Says when a conversation is to be made shorter: it fills its window, or somebody asked."""

    windows: KnowsWindows
    trigger: float = 0.60
    warn: float = 0.80
    _wanted: bool = False

    def want(self) -> None:
        """Have the next conversation that goes on made shorter, whatever it holds."""
        self._wanted = True

    async def limit(self, talk: Conversation, model: str) -> int | None:
        """The model's window; no server is asked for it before it has answered or it matters."""
        matters = talk.prompt_bytes() > ROOMY_BYTES
        if matters or (talk.turns and self.windows.is_local):
            return await self.windows.window(model)
        return self.windows.known_window(model)

    async def longest_answer(self, talk: Conversation, model: str) -> int | None:
        """The tokens an answer may have, so that a model that rambles comes to an end.

        A part of the window; None, which is the server's own limit, when the window is not
        known or the conversation leaves no room for that much.
        """
        window = await self.limit(talk, model)
        if window is None:
            return None
        tokens = min(MAX_OUTPUT_TOKENS, max(MIN_OUTPUT_TOKENS, window // ANSWER_SHARE))
        most = self.windows.longest_answer(model)
        if most:
            tokens = min(tokens, most)
        return tokens if tokens <= window - tokens_of(talk) else None

    async def is_due(self, talk: Conversation, model: str) -> bool:
        """Whether the conversation is to be made shorter before it goes on."""
        if self._wanted:
            self._wanted = False
            return True
        if talk.prompt_bytes() <= ROOMY_BYTES:
            return False
        limit = await self.limit(talk, model)
        if limit is None:
            return False
        window = Window(limit_tokens=limit, trigger=self.trigger, warn=max(self.warn, self.trigger))
        return window.should_consolidate(tokens_of(talk))


def tokens_of(talk: Conversation) -> int:
    """What the next request takes: the server's own figure, and an estimate of what is new."""
    for place in range(len(talk.messages) - 1, -1, -1):
        message = talk.messages[place]
        if isinstance(message, AssistantMessage) and message.usage.input_tokens:
            counted = message.usage.input_tokens + message.usage.output_tokens
            return counted + int(talk.prompt_bytes(place + 1) / BYTES_PER_TOKEN)
    return int(talk.prompt_bytes() / BYTES_PER_TOKEN)
