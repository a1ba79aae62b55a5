"""What a run costs beside the smallest loop on the same libraries: start, turns, syncs, memory.

A run whose commands are confined, one of many turns, and the code index of a large project follow.

Ratios hold on any machine; the seconds beside them are this machine's, in this hour.

python tools/bench/bench_run.py [ROUNDS [FOLDER OF AN INSTALLED m31a]]
"""

import itertools
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from m31a_providers.testing import Call, ModelServer, Reply, Rule

HERE = Path(__file__).resolve().parent
TURNS = 20
LONG = 200
RUN = ("run", "repeat the steps", "--mode", "direct", "--base-url", "BASE", "--model", "any")
FREELY = ("--permissions", "allow_all", "--trust-project", "--max-turns", "500", "--quiet")
CONFINED = ("--permissions", "sandboxed", "--trust-project", "--max-turns", "500", "--quiet")


def loop_script(turns: int, output: str) -> list[Rule | Reply | str]:
    """A model that calls the shell so many times, then stops."""
    calls: list[Rule | Reply | str] = [
        Rule(
            turn=turn,
            reply=Reply(
                tool_calls=(
                    Call(name="Bash", arguments={"command": f"echo turn-{turn}; {output}"}),
                ),
                usage=(1000, 20),
            ),
        )
        for turn in range(1, turns + 1)
    ]
    return [*calls, Rule(reply=Reply(text="All steps are done.", usage=(1000, 20)))]


def project(folder: Path) -> dict[str, str]:
    """A small repository and the environment of its user."""
    home = folder / "home"
    home.mkdir()
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), "LC_ALL": "C.UTF-8"}
    work = folder / "project"
    work.mkdir()
    (work / "two_kb.txt").write_text("x" * 2000 + "\n", encoding="utf-8")
    for number in range(6):
        (work / f"file{number}.py").write_text(f"n = {number}\n", encoding="utf-8")
    for words in (
        ["init", "-q"],
        ["config", "user.name", "Bench"],
        ["config", "user.email", "bench@example.invalid"],
        ["add", "."],
        ["commit", "-qm", "Start"],
    ):
        subprocess.run(["git", *words], cwd=work, env=environment, check=True)
    return environment


@dataclass(frozen=True, slots=True)
class Figures:
    """What one run cost."""

    first_s: float
    """From the start of the process to its first request."""
    gaps_ms: list[float]
    """From the end of each answer to the next request."""
    leaving_ms: float
    """From the end of the last answer to the end of the process."""
    peak_mb: float
    first_bytes: int
    syncs: int

    @property
    def turn_ms(self) -> float:
        """The median turn."""
        return statistics.median(self.gaps_ms)


def measured(argv: Sequence[str], turns: int, output: str) -> Figures:
    """The figures of one run."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        environment = project(folder)
        with ModelServer(loop_script(turns, output), check=False) as server:
            words = [word.replace("BASE", server.base_url) for word in argv]
            began = time.monotonic_ns()
            process = subprocess.Popen(
                words,
                cwd=folder / "project",
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            _, _, usage = os.wait4(process.pid, 0)
            ended = time.monotonic_ns()
            process.returncode = 0
            seen = [request for request in server.requests if request.path.endswith("completions")]
        return Figures(
            first_s=(seen[0].began_ns - began) / 1e9,
            gaps_ms=[(b.began_ns - a.ended_ns) / 1e6 for a, b in itertools.pairwise(seen)],
            leaving_ms=(ended - seen[-1].ended_ns) / 1e6,
            peak_mb=usage.ru_maxrss / 1024,
            first_bytes=seen[0].body_bytes,
            syncs=_syncs(folder),
        )


def _syncs(folder: Path) -> int:
    """Records of the journal that begin a sync: requests and replies."""
    journals = list((folder / "home" / ".m31a").rglob("journal.jsonl"))
    if not journals:
        return 0
    kinds = [json.loads(line)["kind"] for line in journals[0].read_text().splitlines()]
    return kinds.count("request") + kinds.count("reply")


def start_of(argv: Sequence[str], rounds: int) -> float:
    """Median seconds of CPU of a short program."""
    figures = []
    for _ in range(rounds):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(argv, stdout=subprocess.DEVNULL, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        figures.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return statistics.median(figures)


def main(words: list[str]) -> int:
    """Print one table."""
    rounds = int(words[0]) if words else 3
    # An installed program is what a user has: beside the tests' libraries httpx imports more.
    scripts = Path(words[1]) if words[1:] else Path(sys.executable).parent
    python, program = str(scripts / "python"), str(scripts / "m31a")
    bare = start_of([python, "-c", "pass"], 9)
    for flag, goal in (("--version", 2), ("--help", 3)):
        ratio = start_of([program, flag], 9) / bare
        print(f"m31a {flag:9}        {ratio:5.2f} x python -c pass   (goal <= {goal})")
    compare(rounds, [program, *RUN, *FREELY], [python, str(HERE / "ref_loop.py"), "BASE", "go on"])
    confined = [measured([program, *RUN, *CONFINED], TURNS, "true") for _ in range(rounds)]
    if all(len(one.gaps_ms) == TURNS for one in confined):
        ms = statistics.median(one.turn_ms for one in confined)
        print(f"confined, time per turn  {ms:9.2f} ms  (goal <= 40)")
    else:
        print("confined, time per turn  not measured: no sandbox works here")
    longs = [measured([program, *RUN, *FREELY], LONG, "cat two_kb.txt") for _ in range(rounds)]
    growth = statistics.median(
        statistics.median(long.gaps_ms[-20:]) / statistics.median(long.gaps_ms[2:22])
        for long in longs
    )
    print(f"last 20 of {LONG} turns      {growth:9.2f} x turns 3-22  (goal <= 1.2)")
    print(f"memory after {LONG} turns    {longs[0].peak_mb:9.2f} MB")
    import bench_engine_index  # last: a child's peak is at least the memory of who starts it

    print(f"code index, warm         {bench_engine_index.warm_ms():9.2f} ms  (goal < 300)")
    return 0


def compare(rounds: int, ours: Sequence[str], floor: Sequence[str]) -> None:
    """Print what a run costs beside the bare loop, both measured in turn."""
    pairs = [(measured(ours, TURNS, "true"), measured(floor, TURNS, "true")) for _ in range(rounds)]

    def line(title: str, unit: str, figure: Callable[[Figures], float], goal: str) -> None:
        mine, theirs = (
            statistics.median(map(figure, column)) for column in zip(*pairs, strict=True)
        )
        print(
            f"{title:24} {mine:9.2f} {unit:2}  {mine / theirs:6.2f} x the bare loop ({theirs:.2f})"
            f"  (goal <= {goal})"
        )

    line("first request", "s", lambda one: one.first_s, "0.31")
    line("time per turn", "ms", lambda one: one.turn_ms, "5")
    line("exit after last answer", "ms", lambda one: one.leaving_ms, "50")
    line("peak memory", "MB", lambda one: one.peak_mb, "45")
    line("first request bytes", "B", lambda one: one.first_bytes, "6000")
    syncs = statistics.median(ours.syncs for ours, _ in pairs)
    print(f"syncs of a turn          {syncs / (TURNS + 1):9.2f}     (goal <= 2)")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
