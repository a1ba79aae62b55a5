"""Plans as models write them: good, sloppy and hostile."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from m31a_engine.errors import PlanUnreadable
from m31a_engine.lenient_json import NotJson, read_value
from m31a_engine.planning.gates import check_plan
from m31a_engine.planning.parse import parse_plan
from m31a_engine.planning.plan import (
    FileAction,
    Plan,
    PlannedFile,
    PlannedTask,
    RunCriterion,
    TextCriterion,
    plan_table,
    single_task_plan,
    title_of,
)

GOOD = """\
# Greet people

## Summary
Adds greet() and calls it.

## User Review Required
> [!IMPORTANT]
> The command changes its name.
> Scripts must follow.

> [!WARNING] Python 3.9 is dropped

## Open Questions
1. Which language? - English

## Proposed Changes
### Core
#### [NEW] src/greet.py
- holds greet()
#### [MODIFY] `main.py`: calls it
#### [DELETE] [old.py](file:///somewhere/old.py)

## Task List
```json
[
  {"id": 1, "action": "Create", "description": "Write greet()", "category": "Core",
   "dependencies": [], "files": ["src/greet.py"],
   "acceptance_criteria": ["src/greet.py contains def greet"]},
  {"id": 2, "action": "Modify", "description": "Call greet()", "category": "Core",
   "dependencies": [1], "files": [{"path": "main.py", "action": "modify"}, "old.py"],
   "acceptance_criteria": [{"run": "python -m unittest"}, "run: python main.py"]}
]
```

