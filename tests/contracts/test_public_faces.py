"""What is promised to people outside: names are added, none is renamed or taken away."""

import ast
import importlib
from pathlib import Path

import pytest

import api_surface
import workspace

MARK = "not yet built"


def promised() -> dict[str, bool]:
    """Each line of promised.txt, MODULE:NAME, and whether it is built."""
    text = Path(__file__).with_name("promised.txt").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return {line.removesuffix(MARK).strip(): not line.endswith(MARK) for line in lines}


def exists(promised: str) -> bool:
    """Whether a module offers a name, and the class the method behind it."""
    module, _, path = promised.partition(":")
    try:
        value: object = importlib.import_module(module)
    except ModuleNotFoundError:
        return False
    for name in path.split("."):
        if not hasattr(value, name) and name not in getattr(value, "__annotations__", {}):
            return False
        value = getattr(value, name, None)
    return True


def test_what_is_promised_is_there_and_what_is_marked_is_not() -> None:
    wrong = {name: built for name, built in promised().items() if exists(name) != built}

    assert wrong == {}, "False: take the mark off; True: the name is gone"


@pytest.mark.parametrize("member", workspace.members(), ids=lambda member: member.name)
def test_the_face_is_the_one_that_is_kept(member: workspace.Member) -> None:
    changes = api_surface.changes(member)

    assert changes == [], "look at each line, then: python tools/api_surface.py update"


@pytest.mark.parametrize("member", workspace.members(), ids=lambda member: member.name)
def test_every_name_in_all_exists(member: workspace.Member) -> None:
    module = importlib.import_module(member.module)
    names = list(getattr(module, "__all__", ()))

    assert len(names) == len(set(names))
    assert [name for name in names if not hasattr(module, name)] == []


def test_what_a_class_has_of_one_that_is_not_public_is_its_own() -> None:
    hidden, public = ast.parse(
        "class Base(Protocol):\n    name: str\n    def go(self) -> int: ...\n"
        "class Face(Base, Generic[T]):\n    def go(self) -> int: ...\n    more: int\n"
    ).body
    assert isinstance(hidden, ast.ClassDef)

    lines = list(api_surface.described("Face", public, {"Base": hidden}))

    assert lines == [
        "class Face(Generic[T])",
        "    name: str",
        "    go(self) -> int",
        "    more: int",
    ]
