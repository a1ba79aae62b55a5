"""A setting that nothing reads would be a promise that nobody keeps."""

import ast
from collections.abc import Iterator

import pytest

import workspace
from m31a_engine.config_layers import SECTIONS
from m31a_engine.config_sections import ProviderSettings

BY_NAME = frozenset({"agents"})
"""Sections whose keys are looked up by a phase's name."""
READERS = ("m31a-engine", "m31a-headless", "m31a")


def attributes_read() -> Iterator[str]:
    """The names of all attributes that the engine and the apps look at, the declarations apart."""
    for member in workspace.members():
        if member.name not in READERS:
            continue
        for file in member.source.rglob("*.py"):
            if not file.name.startswith("config_"):
                for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                    if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
                        yield node.attr


READ = frozenset(attributes_read())


@pytest.mark.parametrize(
    "key",
    [
        *(
            f"{section}.{field}"
            for section, struct in SECTIONS.items()
            if section not in BY_NAME
            for field in struct.__struct_fields__
        ),
        *(f"provider.NAME.{field}" for field in ProviderSettings.__struct_fields__),
    ],
)
def test_a_setting_is_read_by_the_program(key: str) -> None:
    assert key.rpartition(".")[2] in READ
