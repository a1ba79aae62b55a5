"""What a run costs beside the smallest loop on the same libraries: start, turns, syncs, memory.

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
from collections.abc import Sequence
from pathlib import Path

from m31a_providers.testing import Call, ModelServer, Reply, Rule

HERE = Path(__file__).resolve().parent
TURNS = 20
LONG = 200


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


Figures = tuple[float, list[float], float, float, int, int]
"""First request s, gaps between turns ms, exit ms, peak MB, first request bytes, syncs."""


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
        first = (seen[0].began_ns - began) / 1e9
        gaps = [(b.began_ns - a.ended_ns) / 1e6 for a, b in itertools.pairwise(seen)]
        leaving = (ended - seen[-1].ended_ns) / 1e6
        return first, gaps, leaving, usage.ru_maxrss / 1024, seen[0].body_bytes, _syncs(folder)


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
    ours = [
        program,
        "run",
        "repeat the steps",
        "--mode",
        "direct",
        "--base-url",
        "BASE",
        "--model",
        "any",
        "--permissions",
        "allow_all",
        "--trust-project",
        "--max-turns",
        "500",
        "--quiet",
    ]
    floor = [python, str(HERE / "ref_loop.py"), "BASE", "repeat the steps"]
    rows: dict[str, list[Figures]] = {"m31a": [], "ref": []}
    for _ in range(rounds):
        rows["m31a"].append(measured(ours, TURNS, "true"))
        rows["ref"].append(measured(floor, TURNS, "true"))

    def median(who: str, place: int) -> float:
        values = [row[place] for row in rows[who]]
        return statistics.median(
            statistics.median(value) if isinstance(value, list) else value for value in values
        )

    for title, place, unit in (
        ("first request", 0, "s"),
        ("time per turn", 1, "ms"),
        ("exit after last answer", 2, "ms"),
        ("peak memory", 3, "MB"),
        ("first request bytes", 4, "B"),
    ):
        mine, theirs = median("m31a", place), median("ref", place)
        print(
            f"{title:24} {mine:9.2f} {unit:2}  {mine / theirs:6.2f} x the bare loop ({theirs:.2f})"
        )
    print(f"syncs of a turn          {median('m31a', 5) / (TURNS + 1):9.2f}     (goal <= 2)")
    long = measured(ours, LONG, "cat two_kb.txt")
    early, late = statistics.median(long[1][2:22]), statistics.median(long[1][-20:])
    print(f"last 20 of {LONG} turns      {late / early:9.2f} x turns 3-22  (goal <= 1.2)")
    print(f"memory after {LONG} turns    {long[3]:9.2f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
