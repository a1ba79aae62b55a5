"""`config show|check|path`: what is in force, and where it comes from."""

import os
from pathlib import Path

import msgspec

from m31a_engine import home_folder, load_config, project_root, shown
from m31a_headless.options import Parser


def main(program: str, words: list[str]) -> int:
    """Show the configuration with sources, check it, or say where the user file is."""
    parser = Parser(prog=f"{program} config", description="The configuration in force.")
    parser.add_argument("action", nargs="?", choices=["show", "check", "path"], default="show")
    parser.add_argument("--project", type=Path, default=None)
    given = parser.parse_args(words)
    if given.action == "path":
        print(home_folder(os.environ) / "config.toml")
        return 0
    config = load_config(project_root(given.project or Path.cwd()), os.environ, {})
    if given.action == "check":
        for sentence in config.ignored:
            print(f"ignored: {sentence}")
        print("the configuration can be used")
        return 0
    for key, value in shown(config).items():
        text = msgspec.json.encode(value).decode()
        print(f"{key} = {text}    # {config.sources.get(key, 'default')}")
    return 0
