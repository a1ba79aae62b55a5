"""`doctor`: what is here, what is missing, and what that means."""

import os
import platform
import shutil

from m31a_engine import home_folder
from m31a_headless.options import Parser

PROGRAMS = {
    "git": "needed for everything",
    "bash": "commands run in sh without it",
    "rg": "searching is slower without it",
    "bwrap": "for the sandbox, which is not built yet",
}


def main(program: str, words: list[str]) -> int:
    """Look around; 1 when something that is needed is missing."""
    Parser(prog=f"{program} doctor", description="What is here.").parse_args(words)
    print(f"Python    {platform.python_version()} on {platform.system()}")
    print(f"home      {home_folder(os.environ)}")
    for name, why in PROGRAMS.items():
        print(f"{name:9} {shutil.which(name) or f'missing: {why}'}")
    return 0 if shutil.which("git") else 1
