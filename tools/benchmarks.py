"""Run the measurements of tools/bench/ one after another; they print ratios and assert none.

python tools/benchmarks.py              all
python tools/benchmarks.py NAME ...     some: bench_NAME.py
"""

import subprocess
import sys

import workspace

FOLDER = workspace.ROOT / "tools" / "bench"


def main(words: list[str]) -> int:
    """Run those that are named, or all; 1 when one could not be run to its end."""
    known = {file.stem.removeprefix("bench_"): file for file in sorted(FOLDER.glob("bench_*.py"))}
    unknown = [word for word in words if word not in known]
    if unknown:
        known_names = ", ".join(known)
        print(f"m31a: no benchmark {unknown[0]!r}; known: {known_names}", file=sys.stderr)
        return 2
    failed = 0
    for name in words or known:
        print(f"== {name}", flush=True)
        failed |= subprocess.run([sys.executable, known[name]], check=False).returncode != 0
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
