"""A plan that can be run and that somebody accepted: drafted, retried, asked about, refined."""

from dataclasses import dataclass

from m31a_engine.asks import OpenAsks, PlanAnswer, PlanAsk, PlanChoice
from m31a_engine.config import Config
from m31a_engine.conversation.hands import Hands
from m31a_engine.conversation.history import Conversation
from m31a_engine.conversation.opening import begun
from m31a_engine.conversation.turn import Talker
from m31a_engine.errors import PlanUnreadable, WaitingForApproval
from m31a_engine.events import AskClosed, AskOpened, PlanDrafted
from m31a_engine.planning.plan import Plan
from m31a_engine.session.effects import once
from m31a_engine.session.home import SessionFolder
from m31a_engine.session.journal import Journal
from m31a_engine.session.state import Session
from m31a_engine.session.stream import EventStream

MAX_REFINEMENTS = 5
PLAN_TIMEOUT_S = 300.0


@dataclass(frozen=True, slots=True)
class Draft:
    """A plan that can be read, and what the gates have to say about it."""

    plan: Plan
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Accepted:
    """A plan that is to be carried out."""

    plan: Plan
    version: int
    by_person: bool


@dataclass(frozen=True, slots=True)
class SentBack:
    """Nobody accepts a plan before more has been asked; `feedback` says what."""

    version: int
    feedback: str


@dataclass(frozen=True, slots=True)
class Drafting:
    """Makes plans with a model that may look at the project, and a person or a gate."""

    talker: Talker
    stream: EventStream
    journal: Journal
    asks: OpenAsks
    config: Config
    hands: Hands
    folder: SessionFolder

    async def draft(
        self,
        session: Session,
        name: str,
        parts: tuple[str, ...],
        *,
        may_send_back: bool = False,
    ) -> Accepted | SentBack:
        """An accepted plan; `name` tells its conversation from others, `parts` are its matter.

        Raises:
            PlanUnreadable: the model gave no plan that can be run, retries included.
            WaitingForApproval: nobody accepted the plan.
        """
        talk = begun(self.talker, name, "plan", session, parts)
        for number in range(1, MAX_REFINEMENTS + 2):
            version = session.plan_version + number
            draft = await once(
                self.journal, f"{name}/draft-{number}", Draft, lambda: self._draft(talk, session)
            )
            answer = await once(
                self.journal,
                f"{name}/answer-{number}",
                PlanAnswer,
                lambda version=version, draft=draft: self._ask(draft, version),  # type: ignore[misc]
            )
            match answer.choice:
                case PlanChoice.ACCEPT:
                    return Accepted(plan=draft.plan, version=version, by_person=answer.by_person)
                case PlanChoice.DISCUSS if may_send_back:
                    return SentBack(version=version, feedback=answer.feedback)
                case PlanChoice.REJECT:
                    break
                case PlanChoice.REFINE | PlanChoice.DISCUSS:
                    talk.say_once(
                        f"Change version {version} of the plan, give it whole again:\n\n"
                        f"{answer.feedback}"
                    )
        raise WaitingForApproval(
            "the plan was not accepted", remedy="resume the session to refine or accept it"
        )

    async def _draft(self, talk: Conversation, session: Session) -> Draft:
        # Most runs never plan; the parser takes as long to load as a git call.
        from m31a_engine.planning.gates import check_plan
        from m31a_engine.planning.parse import parse_plan

        retries = self.config.features.max_plan_retries
        for attempt in range(retries + 1):
            text = await self.talker.carry_on(talk, self.hands)
            try:
                plan = parse_plan(text, root=session.project)
            except PlanUnreadable as exc:
                if attempt == retries:
                    raise
                talk.say(f"The plan cannot be run: {exc.reason}\nGive the whole plan again.")
                continue
            problems = check_plan(plan, session.goal)
            blocking = [problem.text for problem in problems if problem.blocking]
            if blocking and attempt < retries:
                talk.say("Mend the plan and give it again:\n- " + "\n- ".join(blocking))
                continue
            if blocking:
                raise PlanUnreadable("; ".join(blocking))
            return Draft(plan=plan, problems=tuple(problem.text for problem in problems))
        raise PlanUnreadable("no plan was given")

    async def _ask(self, draft: Draft, version: int) -> PlanAnswer:
        self.folder.plan(version).write_text(draft.plan.markdown, encoding="utf-8")
        await self.stream.emit(PlanDrafted(plan=draft.plan, version=version))
        ask = PlanAsk(
            ask_id=self.asks.new_id("plan"),
            plan=draft.plan,
            version=version,
            problems=draft.problems,
        )
        self.asks.register(ask)
        await self.stream.emit(AskOpened(ask=ask, timeout_s=PLAN_TIMEOUT_S))
        answer = await self.asks.wait(ask, PLAN_TIMEOUT_S)
        await self.stream.emit(AskClosed(ask_id=ask.ask_id, answer=answer))
        if isinstance(answer, PlanAnswer):
            return answer
        raise WaitingForApproval(
            "nobody accepted the plan in time", remedy="resume the session to look at it"
        )
