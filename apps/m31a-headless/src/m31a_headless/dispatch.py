"""Run one verb and turn whatever comes out of it into one line and an exit code."""

import os
import sys
import traceback
from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

from m31a_engine.errors import (
    BudgetSpent,
    EngineError,
    LimitReached,
    ProviderFailed,
    WaitingForApproval,
)
from m31a_headless.exit_codes import (
    BUG,
    DENIED,
    INTERRUPTED,
    LIMIT,
    NOT_VERIFIED,
    PROVIDER,
    USAGE,
)
from m31a_headless.options import UsageError


class Verb(Protocol):
    """A module of `verbs`: one verb."""

    def main(self, program: str, words: list[str]) -> int:
        """Run the verb and return the exit code."""
        ...


def run_verb(program: str, verb: str, words: list[str]) -> int:
    """The exit code of a verb; no traceback reaches the user."""
    try:
        module = cast(Verb, import_module(f"m31a_headless.verbs.{verb}"))
        return module.main(program, words)
    except UsageError as exc:
        return _fail(program, str(exc), f"{program} {verb} --help", USAGE)
    except EngineError as exc:
        return _fail(program, exc.message, exc.remedy, code_of(exc))
    except KeyboardInterrupt:
        print(f"{program}: interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of our output is gone; nothing is left to tell and nobody to tell it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return NOT_VERIFIED
    except OSError as exc:
        return _fail(program, f"{exc.filename or 'the system'}: {exc.strerror or exc}", "", 1)
    except Exception as exc:
        place = _log(traceback.format_exc())
        text = f"this is a bug in M31A: {type(exc).__name__}: {exc}"
        return _fail(program, text, f"please report it{place}", BUG)


def code_of(error: EngineError) -> int:
    """The exit code of an error that ended a verb before a run could say its outcome."""
    match error:
        case ProviderFailed():
            return PROVIDER
        case BudgetSpent() | LimitReached():
            return LIMIT
        case WaitingForApproval():
            return DENIED
        case _:
            return USAGE


def _fail(program: str, text: str, remedy: str, code: int) -> int:
    line = f"{program}: {text}" + (f"; {remedy}" if remedy else "")
    print(" ".join(line.split()), file=sys.stderr)
    return code


def _log(text: str) -> str:
    """Keep a traceback; says where, or nothing when it cannot be kept."""
    try:
        folder = Path(os.environ.get("M31A_HOME") or Path.home() / ".m31a") / "logs"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        file = folder / "crash.log"
        file.write_text(text, encoding="utf-8")
    except (OSError, RuntimeError):
        return ""
    return f" with {file}"
