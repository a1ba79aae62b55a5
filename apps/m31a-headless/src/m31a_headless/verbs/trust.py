"""`trust`: whether a project's own settings, instructions and programs are obeyed."""

import os

from m31a_engine import Trust, home_folder
from m31a_engine.config import TRUST_FILE
from m31a_headless.looking import Looking, looking_at
from m31a_headless.output import remark, say


def main(program: str, words: list[str]) -> int:
    """Trust a folder, take it back, or list what is trusted."""
    parser = looking_at(
        program,
        "trust",
        "Trust this folder: its m31a.toml, AGENTS.md and check commands are obeyed.",
    )
    parser.add_argument("action", nargs="?", choices=["grant", "revoke", "list"], default="grant")
    look = Looking.of(parser, words)
    trust = Trust(home_folder(os.environ) / TRUST_FILE)
    if look.given.action == "list":
        folders = trust.list()
        if look.json:
            look.print(folders)
            return 0
        say(*(folder.path for folder in folders))
        if not folders:
            remark("no folder is trusted yet")
        return 0
    if look.given.action == "revoke":
        was = trust.revoke(look.project)
        say(f"{look.project} is not trusted" + (" any more" if was else " (it was not before)"))
        return 0 if was else 1
    trust.grant(look.project)
    say(f"{look.project} is trusted")
    return 0
