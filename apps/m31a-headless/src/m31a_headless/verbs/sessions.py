"""`sessions list|show`: what was run in this project."""

import os
from pathlib import Path

from m31a_engine import SessionInfo, Shelf, home_folder, suggestion
from m31a_engine.session.home import Home
from m31a_headless.options import Parser, UsageError, project_of
from m31a_headless.output import one_line, remark, say


def main(program: str, words: list[str]) -> int:
    """List the project's sessions, or show one's summary."""
    parser = Parser(prog=f"{program} sessions", description="The sessions of this project.")
    parser.add_argument("action", nargs="?", choices=["list", "show"], default="list")
    parser.add_argument("session", nargs="?", help="for show; default: the newest")
    parser.add_argument("--project", metavar="DIR", type=Path, help="default: this folder")
    given = parser.parse_args(words)
    project = project_of(given.project)
    shelf = Shelf(home=Home(root=home_folder(os.environ)).project(project), project=project)
    found = shelf.list()
    if given.action == "list":
        for info in found:
            outcome = info.outcome.value if info.outcome else "not ended"
            say(f"{info.id}  {outcome:18} {one_line(info.goal)[:80]}")
        if not found:
            remark(f"there are no sessions of {project} yet")
        return 0
    _show(_chosen(found, given.session, project))
    return 0


def _chosen(found: tuple[SessionInfo, ...], session: str | None, project: Path) -> SessionInfo:
    """The session that is meant; the newest when none is named."""
    if not found:
        raise UsageError(f"there are no sessions of {project} yet")
    if session is None:
        return found[0]
    for info in found:
        if info.id == session:
            return info
    hint = suggestion(session, (info.id for info in found))
    raise UsageError(f"there is no session {session} of {project}{hint}")


def _show(info: SessionInfo) -> None:
    summary = Path(info.path) / "SUMMARY.md"
    text = summary.read_text(encoding="utf-8", errors="replace") if summary.is_file() else info.goal
    say(text.rstrip(), "", f"Folder: {info.path}")
