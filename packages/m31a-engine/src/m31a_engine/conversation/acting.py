"""What a model calls, done: reads beside one another, the rest in turn, each with its result."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import anyio
import msgspec

from m31a_engine.conversation.hands import Hands
from m31a_engine.conversation.history import Conversation
from m31a_engine.conversation.repeats import WARNING, Circling, RepeatWatch
from m31a_engine.errors import Denied, LimitReached, WaitingForApproval
from m31a_engine.events import Event, ToolEnded, ToolOutput
from m31a_engine.session.journal import Entry
from m31a_engine.session.stream import EventStream
from m31a_engine.shipping.secrets import redact
from m31a_providers import ToolCall, ToolMessage
from m31a_tools import ExitAsked, PermissionRequest, Plain, Risk, ToolResult
from m31a_tools import Outcome as PermissionOutcome

MAX_CALLS = 16

INTERRUPTED = (
    "[M31A] The program was stopped while this call ran; what it did is not known. "
    "Look at the state before you repeat it."
)
TOO_MANY = (
    f"[M31A] Not run: at most {MAX_CALLS} calls in one answer. Ask again for what is missing."
)
NO_TOOLS = "[M31A] Not run: no tools are offered here. Answer in text."


@dataclass(frozen=True, slots=True)
class Carry:
    """Results that wait for the next request, to be synced with it."""

    entries: tuple[Entry, ...] = ()
    events: tuple[Event, ...] = ()


@dataclass(frozen=True, slots=True)
class Acting:
    """Runs the calls of one session's conversations."""

    stream: EventStream
    session: str

    async def act(
        self,
        talk: Conversation,
        calls: Sequence[ToolCall],
        hands: Hands | None,
        watch: RepeatWatch,
    ) -> Carry:
        """Run the open calls of the newest reply; reads beside one another, the rest in turn."""
        done: dict[str, _Done] = {}

        async def run(call: ToolCall) -> None:
            done[call.id] = await self._run_call(talk, call, hands)

        again = [call for call in calls if talk.begun_before(call.id)]
        if again:
            await self.stream.record(tuple(talk.call_entry(call) for call in again))
        for batch in _batches(calls[:MAX_CALLS], hands):
            async with anyio.create_task_group() as group:
                for call in batch:
                    group.start_soon(run, call)
        for call in calls[MAX_CALLS:]:
            done[call.id] = _Done.refused(call, talk.name, TOO_MANY)
        return await self._close(talk, calls, done, watch)

    async def _close(
        self,
        talk: Conversation,
        calls: Sequence[ToolCall],
        done: dict[str, "_Done"],
        watch: RepeatWatch,
    ) -> Carry:
        entries: list[Entry] = []
        events: list[Event] = []
        circling = Circling.NO
        waiting: PermissionRequest | None = None
        stopped = False
        for call in calls:
            end = done[call.id]
            if end.deferred is not None:
                waiting = end.deferred
                stopped = stopped or end.stops
                entries.append(talk.deferral_entry(call, end.deferred))
                continue
            message = end.message
            now = watch.see(call.name, call.arguments, message.text)
            if now is not Circling.NO:
                circling = now
                message = msgspec.structs.replace(message, text=f"{message.text}\n\n{WARNING}")
            talk.result(message)
            entries.append(talk.result_entry(message))
            events.append(end.event)
        # Many equal calls in one reply were made before any warning could be read.
        stuck = circling is Circling.STOP and watch.warned
        watch.warned = circling is not Circling.NO
        if waiting is not None or stuck:
            await self.stream.record(tuple(entries), *events)
        if stopped:
            raise Denied(
                "a person stopped the run at a request for leave",
                remedy="resume the session to go on; the call is asked about again",
            )
        if waiting is not None:
            raise WaitingForApproval(
                f"leave is needed: {waiting.summary}"
                + (f" ({waiting.reason})" if waiting.reason else ""),
                remedy=f"to allow exactly this: m31a approve {self.session}; else resume with"
                " --permissions that allow it",
            )
        if stuck:
            raise LimitReached(
                f"{talk.name}: the model repeats itself without getting anywhere",
                remedy="go on with another model: m31a resume --model ID; or begin anew",
            )
        return Carry(entries=tuple(entries), events=tuple(events))

    async def _run_call(self, talk: Conversation, call: ToolCall, hands: Hands | None) -> "_Done":
        if call.id in talk.interrupted and not (hands and hands.read_only(call)):
            return _Done.refused(call, talk.name, INTERRUPTED)
        if hands is None:
            return _Done.refused(call, talk.name, NO_TOOLS)

        async def show(text: str) -> None:
            await self.stream.live(ToolOutput(conversation=talk.name, call_id=call.id, text=text))

        try:
            result = await hands.run(call, show, tainted=talk.tainted)
        except ExitAsked:
            return _Done.stopping(call, talk.name)
        decision = result.decision
        deferred = decision is not None and decision.outcome is PermissionOutcome.DEFERRED
        if decision is not None and deferred and hands.defers:
            return _Done.deferring(call, talk.name, decision.request or _request_of(call))
        return _Done.ended(call, talk.name, result)


@dataclass(frozen=True, slots=True)
class _Done:
    """How one call ended: a message for the model and an event, or a deferral."""

    message: ToolMessage
    event: ToolEnded
    deferred: PermissionRequest | None = None
    stops: bool = False

    @classmethod
    def stopping(cls, call: ToolCall, conversation: str) -> "_Done":
        done = cls.deferring(call, conversation, _request_of(call))
        return replace(done, stops=True)

    @classmethod
    def ended(cls, call: ToolCall, conversation: str, result: ToolResult) -> "_Done":
        text = redact(result.for_model)
        return cls(
            message=ToolMessage(call_id=call.id, text=text, is_error=result.is_error),
            event=ToolEnded(
                conversation=conversation,
                call_id=call.id,
                tool=call.name,
                display=result.display,
                is_error=result.is_error,
            ),
        )

    @classmethod
    def refused(cls, call: ToolCall, conversation: str, why: str) -> "_Done":
        result = ToolResult(for_model=why, display=Plain(text=why), is_error=True)
        return cls.ended(call, conversation, result)

    @classmethod
    def deferring(cls, call: ToolCall, conversation: str, request: PermissionRequest) -> "_Done":
        refused = cls.refused(call, conversation, f"waits for leave: {request.summary}")
        return cls(message=refused.message, event=refused.event, deferred=request)


def _request_of(call: ToolCall) -> PermissionRequest:
    return PermissionRequest(
        tool=call.name, summary=call.name, detail=call.arguments, risk=Risk.DESTRUCTIVE
    )


def _batches(calls: Sequence[ToolCall], hands: Hands | None) -> Iterator[list[ToolCall]]:
    """Runs of read-only calls together, every other call alone, in the model's order."""
    for reading, row in groupby(calls, key=lambda call: bool(hands and hands.read_only(call))):
        if reading:
            yield list(row)
        else:
            yield from ([call] for call in row)
