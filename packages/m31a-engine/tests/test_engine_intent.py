import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from m31a_engine.intent import (
    MODE_OF,
    Complexity,
    Intent,
    Kind,
    classify,
    intent_request,
    raised,
    read_intent,
)
from m31a_engine.machine import Mode

GOALS = [
    ("make add() return the sum", "feature", "simple", True),
    ("fix the failing test in parser.py", "bugfix", "simple", True),
    ("does not work when the list is empty", "bugfix", "simple", True),
    ("The total is wrong for negative numbers", "bugfix", "simple", True),
    ("Fix typo in README", "docs", "trivial", True),
    ("rename foo to bar", "refactor", "trivial", True),
    ("bump requests to 2.32", "chore", "trivial", True),
    ("fix a spelling mistake in the log message", "bugfix", "trivial", True),
    ("refactor the parser module into smaller functions", "refactor", "simple", True),
    ("Improve error messages", "feature", "simple", True),
    ("please add a --version flag", "feature", "simple", True),
    ("Could you add a --version flag to the CLI?", "feature", "simple", True),
    ("I want you to rename foo to bar", "refactor", "trivial", True),
    ("add retries to fetch()", "feature", "moderate", False),
    ("add docstrings that explain the cache", "docs", "trivial", True),
    ("fix race condition and deadlock in the worker pool", "bugfix", "complex", True),
    ("use JWT in the auth middleware", "feature", "complex", True),
    ("Add JWT authentication backed by a database", "feature", "complex", True),
    ("1. add a\n2. add b\n3. add c\n4. add d", "feature", "complex", False),
    ("- add a\n- add b", "feature", "moderate", False),
    ("update the config, then restart the job, then log it", "feature", "moderate", False),
    ("migrate the settings to TOML", "feature", "moderate", False),
    ("when the file is missing, return None", "feature", "simple", False),
    ("thoughts on the parser", "feature", "simple", False),
    ("请修复解析器", "feature", "simple", False),
    ("How does the parser work?", "question", "trivial", True),
    ("what does add() return", "question", "trivial", True),
    ("can you explain the scheduler", "question", "trivial", True),
    ("is this thread safe?", "question", "trivial", True),
    ("the login page is slow?", "question", "trivial", False),
    ("why is the login slow? Fix it.", "bugfix", "simple", True),
    ("what is add() for, and rename it please", "refactor", "trivial", False),
    ("explain the API in the README", "docs", "simple", False),
]


@pytest.mark.parametrize(("goal", "kind", "complexity", "sure"), GOALS)
def test_words_decide_kind_complexity_and_certainty(
    goal: str, kind: str, complexity: str, sure: bool
) -> None:
    intent = classify(goal, files=10, empty=False)
    assert (kind, complexity, sure) == (intent.kind, intent.complexity, intent.sure), intent


@pytest.mark.parametrize(
    ("complexity", "mode"),
    [("complex", "full"), ("moderate", "fast"), ("simple", "direct"), ("trivial", "direct")],
)
def test_complexity_chooses_the_mode(complexity: str, mode: str) -> None:
    assert MODE_OF[Complexity(complexity)] is Mode(mode)


@pytest.mark.parametrize(
    "goal", ["prefix all log lines", "describe() must return a dict", "show ticks whatsapp-style"]
)
def test_a_keyword_inside_a_longer_word_or_a_name_does_not_count(goal: str) -> None:
    assert classify(goal, files=10, empty=False).kind is Kind.FEATURE


def test_the_same_words_are_more_in_an_empty_folder_and_in_a_big_project() -> None:
    new = "create a calculator with buttons for each digit and for the four operations"
    assert classify(new, files=3, empty=False).complexity is Complexity.SIMPLE
    assert classify(new, files=0, empty=True).complexity is Complexity.MODERATE
    assert classify(new, files=31, empty=False).complexity is Complexity.MODERATE
    one_file = classify("create hello.py that prints hello", files=0, empty=True)
    assert one_file.complexity is Complexity.SIMPLE
    app = classify("build a todo app", files=0, empty=True)
    assert app.complexity is Complexity.COMPLEX


