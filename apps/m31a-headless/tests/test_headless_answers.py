"""Answers given beforehand, and what an absent person would say."""

from pathlib import Path

import pytest

from m31a_engine import (
    Grant,
    PermissionAnswer,
    PermissionAsk,
    PlanAnswer,
    PlanAsk,
    PlanChoice,
    QuestionsAnswer,
    QuestionsAsk,
)
from m31a_engine.asks import Question
from m31a_engine.planning.plan import Plan
from m31a_headless.answers import Policy, read_answers
from m31a_headless.options import UsageError
from m31a_tools import PermissionRequest, Risk

PLAN = PlanAsk(ask_id="p", plan=Plan(title="T", tasks=(), markdown="# T"), version=1)


def written(folder: Path, text: str, name: str = "answers.toml") -> Policy:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return read_answers(file)


def asked(*suggestions: str) -> QuestionsAsk:
    questions = tuple(Question(text="Which?", suggestion=each) for each in suggestions)
    return QuestionsAsk(ask_id="q", questions=questions)


def test_without_a_file_suggestions_count_plans_are_accepted_and_leave_is_put_off() -> None:
    policy = read_answers(None)
    request = PermissionRequest(tool="Bash", summary="s", detail="d", risk=Risk.DANGEROUS)

    assert policy.answer(asked("a", "b")) == QuestionsAnswer(ask_id="q", answers=("a", "b"))
    assert policy.answer(PLAN) == PlanAnswer(ask_id="p", choice=PlanChoice.ACCEPT)
    assert policy.answer(PermissionAsk(ask_id="x", request=request)) == PermissionAnswer(
        ask_id="x", grant=Grant.DEFER
    )


def test_given_answers_are_used_in_order_over_several_asks(tmp_path: Path) -> None:
    policy = written(tmp_path, 'questions = ["one", "two", "three"]')

    first, second = policy.answer(asked("a", "b")), policy.answer(asked("c", "d"))

    assert first == QuestionsAnswer(ask_id="q", answers=("one", "two"))
    assert second == QuestionsAnswer(ask_id="q", answers=("three", "d"))


def test_a_plan_is_refined_once_and_then_accepted(tmp_path: Path) -> None:
    policy = written(tmp_path, '{"plan": "refine: use sqlite"}', "answers.json")

    assert policy.answer(PLAN) == PlanAnswer(
        ask_id="p", choice=PlanChoice.REFINE, feedback="use sqlite"
    )
    assert policy.answer(PLAN) == PlanAnswer(ask_id="p", choice=PlanChoice.ACCEPT)


def test_a_plan_can_be_rejected_every_time(tmp_path: Path) -> None:
    policy = written(tmp_path, 'plan = "reject"')

    for _ in range(2):
        assert policy.answer(PLAN) == PlanAnswer(ask_id="p", choice=PlanChoice.REJECT)


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("a.toml", "plan = ", "Invalid value"),
        ("a.json", "{", "Expecting property name"),
        ("a.json", "[" * 100_000, "recursion"),
        ("a.json", "[]", "write an object with the keys questions and plan"),
        ("a.toml", "plann = 'accept'", "unknown key 'plann'; did you mean 'plan'?"),
        ("a.toml", "plan = 'yes'", 'plan is "accept", "reject" or'),
        ("a.toml", "plan = 1", 'plan is "accept", "reject" or'),
        ("a.toml", "plan = 'refine'", "say what to change in the plan"),
        ("a.toml", "questions = 'one'", "questions is a list of texts"),
        ("a.toml", "questions = [1]", "questions is a list of texts"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_with_the_reason(
    tmp_path: Path, name: str, text: str, sentence: str
) -> None:
    with pytest.raises(UsageError) as caught:
        written(tmp_path, text, name)

    assert str(caught.value).startswith(f"--answers {tmp_path / name}: ")
    assert sentence in str(caught.value)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file"):
        read_answers(tmp_path / "none.toml")
    (tmp_path / "binary.toml").write_bytes(b"\xff")
    with pytest.raises(UsageError, match=r"binary\.toml: "):
        read_answers(tmp_path / "binary.toml")
