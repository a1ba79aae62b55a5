"""A question about the project, answered with reading tools; nothing is changed."""

from dataclasses import dataclass

from m31a_engine.conversation.hands import Hands
from m31a_engine.conversation.opening import begun, goal_text
from m31a_engine.conversation.turn import Talker
from m31a_engine.session.state import Session


@dataclass(frozen=True, slots=True)
class Chat:
    """One conversation outside the phases: no branch, no commit."""

    talker: Talker
    hands: Hands

    async def answer(self, session: Session) -> str:
        """The model's answer to the session's goal."""
        talk = begun(self.talker, "chat", "chat", session, (goal_text(session),))
        return await self.talker.carry_on(talk, self.hands)
