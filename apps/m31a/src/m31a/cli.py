"""The `m31a` command: a verb is a verb; anything else is for the terminal app."""

import sys

from m31a_headless.cli import BUILT, NOT_YET
from m31a_headless.cli import main as run_headless

APP_NOT_BUILT = (
    'm31a: the terminal app is not built yet; work on a goal with: m31a run "GOAL", '
    "or look around with: m31a --help"
)


def main(arguments: list[str] | None = None) -> int:
    """Run one command line and return its exit code."""
    words = sys.argv[1:] if arguments is None else arguments
    first = words[0] if words else ""
    flags = {"--version", "-V", "--help", "-h", "help"}
    if first in flags or first in BUILT or first in NOT_YET:
        return run_headless(words, "m31a")
    print(APP_NOT_BUILT, file=sys.stderr)
    return 2
