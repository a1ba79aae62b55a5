"""The loop of a conversation: ask the model, run what it calls, tell it, until it stops."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from m31a_autodream import Breaker
from m31a_engine.budget import MAX_OUTPUT_TOKENS, Budget, Reservation
from m31a_engine.conversation.acting import Acting, Carry
from m31a_engine.conversation.cache_watch import CacheWatch
from m31a_engine.conversation.hands import Hands
from m31a_engine.conversation.history import Conversation
from m31a_engine.conversation.models import Models
from m31a_engine.conversation.repeats import RepeatWatch
from m31a_engine.conversation.steering import Steering
from m31a_engine.conversation.window import WindowWatch
from m31a_engine.errors import LimitReached, ProviderFailed
from m31a_engine.events import (
    ContextCondensed,
    Event,
    MessageDone,
    MessageRestarted,
    ReasoningStreamed,
    TextStreamed,
    ToolStarted,
    UsageChanged,
)
from m31a_engine.prompting.compose import system_prompt
from m31a_engine.session.journal import Journal
from m31a_engine.session.stream import EventStream
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
    ToolCallStarted,
    ToolSpec,
    UserMessage,
    WindowExceeded,
)

MAX_CONTINUATIONS = 3

CUT = "[M31A] Your answer was cut off at its length limit. Go on where it stopped."


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

    @property
    def _acting(self) -> Acting:
        return Acting(stream=self.stream, session=self.session)

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
        refusals = 0
        if talk.cut:
            model = self._model_for(talk)
            self.budget.lose(
                await self._reserve(talk, model, None)
            )  # what the cut-off answer may have cost
        while True:
            calls = talk.open_calls()
            if calls:
                carry = await self._acting.act(talk, calls, hands, watch)
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
                refusals += 1
                carry = Carry()
                if isinstance(exc.__cause__, WindowExceeded):
                    carry = await self._shortened(talk, refusals)
                if not carry.entries:
                    raise
            else:
                carry = Carry()
                refusals = 0

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
        return _gone_on(talk, result.messages, len(result.removed), result.saved_tokens)

    async def _shortened(self, talk: Conversation, refusals: int) -> Carry:
        """A conversation that was found too long, made shorter by all that is left to try."""
        from m31a_engine.conversation.condense import stubbed, tokens_in

        carry = await self._condense(talk) if refusals == 1 else Carry()
        if carry.entries:
            return carry
        before = tokens_in(talk.messages)
        shorter = stubbed(talk.messages)
        if shorter is None:
            return carry
        return _gone_on(talk, shorter, 0, before - tokens_in(shorter))

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
                    f"{talk.name}: all turns are used up ({self.turns})",
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


def _gone_on(talk: Conversation, messages: Sequence[Message], removed: int, saved: int) -> Carry:
    """A conversation that goes on with a shorter form of itself."""
    talk.go_on_with(messages)
    event = ContextCondensed(conversation=talk.name, removed=removed, saved_tokens=saved)
    return Carry(entries=(talk.condensed_entry(),), events=(event,))


def _closing_words(messages: Sequence[Message]) -> str:
    """The newest answer, after the cut-off ones that it goes on from."""
    texts = []
    for place in range(len(messages) - 1, 0, -2):
        if isinstance(message := messages[place], AssistantMessage):
            texts.append(message.text)
        if messages[place - 1] != UserMessage(text=CUT):
            break
    return "".join(reversed(texts))
