"""`trust`: whether a project's own settings, instructions and programs are obeyed."""

import os
from pathlib import Path

from m31a_engine import Trust, home_folder, project_root
from m31a_headless.options import Parser


def main(program: str, words: list[str]) -> int:
    """Trust a folder, take it back, or list what is trusted."""
    parser = Parser(
        prog=f"{program} trust",
        description="Trust this folder: its m31a.toml, AGENTS.md and check commands are obeyed.",
    )
    parser.add_argument("action", nargs="?", choices=["grant", "revoke", "list"], default="grant")
    parser.add_argument("--project", type=Path, default=None)
    given = parser.parse_args(words)
    trust = Trust(home_folder(os.environ) / "trust.json")
    project = project_root(given.project or Path.cwd())
    if given.action == "list":
        for folder in trust.list():
            print(folder.path)
        return 0
    if given.action == "revoke":
        was = trust.revoke(project)
        print(f"{project} is not trusted" + ("" if was else " (it was not before)"))
        return 0 if was else 1
    trust.grant(project)
    print(f"{project} is trusted")
    return 0
