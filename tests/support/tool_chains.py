"""Programs of other languages, as they are on this machine."""

import functools
import os
import shutil
import subprocess
from pathlib import Path

import pytest


def rust_homes() -> dict[str, str]:
    """Where Rust's programs find their own files, with another home."""
    home = Path.home()
    return {
        "CARGO_HOME": os.environ.get("CARGO_HOME", str(home / ".cargo")),
        "RUSTUP_HOME": os.environ.get("RUSTUP_HOME", str(home / ".rustup")),
    }


def require_program(name: str) -> None:
    """Skip the test, and say why, where a program is missing or does not run."""
    reason = _why_not(name)
    if reason:
        pytest.skip(reason)


@functools.cache
def _why_not(name: str) -> str:
    if shutil.which(name) is None:
        return f"{name} is not installed: nothing of its projects can be checked"
    asked = [name, "version" if name == "go" else "--version"]
    # A `cargo` of rustup's stands on PATH also where no tool chain belongs to it.
    done = subprocess.run(asked, capture_output=True, encoding="utf-8", timeout=60, check=False)
    if done.returncode == 0:
        return ""
    return f"{name} does not run here: {' '.join(done.stderr.split())[:200]}"
