"""The standard streams as they really are: closed, full, gone, or not able to hold a letter."""

import os
import sys
from io import TextIOWrapper


def forgive_letters() -> None:
    """Write letters that a stream's encoding lacks as escapes instead of failing on them."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def discard_output() -> None:
    """Let what is still written to standard output vanish: its reader is gone, or its disk full."""
    try:
        output = sys.stdout.fileno()
    except (AttributeError, ValueError):  # closed, or no file of the system
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, output)
    os.close(nowhere)


def on_terminal() -> bool:
    """Whether standard output is a terminal, which obeys what it is shown."""
    return sys.stdout is not None and sys.stdout.isatty()


def standard_input() -> str:
    """All of standard input; nothing when it is closed.

    Raises:
        ValueError: it is not text in UTF-8.
    """
    return sys.stdin.read() if sys.stdin is not None else ""
