"""What a person is told when the app itself has failed."""

import sys

from m31a_headless.crash import kept_traceback

BUG = 70


def tell_of_bug(error: BaseException) -> int:
    """One line on standard error, the traceback in a file; the exit code of a bug of ours."""
    first = error
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    text = " ".join(f"{type(first).__name__}: {first}".split())
    shown = "".join(char if char.isprintable() else "?" for char in text)
    print(
        f"m31a: this is a bug in M31A: {shown}; please report it{kept_traceback(error)};"
        " what the run did is kept: m31a --resume",
        file=sys.stderr,
    )
    return BUG
