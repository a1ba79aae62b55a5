"""What a screen's work may use: the engine's faces for one project."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from m31a_engine import Config, Engine, Shelf


@dataclass(frozen=True, slots=True)
class Services:
    """The project, the environment, and ways to configuration and engine.

    Configuration is read anew at every call: a file the person has just changed counts.
    """

    project: Path
    environ: Mapping[str, str]
    config: Callable[[], Config]
    """Raises: ConfigError."""
    engine: Callable[[], Engine]
    """Raises: ConfigError, ProviderFailed, Refused."""
    sessions: Callable[[], Shelf]
    """The project's sessions; needs neither a model nor a key."""
    files: Callable[[], tuple[str, ...]] = tuple
    """The project's files by name."""
    sandbox: Callable[[], str] = str
    """What confines commands, in a word or two; may take seconds. Raises: ConfigError."""
