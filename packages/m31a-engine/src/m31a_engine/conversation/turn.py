"""The loop of a conversation: ask the model, run what it calls, tell it, until it stops."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from pathlib import Path

import anyio
import msgspec

from m31a_autodream import Breaker
from m31a_engine.budget import MAX_OUTPUT_TOKENS, Budget, Reservation
from m31a_engine.conversation.cache_watch import CacheWatch
from m31a_engine.conversation.hands import Hands
from m31a_engine.conversation.history import Conversation
from m31a_engine.conversation.models import Models
from m31a_engine.conversation.repeats import WARNING, Circling, RepeatWatch
from m31a_engine.conversation.steering import Steering
from m31a_engine.conversation.window import WindowWatch
from m31a_engine.errors import Denied, LimitReached, ProviderFailed, WaitingForApproval
from m31a_engine.events import (
    ContextCondensed,
    Event,
    MessageDone,
    MessageRestarted,
    ReasoningStreamed,
    TextStreamed,
    ToolEnded,
    ToolOutput,
    ToolStarted,
    UsageChanged,
)
from m31a_engine.prompting.compose import system_prompt
from m31a_engine.session.journal import Entry, Journal
from m31a_engine.session.stream import EventStream
from m31a_engine.shipping.secrets import redact
from m31a_engine.switchboard import Switchboard
from m31a_providers import (
    AssistantMessage,
    ChatRequest,
    Finished,
    Message,
    ProviderError,
    ReasoningDelta,
    Restarted,
    Sampling,
    Stop,
    SystemMessage,
    TextDelta,
    ToolCall,
    ToolCallStarted,
    ToolMessage,
    ToolSpec,
    UserMessage,
    WindowExceeded,
)
from m31a_tools import ExitAsked, PermissionRequest, Plain, Risk, ToolResult
from m31a_tools import Outcome as PermissionOutcome

MAX_CALLS = 16
MAX_CONTINUATIONS = 3

INTERRUPTED = (
    "[M31A] The program was stopped while this call ran; what it did is not known. "
    "Look at the state before you repeat it."
)
TOO_MANY = (
    f"[M31A] Not run: at most {MAX_CALLS} calls in one answer. Ask again for what is missing."
)
CUT = "[M31A] Your answer was cut off at its length limit. Go on where it stopped."
NO_TOOLS = "[M31A] Not run: no tools are offered here. Answer in text."


@dataclass(frozen=True, slots=True)
class Carry:
    """Results that wait for the next request, to be synced with it."""

    entries: tuple[Entry, ...] = ()
    events: tuple[Event, ...] = ()


@dataclass(frozen=True, slots=True)
class Talker:
    """Carries conversations on with a run's providers, journalled and within budget."""

    board: Switchboard
    stream: EventStream
    journal: Journal
    budget: Budget
    session: str
    models: Models
    window: WindowWatch
    steering: Steering
    turns: int = 50
    prompts: Sequence[Path] = ()
    _encoder: msgspec.json.Encoder = field(default_factory=msgspec.json.Encoder)
    _breakers: dict[str, Breaker] = field(default_factory=dict)
    _cache: CacheWatch = field(default_factory=CacheWatch)

    async def carry_on(self, talk: Conversation, hands: Hands | None) -> str:
        """The model's closing words, after all its calls have run.

        Raises:
            BudgetSpent: the next request does not fit into the budget.
            LimitReached: too many turns, or the model goes in circles.
            ProviderFailed: the model's server cannot be used.
            WaitingForApproval: a call waits for a person's leave; the rest is journalled.
        """
        watch = RepeatWatch()
        carry = Carry()
        specs = hands.specs() if hands else ()
        continuations = 0
        shortened = False
        if talk.cut:
            model = self._model_for(talk)
            self.budget.lose(
                await self._reserve(talk, model, None)
            )  # what the cut-off answer may have cost
        while True:
            calls = talk.open_calls()
            if calls:
                carry = await self._act(talk, calls, hands, watch)
            elif isinstance(talk.last, AssistantMessage) and not talk.last.tool_calls:
                if talk.last.stop is Stop.length and continuations < MAX_CONTINUATIONS:
                    continuations += 1
                    talk.say(CUT)
                elif not self._remarks(talk, hands):
                    return _closing_words(talk.messages)
            for remark in self._remarks(talk, hands):
                talk.say(remark)
            model = self._model_for(talk)
            if await self.window.is_due(talk, model):
                await self.stream.record(carry.entries, *carry.events)
                carry = await self._condense(talk)
            try:
                await self._ask(talk, model, specs, carry)
            except ProviderFailed as exc:
                if shortened or not isinstance(exc.__cause__, WindowExceeded):
                    raise
                carry = await self._condense(talk)
                shortened = True
                if not carry.entries:
                    raise
            else:
                carry = Carry()
                shortened = False

    def _remarks(self, talk: Conversation, hands: Hands | None) -> tuple[str, ...]:
        """What a person has said meanwhile; it is for conversations that work on something."""
        return self.steering.unheard(talk) if hands is not None else ()

    def _model_for(self, talk: Conversation) -> str:
        """A summary is the work of whoever goes on with the conversation."""
        working = talk.model if talk.phase == "consolidate" else ""
        return working or self.models.model_for(talk.phase, talk.task)

    async def _condense(self, talk: Conversation) -> Carry:
        """Make a conversation shorter, by a summary from the model where that helps."""
        # Few conversations get so long.
        from m31a_engine.conversation.condense import SUMMARISE, condense, transcript

        talk.settle()

        async def summarise(messages: Sequence[Message]) -> str:
            asking = Conversation.restore(
                f"{talk.name}/condense-{talk.condensations + 1}",
                "consolidate",
                talk.task,
                (
                    SystemMessage(text=system_prompt(overrides=self.prompts)),
                    UserMessage(text=f"{SUMMARISE}\n\n{transcript(messages)}"),
                ),
                self.journal.records,
            )
            asking.model = self._model_for(talk)
            return await self.carry_on(asking, None)

        breaker = self._breakers.setdefault(talk.name, Breaker())
        result = await condense(talk.messages, summarise, breaker)
        if result is None:
            return Carry()
        talk.go_on_with(result.messages)
        event = ContextCondensed(
            conversation=talk.name, removed=len(result.removed), saved_tokens=result.saved_tokens
        )
        return Carry(entries=(talk.condensed_entry(),), events=(event,))

    async def _reserve(self, talk: Conversation, model: str, longest: int | None) -> Reservation:
        if self.budget.limit_usd is None:
            return Reservation(usd=0.0, max_tokens=None)
        from m31a_autodream import estimate_tokens  # its tables are for runs with a limit

        tokens = sum(estimate_tokens(text) for text in talk.texts())
        prices = await self.board.prices(model)
        return self.budget.reserve(
            tokens, talk.prompt_bytes(), prices, longest or MAX_OUTPUT_TOKENS
        )

    async def _ask(
        self, talk: Conversation, model: str, specs: tuple[ToolSpec, ...], carry: Carry
    ) -> None:
        try:
            if talk.turns >= self.turns:
                raise LimitReached(
                    f"{talk.name}: {self.turns} turns are used up",
                    remedy="look at what is done, then resume with a larger --max-turns",
                )
            await self.board.settle(model)
            await self.board.tell(self.stream.emit)
            longest = await self.window.longest_answer(talk, model)
            reservation = await self._reserve(talk, model, longest)
        except BaseException:
            await self.stream.record(carry.entries, *carry.events)
            raise
        request_entry = talk.prepare(model, self._encoder.encode(specs))
        request = ChatRequest(
            model=model,
            messages=tuple(talk.messages),
            tools=specs,
            sampling=Sampling(max_tokens=reservation.max_tokens or longest),
            labels={"session": self.session, "phase": talk.phase, "task": talk.task},
        )
        await self.stream.record((*carry.entries, request_entry), *carry.events)
        try:
            message = await self._receive(request, talk.name, reservation)
        except ProviderError as exc:
            self.budget.lose(reservation)
            raise ProviderFailed(str(exc)) from exc
        except BaseException:
            self.budget.lose(reservation)
            raise
        finally:
            await self.board.tell(self.stream.emit)
        self.budget.settle(reservation, message.usage, message.model)
        complaint = self._cache.complaint(self.board, talk, model)
        if complaint is not None:
            await self.stream.emit(complaint)
        await self._note_reply(talk, message)

    async def _note_reply(self, talk: Conversation, message: AssistantMessage) -> None:
        calls = message.tool_calls
        events: list[Event] = [
            MessageDone(
                conversation=talk.name,
                text=message.text,
                model=message.model,
                usage=message.usage,
                calls=len(calls),
            ),
            UsageChanged(
                usage=self.budget.usage,
                requests=self.budget.requests,
                context_tokens=message.usage.input_tokens + message.usage.output_tokens,
                context_limit=await self.window.limit(talk, talk.model),
            ),
        ]
        events.extend(
            ToolStarted(
                conversation=talk.name, call_id=call.id, tool=call.name, arguments=call.arguments
            )
            for call in calls
        )
        entries = (talk.reply_entry(message), *(talk.call_entry(call) for call in calls))
        await self.stream.record(entries, *events)
        talk.reply(message)

    async def _receive(
        self, request: ChatRequest, name: str, reservation: Reservation
    ) -> AssistantMessage:
        async with self.board.stream(request) as events:
            async for event in events:
                await self.board.tell(self.stream.emit)
                match event:
                    case TextDelta():
                        await self.stream.live(TextStreamed(conversation=name, text=event.text))
                    case ReasoningDelta():
                        await self.stream.live(
                            ReasoningStreamed(conversation=name, text=event.text)
                        )
                    case Restarted():
                        self.budget.repeat(reservation)
                        await self.stream.live(
                            MessageRestarted(conversation=name, reason=event.reason)
                        )
                    case ToolCallStarted():
                        continue
                    case Finished():
                        return event.message
        raise ProviderFailed("the model's server ended its stream without an answer")

    async def _act(
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
        if waiting is not None or circling is Circling.STOP:
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
        if circling is Circling.STOP:
            raise LimitReached(
                f"{talk.name}: the model repeats itself without getting anywhere",
                remedy="resume with a hint in the goal, or with another model",
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


def _closing_words(messages: Sequence[Message]) -> str:
    """The newest answer, after the cut-off ones that it goes on from."""
    texts = []
    for place in range(len(messages) - 1, 0, -2):
        if isinstance(message := messages[place], AssistantMessage):
            texts.append(message.text)
        if messages[place - 1] != UserMessage(text=CUT):
            break
    return "".join(reversed(texts))


def _batches(calls: Sequence[ToolCall], hands: Hands | None) -> Iterator[list[ToolCall]]:
    """Runs of read-only calls together, every other call alone, in the model's order."""
    for reading, row in groupby(calls, key=lambda call: bool(hands and hands.read_only(call))):
        if reading:
            yield list(row)
        else:
            yield from ([call] for call in row)
