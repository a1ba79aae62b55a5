import os
from pathlib import Path

import pytest

from m31a_engine.errors import ConfigError
from m31a_engine.prompting import library
from m31a_engine.prompting.compose import PROMPTS, Preface, phase_preface, system_prompt

ELEVEN = {
    "autonomous",
    "base",
    "code-intelligence",
    "code-quality",
    "context-awareness",
    "demonstration-format",
    "discuss-questions",
    "execute-task",
    "plan-format",
    "self-heal",
    "tool-use",
}


def _bytes(*names: str) -> int:
    return sum(len(library.read(name).encode()) for name in names)


def test_there_are_eleven_prompts_and_each_serves_somewhere() -> None:
    assert set(library.names()) == ELEVEN
    assert {name for names in PROMPTS.values() for name in names} == ELEVEN - {"base"}


def test_the_first_request_of_a_working_conversation_has_room_for_its_tools() -> None:
    working = ("tool-use", "execute-task", "code-quality", "code-intelligence", "autonomous")
    assert _bytes("base") <= 700
    assert _bytes(*working) <= 1900
    for preface in (Preface.EXECUTE, Preface.AUTONOMOUS):
        assert len((system_prompt() + phase_preface(preface)).encode()) <= 2300
    assert _bytes("plan-format") <= 1800


@pytest.mark.parametrize(
    ("preface", "names"),
    [
        ("discuss", ["discuss-questions", "context-awareness"]),
        ("plan", ["plan-format", "context-awareness", "code-intelligence", "code-quality"]),
        ("execute", ["execute-task", "tool-use", "code-quality", "code-intelligence"]),
        ("heal", ["tool-use", "self-heal", "code-quality", "code-intelligence"]),
        ("ship", ["autonomous", "demonstration-format"]),
        ("autonomous", ["autonomous", "tool-use", "execute-task"]),
    ],
)
def test_a_phase_joins_its_prompts_in_order_by_rule_lines(preface: str, names: list[str]) -> None:
    expected = "\n\n---\n\n".join(library.read(name) for name in names)
    assert expected == phase_preface(preface)


def test_an_unknown_phase_and_an_unknown_prompt_are_refused() -> None:
    with pytest.raises(ValueError, match="nonsense"):
        phase_preface("nonsense")
    with pytest.raises(KeyError):
        library.read("../base")


def test_the_model_is_told_what_it_may_not_do() -> None:
    base = system_prompt()
    for rule in ("M31A makes every commit", "Checks decide", "Never weaken, skip or delete a test"):
        assert rule in base
    tools = library.read("tool-use")
    assert all(name in tools for name in ("FileRead", "FileWrite", "Edit", "Bash", "Glob", "Grep"))


def test_a_file_in_the_override_folder_takes_the_place_of_one_prompt(tmp_path: Path) -> None:
    (tmp_path / "base.md").write_text("# Mine\n\nBe kind.\n")
    assert system_prompt(overrides=[tmp_path]) == "# Mine\n\nBe kind."
    assert phase_preface("chat", overrides=[tmp_path]) == phase_preface("chat")


@pytest.mark.parametrize("content", [b"", b" \n", b"\xff\xfe", b"x" * 70_000])
def test_an_override_that_cannot_be_a_prompt_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "base.md").write_bytes(content)
    with pytest.raises(ValueError):  # noqa: PT011  four different sentences
        system_prompt(overrides=[tmp_path])


def test_the_first_folder_that_has_a_prompt_wins(tmp_path: Path) -> None:
    for name in ("project", "user"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "base.md").write_text(f"from {name}")
    (tmp_path / "user" / "tool-use.md").write_text("user's tools")
    folders = [tmp_path / "nowhere", tmp_path / "project", tmp_path / "user"]

    assert library.read("base", folders) == "from project"
    assert library.read("tool-use", folders) == "user's tools"


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("base.md", b"", "is empty"),
        ("base.md", b"\xff\xfe", "cannot be used as a prompt"),
        ("base.md", b"\xff\xfe", "base.md is not text in UTF-8"),
        ("base.md", b"x" * 70_000, "is longer than 65536 bytes"),
        ("tool_use.md", b"text", "did you mean 'tool-use'?"),
    ],
)
def test_what_cannot_be_a_prompt_is_named_before_a_run(
    tmp_path: Path, name: str, content: bytes, said: str
) -> None:
    (tmp_path / name).write_bytes(content)

    with pytest.raises(ConfigError) as caught:
        library.require_readable([tmp_path])

    assert said in str(caught.value)
    assert str(tmp_path / name) in str(caught.value)


def test_a_pipe_in_the_place_of_a_prompt_is_not_waited_at(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "base.md")

    with pytest.raises(ConfigError, match=r"base\.md is not a regular file"):
        library.require_readable([tmp_path])
