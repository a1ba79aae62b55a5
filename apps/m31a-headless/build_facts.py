"""Write the commit and its date into sdist and wheel, for `--version`."""

import subprocess
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

MODULE = "src/m31a_headless/_build.py"


class BuildFactsHook(BuildHookInterface[Any]):
    """Ask git when building from the checkout; an sdist carries the answer along."""

    PLUGIN_NAME = "custom"
    scratch: tempfile.TemporaryDirectory[str] | None = None

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the module; nothing for an editable install or outside of the repository."""
        root = Path(self.root)
        checkout = root.parent.parent
        if version == "editable" or (root / MODULE).exists() or not (checkout / ".git").exists():
            return
        commit = _git(checkout, "describe", "--always", "--abbrev=12", "--dirty", "--exclude=*")
        date = _git(checkout, "log", "-1", "--format=%cs")
        if not (commit and date):
            return
        self.scratch = tempfile.TemporaryDirectory()
        file = Path(self.scratch.name) / "_build.py"
        file.write_text(
            f'"""What this was built from."""\n\nCOMMIT = "{commit}"\nDATE = "{date}"\n',
            encoding="utf-8",
        )
        where = MODULE if self.target_name == "sdist" else MODULE.removeprefix("src/")
        build_data["force_include"][str(file)] = where

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:  # noqa: ARG002
        """Remove the scratch file."""
        if self.scratch is not None:
            self.scratch.cleanup()


def _git(checkout: Path, *words: str) -> str:
    """What git says, or nothing when it is missing or fails."""
    try:
        done = subprocess.run(
            ["git", *words], cwd=checkout, capture_output=True, text=True, check=False
        )
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
