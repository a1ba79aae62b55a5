"""`ledger list|stats`: what earlier runs came to."""

import os

from m31a_engine import home_folder, ledger_at
from m31a_headless.options import Parser, count
from m31a_headless.output import remark, say


def main(program: str, words: list[str]) -> int:
    """List the newest runs, or show what they add up to."""
    parser = Parser(prog=f"{program} ledger", description="The ledger of all runs.")
    parser.add_argument("action", nargs="?", choices=["list", "stats"], default="list")
    parser.add_argument("--limit", metavar="N", type=count, default=20, help="default: 20")
    given = parser.parse_args(words)
    ledger = ledger_at(home_folder(os.environ))
    if given.action == "stats":
        say(*ledger.statistics())
        return 0
    lines = tuple(ledger.lines(given.limit))
    say(*lines)
    if not lines:
        remark(f"the ledger is empty; each run leaves a row, a first one: {program} demo")
    return 0
