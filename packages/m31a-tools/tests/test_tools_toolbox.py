"""What models are told about tools, and what they write back."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from m31a_tools import BadArguments, Bash, DuplicateTool, Toolbox, Workspace, default_toolbox
from m31a_tools.arguments import decode_arguments
from m31a_tools.schema import lean_schema


@pytest.fixture
def toolbox(workspace: Workspace) -> Toolbox:
    return default_toolbox(workspace)


def wire(toolbox: Toolbox) -> bytes:
    """The definitions as an OpenAI-compatible server gets them."""
    return msgspec.json.encode(
        [{"type": "function", "function": msgspec.to_builtins(spec)} for spec in toolbox.specs()]
    )


def test_the_six_definitions_are_small_and_always_the_same_bytes(
    toolbox: Toolbox, workspace: Workspace
) -> None:
    assert len(wire(toolbox)) <= 3000
    assert wire(toolbox) == wire(default_toolbox(workspace))
    assert toolbox.names == ("Bash", "FileRead", "FileWrite", "Edit", "Glob", "Grep")


def test_schemas_hold_no_references_titles_or_defaults(toolbox: Toolbox) -> None:
    text = wire(toolbox).decode()
    for word in ("$ref", "$defs", "title", '"default"', "anyOf", "additionalProperties"):
        assert word not in text
    edit = lean_schema(_tool(toolbox, "Edit").args_type)
    assert edit["required"] == ["path", "old_string", "new_string"]
    assert edit["properties"]["edits"]["items"]["required"] == ["old_string", "new_string"]


def test_a_schema_keeps_choices_that_are_more_than_optional() -> None:
    class Args(msgspec.Struct, frozen=True, kw_only=True):
        either: int | list[str] | None = None
        word: str = ""

    schema = lean_schema(Args)
    assert "required" not in schema
    assert schema["properties"]["word"] == {"type": "string"}
    assert {"type": "integer"} in schema["properties"]["either"]["anyOf"]
    assert {"type": "null"} not in schema["properties"]["either"]["anyOf"]


def test_two_tools_of_one_name_are_refused() -> None:
    with pytest.raises(DuplicateTool, match="Two tools are called Bash"):
        Toolbox((Bash(), Bash()))


def test_a_part_of_a_toolbox_keeps_its_order(toolbox: Toolbox) -> None:
    assert toolbox.only({"Grep", "Bash", "None"}).names == ("Bash", "Grep")


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("Bash", "Bash"),
        ("bash", "Bash"),
        ("shell", "Bash"),
        ("run_terminal_cmd", "Bash"),
        ("functions.exec", "Bash"),
        ("read", "FileRead"),
        ("cat", "FileRead"),
        ("read_file", "FileRead"),
        ("readFile", "FileRead"),
        ("read-file", "FileRead"),
        ("write_file", "FileWrite"),
        ("str_replace", "Edit"),
        ("edit", "Edit"),
        ("MultiEdit", "Edit"),
        ("find_files", "Glob"),
        ("ripgrep", "Grep"),
        ("search_files", "Grep"),
    ],
)
def test_names_models_use_for_the_same_tool_are_understood(
    toolbox: Toolbox, said: str, meant: str
) -> None:
    found = toolbox.get(said)
    assert found is not None
    assert found.name == meant


@pytest.mark.parametrize("said", ["", "delete", "web_fetch", "bash2sh", ".", "Bashful"])
def test_other_names_are_not_guessed(toolbox: Toolbox, said: str) -> None:
    assert toolbox.get(said) is None


def _tool(toolbox: Toolbox, name: str) -> Any:
    return toolbox.get(name)


def decoded(toolbox: Toolbox, name: str, given_args: object) -> dict[str, Any]:
    text = given_args if isinstance(given_args, str) else json.dumps(given_args)
    args = decode_arguments(_tool(toolbox, name), text)
    plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(args))
    return plain


TOLERATED = [
    ("FileRead", {"path": "a"}, {"path": "a"}),
    ("FileRead", {"file_path": "a"}, {"path": "a"}),
    ("FileRead", {"filePath": "a"}, {"path": "a"}),
    ("FileRead", {"FilePath": "a"}, {"path": "a"}),
    ("FileRead", {"filename": "a", "limit": "10"}, {"path": "a", "limit": 10}),
    ("FileRead", {"path": "a", "offset": None}, {"path": "a", "offset": 1}),
    ("FileRead", {"path": "a", "start_line": 5}, {"path": "a", "offset": 5}),
    ("FileRead", {"path": "a", "explanation": "to see"}, {"path": "a"}),
    ("FileRead", {"params": {"path": "a"}}, {"path": "a"}),
    ("FileRead", {"arguments": {"file": "a"}}, {"path": "a"}),
    ("FileRead", json.dumps('{"path": "a"}'), {"path": "a"}),
    ("FileRead", ' {"path": "a"}\n', {"path": "a"}),
    ("FileWrite", {"path": "a", "contents": "x"}, {"path": "a", "content": "x"}),
    ("FileWrite", {"file": "a", "text": "x"}, {"path": "a", "content": "x"}),
    ("Bash", {"cmd": "ls"}, {"command": "ls"}),
    ("Bash", {"command": "ls", "timeout": "30"}, {"timeout_s": 30.0}),
    ("Bash", {"command": "ls", "timeout": 120000}, {"timeout_s": 120.0}),
    ("Bash", {"command": "ls", "workdir": "src"}, {"cwd": "src"}),
    ("Bash", {"command": "ls", "description": "list"}, {"command": "ls"}),
    ("Bash", {"command": ["bash", "-lc", "ls | wc"]}, {"command": "ls | wc"}),
    ("Bash", {"command": ["echo", "a b"]}, {"command": "echo 'a b'"}),
    ("Bash", {"input": "ls"}, {"command": "ls"}),
    ("Glob", {"glob_pattern": "*.py"}, {"pattern": "*.py"}),
    ("Glob", {"pattern": "*.py", "directory": "src"}, {"path": "src"}),
    ("Grep", {"regex": "x", "include": "*.py"}, {"pattern": "x", "glob": "*.py"}),
    ("Grep", {"query": "x", "case_insensitive": "true"}, {"ignore_case": True}),
    ("Grep", {"pattern": "x", "-i": True}, {"ignore_case": True}),
    ("Grep", {"pattern": "x", "-C": 3}, {"context": 3}),
    ("Grep", {"pattern": "x", "max_results": 5}, {"limit": 5}),
    (
        "Edit",
        {"file_path": "a", "old_str": "x", "new_str": "y", "replaceAll": "true"},
        {"path": "a", "old_string": "x", "new_string": "y", "replace_all": True},
    ),
    (
        "Edit",
        {"path": "a", "edits": [{"oldText": "x", "newText": "y"}, {"search": "p", "replace": "q"}]},
        {
            "old_string": "x",
            "new_string": "y",
            "edits": [{"old_string": "p", "new_string": "q", "replace_all": False}],
        },
    ),
    ("Edit", {"path": "a", "old_string": "x", "new_string": ""}, {"new_string": ""}),
]


@pytest.mark.parametrize(("name", "written", "meant"), TOLERATED)
def test_arguments_in_other_words_are_understood(
    toolbox: Toolbox, name: str, written: object, meant: dict[str, Any]
) -> None:
    assert meant.items() <= decoded(toolbox, name, written).items()


REFUSED = [
    ("FileRead", "", "required field `path`"),
    ("FileRead", "{", "not valid JSON"),
    ("FileRead", "[1]", "not a JSON object"),
    ("FileRead", '"text"', "not valid JSON"),
    ("FileRead", "null", "not a JSON object"),
    ("FileRead", {"path": 1}, "Expected `str`, got `int` - at `$.path`"),
    ("FileRead", {"path": "a", "limit": 0}, ">= 1"),
    ("FileRead", {"path": "a", "limit": "many"}, "Expected `int`"),
    ("FileRead", {"path": "a", "colour": "red"}, "there is no 'colour'"),
    ("FileRead", {"path": "a", "file_path": "b"}, "there is no 'file_path'"),
    ("FileRead", '{"path": "\\ud800"}', "not valid JSON"),
    ("FileRead", '{"path": "\ud800"}', "not valid JSON"),
    ("Bash", {"command": "x", "timeout_s": 0}, "> 0"),
    ("Bash", {"command": "x", "timeout_s": 99999}, "<= 1800"),
    ("Bash", {"command": [1]}, "Expected `str`"),
    ("Edit", {"path": "a", "edits": ["x"], "old_string": "x", "new_string": "y"}, "$.edits[0]"),
    ("Edit", {"path": "a", "edits": []}, "required field `old_string`"),
    ("FileWrite", {"path": "a", "content": {"json": 1}}, "Expected `str`"),
]


@pytest.mark.parametrize(("name", "written", "problem"), REFUSED)
def test_arguments_that_make_no_sense_say_what_would(
    toolbox: Toolbox, name: str, written: object, problem: str
) -> None:
    with pytest.raises(BadArguments) as refused:
        decoded(toolbox, name, written)
    assert problem in str(refused.value)
    assert f"The arguments of {name} are wrong" in str(refused.value)
    assert "It takes " in str(refused.value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["path", "edits", "old", "command", "x", "params", "limit"]), inner
        )
    ),
    max_leaves=8,
)


@settings(max_examples=80, deadline=None)
@given(JSON | st.text(max_size=20))
def test_whatever_a_model_writes_is_decoded_or_refused(value: object) -> None:
    box = default_toolbox(Workspace(root=Path("/")))
    for text in (value if isinstance(value, str) else json.dumps(value), json.dumps(value)):
        for tool in box.tools:
            try:
                assert isinstance(decode_arguments(tool, text), tool.args_type)
            except BadArguments:
                continue


def test_importing_the_package_loads_nothing_heavy() -> None:
    program = (
        "import sys, m31a_tools; "
        "heavy = {'asyncio', 'trio', 'wcmatch', 'tree_sitter', 'httpx', 'ssl', 'secrets'}; "
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("[]\n", "")
