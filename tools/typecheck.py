"""Check all types: mypy over the repository, then over each package's conftest.py.

Those share one module name, which one run of mypy does not admit.
"""

import subprocess
import sys

import workspace


def main() -> int:
    """1 when a run of mypy found something."""
    conftests = [member.folder / "tests" / "conftest.py" for member in workspace.members()]
    runs = [[], *([str(file)] for file in conftests if file.is_file())]
    mypy = [sys.executable, "-m", "mypy", "--no-error-summary"]
    ended = [subprocess.run([*mypy, *run], cwd=workspace.ROOT, check=False) for run in runs]
    return int(any(done.returncode for done in ended))


if __name__ == "__main__":
    sys.exit(main())
