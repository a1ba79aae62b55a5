"""`doctor`: what is here, what is missing, and what to do about it."""

import os
import platform
import shutil
from collections.abc import Iterator
from pathlib import Path

from m31a_engine import Config, home_folder, load_config, secrets_of_system
from m31a_headless.options import Parser, project_of
from m31a_headless.output import say

PROGRAMS = {
    "git": "needed for everything",
    "bash": "commands run in sh without it",
    "rg": "searching is slower without it",
    "bwrap": "for the sandbox, which is not built yet",
}


def main(program: str, words: list[str]) -> int:
    """Look around; 1 when something that a run needs is missing."""
    parser = Parser(prog=f"{program} doctor", description="What is here and what is missing.")
    parser.add_argument("--project", metavar="DIR", type=Path, help="default: this folder")
    given = parser.parse_args(words)
    say(f"Python    {platform.python_version()} on {platform.system()}")
    say(f"home      {home_folder(os.environ)}")
    for name, why in PROGRAMS.items():
        say(f"{name:9} {shutil.which(name) or f'missing: {why}'}")
    project = project_of(given.project)
    config = load_config(project, os.environ, {})
    trusted = "trusted" if config.trusted else f"not trusted; to trust it: {program} trust"
    say(f"project   {project}: {trusted}")
    missing = [] if shutil.which("git") else ["git"]
    missing += _provider(program, config)
    say(f"missing   {', '.join(missing)}" if missing else "ready     run a goal")
    return 1 if missing else 0


def _provider(program: str, config: Config) -> Iterator[str]:
    """Say which model would be asked; give what it lacks."""
    name = config.chosen_provider
    settings = config.providers.get(name)
    model = config.model_for("execute")
    say(f"provider  {name}{f' at {settings.base_url}' if settings and settings.base_url else ''}")
    say(f"model     {model or 'none; name one with --model ID or in config.toml'}")
    line, found = secrets_of_system(os.environ).status(name, settings)
    say(f"key       {line}")
    if not model:
        yield "a model"
    if not found and not (settings and settings.base_url):
        yield f"a key (set one with: {program} keys set {name})"
