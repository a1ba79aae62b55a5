"""Ask the model what a goal is, in a few seconds, where keywords are not sure."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import anyio

from m31a_engine.config import Config
from m31a_engine.conversation.history import Conversation
from m31a_engine.conversation.turn import Talker
from m31a_engine.errors import ProviderFailed
from m31a_engine.intent import Intent, intent_request, read_intent
from m31a_engine.prompting.compose import system_prompt
from m31a_engine.session.journal import Journal
from m31a_providers import SystemMessage, UserMessage


@dataclass(frozen=True, slots=True)
class IntentCall:
    """One short request; silence and nonsense leave the keywords' word standing."""

    talker: Talker
    journal: Journal
    config: Config
    prompts: Sequence[Path] = ()

    async def ask(self, goal: str) -> Intent | None:
        """The model's view of a goal, or None when it gives none in time."""
        system = SystemMessage(text=system_prompt(overrides=self.prompts))
        opening = (system, UserMessage(text=intent_request(goal)))
        talk = Conversation.restore("intent", "intent", "", opening, self.journal.records)
        with anyio.move_on_after(self.config.features.intent_timeout_s):
            try:
                return read_intent(await self.talker.carry_on(talk, None))
            except ProviderFailed:
                return None
        return None
