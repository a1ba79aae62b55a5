"""A question about the project, answered with reading tools; nothing is changed."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from m31a_engine.conversation.hands import Hands
from m31a_engine.conversation.history import Conversation
from m31a_engine.conversation.opening import goal_text, opening
from m31a_engine.conversation.turn import Talker
from m31a_engine.session.journal import Journal
from m31a_engine.session.state import Session


@dataclass(frozen=True, slots=True)
class Chat:
    """One conversation outside the phases: no branch, no commit."""

    talker: Talker
    journal: Journal
    hands: Hands
    prompts: Sequence[Path] = ()

    async def answer(self, session: Session) -> str:
        """The model's answer to the session's goal."""
        first = opening("chat", session, (goal_text(session),), self.prompts)
        talk = Conversation.restore("chat", "chat", "", first, self.journal.records)
        return await self.talker.carry_on(talk, self.hands)
