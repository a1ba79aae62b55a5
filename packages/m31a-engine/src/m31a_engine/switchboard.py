"""All providers of a run as one: who answers, what that costs, and who answers instead.

Two things change who answers: a person who names another provider, and, where that is
switched on, a provider that fails. Either is an event, told before anything that the other
provider says.
"""

from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from functools import partial

import anyio
import anyio.to_thread

from m31a_engine.budget import Prices
from m31a_engine.errors import EngineError, Refused
from m31a_engine.events import Noticed, ProviderSwitched
from m31a_engine.member import Member
from m31a_providers import (
    ChatRequest,
    FallbackProvider,
    FallbackSettings,
    ModelInfo,
    PrefixBreak,
    StreamEvent,
    Switch,
)

ASKED_FOR = "it was asked for"
News = ProviderSwitched | Noticed
OpenMember = Callable[[str, Callable[[PrefixBreak], None]], Member]
"""A provider by its name; raises ConfigError, or ProviderFailed where it has no key."""


class Switchboard:
    """The providers of one run, of which one at a time answers."""

    def __init__(
        self,
        names: Sequence[str],
        open_member: OpenMember,
        *,
        is_named: Callable[[str], bool] = lambda _: False,
        fallback: FallbackSettings | None = None,
        limit_usd: float | None = None,
    ) -> None:
        """`names` are those that may answer by themselves, the preferred one first;
        without `fallback` none stands in for another.

        Raises:
            ConfigError: the settings of one of them cannot be used.
        """
        self._open_member = open_member
        self._is_named = is_named
        self._settings = fallback
        self._limit_usd = limit_usd
        self._first = names[0]
        self._wanted: str | None = None
        self._named: dict[str, set[str]] = {}
        self._members = {name: self._opened(name) for name in names}
        self._line = tuple(self._members.values())
        self._answering = self._in_line()
        self._settling = anyio.Lock(fast_acquire=True)
        self._news: deque[News] = deque()
        self._something_new = anyio.Event()
        self._breaks: dict[int, PrefixBreak] = {}

    @property
    def name(self) -> str:
        """The name of the provider that answers now."""
        return self._answering.name

    @property
    def current(self) -> Member:
        """The provider that answers now."""
        return self._members[self.name]

    @property
    def is_local(self) -> bool:
        """Whether the one that answers now stands on this machine."""
        return self.current.is_local

    def stream(
        self, request: ChatRequest
    ) -> AbstractAsyncContextManager[AsyncIterator[StreamEvent]]:
        """The answer of who answers now, or of who stands in. Raises `ProviderError`."""
        self._breaks.pop(anyio.get_current_task().id, None)
        return self._answering.stream(request)

    def choose(self, name: str) -> bool:
        """Have another provider answer from the next request on; False when there is none such."""
        if not self._is_named(name):
            return False
        self._wanted = name
        return True

    def take_as_named(self, model: str) -> None:
        """Ask for a model by the very name that a person has chosen while this one answers."""
        self._named.setdefault(self._wanted or self.name, set()).add(model)

    async def settle(self, model: str) -> None:
        """Switch to the provider a person has asked for; who cannot be used is told of."""
        async with self._settling:
            wanted, self._wanted = self._wanted, None
            if wanted is None or wanted == self.name:
                return
            try:
                member = await self._usable(wanted, model)
            except EngineError as exc:
                text = f"{wanted} cannot answer: {exc.message}; {self.name} goes on"
                self._note(Noticed(text=text, remedy=exc.remedy))
                return
            origin = self.name
            others = (other for other in self._line if other is not member)
            self._line = (member, *(others if self._settings is not None else ()))
            self._answering = self._in_line()
            self._note(ProviderSwitched(origin=origin, target=wanted, reason=ASKED_FOR))

    async def require_prices(self, models: Sequence[str]) -> None:
        """Make sure that a money limit can be kept, whoever answers.

        Raises:
            Refused: a price is not known.
        """
        if self._limit_usd is None:
            return
        for member in self._line:
            for model in models:
                await self._require_price(member, model)

    async def prices(self, model: str) -> Prices:
        """What a request costs at most, whoever of those in line answers it."""
        found = [await member.prices(self.model_at(member, model)) for member in self._line]
        inputs = [each.input_usd for each in found]
        outputs = [each.output_usd for each in found]
        return Prices(input_usd=_dearest(inputs), output_usd=_dearest(outputs))

    async def window(self, model: str) -> int | None:
        """Tokens the model can hold, prompt and answer together; None when nobody says."""
        return await self.current.window(self.model_at(self.current, model))

    def known_window(self, model: str) -> int | None:
        """The window as far as it is known without asking anybody."""
        return self.current.known_window(self.model_at(self.current, model))

    def longest_answer(self, model: str) -> int | None:
        """The most tokens the model may write, as far as that is known."""
        return self.current.longest_answer(self.model_at(self.current, model))

    async def offered(self) -> tuple[ModelInfo, ...]:
        """The models of who answers now."""
        return await self.current.models()

    def model_at(self, member: Member, model: str) -> str:
        """What a model of the run is called at a provider that answers instead of the first."""
        if member.name == self._first or model in self._named.get(member.name, ()):
            return model
        return member.settings.model or model

    async def tell(self, emit: Callable[[News], Awaitable[None]]) -> None:
        """Tell what has happened, oldest first; it is not lost when who tells it is cancelled."""
        while self._news:
            news = self._news.popleft()
            with anyio.CancelScope(shield=True):
                await emit(news)

    async def wait_for_news(self) -> None:
        """Return when something has happened."""
        await self._something_new.wait()
        self._something_new = anyio.Event()

    def broken_prefix(self) -> PrefixBreak | None:
        """Where this task's newest request differs from the one before it, if it does."""
        return self._breaks.pop(anyio.get_current_task().id, None)

    async def aclose(self) -> None:
        """Close all connections."""
        for member in self._members.values():
            await member.aclose()

    async def _usable(self, name: str, model: str) -> Member:
        """A provider, opened when it is needed. Raises: EngineError."""
        if name not in self._members:
            # The keychain may ask a person for a password.
            self._members[name] = await anyio.to_thread.run_sync(self._opened, name)
        member = self._members[name]
        if self._limit_usd is not None:
            await self._require_price(member, model)
        return member

    async def _require_price(self, member: Member, model: str) -> None:
        called = self.model_at(member, model)
        if not (await member.prices(called)).known:
            raise Refused(
                f"a budget of ${self._limit_usd:g} cannot be kept: the price of {member.name}'s"
                f" model {called} is not known",
                remedy=f"set price_in and price_out in [provider.{member.name}]",
            )

    def _opened(self, name: str) -> Member:
        member = self._open_member(name, self._broke)
        member.called = partial(self.model_at, member)
        return member

    def _in_line(self) -> FallbackProvider:
        made = FallbackProvider(self._line, settings=self._settings or FallbackSettings())

        def tell(switch: Switch) -> None:
            if self._answering is made:  # else a person has chosen another meanwhile
                self._note(
                    ProviderSwitched(
                        origin=switch.origin, target=switch.target, reason=switch.reason
                    )
                )

        made.on_switch = tell
        return made

    def _note(self, news: News) -> None:
        self._news.append(news)
        self._something_new.set()

    def _broke(self, found: PrefixBreak) -> None:
        self._breaks[anyio.get_current_task().id] = found


def _dearest(prices: Sequence[float | None]) -> float | None:
    known = [price for price in prices if price is not None]
    return max(known) if len(known) == len(prices) else None
