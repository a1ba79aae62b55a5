"""What the ways of speaking to a model server have in common: a request out, an answer in."""

from collections.abc import Callable, Sequence
from typing import Literal, Protocol

from m31a_providers.messages import AssistantMessage
from m31a_providers.requests import ChatRequest
from m31a_providers.stream import StreamEvent

Kind = Literal["openai", "anthropic"]
"""OpenAI's chat completions, which nearly every server speaks, or Anthropic's Messages."""


class Encoder(Protocol):
    """Requests as bytes, the same bytes for the same request."""

    def encode(self, request: ChatRequest) -> bytes:
        """The body of the request."""
        ...

    def prompt(self, request: ChatRequest) -> bytes:
        """What the server's prompt cache compares; the next one of a conversation begins with it.

        How the answer is drawn is not in it, nor are marks and closing brackets.
        """
        ...


class Reader(Protocol):
    """One answer that is being put together; feed it events, take the message when it is ended."""

    @property
    def new_id(self) -> Callable[[], str]:
        """Makes an id for a tool call that has none."""
        ...

    @property
    def is_ended(self) -> bool:
        """Whether the server said that the message is complete."""
        ...

    @property
    def is_done(self) -> bool:
        """Whether the server said that nothing follows."""
        ...

    @property
    def is_counted(self) -> bool:
        """Whether the server said what the answer took."""
        ...

    @property
    def has_begun(self) -> bool:
        """Whether any piece of the answer has come."""
        ...

    @property
    def partial(self) -> str:
        """The text so far."""
        ...

    def read_event(self, name: str, data: bytes) -> Sequence[StreamEvent]:
        """What one event of the stream adds. Raises `ProviderError`."""
        ...

    def read_document(self, data: bytes) -> Sequence[StreamEvent]:
        """What a whole answer holds that came in one piece. Raises `ProviderError`."""
        ...

    def message(self) -> AssistantMessage:
        """The whole answer; its usage carries no cost but the server's own. Raises likewise."""
        ...
