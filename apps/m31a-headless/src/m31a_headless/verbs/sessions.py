"""`sessions list|show|export|fork|archive|unarchive|delete`: what was run in this project."""

from pathlib import Path

from m31a_engine import Phase, SessionInfo, completed
from m31a_engine.desk.approving import Pending
from m31a_engine.desk.desk import Desk
from m31a_engine.desk.export import Exporting, Form
from m31a_headless.looking import Looking, looking_at
from m31a_headless.options import UsageError
from m31a_headless.output import for_reader, one_line, remark, say

ACTIONS = ("list", "show", "export", "fork", "archive", "unarchive", "delete")


def main(program: str, words: list[str]) -> int:
    """List the project's sessions, or do something with one."""
    parser = looking_at(
        program,
        "sessions",
        "The sessions of this project. show and export take the newest when none is named; fork"
        " makes a second one that goes on from where a phase ended; archive takes one out of the"
        " list; delete removes its folder and branch, whose last commit is kept under"
        " refs/m31a/backup/.",
    )
    parser.add_argument("action", nargs="?", choices=ACTIONS, default="list")
    parser.add_argument("session", nargs="?", help="an id, or the beginning of one")
    parser.add_argument("--archived", action="store_true", help="list and show those put away")
    parser.add_argument(
        "--form", choices=[form.value for form in Form], default="markdown", help="for export"
    )
    phases = [phase.value for phase in Phase if phase is not Phase.IDLE]
    parser.add_argument("--after", metavar="PHASE", choices=phases, help="for fork")
    look = Looking.of(parser, words)
    given, desk = look.given, look.desk()
    if given.action not in {"list", "show", "export"} and not given.session:
        raise UsageError(f"sessions {given.action}: which session?")
    if given.action == "list":
        _list(look, desk)
        return 0
    away = given.archived or given.action == "unarchive"
    shelf = desk.archived if away else desk.sessions
    info = shelf.named(given.session)
    match given.action:
        case "show":
            look.print(info) if look.json else _show(info, None if away else desk.pending(info.id))
        case "export":
            form = Form.JSON if look.json else Form(given.form)
            text = Exporting(home=shelf.home).export(info.id, form)
            print(for_reader(text), end="")
        case "fork":
            after = Phase(given.after) if given.after else None
            new = completed(lambda: desk.forking.fork(info.id, after))
            look.print(new) if look.json else say(new.id)
            remark(f"go on with it: {program} resume {new.id}")
        case _:
            say(_put(desk, given.action, info.id))
    return 0


def _list(look: Looking, desk: Desk) -> None:
    found = (desk.archived if look.given.archived else desk.sessions).list()
    if look.json:
        look.print(found)
        return
    for info in found:
        outcome = info.outcome.value if info.outcome else "not ended"
        say(f"{info.id}  {outcome:18} {one_line(info.goal)[:80]}")
    if not found:
        there = "nothing is archived" if look.given.archived else "there are no sessions"
        remark(f"{there} of {look.project} yet")


def _show(info: SessionInfo, pending: Pending | None) -> None:
    summary = Path(info.path) / "SUMMARY.md"
    text = summary.read_text(encoding="utf-8", errors="replace") if summary.is_file() else info.goal
    say(text.rstrip(), "")
    if pending is not None and pending.plan is not None:
        say(f"Waits for approval of its plan: {one_line(pending.plan.title)}")
    for request in pending.requests if pending is not None else ():
        say(f"Waits for leave: {one_line(request.summary)}")
    say(f"Folder: {info.path}")


def _put(desk: Desk, action: str, session: str) -> str:
    """Put a session where it is wanted; a sentence about it."""
    if action == "archive":
        place = completed(lambda: desk.keeping.archive(session))
        return f"{session} is archived in {place}"
    if action == "unarchive":
        completed(lambda: desk.keeping.unarchive(session))
        return f"{session} is in the list again"
    kept = completed(lambda: desk.keeping.delete(session))
    return f"{session} is deleted" + (f"; its last commit is kept under {kept}" if kept else "")
