"""`ledger list|stats`: what earlier runs came to."""

import os

from m31a_engine import home_folder, ledger_at
from m31a_headless.options import Parser


def main(program: str, words: list[str]) -> int:
    """List the newest runs, or show what they add up to."""
    parser = Parser(prog=f"{program} ledger", description="The ledger of all runs.")
    parser.add_argument("action", nargs="?", choices=["list", "stats"], default="list")
    parser.add_argument("--limit", type=int, default=20)
    given = parser.parse_args(words)
    ledger = ledger_at(home_folder(os.environ))
    for line in ledger.lines(given.limit) if given.action == "list" else ledger.statistics():
        print(line)
    return 0
