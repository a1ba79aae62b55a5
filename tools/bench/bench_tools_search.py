"""Glob and Grep of m31a-tools on 100 000 files, next to ripgrep, git, fd and bare Python.

Prints the least of a few rounds in turn, with a warm cache, and ratios of CPU time, children
included: they hold on a busy machine as well. Compares the results as sets; exits 1 when they
differ or a promise is not kept. A program that is not installed is passed over, and named.

python tools/bench/bench_tools_search.py [FILES [ROUNDS]]
"""

import math
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import anyio
import anyio.to_thread

from m31a_tools import Glob, Workspace
from m31a_tools.search import Query, search

IN_A_FOLDER = 100
PATTERN = "needle"
EXPRESSION = r"def needle_\d+\("
GITIGNORE = "*.pyc\n*.log\n*.tmp\n.venv/\nnode_modules/\n/build/\ndist\n.cache\n*.egg-info/\n"
RG_WORDS = ["--hidden", "--glob=!.git", "-nH", "--no-heading", "--color=never"]
NOT_THERE = "not installed"

Lines = set[tuple[str, int]]
Action = Callable[[], Awaitable[set[str] | Lines]]


@dataclass(slots=True)
class Row:
    """One way to get a result, and what it took."""

    title: str
    action: Action
    cpu_s: float = math.inf
    wall_s: float = math.inf
    result: set[str] | Lines = field(default_factory=set)

    async def run(self) -> None:
        """Do it once more; the least times stay."""
        cpu_s, wall_s = _cpu_s(), time.perf_counter()
        self.result = await self.action()
        self.cpu_s = min(self.cpu_s, _cpu_s() - cpu_s)
        self.wall_s = min(self.wall_s, time.perf_counter() - wall_s)


def _cpu_s() -> float:
    """CPU time so far, of this process and of children that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


@dataclass(frozen=True, slots=True)
class Promise:
    """At most so many times another row."""

    mine: str
    theirs: str
    at_most: float


def plant(root: Path, files: int) -> None:
    """A repository of small files: 1 in 10 is Python, 1 in 100 has a needle, some are ignored."""
    random = Random(31)
    words = [f"word{number}" for number in range(500)]
    (root / ".gitignore").write_text(GITIGNORE, encoding="utf-8")
    for start in range(0, files, IN_A_FOLDER):
        number = start // IN_A_FOLDER
        folder = root / f"area{number % 20}" / f"part{number}"
        folder.mkdir(parents=True)
        for each in range(start, min(start + IN_A_FOLDER, files)):
            lines = [" ".join(random.choices(words, k=8)) for _ in range(12)]
            if each % 100 == 7:
                lines[random.randrange(12)] = f"def needle_{each}():"
            name = f"file{each}.{'py' if each % 10 == 7 else 'txt'}"
            (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    (root / "build").mkdir()
    (root / "build" / "out.py").write_text("def needle_0(): ignored\n", encoding="utf-8")
    for words_ in (["init", "-q"], ["add", "."]):
        subprocess.run(["git", *words_], cwd=root, check=True)


def program(root: Path, argv: list[str], read: Callable[[bytes], set[str] | Lines]) -> Action:
    """Runs another program and reads its output."""

    async def run() -> set[str] | Lines:
        done = await anyio.run_process(argv, cwd=root)
        return read(done.stdout)

    return run


def paths(output: bytes) -> set[str]:
    """Paths, one a line."""
    return {os.fsdecode(line.removeprefix(b"./")) for line in output.splitlines()}


def lines(output: bytes) -> Lines:
    """`path:number:text`, one a line."""
    parts = (line.split(b":", 2) for line in output.splitlines())
    return {(os.fsdecode(path.removeprefix(b"./")), int(number)) for path, number, _ in parts}


def scan(root: Path) -> Iterable[str]:
    """All files, by a bare walk that knows no ignored ones but the folder it must not enter."""
    stack = [str(root)]
    while stack:
        with os.scandir(stack.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    if entry.name not in (".git", "build"):
                        stack.append(entry.path)
                else:
                    yield entry.path


def bare_walk(root: Path) -> set[str]:
    """Python files by `os.scandir` and a regular expression."""
    matches = re.compile(r".*\.py\Z").match
    skipped = len(str(root)) + 1
    return {path[skipped:] for path in scan(root) if matches(path)}


def bare_read(root: Path) -> Lines:
    """Every file's bytes read once and looked through for a word."""
    skipped = len(str(root)) + 1
    found: Lines = set()
    word = PATTERN.encode()
    for path in scan(root):
        with open(path, "rb") as file:  # noqa: PTH123 - the barest way
            data = file.read()
        if word in data:
            numbered = enumerate(data.split(b"\n"), 1)
            found |= {(path[skipped:], number) for number, line in numbered if word in line}
    return found


