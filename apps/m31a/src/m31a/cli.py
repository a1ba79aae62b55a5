"""The `m31a` command: a verb is a verb; anything else is for the terminal app."""

import os
import sys

from m31a.__about__ import __version__
from m31a_headless.cli import BUILT, USAGE
from m31a_headless.cli import main as run_headless

PROGRAM = "m31a"
FLAGS = ("--version", "-V", "--help", "-h", "help")


def main(arguments: list[str] | None = None) -> int:
    """Run one command line and return its exit code."""
    words = sys.argv[1:] if arguments is None else arguments
    first = words[0] if words else ""
    if first not in FLAGS and sys.platform == "win32":
        return _refuse("M31A runs on Linux and macOS; on Windows use it inside WSL")
    if first in FLAGS or first in BUILT:
        return run_headless(words, PROGRAM, __version__)
    from m31a.opening import can_be_fullscreen

    if "--plain" in words or not can_be_fullscreen(os.environ):
        from m31a.plain import run_plain

        return run_plain([word for word in words if word != "--plain"])
    from m31a.start import run_on_screen

    return run_on_screen(words)


def _refuse(sentence: str) -> int:
    print(f"{PROGRAM}: {sentence}", file=sys.stderr)
    return USAGE
