"""What a person is told when the app itself has failed."""

import os
import sys
import traceback
from pathlib import Path

BUG = 70


def tell_of_bug(error: BaseException) -> int:
    """One line on standard error, the traceback in a file; the exit code of a bug of ours."""
    first = error
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    text = " ".join(f"{type(first).__name__}: {first}".split())
    shown = "".join(char if char.isprintable() else "?" for char in text)
    place = _kept("".join(traceback.format_exception(error)))
    print(
        f"m31a: this is a bug in M31A: {shown}; please report it{place};"
        " what the run did is kept: m31a --resume",
        file=sys.stderr,
    )
    return BUG


def _kept(text: str) -> str:
    """Where the traceback was written; empty when it could not be."""
    try:
        folder = Path(os.environ.get("M31A_HOME") or Path.home() / ".m31a") / "logs"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        file = folder / "crash.log"
        file.write_text(text, encoding="utf-8", errors="backslashreplace")
    except (OSError, RuntimeError):
        return ""
    return f" with {file}"
