"""The third phase: what is to be done, in tasks that somebody accepted."""

from dataclasses import dataclass

import msgspec

from m31a_engine.compass import Compass
from m31a_engine.config import Config
from m31a_engine.conversation.hands import Hands
from m31a_engine.conversation.history import Conversation
from m31a_engine.conversation.opening import begun, goal_text
from m31a_engine.conversation.turn import Talker
from m31a_engine.drafting import Drafting, SentBack
from m31a_engine.intent import Complexity
from m31a_engine.machine import MAX_DISCUSS_PLAN_CYCLES, Phase
from m31a_engine.planning.outline import REQUEST, in_waves, parse_outline, wave_text
from m31a_engine.planning.plan import Wave
from m31a_engine.session.effects import once
from m31a_engine.session.journal import Journal
from m31a_engine.session.state import Answered, Session, Step

ORIENTATION_TOKENS = 600


@dataclass(frozen=True, slots=True)
class MakePlan:
    """Looks around first where the goal is complex, then drafts until somebody accepts."""

    drafting: Drafting
    talker: Talker
    journal: Journal
    config: Config
    hands: Hands
    compass: Compass

    async def run(self, session: Session) -> Step:
        """The session with an accepted plan; of a large goal, with the plan of its first wave.

        Raises:
            PlanUnreadable: the model gave no plan that can be run, retries included.
            WaitingForApproval: nobody accepted the plan.
        """
        session = await self._researched(session)
        parts = [*await self._files(session), goal_text(session), research_text(session)]
        if session.outline:
            parts.append(wave_text(session.outline, 0))
        outcome = await self.drafting.draft(
            session,
            f"plan-{session.cycles}",
            tuple(parts),
            may_send_back=session.cycles < MAX_DISCUSS_PLAN_CYCLES,
        )
        if isinstance(outcome, SentBack):
            note = Answered(question="On the plan:", answer=outcome.feedback)
            session = msgspec.structs.replace(
                session,
                cycles=session.cycles + 1,
                plan_version=outcome.version,
                answers=(*session.answers, note),
            )
            return Step(session=session, next=Phase.DISCUSS)
        session = msgspec.structs.replace(
            session,
            plan=outcome.plan,
            plan_version=outcome.version,
            plan_read_by_person=outcome.by_person,
        )
        return Step(session=session, next=Phase.EXECUTE)

    async def _researched(self, session: Session) -> Session:
        """The session with what a look at the project has shown, and the waves of the work."""
        intent = session.intent
        if intent is None or intent.complexity is not Complexity.COMPLEX or session.research:
            return session
        parts = (*await self._files(session), goal_text(session), _RESEARCH)
        talk = begun(self.talker, "research", "research", session, parts)
        notes = await once(
            self.journal,
            "research/notes",
            str,
            lambda: self.talker.carry_on(talk, self.hands),
        )
        waves = await once(
            self.journal, "research/outline", tuple[Wave, ...], lambda: self._outline(talk)
        )
        features = self.config.features
        if not in_waves(waves, session.source_files, features.plan_chunk_threshold):
            waves = ()
        return msgspec.structs.replace(session, research=notes, outline=waves)

    async def _files(self, session: Session) -> tuple[str, ...]:
        """The files that may matter; quoted where the goal names them and nobody has looked yet."""
        found = await self.compass.orientation(session.goal, ORIENTATION_TOKENS)
        return (found,) if session.research else (found, await self.compass.quotation(session.goal))

    async def _outline(self, talk: Conversation) -> tuple[Wave, ...]:
        talk.say_once(REQUEST)
        return parse_outline(await self.talker.carry_on(talk, self.hands))


_RESEARCH = (
    "# Research\n\nLook at what the goal touches before anything is planned. Answer with: what is"
    " there now (files, functions, how they hang together), what has to change, risks and unknowns."
    " Paths and names word for word; at most 400 words."
)


def research_text(session: Session) -> str:
    """What research has shown, as a part of a request."""
    return f"# Research\n\n{session.research}" if session.research else ""
