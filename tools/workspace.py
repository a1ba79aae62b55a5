"""The ten distributions as their manifests describe them; every repository script asks here."""

import ast
import tomllib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import msgspec
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent


class Project(msgspec.Struct, frozen=True, kw_only=True, rename="kebab"):
    """The parts of `[project]` that scripts and tests ask for."""

    name: str
    description: str
    requires_python: str
    license: str
    classifiers: tuple[str, ...]
    dependencies: tuple[str, ...]
    optional_dependencies: dict[str, tuple[str, ...]] = {}
    scripts: dict[str, str] = {}


class Own(msgspec.Struct, frozen=True, kw_only=True, rename="kebab"):
    """The table `[tool.m31a]`."""

    coverage_floor: float


class Tool(msgspec.Struct, frozen=True, kw_only=True):
    """The part of `[tool]` that is ours."""

    m31a: Own


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """A member's pyproject.toml."""

    project: Project
    tool: Tool


@dataclass(frozen=True)
class Member:
    """One distribution of the workspace."""

    folder: Path

    @property
    def name(self) -> str:
        """The distribution's name, `m31a-ledger`; the folder has the same."""
        return self.folder.name

    @property
    def module(self) -> str:
        """The name it is imported by, `m31a_ledger`."""
        return self.name.replace("-", "_")

    @property
    def source(self) -> Path:
        """The folder of the import package."""
        return self.folder / "src" / self.module

    @cached_property
    def manifest(self) -> Manifest:
        """What its pyproject.toml says."""
        text = (self.folder / "pyproject.toml").read_text(encoding="utf-8")
        return msgspec.convert(tomllib.loads(text), Manifest)

    @cached_property
    def requirements(self) -> tuple[Requirement, ...]:
        """What it needs at run time, without extras."""
        return tuple(map(Requirement, self.manifest.project.dependencies))

    @cached_property
    def needs(self) -> frozenset[str]:
        """The names of what it needs at run time, in canonical form."""
        return frozenset(canonicalize_name(need.name) for need in self.requirements)

    @cached_property
    def optional(self) -> frozenset[str]:
        """The names that its extras add."""
        extras = self.manifest.project.optional_dependencies.values()
        lines = [line for extra in extras for line in extra]
        return frozenset(canonicalize_name(Requirement(line).name) for line in lines)

    @cached_property
    def version(self) -> str:
        """The version that `__about__.py` holds."""
        about = self.source / "__about__.py"
        for node in ast.parse(about.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
                return str(node.value.value)
        raise LookupError(f"{about} assigns no version")


def members() -> tuple[Member, ...]:
    """All distributions, by name."""
    manifests = [*ROOT.glob("packages/*/pyproject.toml"), *ROOT.glob("apps/*/pyproject.toml")]
    return tuple(sorted((Member(file.parent) for file in manifests), key=lambda each: each.name))


def by_name() -> dict[str, Member]:
    """All distributions under their names."""
    return {member.name: member for member in members()}
