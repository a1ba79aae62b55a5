"""What is known of a project before a model is asked anything."""

from enum import StrEnum

import msgspec


class ProjectType(StrEnum):
    """The language or tool chain a project is built with."""

    PYTHON = "python"
    NODE = "node"
    GO = "go"
    RUST = "rust"
    RUBY = "ruby"
    JAVA = "java"
    PHP = "php"
    CMAKE = "cmake"
    MAKE = "make"
    STATIC = "static"
    UNKNOWN = "unknown"


class CheckCommand(msgspec.Struct, frozen=True, kw_only=True):
    """A command that tells whether the project is sound."""

    name: str
    """`build`, `test` or `lint`; for a nested project with its folder: `test (web)`."""
    command: str
    """A shell command, run in the project's folder."""
    behavioural: bool
    """Whether it runs the project's own tests; only such a check can make a run verified."""
    sure: bool
    """Whether the project itself says so, as opposed to a guess from file names."""
    source: str = "detected"
    """`detected` or `configured`."""
    why: str = ""
    """What led to this command, in a few words."""


class ProjectFacts(msgspec.Struct, frozen=True, kw_only=True):
    """The project as its files show it."""

    type: ProjectType = ProjectType.UNKNOWN
    framework: str = ""
    package_manager: str = ""
    checks: tuple[CheckCommand, ...] = ()
    dependency_folders: tuple[str, ...] = ()
    """Folders of installed dependencies that are there, relative to the project."""
    instructions: str = ""
    """The project's AGENTS.md, when it is trusted; at most 8 000 characters."""
    coverage: str = ""
    """A command that prints how much of the program the tests run; empty when nothing does."""
    coverage_note: str = ""
    """Why nothing measures it."""
    notes: tuple[str, ...] = ()
    """Sentences a person or the model should know: guesses made, programs missing."""

    def check(self, name: str) -> CheckCommand | None:
        """The first check of that name."""
        return next((check for check in self.checks if check.name == name), None)
