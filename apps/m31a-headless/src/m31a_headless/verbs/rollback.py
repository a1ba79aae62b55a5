"""`rollback list|soft|hard|safe|file|undo`: back to an earlier commit, and forward again."""

import argparse
from collections.abc import Awaitable, Callable

from m31a_engine import completed
from m31a_engine.desk.undoing import Reset, Undoing, WaysBack, WentBack
from m31a_headless.looking import Looking, looking_at
from m31a_headless.options import UsageError, count
from m31a_headless.output import remark, say

ABOUT = """list: the runs' commits here, and what keeps the way forward.
soft COMMIT: the branch to COMMIT; files and index stay.
hard COMMIT: branch, index and files to COMMIT; uncommitted work is given back onto it.
safe COMMIT: as hard, when only runs' own, unpublished commits are undone.
file COMMIT [PATH ...]: files as they were before COMMIT.
undo: the state before the last of these. Uncommitted work is kept in a snapshot each time."""


def main(program: str, words: list[str]) -> int:
    """List ways back, or go one."""
    parser = looking_at(
        program, "rollback", ABOUT, "[list | soft|hard|safe COMMIT | file COMMIT [PATH ...] | undo]"
    )
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    actions = ["list", *Reset, "file", "undo"]
    parser.add_argument("action", nargs="?", choices=actions, default="list")
    parser.add_argument("commit", nargs="?")
    parser.add_argument("path", nargs="*")
    parser.add_argument("--limit", metavar="N", type=count, default=20, help="commits to look at")
    look = Looking.of(parser, words)
    given, undoing = look.given, look.desk().undoing
    if given.action == "list":
        ways = completed(lambda: undoing.list(given.limit))
        look.print(ways) if look.json else _list(ways)
        return 0
    went = completed(_deed(undoing, given))
    look.print(went) if look.json else _tell(program, went)
    return 0


def _deed(undoing: Undoing, given: argparse.Namespace) -> Callable[[], Awaitable[WentBack]]:
    """What is asked for, to be done."""
    if given.action == "undo":
        if given.commit:
            raise UsageError("rollback undo takes no commit: it undoes the last rollback")
        return undoing.undo
    if not given.commit:
        raise UsageError(f"rollback {given.action}: which commit?")
    if given.action == "file":
        return lambda: undoing.files(given.commit, given.path)
    if given.path:
        raise UsageError(f"rollback {given.action} takes one commit; for files: rollback file")
    return lambda: undoing.reset(Reset(given.action), given.commit)


def _list(ways: WaysBack) -> None:
    for commit in ways.commits:
        say(f"{commit.commit[:12]}  {commit.verdict or '-':24} {commit.subject[:80]}")
    say(*(f"{head[:12]}  backup {branch}" for branch, head in ways.backups.items()))
    say(*(f"snapshot  {name}" for name in ways.snapshots))
    if not ways.commits:
        remark("no commit of a run is among the newest of this branch")


def _tell(program: str, went: WentBack) -> None:
    say(f"HEAD was {went.previous[:12]}, is {went.head[:12]}")
    say(*(f"undone    {commit[:12]}" for commit in went.undone))
    if went.backup_branch:
        say(f"kept      {went.backup_branch}")
    say(f"snapshot  {went.snapshot}")
    say(*(f"clash     {path}" for path in went.clashes))
    remark(went.remedy or f"to take it back: {program} rollback undo")
