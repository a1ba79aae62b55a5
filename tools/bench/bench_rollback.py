"""Prints what m31a-rollback costs beside bare git processes that do the same, in one run.

    python tools/bench/bench_rollback.py

Each figure is the median of rounds in which ours and bare git take turns, on repositories of one
shape in a temporary folder: 500 files, a commit that changes 50 of them, a dirty file. Bare git
checks nothing and can be killed into a half-done state; ours reads trust, holds locks, syncs what
it writes and leaves a way back. The last lines show how landing and status grow with the project.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from itertools import count
from pathlib import Path
from statistics import median

import anyio

from m31a_rollback import Landed, Landing, Repository, WorkTree, bisect
from m31a_rollback.testing import Project

ROUNDS = 9
FILES, CHANGED, COMMITS = 500, 50, 64

Act = Callable[[], Awaitable[object]]
Pair = tuple[str, Act, Callable[[], object]]


def project_of(folder: Path, files: int) -> tuple[Project, str, str]:
    """A project with its base and a commit of a run; one file is changed and not committed."""
    project = Project.make(folder)
    for number in range(files):
        project.write(f"part{number % 20}/file{number}.txt", f"line {number}\n" * 40)
    base = project.commit("Start")
    for number in range(CHANGED):
        project.write(f"part{number % 20}/file{number}.txt", f"new {number}\n" * 40)
    commit = project.commit("Work")
    project.git("update-ref", "refs/heads/run", commit)
    project.git("reset", "-q", "--hard", base)
    project.write(f"part0/file{files - 20}.txt", "mine\n")
    return project, base, commit


def back(project: Project, base: str) -> None:
    """The project as it was before a landing."""
    dirty = [line[3:] for line in project.git("status", "--porcelain").splitlines()]
    kept = {path: project.read(path) for path in dirty}
    project.git("reset", "-q", "--hard", base)
    for path, text in kept.items():
        project.write(path, text)
    project.git("update-index", "--refresh", check=False)


async def keep(landing: Landing) -> None:
    """Where a program would note its intention."""
    landing.to_json()


async def land(project: Project, base: str, commit: str) -> None:
    """A landing, from nothing known to done."""
    repository = await Repository.open(project.root, trusted=True)
    done = await repository.land(await repository.plan_landing(base, commit), intend=keep)
    assert isinstance(done, Landed), done


def pairs(project: Project, base: str, commit: str, trees: Path) -> list[Pair]:
    """What is measured: its name, ours, and bare git."""
    names = count()

    async def status() -> None:
        await (await Repository.open(project.root)).status()

    def bare_status() -> None:
        project.git("rev-parse", "--show-toplevel", "--absolute-git-dir", "--git-common-dir")
        project.git("status", "--porcelain=v2", "--branch", "-z")

    async def diff() -> None:
        await (await Repository.open(project.root)).diff(base, commit)

    async def work_tree() -> None:
        repository = await Repository.open(project.root)
        await (await repository.worktree(trees / str(next(names)), commit)).remove()

    def bare_work_tree() -> None:
        place = str(trees / str(next(names)))
        project.git("worktree", "add", "--quiet", "--detach", place, commit)
        project.git("worktree", "remove", "--force", place)

    async def snapshot() -> None:
        await (await Repository.open(project.root)).snapshot()

    return [
        ("open and status", status, bare_status),
        (
            f"diff of {CHANGED} files",
            diff,
            lambda: project.git("diff", "--raw", "--numstat", "--patch", base, commit),
        ),
        ("work tree made and removed", work_tree, bare_work_tree),
        ("snapshot (stash create)", snapshot, lambda: project.git("stash", "create")),
        (
            f"landing of {CHANGED} files (merge)",
            lambda: land(project, base, commit),
            lambda: project.git("merge", "-q", "--ff-only", commit),
        ),
    ]


async def compare(name: str, act: Act, bare: Callable[[], object], reset: Act) -> None:
    """Print one line: ours, bare git, and the ratio."""
    ours_s, bare_s = [], []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        await act()
        ours_s.append(time.perf_counter() - began)
        await reset()
        began = time.perf_counter()
        bare()
        bare_s.append(time.perf_counter() - began)
        await reset()
    ours, theirs = median(ours_s) * 1e3, median(bare_s) * 1e3
    print(f"  {name:32} {ours:7.1f} ms   git {theirs:7.1f} ms   {ours / theirs:5.2f} x")


async def compare_bisect(folder: Path) -> None:
    """Print the search for a planted commit beside `git bisect run`, with a check that greps."""
    project = Project.make(folder)
    project.commit("Start", file__txt="0\n")
    commits = [project.commit(f"c{n}", file__txt=f"{n}\n") for n in range(1, COMMITS + 1)]
    bad = COMMITS * 2 // 3
    script = f'test "$(cat file.txt)" -lt {bad}'

    async def is_good(tree: WorkTree) -> bool:
        done = await anyio.run_process(["sh", "-c", script], cwd=tree.path, check=False)
        return done.returncode == 0

    began = time.perf_counter()
    found = await bisect(await Repository.open(folder), commits[0], commits[-1], is_good)
    middle = time.perf_counter()
    project.git("bisect", "start", commits[-1], commits[0])
    project.git("bisect", "run", "sh", "-c", script)
    bare_s = time.perf_counter() - middle
    assert found.first_bad == commits[bad - 1] == project.git("rev-parse", "refs/bisect/bad")
    ours, theirs = (middle - began) * 1e3, bare_s * 1e3
    print(
        f"  {f'bisect of {COMMITS}, {found.steps} checks':32} {ours:7.1f} ms   "
        f"git {theirs:7.1f} ms   {ours / theirs:5.2f} x"
    )


async def growth(folder: Path) -> None:
    """Print landing and status as the project grows; the landing stays the same."""
    for files in (100, 1_000, 10_000):
        project, base, commit = project_of(folder / str(files), files)
        began = time.perf_counter()
        await (await Repository.open(project.root)).status()
        middle = time.perf_counter()
        await land(project, base, commit)
        status_ms, land_ms = (middle - began) * 1e3, (time.perf_counter() - middle) * 1e3
        print(f"  {files:6} files   status {status_ms:6.1f} ms   landing {land_ms:6.1f} ms")


async def measure(folder: Path) -> None:
    """Print all tables."""
    project, base, commit = project_of(folder / "project", FILES)

    async def reset() -> None:
        if project.head != base:
            back(project, base)

    print(f"{FILES} files, median of {ROUNDS}")
    for name, act, bare in pairs(project, base, commit, folder / "trees"):
        await compare(name, act, bare, reset)
    await compare_bisect(folder / "bisect")
    print("as the project grows")
    await growth(folder)


def main() -> int:
    """Measure in a folder of our own, with no configuration of the user's."""
    with tempfile.TemporaryDirectory(prefix="m31a-bench-") as name:
        home = Path(name) / "home"
        home.mkdir()
        os.environ |= {"HOME": str(home), "GIT_CONFIG_NOSYSTEM": "1"}
        version = subprocess.run(["git", "--version"], capture_output=True, text=True, check=True)
        print(version.stdout.strip())
        anyio.run(measure, Path(name))
    return 0


if __name__ == "__main__":
    sys.exit(main())
