"""Figures of m31a-ledger: statistics against a bare split, appends against the ledger's size.

Prints ratios, so that machines can be compared; exits 1 when a promise is not kept.
Run it with `python tools/bench/bench_ledger.py`.
"""

import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from statistics import median

from m31a_ledger import LedgerEntry, LedgerStore, recall, summarise
from m31a_ledger.table import HEADER, PREFACE, read_page, row_of

ROWS = 100_000
SIZES = (10, 1_000, ROWS)
MOST_OVER_SPLIT = 5.0
MOST_OVER_SMALL = 2.0


def sample(number: int, random: Random) -> LedgerEntry:
    """A row as runs leave them; one in ten needs escapes."""
    return LedgerEntry(
        session=f"2026-{number:08d}",
        at=f"2026-{1 + number % 12:02d}-{1 + number % 28:02d}T10:00:00Z",
        project="shop",
        project_type=random.choice(("python", "node", "go", "")),
        framework=random.choice(("django", "react", "")),
        provider="openrouter",
        model=random.choice(("acme/large", "acme/small")),
        mode="auto",
        complexity=random.choice(("simple", "complex")),
        tasks=random.randrange(9),
        failed=random.randrange(2),
        cost_usd=random.choice((None, random.random())),
        duration_s=random.random() * 1000,
        commits=2,
        outcome="shipped",
        keywords=("retry", "limit", f"word{number % 500}"),
        failures=("tests failed", "lint: 2 | 3") if number % 10 == 0 else (),
    )


def cpu_s(action: Callable[[], object], repeats: int = 3) -> float:
    """The least CPU time of `action` in seconds."""
    times = []
    for _ in range(repeats):
        start = time.process_time()
        action()
        times.append(time.process_time() - start)
    return min(times)


def append_times_s(rows: list[str], folder: Path) -> dict[int, float]:
    """The median wall time of an append to ledgers of each size, measured in turn."""
    stores = {}
    for size in SIZES:
        path = folder / f"{size}.md"
        path.write_text(PREFACE + HEADER + "".join(rows[:size]))
        stores[size] = LedgerStore(path)
        stores[size].append(LedgerEntry(session="first", at=""))
    times: dict[int, list[float]] = {size: [] for size in SIZES}
    for number in range(200):
        for size, store in stores.items():
            start = time.perf_counter()
            # A new store each time: nothing may be remembered in the process.
            LedgerStore(store.path).append(LedgerEntry(session=f"new-{number}", at=""))
            times[size].append(time.perf_counter() - start)
    return {size: median(of) for size, of in times.items()}


def bare_append_s(folder: Path) -> float:
    """The median wall time of adding a line and an fsync, with nothing around it."""
    times = []
    with (folder / "bare").open("ab", buffering=0) as file:
        for _ in range(200):
            start = time.perf_counter()
            file.write(b"x" * 200 + b"\n")
            os.fsync(file.fileno())
            times.append(time.perf_counter() - start)
    return median(times)


def main() -> int:
    """Measure, print, judge."""
    random = Random(31)
    entries = [sample(number, random) for number in range(ROWS)]
    rows = [row_of(entry) for entry in entries]
    text = PREFACE + HEADER + "".join(rows)

    split_s = cpu_s(lambda: [line.split("|") for line in text.split("\n")])
    stats_s = cpu_s(lambda: summarise(read_page(text).entries))
    recall_s = cpu_s(lambda: recall(entries, "retry the word7 limit", project_type="go"))
    over_split = stats_s / split_s
    print(f"{ROWS} rows, {len(text) / 1e6:.1f} MB")
    print(f"bare split of the bytes   {split_s * 1e3:8.1f} ms CPU")
    print(f"read and summarise        {stats_s * 1e3:8.1f} ms CPU  {over_split:5.2f} x the split")
    print(f"recall                    {recall_s * 1e3:8.1f} ms CPU")

    with tempfile.TemporaryDirectory() as name:
        bare_s = bare_append_s(Path(name))
        times_s = append_times_s(rows, Path(name))
    print(f"bare line with fsync      {bare_s * 1e3:8.3f} ms")
    for size, time_s in times_s.items():
        print(f"append to {size:7d} rows    {time_s * 1e3:8.3f} ms  {time_s / bare_s:5.2f} x bare")
    over_small = times_s[SIZES[-1]] / times_s[SIZES[0]]
    print(f"largest over smallest     {over_small:8.2f} x")

    kept = over_split <= MOST_OVER_SPLIT and over_small <= MOST_OVER_SMALL
    print("kept" if kept else f"NOT KEPT: at most {MOST_OVER_SPLIT} x and {MOST_OVER_SMALL} x")
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
