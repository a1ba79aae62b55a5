"""Ask the model what a goal is, in a few seconds, where keywords are not sure."""

from dataclasses import dataclass

import anyio

from m31a_engine.config import Config
from m31a_engine.conversation.opening import asked
from m31a_engine.conversation.turn import Talker
from m31a_engine.errors import ProviderFailed
from m31a_engine.intent import Intent, intent_request, read_intent


@dataclass(frozen=True, slots=True)
class IntentCall:
    """One short request; silence and nonsense leave the keywords' word standing."""

    talker: Talker
    config: Config

    async def ask(self, goal: str) -> Intent | None:
        """The model's view of a goal, or None when it gives none in time."""
        talk = asked(self.talker, "intent", "intent", intent_request(goal))
        with anyio.move_on_after(self.config.features.intent_timeout_s):
            try:
                return read_intent(await self.talker.carry_on(talk, None))
            except ProviderFailed:
                return None
        return None
