"""What a project would have us interpret, read without interpreting it."""

import json
from dataclasses import dataclass
from pathlib import Path

from m31a.program.services import Services
from m31a_engine import ConfigError, Refused, load_config, shown
from m31a_engine.config import PROJECT_FILE
from m31a_engine.desk.facts_at import facts_at
from m31a_engine.desk.opened import opened, refusing
from m31a_engine.project.detect import INSTRUCTIONS_FILE
from m31a_engine.project.facts import CheckCommand
from m31a_engine.regular_file import NotRegular, read_regular

MOST_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class ProjectFile:
    """A file of the project's that would be obeyed."""

    name: str
    text: str
    note: str = ""
    """Why the text is not all of it, or none."""


@dataclass(frozen=True, slots=True)
class ProjectReading:
    """Everything that trust would put in force."""

    files: tuple[ProjectFile, ...] = ()
    settings: tuple[tuple[str, str], ...] = ()
    """Key and value of what `m31a.toml` would set."""
    refused: tuple[str, ...] = ()
    """Sentences: what it says and no project may say."""
    checks: tuple[CheckCommand, ...] = ()
    hooks: tuple[str, ...] = ()
    filters: tuple[str, ...] = ()
    state: str = ""
    """Why no run could begin here, whatever is trusted."""


async def read_project(services: Services) -> ProjectReading:
    """The project's files, settings, check commands and hooks; nothing of it is run."""
    project = services.project
    files = tuple(
        filter(None, (_file(project, name) for name in (PROJECT_FILE, INSTRUCTIONS_FILE)))
    )
    try:
        config = load_config(project, services.environ, {}, trusted=True)
    except ConfigError as exc:
        return ProjectReading(files=files, state=exc.message)
    values = shown(config)
    settings = tuple(
        (key, json.dumps(values[key], ensure_ascii=False))
        for key, source in config.sources.items()
        if source == "project file" and key in values
    )
    try:
        repository = await opened(project)
        with refusing():
            head = await repository.resolve("HEAD")
            facts = await facts_at(repository, head, config, trusted=True)
            hooks = await repository.commit_hooks()
            filters = await repository.blanked_filters()
    except Refused as exc:
        return ProjectReading(files, settings, config.ignored, state=exc.message)
    return ProjectReading(
        files, settings, config.ignored, facts.checks, tuple(hooks), tuple(filters)
    )


def _file(project: Path, name: str) -> ProjectFile | None:
    try:
        content = read_regular(project / name, max_bytes=MOST_BYTES, follow_links=True)
    except FileNotFoundError:
        return None
    except NotRegular:
        return ProjectFile(name, "", "it is no regular file")
    except OSError as exc:
        return ProjectFile(name, "", f"it cannot be read: {exc.strerror}")
    note = "" if content.whole else f"only its first {MOST_BYTES // 1024} kB are shown"
    return ProjectFile(name, content.data.decode("utf-8", "replace"), note)
