"""`sessions list|show`: what was run in this project."""

import os
from pathlib import Path

from m31a_engine import Shelf, home_folder, project_root
from m31a_engine.session.home import Home
from m31a_headless.options import Parser, UsageError


def main(program: str, words: list[str]) -> int:
    """List the project's sessions, or show one's summary."""
    parser = Parser(prog=f"{program} sessions", description="The sessions of this project.")
    parser.add_argument("action", nargs="?", choices=["list", "show"], default="list")
    parser.add_argument("session", nargs="?")
    parser.add_argument("--project", type=Path, default=None)
    given = parser.parse_args(words)
    project = project_root(given.project or Path.cwd())
    shelf = Shelf(home=Home(root=home_folder(os.environ)).project(project), project=project)
    found = shelf.list()
    if given.action == "list":
        for info in found:
            print(f"{info.id}  {info.outcome or 'not ended':18} {info.goal.splitlines()[0][:80]}")
        return 0
    if given.session is None:
        raise UsageError("sessions show takes a session id")
    for info in found:
        if info.id == given.session:
            summary = Path(info.path) / "SUMMARY.md"
            print(summary.read_text(encoding="utf-8") if summary.exists() else info.goal, end="")
            print(f"\nFolder: {info.path}")
            return 0
    raise UsageError(f"there is no session {given.session} in {project}")