def test_a_very_long_goal_is_complex() -> None:
    goal = " ".join(["reword the sentence in the page"] * 30)
    assert classify(goal, files=5, empty=False).complexity is Complexity.COMPLEX


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=400), st.integers(0, 10_000), st.booleans())
def test_any_text_is_classified_and_gives_a_mode_that_has_a_path(
    goal: str, files: int, empty: bool
) -> None:
    intent = classify(goal, files=files, empty=empty)
    assert intent.mode is MODE_OF[intent.complexity]
    assert intent.reason


@pytest.mark.parametrize("evil", ["[[" * 5000, ". " * 10_000, "please " * 5000, "set  " * 9000])
def test_a_hostile_goal_is_classified_in_bounded_work(evil: str) -> None:
    assert classify(evil * 100, files=1, empty=False).mode is not Mode.AUTO


def test_the_request_holds_the_goal_and_the_words_an_answer_may_use() -> None:
    text = intent_request("  sort 100% of the %s rows \n")
    assert "<request>\nsort 100% of the %s rows\n</request>" in text
    assert all(word.value in text for word in (*Kind, *Complexity))


ANSWERS = [
    ('{"intent": "feature", "complexity": "moderate", "reason": "two files"}', "moderate"),
    ('Sure!\n```json\n{"intent": "Bug", complexity: "high", // hm\n}\n```\nDone.', "complex"),
    ("{'kind': 'refactoring', 'complexity': 'medium',}", "moderate"),
    ('{"a": 1} {"intent": "chore", "complexity": "trivial"}', "trivial"),
    ('{"Intent": "documentation", "Complexity": "easy"}', "simple"),
    ('{"intent": "explanation"}', "trivial"),
]


@pytest.mark.parametrize(("reply", "complexity"), ANSWERS)
def test_a_model_answer_is_read_however_it_is_wrapped(reply: str, complexity: str) -> None:
    intent = read_intent(reply)
    assert intent is not None
    assert complexity == intent.complexity


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "It is a complex feature.",
        '{"intent": "feature"}',
        '{"intent": "poem", "complexity": "simple"}',
        '{"intent": ["feature"], "complexity": {"a": 1}}',
        '["feature", "complex"]',
        '{"intent": "feature", "complexity": "simple"',
        "{" * 3000,
    ],
)
def test_an_answer_without_an_intent_is_none(reply: str) -> None:
    assert read_intent(reply) is None


def test_a_reason_is_one_line_without_control_characters() -> None:
    reply = (
        '{"intent": "chore", "complexity": "simple", "reason": "a\\n\\u001b[31mb' + "x" * 900 + '"}'
    )
    intent = read_intent(reply)
    assert intent is not None
    assert intent.reason.startswith("a [31mbxx")
    assert len(intent.reason) == 200


def _intent(complexity: str, kind: str = "feature", *, sure: bool = False) -> Intent:
    level = Complexity(complexity)
    return Intent(kind=Kind(kind), complexity=level, mode=MODE_OF[level], sure=sure, reason="r")


@pytest.mark.parametrize("keyword", list(Complexity))
@pytest.mark.parametrize("model", list(Complexity))
def test_the_model_may_raise_the_complexity_and_never_lower_it(
    keyword: Complexity, model: Complexity
) -> None:
    result = raised(_intent(keyword), _intent(model))
    assert result.complexity is max(keyword, model, key=list(Complexity).index)
    assert result.mode is MODE_OF[result.complexity]


def test_sure_keywords_and_a_silent_model_leave_everything_as_it_is() -> None:
    sure = _intent("simple", sure=True)
    assert raised(sure, _intent("complex")) is sure
    unsure = _intent("simple")
    assert raised(unsure, None) is unsure


def test_an_unsure_goal_the_model_takes_for_a_question_changes_nothing() -> None:
    question = _intent("trivial", "question")
    assert raised(_intent("moderate"), question) is question
