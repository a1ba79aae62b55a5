"""`demo [FOLDER]`: the whole way from goal to verified commit, with a recorded model."""

import os
import shlex
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from m31a_engine import Run, demo
from m31a_headless.answers import Policy
from m31a_headless.options import UsageError, parse, parser_of
from m31a_headless.output import remark, say
from m31a_headless.runner import refusals_documented, see_through


def main(program: str, words: list[str]) -> int:
    """Show a run on a small real project; needs no key and no network."""
    parser = parser_of(
        program,
        "demo",
        "[FOLDER] [options]",
        "Make a small project with a failing test and mend it. The model's words are a recording;"
        " git, files, tests, commit and ledger are real.",
        recorded=True,
    )
    options = parse(parser, words)
    if len(options.words) > 1:
        raise UsageError("demo takes one folder")
    folder = Path(options.words[0]) if options.words else None
    if folder is not None and folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is not a folder; name a new one for the demo")
    place: list[Path] = []

    @asynccontextmanager
    async def begin() -> AsyncGenerator[Run]:
        async with demo(folder, os.environ, {}) as shown:
            place.append(shown.folder)
            if not options.quiet:
                remark(
                    f"demo in {shown.folder}; the model's words are a recording played at"
                    f" {shown.address}, everything else is real"
                )
            yield shown.run

    with refusals_documented(options):
        code = see_through(options, Policy(), begin)
    if options.output == "text" and place:
        where = shlex.quote(str(place[0]))
        say(
            "",
            "The model was a recording. Look for yourself:",
            f"  git -C {where} log --stat",
            f"  cd {where} && python3 -m unittest",
        )
    return code
