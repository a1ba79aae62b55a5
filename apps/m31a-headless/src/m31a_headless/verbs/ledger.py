"""`ledger list|stats|query|export`: what earlier runs came to."""

import os

from m31a_engine import home_folder
from m31a_engine.books import Ledger, Wanted, as_csv, as_rows, ledger_at
from m31a_engine.document import as_document
from m31a_headless.options import Parser, UsageError, count, require_text
from m31a_headless.output import for_reader, remark, say


def main(program: str, words: list[str]) -> int:
    """List runs, look for some, show what all add up to, or write them down."""
    parser = Parser(
        prog=f"{program} ledger",
        description="The ledger of all runs. query looks for runs by words of their goals and by"
        " the options; export writes those that fit, all without a limit.",
        allow_abbrev=False,
    )
    actions = ["list", "stats", "query", "export"]
    parser.add_argument("action", nargs="?", choices=actions, default="list")
    parser.add_argument("words", nargs="*", help="for query")
    parser.add_argument("--limit", metavar="N", type=count, help="default: 20; export: all")
    parser.add_argument("--in", dest="project", metavar="NAME", default="", help="project's name")
    parser.add_argument("--outcome", metavar="WORD", default="")
    parser.add_argument("--model", metavar="ID", default="")
    parser.add_argument("--since", metavar="DAY", default="", help="as 2026-11-21")
    parser.add_argument("--form", choices=["json", "csv"], default="json", help="for export")
    parser.add_argument("--json", action="store_true", help="the answer as one JSON document")
    require_text(words)
    given = parser.parse_args(words)
    if given.words and given.action != "query":
        raise UsageError(f"ledger {given.action} takes no words; to look for runs: ledger query")
    ledger = ledger_at(home_folder(os.environ))
    wanted = Wanted(
        words=" ".join(given.words),
        project=given.project,
        outcome=given.outcome,
        model=given.model,
        since=given.since,
    )
    match given.action:
        case "stats":
            print(as_document(ledger.stats()), end="") if given.json else say(*ledger.statistics())
            return 0
        case "query" | "export":
            return _query(ledger, wanted, given.action, given.limit, given.form, given.json)
        case _:
            return _list(ledger, given.limit or 20, given.json, program)


def _query(
    ledger: Ledger, wanted: Wanted, action: str, limit: int | None, form: str, json: bool
) -> int:
    default = None if action == "export" else 20
    found = ledger.query(wanted, limit or default)
    if action == "export" and form == "csv" and not json:
        print(for_reader(as_csv(found)), end="")
    elif action == "export" or json:
        print(for_reader(as_document(found)), end="")
    else:
        say(*as_rows(found))
    return 0 if found else 1


def _list(ledger: Ledger, limit: int, json: bool, program: str) -> int:
    if json:
        print(for_reader(as_document(ledger.newest(limit))), end="")
        return 0
    lines = tuple(ledger.lines(limit))
    say(*lines)
    if not lines:
        remark(f"the ledger is empty; a run that ended leaves a row, a first one: {program} demo")
    return 0
