"""Leave, questions, and the sentences a model is told: small decisions on plain values."""

import msgspec
import pytest

from m31a_engine.asks import Question
from m31a_engine.config import Config, load_config
from m31a_engine.config_sections import PermissionMode
from m31a_engine.conversation.opening import goal_text, opening, project_text, task_text
from m31a_engine.leave import READING, policy_of
from m31a_engine.phases.discuss import MAX_QUESTIONS, questions_in
from m31a_engine.planning.plan import (
    Plan,
    PlannedFile,
    PlannedTask,
    RunCriterion,
    TextCriterion,
    single_task_plan,
)
from m31a_engine.project.facts import CheckCommand, ProjectFacts, ProjectType
from m31a_engine.session.state import Answered, Options, Session
from m31a_tools import Allow, Bash, Defer, Deny, FileWrite, Mode, Verdict, decide
from m31a_tools.bash import BashArgs
from m31a_tools.write_file import FileWriteArgs

CHECK = CheckCommand(name="test", command="python3 -m unittest", behavioural=True, sure=True)
FACTS = ProjectFacts(type=ProjectType.PYTHON, framework="flask", checks=(CHECK,))
SESSION = Session(id="s", goal="do it", project="/p", started_at="now", options=Options())


def config(*, trusted: bool, **overrides: object) -> Config:
    dotted = {name.replace("__", "."): value for name, value in overrides.items()}
    return load_config(None, {"M31A_HOME": "/nonexistent"}, dotted, trusted=trusted)


def verdict(command: str, config: Config, facts: ProjectFacts | None = FACTS) -> Verdict:
    policy = policy_of(config, facts, PermissionMode.RULES, confined=False)
    return decide(policy, Bash(), BashArgs(command=command))


def test_in_a_trusted_folder_exactly_its_own_checks_may_run() -> None:
    trusted = config(trusted=True)
    assert isinstance(verdict(CHECK.command, trusted), Allow)
    assert isinstance(verdict(CHECK.command + " && curl example.org", trusted), Deny)
    assert isinstance(verdict("ls", trusted), Deny)
    assert isinstance(verdict(CHECK.command, trusted, None), Deny)


def test_in_an_untrusted_folder_no_command_runs_and_files_may_be_written() -> None:
    untrusted = config(trusted=False)
    assert isinstance(verdict(CHECK.command, untrusted), Deny)
    policy = policy_of(untrusted, FACTS, PermissionMode.RULES, confined=False)
    args = FileWriteArgs(path="src/new.py", content="x")
    assert isinstance(decide(policy, FileWrite(), args), Allow)


def test_a_rule_that_denies_holds_against_what_is_built_in() -> None:
    rules = [{"action": "deny", "tool": "FileWrite", "path": "secrets/**"}]
    chosen = config(trusted=True, permissions__rules=rules)
    policy = policy_of(chosen, FACTS, PermissionMode.RULES, confined=False)
    denied = FileWriteArgs(path="secrets/key.txt", content="x")
    assert isinstance(decide(policy, FileWrite(), denied), Deny)


def test_another_mode_has_no_rules_but_the_persons_own() -> None:
    policy = policy_of(config(trusted=True), FACTS, PermissionMode.DEFER, confined=False)
    assert (policy.mode, policy.rules, policy.trusted) == (Mode.DEFER, (), True)


def test_the_configured_mode_wins_over_the_programs() -> None:
    chosen = config(trusted=True, permissions__mode="allow_all")
    policy = policy_of(chosen, FACTS, PermissionMode.RULES, confined=False)
    assert policy.mode is Mode.ALLOW_ALL


@pytest.mark.parametrize(
    ("command", "confined", "expected"),
    [
        ("pytest -q", True, Allow),
        ("pytest -q", False, Defer),
        ("curl https://example.org", True, Defer),
    ],
)
def test_in_a_sandbox_commands_run_that_stay_in_it(
    command: str, confined: bool, expected: type
) -> None:
    untrusted = config(trusted=False)
    policy = policy_of(untrusted, FACTS, PermissionMode.SANDBOXED, confined=confined)
    assert isinstance(decide(policy, Bash(), BashArgs(command=command)), expected)