def glob_rows(root: Path, workspace: Workspace) -> list[Row]:
    """Ways to list `*.py`."""
    tool = Glob(max_results=1_000_000)

    async def glob() -> set[str]:
        result = await tool.run(tool.args_type(pattern="**/*.py"), workspace)
        return set(result.for_model.split("\n"))

    async def walk() -> set[str]:
        # In a thread, as the tools themselves do it.
        return await anyio.to_thread.run_sync(bare_walk, root)

    rows = [Row("bare os.scandir walk", walk), Row("Glob", glob)]
    others = (
        ("git ls-files", ["git", "ls-files", "*.py"]),
        ("rg --files", ["rg", "--files", "--hidden", "-g", "!.git", "-g", "*.py"]),
        ("fd", [shutil.which("fdfind") or "fd", "-H", "-t", "f", "-e", "py"]),
    )
    return rows + _installed(root, others, paths)


def grep_rows(root: Path, workspace: Workspace, pattern: str) -> list[Row]:
    """Ways to find the lines of `pattern`."""

    def ours(ripgrep: str) -> Action:
        async def grep() -> Lines:
            found = await search(Query(pattern), workspace, ripgrep=ripgrep)
            return {(hit.path, hit.line) for hit in found.hits}

        return grep

    async def read() -> Lines:
        return await anyio.to_thread.run_sync(bare_read, root)

    rows = [Row("bare read of each file", read), Row("Grep without ripgrep", ours(""))]
    ripgrep = shutil.which("rg")
    if ripgrep is not None:
        rows.append(Row("Grep with ripgrep", ours(ripgrep)))
    others = (
        ("rg", ["rg", *RG_WORDS, pattern, "./"]),
        ("git grep", ["git", "grep", "-nP", pattern]),
    )
    return rows + _installed(root, others, lines)


def _installed(
    root: Path,
    others: Iterable[tuple[str, list[str]]],
    read: Callable[[bytes], set[str] | Lines],
) -> list[Row]:
    rows = []
    for title, argv in others:
        if shutil.which(argv[0]) is None:
            print(f"{title:24} {NOT_THERE}")
        else:
            rows.append(Row(title, program(root, argv, read)))
    return rows


async def measure(title: str, rows: list[Row], rounds: int, promises: list[Promise]) -> bool:
    """Run all rows in turn, print them next to the first; whether the promises are kept."""
    for _ in range(rounds):
        for row in rows:
            await row.run()
    print(f"-- {title}")
    kept = True
    for row in rows:
        same = row.result == rows[0].result
        kept &= same
        words = "" if same else f"  NOT THE SAME: {len(row.result ^ rows[0].result)} differ"
        ratio = row.cpu_s / rows[0].cpu_s
        print(
            f"{row.title:24} {row.cpu_s * 1e3:7.1f} ms CPU  {row.wall_s * 1e3:7.1f} ms"
            f"  {ratio:5.2f} x{words}"
        )
    by_title = {row.title: row.cpu_s for row in rows}
    for promise in promises:
        if {promise.mine, promise.theirs} <= by_title.keys():
            ratio = by_title[promise.mine] / by_title[promise.theirs]
            kept &= ratio <= promise.at_most
            verdict = "kept" if ratio <= promise.at_most else "NOT KEPT"
            print(
                f"   {promise.mine} is {ratio:.2f} x {promise.theirs}"
                f" (goal <= {promise.at_most}): {verdict}"
            )
    return kept


def main(words: list[str]) -> int:
    """Plant, measure, judge."""
    files = int(words[0]) if words else 100_000
    rounds = int(words[1]) if words[1:] else 5
    grep_promises = [
        Promise("Grep with ripgrep", "rg", 1.3),
        Promise("Grep without ripgrep", "bare read of each file", 1.2),
        Promise("Grep without ripgrep", "git grep", 5.0),
    ]
    with tempfile.TemporaryDirectory() as name:
        root = Path(name).resolve() / "tree"
        root.mkdir()
        plant(root, files)
        workspace = Workspace(root=root)
        tables: list[tuple[str, list[Row], list[Promise]]] = [
            (
                f"**/*.py among {files} files",
                glob_rows(root, workspace),
                [Promise("Glob", "bare os.scandir walk", 1.3)],
            ),
            (f"the word {PATTERN}", grep_rows(root, workspace, PATTERN), grep_promises),
            (f"the expression {EXPRESSION}", grep_rows(root, workspace, EXPRESSION), []),
        ]
        kept = [anyio.run(measure, title, rows, rounds, goals) for title, rows, goals in tables]
    return 0 if all(kept) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
