"""`config show|check|path`: what is in force, and where it comes from."""

import json
import os
from pathlib import Path

from m31a_engine import home_folder, load_config, shown
from m31a_headless.options import Parser, project_of
from m31a_headless.output import say


def main(program: str, words: list[str]) -> int:
    """Show the configuration with sources, check it, or say where the user file is."""
    parser = Parser(prog=f"{program} config", description="The configuration in force.")
    parser.add_argument("action", nargs="?", choices=["show", "check", "path"], default="show")
    parser.add_argument("--project", metavar="DIR", type=Path, help="default: this folder")
    given = parser.parse_args(words)
    if given.action == "path":
        say(str(home_folder(os.environ) / "config.toml"))
        return 0
    config = load_config(project_of(given.project), os.environ, {})
    if given.action == "check":
        say(*(f"ignored: {sentence}" for sentence in config.ignored))
        say("the configuration can be used")
        return 0
    for key, value in shown(config).items():
        text = json.dumps(value, ensure_ascii=False)
        say(f"{key} = {text}    # {config.sources.get(key, 'default')}")
    return 0
