"""`demo [FOLDER]`: the whole way from goal to verified commit, with a recorded model."""

import os
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from m31a_engine import Run, demo
from m31a_headless.answers import Policy
from m31a_headless.options import UsageError, parse, parser_of
from m31a_headless.runner import see_through


def main(program: str, words: list[str]) -> int:
    """Show a run on a small real project; needs no key and no network."""
    parser = parser_of(
        program,
        "demo",
        "[FOLDER] [options]",
        "Make a small project with a failing test and mend it. The model's words are a recording;"
        " git, files, tests, commit and ledger are real.",
    )
    options = parse(parser, words)
    if len(options.words) > 1:
        raise UsageError("demo takes one folder")
    folder = Path(options.words[0]) if options.words else None
    place: list[Path] = []

    @asynccontextmanager
    async def begin() -> AsyncGenerator[Run]:
        async with demo(folder, os.environ, {}) as shown:
            place.append(shown.folder)
            print(
                f"m31a: demo in {shown.folder}; the model's words are a recording played at"
                f" {shown.address}, everything else is real",
                file=sys.stderr,
            )
            yield shown.run

    code = see_through(options, Policy(), begin)
    if options.output == "text" and place:
        print(
            f"\nThe model was a recording. Look for yourself:\n"
            f"  git -C {place[0]} log --stat\n"
            f"  cd {place[0]} && python3 -m unittest"
        )
    return code