## Verification Plan
### Automated
- `python -m unittest`
### Manual
- Look at the greeting
"""


def _task(**changes: Any) -> dict[str, Any]:
    return {
        "id": 1,
        "action": "Modify",
        "description": "Do it",
        "category": "Core",
        "dependencies": [],
        "files": ["a.py"],
        "acceptance_criteria": ["a.py contains x"],
    } | changes


def _plan(*tasks: Any) -> str:
    return "# T\n\n## Task List\n```json\n" + json.dumps(list(tasks)) + "\n```\n"


def test_a_good_plan_is_read_whole() -> None:
    plan = parse_plan(GOOD)
    assert plan.title == "Greet people"
    assert plan.summary == "Adds greet() and calls it."
    assert plan.review_required == (
        "IMPORTANT: The command changes its name. Scripts must follow.",
        "WARNING: Python 3.9 is dropped",
    )
    assert plan.open_questions == ("Which language? - English",)
    assert [(change.action.value, change.path, change.text) for change in plan.changes] == [
        ("NEW", "src/greet.py", "- holds greet()"),
        ("MODIFY", "main.py", "calls it"),
        ("DELETE", "old.py", ""),
    ]
    assert plan.tasks == (
        PlannedTask(
            id=1,
            action="Create",
            description="Write greet()",
            category="Core",
            files=(PlannedFile(path="src/greet.py", action=FileAction.CREATE),),
            acceptance_criteria=(TextCriterion(text="src/greet.py contains def greet"),),
        ),
        PlannedTask(
            id=2,
            action="Modify",
            description="Call greet()",
            category="Core",
            dependencies=(1,),
            files=(
                PlannedFile(path="main.py"),
                PlannedFile(path="old.py", action=FileAction.DELETE),
            ),
            acceptance_criteria=(
                RunCriterion(command="python -m unittest"),
                RunCriterion(command="python main.py"),
            ),
        ),
    )
    assert plan.automated == ("`python -m unittest`",)
    assert plan.manual == ("Look at the greeting",)
    assert plan.markdown == GOOD.strip("\n")
    assert plan.paths == {"src/greet.py", "main.py", "old.py"}
    assert check_plan(plan, "greet people") == ()


ONE = '{"id": 1, "description": "Do it", "files": ["a.py"]}'
TWO = '{"id": 2, "description": "More", "dependencies": [1]}'
LIST = f"[{ONE}, {TWO}]"

SLOPPY = [
    f"# T\n## Task List\n```json\n{LIST}\n```",
    f"# T\r\n## Task List\r\n```json\r\n{LIST}\r\n```\r\n",
    f"\ufeff# T\n## Task List\n```json\n{LIST}\n```",
    f"# T\n## Task List\n```\n{LIST}\n```",
    f"# T\n## Task List\n```javascript title=tasks\n{LIST}\n```",
    f"# T\n## Task List\n~~~json\n{LIST}\n~~~",
    f"# T\n## Task List\n````json\n{LIST}\n````",
    f"# T\n## Task List\n{LIST}",
    f"# T\n## Task List\nHere are the tasks:\n\n{LIST}\n\nLet me know!",
    f"# T\n## Task List\n```json\n{LIST}",
    f"# T\n# Task List\n```json\n{LIST}\n```",
    f"# T\n#### Task List:\n```json\n{LIST}\n```",
    f"# T\n## 📋 Task List\n```json\n{LIST}\n```",
    f"# T\n## 5. Task List\n```json\n{LIST}\n```",
    f"# T\n## 5) **Task List** (JSON)\n```json\n{LIST}\n```",
    f"# T\n## Section 5: Task List ##\n```json\n{LIST}\n```",
    f"# T\n**Task List**\n```json\n{LIST}\n```",
    f"# T\n__Task List__:\n```json\n{LIST}\n```",
    f"# T\n## Tasks\n```json\n{LIST}\n```",
    f"# T\n## TASK LIST\n```JSON\n{LIST}\n```",
    f"# T\nTask List\n---------\n```json\n{LIST}\n```",
    f"# T\nNo sections at all.\n```json\n{LIST}\n```",
    f"Sure, here is the plan.\n\n# T\n## Task List\n```json\n{LIST}\n```\nShall I begin?",
    f"```markdown\n# T\n## Task List\n```json\n{LIST}\n```\n## Verification Plan\n- x\n```",
    f"```md\n# T\n## Task List\n```json\n{LIST}\n```",
    f"```\n# T\n## Task List\n{LIST}\n```",
    f"# T\n## Task List\n> ```json\n> \n```json\n{LIST}\n```",
    f'# T\n## Task List\n```json\n{{"tasks": {LIST}}}\n```',
    f'{{"title": "T", "summary": "S", "tasks": {LIST}}}',
    f'```json\n{{"plan": {{"title": "T", "tasks": {LIST}}}}}\n```',
    f"# T\n## Task List\n```json\n[{ONE}, {TWO},]\n```",
    f"# T\n## Task List\n```json\n[{ONE},, {TWO}]\n```",
    f"# T\n## Task List\n```json\n[{ONE}\n{TWO}]\n```",
    f"# T\n## Task List\n```json\n{ONE},\n{TWO}\n```",
    f"# T\n## Task List\n```json\n{ONE}\n{TWO}\n```",
    f"# T\n## Task List\n```json\n[ // first\n{ONE}, /* then\nmore */ {TWO} # end\n]\n```",
    f"# T\n## Task List\n```json\n{LIST.replace(chr(34), chr(39))}\n```",
    "# T\n## Task List\n```json\n[{“id”: 1, “description”: “Do it”, “files”: [“a.py”]},"
    " {“id”: 2, “description”: “More”, “dependencies”: [1]}]\n```",
    "# T\n## Task List\n```json\n[{id: 1, description: 'Do it', files: ['a.py']},"
    " {id: 2, description: 'More', dependencies: [1]}]\n```",
    f"# T\n## Task List\n```json\n{LIST.replace('1', chr(34) + '1' + chr(34))}\n```",
    f"# T\n## Task List\n```json\n{LIST.replace('1', '1.0').replace('2', '2.0')}\n```",
    '# T\n## Task List\n[{"id": "T1", "description": "Do it", "files": "a.py"},'
    ' {"id": "T2", "description": "More", "dependencies": "T1"}]',
    '# T\n## Task List\n[{"id": "Task 1", "description": "Do it", "files": "a.py"},'
    ' {"id": "task-2", "description": "More", "depends_on": ["Task 1: Do it"]}]',
    '# T\n## Task List\n[{"id": "setup", "description": "Do it", "files": "a.py"},'
    ' {"id": "more", "description": "More", "deps": ["Setup"]}]',
    '# T\n## Task List\n[{"id": 0, "description": "Do it", "files": "a.py"},'
    ' {"id": 1, "description": "More", "dependencies": [0]}]',
    '# T\n## Task List\n[{"description": "Do it", "files": "a.py"},'
    ' {"description": "More", "dependencies": [1]}]',
    '# T\n## Task List\n[{"ID": 1, "Title": "Do it", "Files": "[MODIFY] `a.py`"},'
    ' {"Id": 2, "Name": "More", "dependsOn": 1}]',
    '# T\n## Task List\n[{"id": 1, "description": "Do it", "files": "a.py (modify)"},'
    ' {"id": 2, "description": "More", "dependencies": "[1]", "files": "none"}]',
    '# T\n## Task List\n[{"id": 1, "description": "Do it", "files": [{"file": "./a.py"}]},'
    ' {"id": 2, "description": "More", "dependencies": [1, 1, null], "files": null}]',
    '# T\n## Task List\n[{"id": 1, "description": "Do it", "files": ["/p/a.py", "-"]},'
    ' {"id": 2, "description": "More", "dependencies": "1", "files": []}]',
]


@pytest.mark.parametrize("text", SLOPPY)
def test_what_models_do_to_a_plan_is_forgiven(text: str) -> None:
    plan = parse_plan(text, root="/p")
    assert plan.title == "T"
    assert [(task.id, task.description, task.dependencies) for task in plan.tasks] == [
        (1, "Do it", ()),
        (2, "More", (1,)),
    ]
    assert plan.paths == {"a.py"}


REFUSED = [
    ("", "The answer is empty"),
    (" \n\t", "The answer is empty"),
    ("I cannot make a plan.", "There is no Task List"),
    ("# T\n## Task List\nNone", "holds no JSON"),
    ("# T\n## Task List\n- [ ] write it\n- [x] read it", "holds no JSON"),
    (_plan(), "The Task List is empty"),
    ('{"title": "T", "tasks": []}', "The Task List is empty"),
    (_plan("write it"), "Entry 1 of the Task List is no object"),
    (_plan(_task(), "and more"), "Entry 2 of the Task List is no object"),
    ("# T\n## Task List\n```json\n[" + ONE + ", {\n```", "at line 4 of the answer"),
    ("# T\n## Task List\n```json\n[\n" + ONE + ",\n...\n]\n```", "at line 6 of the answer"),
    ("# T\n## Task List\n```json\n[" + ONE + ',\n{"id": 2, "descr\n```', "line 5 of the answer"),
    ("# T\n## Task List\n```json\n[{" + '"a": {' * 60 + "\n```", "nested too deeply"),
    (
        "## Proposed Changes\n```json\n"
        + LIST
        + "\n```\n## Task List\n```json\n[{"
        + '"id": 1,\n```',
        "ends before it is complete",
    ),
    (_plan(_task(), _task(), _task(id=3, dependencies=[1])), "Two tasks have the id 1"),
    (_plan(_task(), _task(id=None)), "Entry 2 of the Task List has no id"),
    (_plan(_task(), _task(id=True)), "Entry 2 of the Task List has no id"),
    (_plan(_task(dependencies=[2])), "Task 1 depends on 2, but there is no such task"),
    (_plan(_task(dependencies=[1])), "Task 1 depends on itself"),
    (_plan(_task(dependencies=[{"id": 2}])), "dependencies must be ids"),
    (
        _plan(_task(dependencies=[2]), _task(id=2, dependencies=[1])),
        "in a circle: 1 → 2 → 1",
    ),
    (
        _plan(
            _task(dependencies=[3]), _task(id=2, dependencies=[1]), _task(id=3, dependencies=[2])
        ),
        "in a circle: 1 → 3 → 2 → 1",
    ),
    (_plan(_task(description="")), "Task 1 has no description"),
    (_plan(_task(description=["x"])), "Task 1 has no description"),
    (_plan(_task(description="\u0007")), "Task 1 has no description"),
    (_plan(_task(files=["/etc/passwd"])), "'/etc/passwd' is refused: it is outside"),
    (_plan(_task(files=["/project-two/a.py"])), "it is outside the project"),
    (_plan(_task(files=["~/.ssh/id_rsa"])), "it is outside the project"),
    (_plan(_task(files=["C:\\Windows\\a"])), "it is outside the project"),
    (_plan(_task(files=["../a.py"])), "it leads out of the project"),
    (_plan(_task(files=["a/../../b.py"])), "it leads out of the project"),
    (_plan(_task(files=["..\\..\\b.py"])), "it leads out of the project"),
    (_plan(_task(files=["/project/../x"])), "it leads out of the project"),
    (_plan(_task(files=[".git/hooks/pre-commit"])), "it is inside .git"),
    (_plan(_task(files=["sub/.GIT/config"])), "it is inside .git"),
    (_plan(_task(files=[".git."])), "it is inside .git"),
    (_plan(_task(files=["a\u0000b.py"])), "it holds control characters"),
    (_plan(_task(files=["a\u202eyp.b"])), "it holds control characters"),
    (_plan(_task(files=["a\nb.py"])), "it holds control characters"),
    (_plan(_task(files=["x" * 300])), "it is too long"),
    (_plan(_task(files=[{"action": "create"}])), "each of its files is a path"),
    (_plan(_task(files=[7])), "each of its files is a path"),
    (_plan(_task(files=["a"] * 501)), "files has 501 entries"),
    (_plan(_task(acceptance_criteria=[7])), "each acceptance criterion is a sentence"),
    (_plan(_task(acceptance_criteria=[{"run": ["x"]}])), "each acceptance criterion"),
    (_plan(_task(acceptance_criteria=[{"run": "echo \u001b[2J"}])), "holds control characters"),
    (_plan(*(_task(id=number) for number in range(1, 202))), "has 201 tasks; at most 200"),
    (GOOD.replace("src/greet.py", "../greet.py", 1), "Proposed Changes, line 18 of the answer"),
    ("# T\0", "NUL character"),
    ("x" * 1_000_001, "longer than 1000000 characters"),
]


@pytest.mark.parametrize(("text", "reason"), REFUSED)
def test_what_cannot_be_run_is_refused_with_a_sentence_for_the_model(
    text: str, reason: str
) -> None:
    with pytest.raises(PlanUnreadable) as caught:
        parse_plan(text, root="/project")
    assert reason in caught.value.reason
    assert len(caught.value.reason) < 500


@pytest.mark.parametrize(
    "evil",
    [
        "## Task List\n" + "[" * 300_000,
        "## Task List\n" + "{" * 300_000,
        "## Task List\n" + '[{"a' * 100_000,
        "```\n" * 60_000,
        "## " + "(" * 300_000,
        "## Verification Plan\n" + "*" * 300_000,
        "## User Review Required\n- no " + "is " * 100_000 + "x",
    ],
)
def test_hostile_text_is_refused_in_bounded_work(evil: str) -> None:
    with pytest.raises(PlanUnreadable):
        parse_plan(evil)


def test_the_sections_may_stand_at_other_levels_and_say_that_they_are_empty() -> None:
    plan = parse_plan(
        f"""
