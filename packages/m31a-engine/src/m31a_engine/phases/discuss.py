"""The second phase: ask what would change the plan, and take the answers."""

import re
from dataclasses import dataclass

import msgspec

from m31a_engine.asks import OpenAsks, Question, QuestionsAnswer, QuestionsAsk
from m31a_engine.conversation.hands import Hands
from m31a_engine.conversation.opening import begun, goal_text
from m31a_engine.conversation.turn import Talker
from m31a_engine.events import AskClosed, AskOpened
from m31a_engine.machine import Mode, Phase
from m31a_engine.session.effects import once
from m31a_engine.session.journal import Journal
from m31a_engine.session.state import Answered, Session, Step
from m31a_engine.session.stream import EventStream

MAX_QUESTIONS = 4
QUESTION_TIMEOUT_S = 300.0

_QUESTION = re.compile(r"^\s*(?:\d+[.)]|[-*])\s+(?P<text>.+\?)\s*(?P<rest>.*)$")
_BEFORE_ANSWER = re.compile(
    r"^(?:\W*(?:suggested|suggestion|default|answer)\b)*[\s:=*_–—-]*", re.IGNORECASE
)


def questions_in(text: str) -> tuple[Question, ...]:
    """The listed questions of a model's answer, each with the answer it suggests."""
    found: list[Question] = []
    for line in text.splitlines():
        match = _QUESTION.match(line)
        if match:
            question = Question(
                text=match["text"].strip("* "), suggestion=_answer_in(match["rest"])
            )
            found.append(question)
    return tuple(found[:MAX_QUESTIONS])


def _answer_in(rest: str) -> str:
    """What stands behind a question, without the words that introduce it."""
    rest = rest.strip("*_ ")
    if rest.startswith("(") and rest.endswith(")"):
        rest = rest[1:-1]
    return _BEFORE_ANSWER.sub("", rest).strip()


@dataclass(frozen=True, slots=True)
class Discuss:
    """One turn of the model with reading tools, then one ask."""

    talker: Talker
    stream: EventStream
    journal: Journal
    asks: OpenAsks
    hands: Hands

    async def run(self, session: Session) -> Step:
        """The session with its questions answered, by a person or by the suggestions."""
        name = f"discuss-{session.cycles}"
        talk = begun(self.talker, name, "discuss", session, (goal_text(session),))
        questions = questions_in(await self.talker.carry_on(talk, self.hands))
        answers: tuple[Answered, ...] = ()
        if questions:
            answers = await once(
                self.journal,
                f"{name}/answers",
                tuple[Answered, ...],
                lambda: self._answers(questions, session.options.ask_questions),
            )
        following = Phase.PLAN if session.mode is Mode.FULL else Phase.EXECUTE
        session = msgspec.structs.replace(session, answers=(*session.answers, *answers))
        return Step(session=session, next=following)

    async def _answers(self, questions: tuple[Question, ...], wanted: bool) -> tuple[Answered, ...]:
        given: tuple[str, ...] | None = None
        if wanted:
            ask = QuestionsAsk(ask_id=self.asks.new_id("questions"), questions=questions)
            self.asks.register(ask)
            await self.stream.emit(AskOpened(ask=ask, timeout_s=QUESTION_TIMEOUT_S))
            answer = await self.asks.wait(ask, QUESTION_TIMEOUT_S)
            await self.stream.emit(AskClosed(ask_id=ask.ask_id, answer=answer))
            given = answer.answers if isinstance(answer, QuestionsAnswer) else None
        if given is None:
            given = tuple(question.suggestion for question in questions)
        padded = (*given, *([""] * len(questions)))
        return tuple(
            Answered(question=question.text, answer=text)
            for question, text in zip(questions, padded, strict=False)
        )
