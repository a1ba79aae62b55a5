"""The `m31a` command: a verb is a verb; anything else is for the terminal app."""

import os
import sys

from m31a.__about__ import __version__
from m31a_headless.cli import USAGE, VERBS
from m31a_headless.cli import main as run_headless

PROGRAM = "m31a"
LOOKS = ("--plain", "--inline")
"""Ways to look that are not the whole screen."""
FLAGS = ("--version", "-V", "--help", "-h", "help")


def main(arguments: list[str] | None = None) -> int:
    """Run one command line and return its exit code."""
    words = sys.argv[1:] if arguments is None else arguments
    first = words[0] if words else ""
    if first not in FLAGS and sys.platform == "win32":
        return _refuse("M31A runs on Linux and macOS; on Windows use it inside WSL")
    if first in FLAGS or first in VERBS:
        return run_headless(arguments, PROGRAM, __version__)
    from m31a.opening import can_be_fullscreen

    end = words.index("--") if "--" in words else len(words)
    asked = {word for word in words[:end] if word in LOOKS}
    rest = [*(word for word in words[:end] if word not in LOOKS), *words[end:]]
    if "--plain" in asked or not can_be_fullscreen(os.environ):
        from m31a.plain import run_plain

        return run_plain(rest)
    from m31a.start import run_on_screen

    return run_on_screen(rest, inline="--inline" in asked)


def _refuse(sentence: str) -> int:
    print(f"{PROGRAM}: {sentence}", file=sys.stderr)
    return USAGE