# Implementation Plan: Tidy up
### 1. Overview
Text.
### 2. User Review Required
None.
### 3. Open Questions
- No open questions at this time.
### 4. Changes
#### Tests
##### [NEW] tests/test_a.py
```python
x = "[NEW] b.py"
```
### 5. Tasks
{LIST}
### 6. Verification
**Automated:**
```bash
$ pytest -q
make lint
```
**Manual steps:**
1. Click
   the button
2. None
"""
    )
    assert plan.title == "Tidy up"
    assert (plan.summary, plan.review_required, plan.open_questions) == ("Text.", (), ())
    assert [change.path for change in plan.changes] == ["tests/test_a.py"]
    assert plan.automated == ("pytest -q", "make lint")
    assert plan.manual == ("Click the button",)


def test_review_and_questions_may_be_plain_lists_or_paragraphs() -> None:
    plan = parse_plan(
        f"# T\n## User Review Required\n- breaks the API\n## Open Questions\nWhich one?\n\nWhy?\n"
        f"## Task List\n{LIST}"
    )
    assert plan.review_required == ("breaks the API",)
    assert plan.open_questions == ("Which one?", "Why?")


def test_criteria_may_be_texts_lists_and_commands() -> None:
    plan = parse_plan(
        _plan(
            _task(acceptance_criteria="- a.py exists\n- run `make test`."),
            _task(
                id=2, acceptance_criteria=[{"command": "make"}, {"text": "it works"}, "", "$ ls"]
            ),
            _task(id=3, acceptance_criteria=None),
        )
    )
    assert [task.acceptance_criteria for task in plan.tasks] == [
        (TextCriterion(text="a.py exists"), RunCriterion(command="make test")),
        (RunCriterion(command="make"), TextCriterion(text="it works"), RunCriterion(command="ls")),
        (),
    ]


def test_a_files_action_comes_from_itself_then_the_changes_then_the_task() -> None:
    text = "## Proposed Changes\n#### [DELETE] b.py\n" + _plan(
        _task(
            action="create",
            files=[
                "a.py",
                "b.py",
                {"path": "c.py", "action": "edit"},
                "d.py (deleted)",
                "NEW e.py",
            ],
        )
    )
    assert {file.path: file.action.value for file in parse_plan(text).tasks[0].files} == {
        "a.py": "create",
        "b.py": "delete",
        "c.py": "modify",
        "d.py": "delete",
        "e.py": "create",
    }


def test_ids_that_occur_twice_are_renumbered_when_nothing_refers_to_them() -> None:
    plan = parse_plan(_plan(_task(), _task(), _task(id=2)))
    assert [task.id for task in plan.tasks] == [1, 2, 3]


def test_numbers_with_gaps_are_kept() -> None:
    plan = parse_plan(_plan(_task(id=10), _task(id=30, dependencies=[10])))
    assert [(task.id, task.dependencies) for task in plan.tasks] == [(10, ()), (30, (10,))]
    assert plan.task(30) == plan.tasks[1]
    assert plan.task(2) is None


_WORDS = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Cf", "Zl", "Zp")), min_size=1
)
_TEXT = _WORDS.map(str.strip).filter(lambda text: text.lower() not in {"", "none", "null", "n/a"})


@st.composite
def _task_lists(draw: st.DrawFn) -> list[dict[str, Any]]:
    count = draw(st.integers(1, 6))
    return [
        {
            "id": number,
            "description": draw(_TEXT),
            "dependencies": draw(st.lists(st.integers(1, number - 1), unique=True))
            if number > 1
            else [],
            "files": [f"src/f{draw(st.integers(0, 9))}.py"],
            "acceptance_criteria": [{"run": f"check {number}"}],
        }
        for number in range(1, count + 1)
    ]


@settings(max_examples=60, deadline=None)
@given(_task_lists(), st.booleans())
def test_every_well_formed_task_list_is_read_as_it_was_written(
    tasks: list[dict[str, Any]], fenced: bool
) -> None:
    listed = json.dumps(tasks, ensure_ascii=fenced, indent=2)
    body = f"```json\n{listed}\n```" if fenced else listed
    plan = parse_plan(f"# T\n## Task List\n{body}\n## Verification Plan\n- x\n")
    assert [
        (task.id, task.description, list(task.dependencies), [file.path for file in task.files])
        for task in plan.tasks
    ] == [(t["id"], t["description"], t["dependencies"], t["files"]) for t in tasks]


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=100, deadline=None)
@given(_JSON, st.booleans(), st.sampled_from([None, 2]))
def test_what_is_json_reads_as_json_does(
    value: object, ascii_only: bool, indent: int | None
) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only, indent=indent)
    assert read_value(text) == (value, len(text))


@settings(max_examples=100, deadline=None)
@given(st.text(st.sampled_from("[]{}\"'“”:,\\ \n#/*1ax-.tn"), max_size=40))
def test_any_text_is_a_value_or_refused_at_a_place_in_it(text: str) -> None:
    try:
        _, place = read_value(text)
    except NotJson as failure:
        place = failure.position
    assert 0 <= place <= len(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": "say "hi" to it"}', {"a": 'say "hi" to it'}),
        ("{'a': 'don't'}", {"a": "don't"}),
        ('["two\nlines", "\\q\\u00e9\\\n"]', ["two\nlines", "\\qé"]),
        ('["\\ud83d\\ude00", "\\ud83d"]', ["😀", "\ufffd"]),
        ("[True, False, None, -1.5e3, +7]", [True, False, None, -1500.0, 7]),
        ('{"a" : 1 /* b */, // c\n }', {"a": 1}),
    ],
)
def test_sloppy_json_reads_as_it_was_meant(text: str, value: object) -> None:
    assert read_value(text)[0] == value


def _problems(plan: Plan, goal: str = "do it") -> list[tuple[bool, str]]:
    return [(problem.blocking, problem.text) for problem in check_plan(plan, goal)]


def test_a_task_without_criteria_or_files_blocks() -> None:
    plan = parse_plan(_plan(_task(files=[], acceptance_criteria=[])))
    assert _problems(plan) == [
        (True, "Task 1 has no acceptance criteria: nothing would show that it is done."),
        (True, "Task 1 names no files: say which it creates, modifies or deletes."),
    ]


def test_a_task_that_changes_what_another_makes_must_wait_for_it() -> None:
    make = _task(files=[{"path": "a.py", "action": "create"}])
    use = _task(id=3, files=["a.py"], dependencies=[])
    expected = "Task 3 modifies a.py, which task 1 creates: let it depend on 1."
    assert _problems(parse_plan(_plan(make, use))) == [(True, expected)]
    between = _task(id=2, files=["b.py"], dependencies=[1])
    waits = _task(id=3, files=["a.py"], dependencies=[2])
    assert _problems(parse_plan(_plan(make, between, waits))) == []


def test_a_task_that_changes_what_another_deleted_before_blocks() -> None:
    delete = _task(files=[{"path": "a.py", "action": "delete"}])
    change = _task(id=2, files=["a.py"], dependencies=[1])
    assert _problems(parse_plan(_plan(delete, change))) == [
        (True, "Task 2 modifies a.py, which task 1 deletes before.")
    ]


def test_a_plan_built_with_a_circle_is_told_and_not_followed() -> None:
    tasks = parse_plan(_plan(_task())).tasks
    circle = Plan(
        title="T",
        tasks=(
            PlannedTask(
                id=1,
                description="do it",
                dependencies=(1,),
                files=tasks[0].files,
                acceptance_criteria=tasks[0].acceptance_criteria,
            ),
        ),
    )
    [(blocking, text)] = _problems(circle)
    assert blocking
    assert "dependencies cannot be followed" in text


def test_warnings_name_big_tasks_forgotten_files_and_missing_parts() -> None:
    text = "## Proposed Changes\n#### [NEW] forgotten.py\n" + _plan(
        _task(files=["a.py", "b.py", "c.py", "d.py"]),
        _task(id=2, description="word " * 81, files=[{"path": "n.py", "action": "create"}]),
        _task(id=3, files=[{"path": "n.py", "action": "create"}]),
    )
    goal = "Do these:\n- teach the parser colours\n- word\n"
    assert _problems(parse_plan(text), goal) == [
        (False, "Task 1 touches 4 files: it may be worth splitting."),
        (False, "Task 2 is described in over 80 words: it may be worth splitting."),
        (False, "forgotten.py stands under Proposed Changes, but no task names it."),
        (False, "n.py is created by tasks 2 and 3."),
        (False, "The plan does not mention: teach, parser, colours."),
        (False, "No task seems to cover this part of the goal: teach the parser colours"),
    ]


def test_a_goal_without_a_plan_is_one_task() -> None:
    plan = single_task_plan("  Fix the parser\nfor empty input ")
    assert plan.title == "Fix the parser"
    assert [task.description for task in plan.tasks] == ["Fix the parser\nfor empty input"]


def test_a_title_is_one_line_cut_at_a_word() -> None:
    assert title_of("") == ""
    assert title_of("a  b\nc") == "a b"
    assert title_of("word " * 30) == "word " * 13 + "word…"
    assert title_of("x" * 100) == "x" * 71 + "…"


def test_the_table_has_a_row_a_task_and_no_text_breaks_out_of_its_cell() -> None:
    plan = parse_plan(
        _plan(
            _task(description="a | b\n`c` <b>", files=["a.py", "b.py"]),
            _task(id=2, dependencies=[1], files=[]),
        )
    )
    assert plan_table(plan, {1: "done"}) == (
        "| ID | Action | Description | Deps | Status | Files |\n"
        "| --- | --- | --- | --- | --- | --- |\n"
        "| 1 | Modify | a \\| b \\`c\\` &lt;b> | - | done | a.py, b.py |\n"
        "| 2 | Modify | Do it | 1 | pending | - |\n"
    )
