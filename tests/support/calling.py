"""A command line run in this process: the same code as the program's, without its start."""

import io
from collections.abc import Mapping
from contextlib import chdir, redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

import m31a_headless.dispatch  # noqa: F401 - or `main` would freeze what pytest has loaded
from journey import Ended
from m31a_headless.cli import main


def called(*words: str, cwd: Path, env: Mapping[str, str], stdin: str = "") -> Ended:
    """What `m31a-headless WORDS` comes to in a folder, for a person with these variables."""
    with (
        chdir(cwd),
        redirect_stdout(io.StringIO()) as out,
        redirect_stderr(io.StringIO()) as err,
        pytest.MonkeyPatch.context() as patch,
    ):
        for name, value in env.items():
            patch.setenv(name, value)
        patch.setattr("sys.stdin", io.StringIO(stdin))
        code = main(list(words))
    return Ended(code, out.getvalue(), err.getvalue())
