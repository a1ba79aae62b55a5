"""Prints what an edit of a big file costs in m31a-tools, beside what cannot be done without.

    python tools/bench/bench_tools_edit.py

The whole call is measured: reading, matching, the diff, writing to the disk. Beside it stands
the same file read, changed by `bytes.replace` and written with a rename and two syncs. Each figure
is the best of several rounds. It ends with exit code 1 when a goal is missed: an exact edit of
1 MB within 20 ms, of 10 MB within 200 ms.
"""

import os
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import anyio

from m31a_tools import CallFailed, Edit, Workspace
from m31a_tools.edit_file import EditArgs

ROUNDS = 11
GOALS_MS = {1: 20.0, 10: 200.0}


def content(megabytes: int, end: str = "\n") -> str:
    """Lines like those of code, each there once."""
    size = megabytes * 1_000_000
    lines = (
        f"    value_{i} = compute({i}, 'some text')  # line {i}{end}" for i in range(size // 50)
    )
    return "".join(lines)[:size].rpartition(end)[0] + end


async def best_ms(prepare: Callable[[], object], work: Callable[[], Awaitable[object]]) -> float:
    """Milliseconds of the work at its best."""
    best = float("inf")
    for _ in range(ROUNDS):
        prepare()
        began = time.perf_counter()
        await work()
        best = min(best, time.perf_counter() - began)
    return best * 1000


def bare(file: Path, old: bytes, new: bytes) -> None:
    """The least that a safe edit must do."""
    data = file.read_bytes()
    other = file.with_suffix(".new")
    with other.open("wb") as out:
        out.write(data.replace(old, new, 1))
        out.flush()
        os.fsync(out.fileno())
    other.replace(file)
    folder = os.open(file.parent, os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)


async def edited(workspace: Workspace, old: str, new: str) -> None:
    """One call; a refusal is an outcome, too."""
    try:
        await Edit().run(EditArgs(path="file.py", old_string=old, new_string=new), workspace)
    except CallFailed:
        return


async def measure(megabytes: int, root: Path) -> bool:
    """Print the figures for one size; whether the goal is met."""
    workspace = Workspace(root=root)
    file = root / "file.py"
    first = megabytes * 10_000
    lines = [f"    value_{i} = compute({i}, 'some text')  # line {i}" for i in (first, first + 1)]
    exact = "\n".join(lines)
    shifted = "\n".join(line.strip() for line in lines)
    unix, windows = content(megabytes), content(megabytes, "\r\n")
    ways = {
        "exact": (unix, exact),
        "exact, \\r\\n": (windows, exact),
        "other indentation": (unix, shifted),
        "not there": (unix, exact.replace("compute", "computed")),
    }

    async def barely() -> None:
        bare(file, lines[0].encode(), lines[1].encode())

    base = await best_ms(lambda: file.write_text(unix), barely)
    print(f"{megabytes:3} MB  {'bytes.replace':18} {base:8.1f} ms")
    met = True
    for name, (text, old) in ways.items():

        def prepare(text: str = text) -> None:
            file.write_text(text, newline="")
            workspace.seen.clear()

        work = partial(edited, workspace, old, old.replace("some", "other"))
        took = await best_ms(prepare, work)
        goal = GOALS_MS[megabytes] if name.startswith("exact") else None
        met &= goal is None or took <= goal
        told = f"  (goal {goal:g} ms)" if goal is not None else ""
        print(f"{megabytes:3} MB  {name:18} {took:8.1f} ms  {took / base:5.1f} x{told}")
    return met


async def compare() -> bool:
    """Measure every size; whether all goals are met."""
    met = True
    with tempfile.TemporaryDirectory() as folder:
        for size in GOALS_MS:
            met &= await measure(size, Path(folder))
    return met


def main() -> int:
    """Print the table; 0 when every goal is met."""
    met = anyio.run(compare)
    print("all goals met" if met else "a goal was missed")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
