from collections.abc import Callable
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from m31a_providers.text_calls import split_calls

READ = '{"name": "read", "arguments": {"path": "a"}}'
LIST = '{"tool": "list"}'


def ids() -> Callable[[], str]:
    numbers = count(1)
    return lambda: f"id{next(numbers)}"


def found(text: str) -> tuple[str, list[tuple[str, str]]]:
    rest, calls = split_calls(text, ["read", "list"], ids())
    return rest, [(call.name, call.arguments) for call in calls]


@pytest.mark.parametrize(
    ("text", "rest", "names"),
    [
        (f"<tool_call>{READ}</tool_call>", "", ["read"]),
        (f"I look.\n<tool_call>\n{READ}\n</tool_call>\n", "I look.", ["read"]),
        (f"<tool_call>{READ}</tool_call>\n<tool_call>{LIST}</tool_call>", "", ["read", "list"]),
        (f"So:\n```json\n{READ}\n```", "So:", ["read"]),
        (f"So:\n```\n[{READ}, {LIST}]\n```  ", "So:", ["read", "list"]),
        (f"So:\n\n{READ}", "So:", ["read"]),
        (READ, "", ["read"]),
        (f"[{LIST}]", "", ["list"]),
        ('{"type": "function", "function": {"name": "list", "parameters": {}}}', "", ["list"]),
        ('x\n{"function": "read", "args": {"path": "b"}}', "x", ["read"]),
    ],
)
def test_calls_at_the_end_are_recognised(text: str, rest: str, names: list[str]) -> None:
    assert found(text)[0] == rest
    assert [name for name, _ in found(text)[1]] == names


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Nothing here.",
        f"For example {READ}",
        f"```json\n{READ}\n```\nThat would read the file.",
        f"<tool_call>{READ}</tool_call> Shall I?",
        '{"name": "delete", "arguments": {}}',
        '{"path": "a"}',
        "```python\nread()\n```",
        "<tool_call>read the file</tool_call>",
        f"[{READ}, 7]",
        '{"name": "read", "arguments": 7}',
        "[" * 2000,
        "\n{" * 300,
        "[" + ", ".join([LIST] * 17) + "]",
    ],
)
def test_whatever_else_looks_like_a_call_is_text(text: str) -> None:
    assert found(text) == (text, [])


def test_arguments_may_be_text_or_missing() -> None:
    assert found('{"name": "read", "input": "{}"}')[1] == [("read", "{}")]
    assert found(LIST)[1] == [("list", "{}")]


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet='{}[]",:`\n<>/ readlistnamuol_c', max_size=80))
def test_any_text_comes_back_whole_when_nothing_is_recognised(text: str) -> None:
    rest, calls = split_calls(text, ["read"], ids())
    assert calls or rest == text
    assert text.startswith(rest)
