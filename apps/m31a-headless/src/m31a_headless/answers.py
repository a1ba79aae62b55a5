"""Answers given beforehand, for runs that nobody watches.

```toml
questions = ["sqlite", "yes"]        # in the order they are asked; missing ones take the suggestion
plan = "accept"                      # or "reject", or "refine: what to change"
```
"""

import json
import tomllib
from dataclasses import dataclass
from pathlib import Path

from m31a_engine import (
    Answer,
    Ask,
    Grant,
    PermissionAnswer,
    PermissionAsk,
    PlanAnswer,
    PlanAsk,
    PlanChoice,
    QuestionsAnswer,
    QuestionsAsk,
    suggestion,
)
from m31a_headless.options import UsageError

KEYS = ("questions", "plan")


@dataclass(frozen=True, slots=True)
class Given:
    """What an answers file says."""

    questions: tuple[str, ...] = ()
    choice: PlanChoice = PlanChoice.ACCEPT
    feedback: str = ""
    """What to change, when the plan is to be refined."""


@dataclass(slots=True)
class Policy:
    """Answers every ask at once: from the file, else as a careful absent person would."""

    given: Given = Given()
    _used: int = 0
    _refined: bool = False

    def answer(self, ask: Ask) -> Answer:
        """The answer to an ask; a permission is put off, never given."""
        match ask:
            case PermissionAsk():
                return PermissionAnswer(ask_id=ask.ask_id, grant=Grant.DEFER)
            case QuestionsAsk():
                return self._questions(ask)
            case PlanAsk():
                return self._plan(ask)

    def _questions(self, ask: QuestionsAsk) -> Answer:
        answers: list[str] = []
        for question in ask.questions:
            given = self.given.questions[self._used : self._used + 1]
            self._used += 1
            answers.append(given[0] if given else question.suggestion)
        return QuestionsAnswer(ask_id=ask.ask_id, answers=tuple(answers))

    def _plan(self, ask: PlanAsk) -> Answer:
        if self.given.choice is PlanChoice.REFINE and self._refined:
            return PlanAnswer(ask_id=ask.ask_id, choice=PlanChoice.ACCEPT)
        self._refined = True
        return PlanAnswer(ask_id=ask.ask_id, choice=self.given.choice, feedback=self.given.feedback)


def read_answers(file: Path | None) -> Policy:
    """The policy an answers file asks for; None takes suggestions and accepts plans.

    Raises:
        UsageError: the file cannot be read or used.
    """
    if file is None:
        return Policy()
    try:
        text = file.read_text(encoding="utf-8")
        content = json.loads(text) if file.suffix == ".json" else tomllib.loads(text)
        return Policy(given=_understood(content))
    except OSError as exc:
        raise UsageError(f"--answers {file}: {exc.strerror}") from exc
    except (ValueError, RecursionError) as exc:
        raise UsageError(f"--answers {file}: {exc}") from exc


def _understood(content: object) -> Given:
    """What the parsed file says; ValueError with a sentence when it is not to be understood."""
    if not isinstance(content, dict):
        raise ValueError("write an object with the keys questions and plan")
    for key in content:
        if key not in KEYS:
            raise ValueError(f"unknown key {key!r}{suggestion(key, KEYS)}")
    questions, plan = content.get("questions", []), content.get("plan", PlanChoice.ACCEPT.value)
    if not (isinstance(questions, list) and all(isinstance(text, str) for text in questions)):
        raise ValueError("questions is a list of texts, one an answer")
    word, _, feedback = plan.partition(":") if isinstance(plan, str) else ("", "", "")
    if word.strip() not in set(PlanChoice):
        raise ValueError('plan is "accept", "reject" or "refine: what to change"')
    choice = PlanChoice(word.strip())
    if choice is PlanChoice.REFINE and not feedback.strip():
        raise ValueError('say what to change in the plan: "refine: what to change"')
    return Given(questions=tuple(questions), choice=choice, feedback=feedback.strip())
