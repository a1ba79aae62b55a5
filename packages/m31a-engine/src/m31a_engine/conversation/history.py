"""A conversation with a model, rebuilt from the journal as it was.

The journal holds each message once: what was added before a request, the reply, each
result. A conversation that was cut off stands again exactly where it stopped, so that no
whole reply is ever asked for twice.
"""

import hashlib
from collections.abc import Iterable

import msgspec

from m31a_engine.session.journal import Entry, Record, entry
from m31a_providers import (
    AssistantMessage,
    Message,
    SystemMessage,
    ToolCall,
    ToolMessage,
    UserMessage,
)
from m31a_tools import PermissionRequest

WEB = "WebFetch"
_encoder = msgspec.json.Encoder()
_KINDS = frozenset({"request", "reply", "call", "deferral", "result", "condensed"})


class RequestBody(msgspec.Struct, frozen=True, kw_only=True):
    """A request: the hash of what never changes, and the messages added since the last."""

    conversation: str
    model: str
    prefix: str
    added: tuple[Message, ...]


class ReplyBody(msgspec.Struct, frozen=True, kw_only=True):
    """A whole reply."""

    conversation: str
    message: AssistantMessage


class CallBody(msgspec.Struct, frozen=True, kw_only=True):
    """A tool call that is about to start."""

    conversation: str
    call_id: str
    tool: str


class DeferralBody(msgspec.Struct, frozen=True, kw_only=True):
    """A call that did not run because it waits for leave."""

    conversation: str
    call_id: str
    tool: str
    request: PermissionRequest


class ResultBody(msgspec.Struct, frozen=True, kw_only=True):
    """What a tool call gave."""

    conversation: str
    message: ToolMessage


class CondensedBody(msgspec.Struct, frozen=True, kw_only=True):
    """A conversation made shorter: the messages it goes on with."""

    conversation: str
    messages: tuple[Message, ...]


class _Whose(msgspec.Struct, frozen=True, kw_only=True):
    conversation: str


