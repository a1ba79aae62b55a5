"""Hold each distribution to its own coverage floor, `[tool.m31a] coverage-floor` of its manifest.

python tools/floors.py     after `coverage combine`; prints a line each, exit 1 when one is under
"""

import json
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypedDict

import workspace

TOTAL_FLOOR = 90.0


class Summary(TypedDict):
    """What coverage counts in one file."""

    covered_lines: int
    num_statements: int
    covered_branches: int
    num_branches: int


def measured() -> dict[str, Summary]:
    """The summary of each measured file, by its path below the root."""
    with TemporaryDirectory() as folder:
        report = Path(folder) / "coverage.json"
        command = [sys.executable, "-m", "coverage", "json", "--quiet", "-o", str(report)]
        subprocess.run(command, cwd=workspace.ROOT, check=True)
        files = json.loads(report.read_text(encoding="utf-8"))["files"]
    return {name: file["summary"] for name, file in files.items()}


def share(summaries: list[Summary]) -> float:
    """Lines and branches that ran, in percent of those there are."""
    ran = sum(each["covered_lines"] + each["covered_branches"] for each in summaries)
    there = sum(each["num_statements"] + each["num_branches"] for each in summaries)
    return 100.0 * ran / there if there else 100.0


def main() -> int:
    """Print one line a distribution; 1 if one is under its floor."""
    files = measured()
    rows = [
        (
            member.name,
            share([s for name, s in files.items() if name.startswith(prefix)]),
            member.manifest.tool.m31a.coverage_floor,
        )
        for member in workspace.members()
        for prefix in [f"{member.source.relative_to(workspace.ROOT)}/"]
    ]
    rows.append(("everything", share(list(files.values())), TOTAL_FLOOR))
    for name, reached, floor in rows:
        verdict = "" if reached >= floor else "   UNDER ITS FLOOR"
        print(f"{name:20} {reached:6.1f} %   floor {floor:.0f} %{verdict}")
    return int(any(reached < floor for _, reached, floor in rows))


if __name__ == "__main__":
    sys.exit(main())
