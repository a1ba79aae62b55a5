"""`trust`: whether a project's own settings, instructions and programs are obeyed."""

import os
from pathlib import Path

from m31a_engine import Trust, home_folder
from m31a_headless.options import Parser, project_of
from m31a_headless.output import remark, say


def main(program: str, words: list[str]) -> int:
    """Trust a folder, take it back, or list what is trusted."""
    parser = Parser(
        prog=f"{program} trust",
        description="Trust this folder: its m31a.toml, AGENTS.md and check commands are obeyed.",
    )
    parser.add_argument("action", nargs="?", choices=["grant", "revoke", "list"], default="grant")
    parser.add_argument("--project", metavar="DIR", type=Path, help="default: this folder")
    given = parser.parse_args(words)
    trust = Trust(home_folder(os.environ) / "trust.json")
    if given.action == "list":
        folders = trust.list()
        say(*(folder.path for folder in folders))
        if not folders:
            remark("no folder is trusted yet")
        return 0
    project = project_of(given.project)
    if given.action == "revoke":
        was = trust.revoke(project)
        say(f"{project} is not trusted" + (" any more" if was else " (it was not before)"))
        return 0 if was else 1
    trust.grant(project)
    say(f"{project} is trusted")
    return 0
