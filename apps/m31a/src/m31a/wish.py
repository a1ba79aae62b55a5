"""What the command line asks of the app."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from m31a_engine import Options


@dataclass(frozen=True, slots=True)
class Wish:
    """A project, and what to do in it first."""

    project: Path
    overrides: Mapping[str, object] = field(default_factory=dict)
    """Dotted keys of the configuration."""
    options: Options = field(default_factory=Options)
    goal: str = ""
    resume: bool = False
    session_id: str | None = None
    """The session to go on with; None takes the newest that can."""
    trust_project: bool = False
    inline: bool = False
    """Whether the conversation goes into the terminal's own history."""
