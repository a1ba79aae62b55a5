"""How much a model can hold, and whether a conversation still fits into it."""

from dataclasses import dataclass, field
from typing import Protocol

import anyio

from m31a_autodream import Window
from m31a_engine.conversation.history import Conversation
from m31a_providers import AssistantMessage, ModelInfo, ProviderError

LOOKUP_LIMIT_S = 10.0
ROOMY_BYTES = 8_000
"""A conversation shorter than this fits everywhere: the window is not asked for."""
BYTES_PER_TOKEN = 3.5
"""A careful mean for prose, code and JSON; used only for what no server has counted yet."""


class ListsModels(Protocol):
    """What tells how large a model's window is."""

    async def models(self) -> tuple[ModelInfo, ...]:
        """The models on offer now."""
        ...


@dataclass(slots=True)
class Windows:
    """The windows of a server's models: configured, or asked for once, never guessed."""

    server: ListsModels
    configured: int | None = None
    _known: dict[str, int | None] | None = None
    _asking: anyio.Lock = field(default_factory=anyio.Lock)

    async def of(self, model: str) -> int | None:
        """Tokens the model can hold, prompt and answer together; None when nobody says."""
        if self.configured is not None:
            return self.configured
        async with self._asking:
            if self._known is None:
                self._known = await self._ask()
        return self._known.get(model)

    async def _ask(self) -> dict[str, int | None]:
        try:
            with anyio.fail_after(LOOKUP_LIMIT_S):
                offered = await self.server.models()
        except (ProviderError, TimeoutError):
            return {}
        return {model.id: model.context_tokens for model in offered}


@dataclass(slots=True)
class WindowWatch:
    """Says when a conversation is to be made shorter: it fills its window, or somebody asked."""

    windows: Windows
    trigger: float = 0.60
    warn: float = 0.80
    _wanted: bool = False

    def want(self) -> None:
        """Have the next conversation that goes on made shorter, whatever it holds."""
        self._wanted = True

    async def limit(self, talk: Conversation, model: str) -> int | None:
        """The model's window, once the conversation is long enough for it to matter."""
        return await self.windows.of(model) if talk.prompt_bytes() > ROOMY_BYTES else None

    async def is_due(self, talk: Conversation, model: str) -> bool:
        """Whether the conversation is to be made shorter before it goes on."""
        if self._wanted:
            self._wanted = False
            return True
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
