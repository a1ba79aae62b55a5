"""One question to a server, asked again as long as that is worth it."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass

import anyio

from m31a_providers.errors import ProviderError
from m31a_providers.retry import Retry
from m31a_providers.stream import Restarted, StreamEvent


@dataclass(frozen=True, slots=True)
class Tries:
    """How one question is asked again."""

    retry: Retry
    total_s: float
    """No try begins later than this after the first one."""
    sleep: Callable[[float], Awaitable[None]]
    has_answered: Callable[[], bool]
    """Whether the server has answered at some time before."""

    async def events(
        self, attempt: Callable[[], AsyncGenerator[StreamEvent, None]]
    ) -> AsyncGenerator[StreamEvent, None]:
        """The events of the first try that succeeds.

        What a failed try had passed on is taken back by a `Restarted`.

        Raises:
            ProviderError: of the last try.
        """
        began = anyio.current_time()
        was_shown = False
        number = 1
        while True:
            try:
                async with aclosing(attempt()) as events:
                    async for event in events:
                        was_shown = True
                        yield event
                return
            except ProviderError as exc:
                failure = exc
            elapsed_s = anyio.current_time() - began
            delay_s = self.retry.delay_s(
                failure, attempt=number, elapsed_s=elapsed_s, answered=self.has_answered()
            )
            if delay_s is None or elapsed_s + delay_s >= self.total_s:
                raise failure
            if was_shown:
                yield Restarted(reason=str(failure))
                was_shown = False
            await self.sleep(delay_s)
            number += 1
