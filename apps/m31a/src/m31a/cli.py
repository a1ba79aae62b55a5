"""The `m31a` command: a verb is a verb; anything else is for the terminal app."""

import shlex
import sys

from m31a.__about__ import __version__
from m31a_headless.cli import BUILT, NOT_YET, USAGE
from m31a_headless.cli import main as run_headless

PROGRAM = "m31a"
FLAGS = ("--version", "-V", "--help", "-h", "help")


def main(arguments: list[str] | None = None) -> int:
    """Run one command line and return its exit code."""
    words = sys.argv[1:] if arguments is None else arguments
    first = words[0] if words else ""
    if first not in FLAGS and sys.platform == "win32":
        return _refuse("M31A runs on Linux and macOS; on Windows use it inside WSL")
    if first in FLAGS or first in BUILT or first in NOT_YET:
        return run_headless(words, PROGRAM, __version__)
    return _refuse(without_a_screen(words))


def without_a_screen(words: list[str]) -> str:
    """What to type instead, for a command line that is meant for the terminal app."""
    from m31a_engine import sanitise, suggestion  # heavy, and not needed for a verb or a flag

    match [" ".join(sanitise(word).split()) for word in words]:
        case []:
            rest = 'work on a goal with: m31a run "GOAL", look around with: m31a --help'
        case ["--resume", *ids]:
            rest = f"go on with a session with: {shlex.join(['m31a', 'resume', *ids])}"
        case [option, *_] if option.startswith("-") and option not in {"--", "-"}:
            return f"unknown option {option!r}; {PROGRAM} --help lists what there is"
        case [word]:
            hint = suggestion(word, (*BUILT, *NOT_YET)) if word.isidentifier() else ""
            rest = f"work on this goal with: m31a run {shlex.quote(word)}{hint}"
        case _:
            rest = 'work on a goal with: m31a run "GOAL"'
    return f"the terminal app is not built yet; {rest}"


def _refuse(sentence: str) -> int:
    print(f"{PROGRAM}: {sentence}", file=sys.stderr)
    return USAGE