def test_while_a_project_is_only_looked_at_nothing_is_written() -> None:
    assert isinstance(decide(READING, Bash(), BashArgs(command="ls")), Allow)
    args = FileWriteArgs(path="new.py", content="x")
    assert isinstance(decide(READING, FileWrite(), args), Deny)


@pytest.mark.parametrize(
    ("text", "questions"),
    [
        ("No questions. Is that fine? I think so.", ()),
        ("1. Which database? Suggested: sqlite", (("Which database?", "sqlite"),)),
        ("- **Keep zeros?** (default: yes)", (("Keep zeros?", "yes"),)),
        ("1. Which folder? Suggested answer: .venv", (("Which folder?", ".venv"),)),
        ("1. Which type? defaultdict()", (("Which type?", "defaultdict()"),)),
        ("1. Which port? **Default:** 80 (TLS: 443)", (("Which port?", "80 (TLS: 443)"),)),
        (
            "Some words first.\n1) One? Suggestion: a\n2) Two?\n* Three? answer: c\n",
            (("One?", "a"), ("Two?", ""), ("Three?", "c")),
        ),
    ],
)
def test_listed_questions_are_found_with_what_they_suggest(
    text: str, questions: tuple[tuple[str, str], ...]
) -> None:
    expected = tuple(Question(text=text, suggestion=answer) for text, answer in questions)
    assert expected == questions_in(text)


def test_no_more_questions_are_asked_than_a_person_answers() -> None:
    assert len(questions_in("\n".join(f"{n}. Why {n}?" for n in range(1, 9)))) == MAX_QUESTIONS


def test_the_model_is_told_the_project_as_it_is() -> None:
    facts = msgspec.structs.replace(FACTS, instructions="Use tabs.", notes=("ruff is missing",))
    listing = tuple(f"f{number}.py" for number in range(70))
    text = project_text(msgspec.structs.replace(SESSION, facts=facts, listing=listing))
    assert "Type: python flask\ntest: `python3 -m unittest`\nruff is missing" in text
    assert text.endswith("f59.py and 10 more\n\n# AGENTS.md\n\nUse tabs.")
    assert project_text(SESSION) == "# Project\n\nFolder: /p"


def test_the_goal_comes_with_what_was_answered() -> None:
    answers = (Answered(question="A?", answer="yes"), Answered(question="B?", answer=""))
    text = goal_text(msgspec.structs.replace(SESSION, answers=answers))
    assert text == "# Goal\n\ndo it\n\n# Answers\n\n- A? yes\n- B? (no answer)"
    assert goal_text(SESSION) == "# Goal\n\ndo it"


def test_a_task_is_told_with_its_criteria_and_its_neighbours() -> None:
    task = PlannedTask(
        id=1,
        description="mend add()",
        files=(PlannedFile(path="sums.py"),),
        acceptance_criteria=(TextCriterion(text="sums.py adds"), RunCriterion(command="make t")),
    )
    plan = Plan(title="t", tasks=(task, PlannedTask(id=2, description="write it down")))
    assert task_text(plan, task) == (
        "# Task 1 of 2\n\nModify: mend add()\n"
        "Files: sums.py (modify)\n"
        "- must hold: sums.py adds\n"
        "- must exit 0: `make t`\n"
        "Other tasks, not yours:\n2. write it down"
    )
    alone = single_task_plan("do it")
    assert task_text(alone, alone.tasks[0]) == "", "the goal says it already"


def test_the_first_message_is_the_same_for_all_conversations_of_a_run() -> None:
    one = opening("plan", SESSION, ("a",))
    other = opening("execute", SESSION, ("", "b"))
    assert one[0] == other[0]
    assert one[1] != other[1]
    assert "\n\n\n\n" not in getattr(other[1], "text", "")
