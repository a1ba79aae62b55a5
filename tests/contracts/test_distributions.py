"""Each distribution says truly what it is made of: manifest, licence, types, versions."""

import ast
import sys
from importlib.metadata import packages_distributions

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import versions
import wheels
import workspace
from workspace import Member

MEMBERS = workspace.members()
OWNERS = packages_distributions()
each_member = pytest.mark.parametrize("member", MEMBERS, ids=lambda member: member.name)


def third_parties_imported(member: Member) -> set[str]:
    """The top-level modules a distribution imports that are neither Python's nor its own."""
    found: set[str] = set()
    for file in member.source.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found.add(node.module.split(".")[0])
    return found - set(sys.stdlib_module_names) - {member.module}


def test_there_are_ten() -> None:
    assert len(MEMBERS) == 10
    assert set(wheels.DIRECT) == {member.name for member in MEMBERS}


@each_member
def test_what_is_imported_is_declared(member: Member) -> None:
    declared = member.needs | member.optional
    for module in third_parties_imported(member):
        owners = {canonicalize_name(name) for name in OWNERS.get(module, [module])}
        assert owners & declared, f"{member.name} imports {module} without declaring it"


@each_member
def test_third_parties_are_those_of_the_table(member: Member) -> None:
    ours = {each.name for each in MEMBERS}

    assert member.needs - ours == wheels.DIRECT[member.name]


@each_member
def test_changelog_version_and_sibling_ranges_agree(member: Member) -> None:
    assert list(versions.faults(member, workspace.by_name())) == []


@each_member
def test_licence_is_the_one_of_the_repository(member: Member) -> None:
    licence = member.folder / "LICENSE"

    assert not licence.is_symlink()
    assert licence.read_bytes() == (workspace.ROOT / "LICENSE").read_bytes()


@each_member
def test_it_is_typed_and_says_what_it_is(member: Member) -> None:
    project = member.manifest.project

    assert (member.source / "py.typed").is_file()
    assert "Typing :: Typed" in project.classifiers
    assert project.name == member.name
    assert project.description.endswith(".")
    assert project.requires_python == ">=3.11"
    assert project.license == "MIT"


@each_member
def test_every_module_says_what_it_is_for(member: Member) -> None:
    bare = [
        file.name
        for file in member.source.rglob("*.py")
        if not ast.get_docstring(ast.parse(file.read_text(encoding="utf-8")))
    ]

    assert bare == []


def test_a_range_that_leaves_a_sibling_out_is_a_fault() -> None:
    engine = workspace.by_name()["m31a-engine"]
    newer = Member(workspace.by_name()["m31a-ledger"].folder)
    newer.__dict__["version"] = "0.2.0"

    found = list(versions.faults(engine, {"m31a-ledger": newer}))

    assert found == ["m31a-engine: m31a-ledger<0.2,>=0.1 does not admit m31a-ledger 0.2.0"]


def test_a_range_without_an_end_is_a_fault() -> None:
    engine = Member(workspace.by_name()["m31a-engine"].folder)
    engine.__dict__["requirements"] = (Requirement("m31a-ledger>=0.1"),)

    found = list(versions.faults(engine, workspace.by_name()))

    assert found == ["m31a-engine: m31a-ledger>=0.1 has no upper bound"]
