"""`replay SESSION`: a session's tree rebuilt from its journal and compared."""

from m31a_engine import completed
from m31a_engine.desk.replay import Piece, Replayed
from m31a_headless.looking import Looking, looking_at
from m31a_headless.output import one_line, say


def main(program: str, words: list[str]) -> int:
    """Rebuild a session's final tree from its journal; 0 when it is the very same."""
    parser = looking_at(
        program,
        "replay",
        "Make a session's file changes again from its journal, in a work tree of their own, and"
        " compare the result with what was committed. Nothing is run and no model is asked: what"
        " commands and hooks changed is taken from the trees that were noted then, and is named.",
    )
    parser.add_argument("session", nargs="?", help="default: the newest")
    look = Looking.of(parser, words)
    desk = look.desk()
    session = desk.sessions.named(look.given.session).id
    replayed = completed(lambda: desk.replaying.replay(session))
    if look.json:
        look.print(replayed)
    else:
        _tell(replayed)
    return 0 if replayed.same else 1


def _tell(replayed: Replayed) -> None:
    partly = "incomplete" if replayed.explained else "different"
    word = "same" if replayed.same else partly
    say(f"{word}: {replayed.session}, commit {replayed.commit[:12]}, tree {replayed.tree[:12]}")
    for piece in replayed.pieces:
        say(*_lines(piece))
    if replayed.explained and not replayed.same:
        say("What differs stands where commands ran, and what they left is not on record.")


def _lines(piece: Piece) -> list[str]:
    word = "same" if piece.same else "differs"
    lines = [f"{word:9} {piece.key}: {piece.calls} changes"]
    lines += [f"command   {one_line(command)}" for command in piece.commands]
    lines += [f"restored  {path}" for path in piece.restored]
    lines += [f"differs   {path}" for path in piece.differing]
    lines += [f"trouble   {one_line(text)}" for text in piece.trouble]
    return lines