class Conversation:
    """The messages of one conversation and which of its calls still lack a result."""

    def __init__(self, name: str, phase: str, task: str, messages: Iterable[Message]) -> None:
        self.name = name
        self.phase = phase
        self.task = task
        self.messages: list[Message] = list(messages)
        self.turns = 0
        self.model = ""
        self.interrupted: frozenset[str] = frozenset()
        """Calls that were begun before the process died and left no result."""
        self.cut = False
        """Whether a request was sent and its reply never came in whole."""
        self.tainted = False
        """Whether text from the network came in: leave to reach out is asked for anew then."""
        self.condensations = 0
        """How often it was made shorter."""
        self._journalled = 0
        self._reopened: frozenset[str] = frozenset()
        self._results: dict[str, ToolMessage] = {}
        self._sizes: list[int] = []

    @classmethod
    def restore(
        cls, name: str, phase: str, task: str, opening: Iterable[Message], records: Iterable[Record]
    ) -> "Conversation":
        """The conversation as the journal has it, or a new one that begins with `opening`."""
        found = cls(name, phase, task, ())
        begun: set[str] = set()
        for record in records:
            if record.kind not in _KINDS:
                continue
            if msgspec.json.decode(record.body, type=_Whose).conversation != name:
                continue
            match record.kind:
                case "request":
                    found._request(msgspec.json.decode(record.body, type=RequestBody))
                case "reply":
                    found.reply(msgspec.json.decode(record.body, type=ReplyBody).message)
                case "call":
                    begun.add(msgspec.json.decode(record.body, type=CallBody).call_id)
                case "deferral":
                    begun.discard(msgspec.json.decode(record.body, type=CallBody).call_id)
                case "condensed":
                    found.go_on_with(msgspec.json.decode(record.body, type=CondensedBody).messages)
                case _:
                    found.result(msgspec.json.decode(record.body, type=ResultBody).message)
        if not found.messages:
            return cls(name, phase, task, opening)
        found._journalled = len(found.messages)
        found._reopened = frozenset(call.id for call in found.open_calls())
        found.interrupted = found._reopened & begun
        return found

    def _request(self, body: RequestBody) -> None:
        self.settle()
        self.messages.extend(body.added)
        self.model = body.model
        self.cut = True

    @property
    def last(self) -> Message:
        """The newest message."""
        return self.messages[-1]

    def open_calls(self) -> tuple[ToolCall, ...]:
        """Calls of the newest reply that have no result yet, in the model's order."""
        last = self.messages[-1] if self.messages else None
        if not isinstance(last, AssistantMessage):
            return ()
        return tuple(call for call in last.tool_calls if call.id not in self._results)

    def begun_before(self, call_id: str) -> bool:
        """Whether an earlier process announced this call already."""
        return call_id in self._reopened

    def say(self, text: str) -> None:
        """Add a message of the user's."""
        self.settle()
        self.messages.append(UserMessage(text=text))

    def say_once(self, text: str) -> None:
        """Add a message of the user's, unless an earlier process has said it already."""
        if UserMessage(text=text) not in self.messages:
            self.say(text)

    def reply(self, message: AssistantMessage) -> None:
        """Add a whole reply."""
        self.messages.append(message)
        self.tainted |= any(call.name == WEB for call in message.tool_calls)
        self._journalled = len(self.messages)
        self.turns += 1
        self.cut = False

    def result(self, message: ToolMessage) -> None:
        """Keep a call's result; results join the messages in the order of their calls."""
        self._results[message.call_id] = message

    def go_on_with(self, messages: Iterable[Message]) -> None:
        """Go on with a shorter form of what was said."""
        self.settle()
        self.messages = list(messages)
        self._journalled = len(self.messages)
        self._sizes.clear()
        self.condensations += 1

    def condensed_entry(self) -> Entry:
        """The journal entry of the conversation as it is now, after it was made shorter."""
        body = CondensedBody(conversation=self.name, messages=tuple(self.messages))
        return entry("condensed", body)

    def settle(self) -> None:
        """Let the results of the newest answer join the messages."""
        last = self.messages[-1] if self.messages else None
        if self._results and isinstance(last, AssistantMessage):
            results = [self._results.pop(call.id) for call in last.tool_calls]
            self.messages.extend(results)

    def prepare(self, model: str, tools: bytes) -> Entry:
        """Close the turn's results and give the journal entry of the next request."""
        self.settle()
        added = tuple(
            message
            for message in self.messages[self._journalled :]
            if not isinstance(message, ToolMessage)
        )
        self._journalled = len(self.messages)
        self.model = model
        first = self.messages[0]
        stable = first.text.encode() if isinstance(first, SystemMessage) else b""
        prefix = hashlib.sha256(stable + b"\0" + tools).hexdigest()[:16]
        body = RequestBody(conversation=self.name, model=model, prefix=prefix, added=added)
        return entry("request", body)

    def reply_entry(self, message: AssistantMessage) -> Entry:
        """The journal entry of a reply."""
        return entry("reply", ReplyBody(conversation=self.name, message=message))

    def call_entry(self, call: ToolCall) -> Entry:
        """The journal entry of a call that is about to start."""
        return entry("call", CallBody(conversation=self.name, call_id=call.id, tool=call.name))

    def deferral_entry(self, call: ToolCall, request: PermissionRequest) -> Entry:
        """The journal entry of a call that waits for leave: a later process runs it."""
        body = DeferralBody(
            conversation=self.name, call_id=call.id, tool=call.name, request=request
        )
        return entry("deferral", body)

    def result_entry(self, message: ToolMessage) -> Entry:
        """The journal entry of a result."""
        return entry("result", ResultBody(conversation=self.name, message=message))

    def texts(self) -> Iterable[str]:
        """Every message as text, for estimating tokens."""
        return (_encoder.encode(message).decode() for message in self.messages)

    def prompt_bytes(self, start: int = 0) -> int:
        """The bytes of the messages from `start` on: an upper bound of their tokens."""
        for message in self.messages[len(self._sizes) :]:
            self._sizes.append(len(_encoder.encode(message)))
        return sum(self._sizes[start:])


def replies_in(records: Iterable[Record]) -> Iterable[AssistantMessage]:
    """All whole replies of a journal, for counting what a session has used."""
    for record in records:
        if record.kind == "reply":
            yield msgspec.json.decode(record.body, type=ReplyBody).message
