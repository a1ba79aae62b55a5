"""Run one verb and turn whatever comes out of it into one line and an exit code."""

import sys
from importlib import import_module
from typing import Protocol, cast

from m31a_engine import EngineError, sanitise
from m31a_headless.crash import kept_traceback
from m31a_headless.exit_codes import BUG, NOT_VERIFIED, USAGE, VERIFIED, exit_code_of_error
from m31a_headless.options import UsageError
from m31a_headless.streams import forgive_letters


class Verb(Protocol):
    """A module of `verbs`: one verb."""

    def main(self, program: str, words: list[str]) -> int:
        """Run the verb and return the exit code."""
        ...


def run_verb(program: str, verb: str, words: list[str]) -> int:
    """The exit code of a verb; no traceback reaches the user.

    Raises:
        KeyboardInterrupt: the person pressed Ctrl-C while no run was there to be told.
        BrokenPipeError: the reader of the output is gone.
    """
    forgive_letters()
    try:
        module = cast(Verb, import_module(f"m31a_headless.verbs.{verb}"))
        return module.main(program, words)
    except SystemExit as exc:  # argparse, after it has printed the help
        return exc.code if isinstance(exc.code, int) else VERIFIED
    except UsageError as exc:
        return _fail(program, str(exc), f"{program} {verb} --help", USAGE)
    except EngineError as exc:
        return _fail(program, exc.message, exc.remedy, exit_code_of_error(exc))
    except BrokenPipeError:
        raise
    except OSError as exc:
        place = exc.filename or "the system refused"
        return _fail(program, f"{place}: {exc.strerror or exc}", "", NOT_VERIFIED)
    except Exception as exc:
        text = f"this is a bug in M31A: {type(exc).__name__}: {exc}"
        return _fail(program, text, f"please report it{kept_traceback(exc)}", BUG)


def _fail(program: str, text: str, remedy: str, code: int) -> int:
    line = f"{program}: {text}" + (f"; {remedy}" if remedy else "")
    print(" ".join(sanitise(line).split()), file=sys.stderr)
    return code
