"""Answers given beforehand, for runs that nobody watches.

```toml
questions = ["sqlite", "yes"]        # in the order they are asked; missing ones take the suggestion
plan = "accept"                      # or "reject", or "refine: what to change"
```
"""

import tomllib
from dataclasses import dataclass
from pathlib import Path

import msgspec

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
)
from m31a_headless.options import UsageError


class AnswersFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an answers file may hold."""

    questions: tuple[str, ...] = ()
    plan: str = "accept"


NOTHING_GIVEN = AnswersFile()


@dataclass(slots=True)
class Policy:
    """Answers every ask at once: from the file, else as a careful absent person would."""

    given: AnswersFile = NOTHING_GIVEN
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
        word, _, feedback = self.given.plan.partition(":")
        choice = PlanChoice(word.strip())
        if choice is PlanChoice.REFINE and self._refined:
            choice = PlanChoice.ACCEPT
        self._refined = True
        return PlanAnswer(ask_id=ask.ask_id, choice=choice, feedback=feedback.strip())


def read_answers(file: Path | None) -> Policy:
    """The policy an answers file asks for; None takes suggestions and accepts plans.

    Raises:
        UsageError: the file cannot be read or used.
    """
    if file is None:
        return Policy()
    try:
        data = file.read_bytes()
        if file.suffix == ".json":
            given = msgspec.json.decode(data, type=AnswersFile)
        else:
            given = msgspec.convert(tomllib.loads(data.decode()), AnswersFile)
        PlanChoice(given.plan.partition(":")[0].strip())
    except OSError as exc:
        raise UsageError(f"--answers {file}: {exc.strerror}") from exc
    except (msgspec.MsgspecError, ValueError) as exc:
        raise UsageError(f"--answers {file}: {exc}") from exc
    return Policy(given=given)
