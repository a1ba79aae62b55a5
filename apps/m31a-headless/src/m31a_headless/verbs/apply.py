"""`apply SESSION`: land what a session has left on its branch."""

from m31a_engine import completed
from m31a_engine.desk.applying import Applied
from m31a_headless.looking import Looking, looking_at
from m31a_headless.options import UsageError, add_allow
from m31a_headless.output import remark, say


def main(program: str, words: list[str]) -> int:
    """Land a session's verified commit; 1 when it cannot land."""
    parser = looking_at(
        program,
        "apply",
        "Bring a session's verified commit onto your branch. Nothing of yours is touched unless"
        " all of it can land.",
    )
    parser.add_argument("session", nargs="?", help="an id, or the beginning of one")
    add_allow(parser)
    parser.add_argument(
        "--trust-project", action="store_true", help="let its commit hooks have their say, once"
    )
    look = Looking.of(parser, words)
    if not look.given.session:
        raise UsageError("which session? `sessions list` shows those there are")
    desk = look.desk(trusted=True if look.given.trust_project else None)
    session = desk.sessions.named(look.given.session).id
    applied = completed(lambda: desk.applying.apply(session, look.given.allow))
    if look.json:
        look.print(applied)
    else:
        _tell(applied)
        for text in applied.ignored:
            remark(text)
    return 0 if applied.landed else 1


def _tell(applied: Applied) -> None:
    commit = applied.commit[:12]
    if applied.landed:
        say(f"{commit} " + ("is on your branch already" if applied.already else "has landed"))
        return
    say(f"{commit} could not land: {applied.reason}", *(f"  {path}" for path in applied.paths))
    remark(f"nothing was changed; to merge it: {applied.command}")
