"""Prints what m31a-taskrunner costs beside graphlib, networkx and plain anyio, in one process.

    python tools/bench/bench_taskrunner.py

Each figure is the best of several alternating rounds, so ratios hold on a busy machine too. It
ends with exit code 1 when a goal is missed; networkx is left out where it is not installed.
"""

import gc
import random
import sys
import time
from collections.abc import Callable
from functools import partial
from graphlib import TopologicalSorter
from importlib.util import find_spec

import anyio

from m31a_taskrunner import Task, TaskGraph, run, schedule

TASKS, NEEDS, ROUNDS = 100_000, 300_000, 5
NO_OPS = 10_000


def edges(tasks: int, needs: int) -> list[tuple[str, frozenset[str]]]:
    """A random graph in plan order, each task with some of the ones before it as needs."""
    chance = random.Random(31)
    drawn: list[set[int]] = [set() for _ in range(tasks)]
    missing = needs
    while missing:
        task = chance.randrange(1, tasks)
        need = chance.randrange(max(0, task - 2000), task)
        missing -= need not in drawn[task]
        drawn[task].add(need)
    return [(f"t{i}", frozenset(f"t{need}" for need in found)) for i, found in enumerate(drawn)]


def best_s(rounds: int, *candidates: Callable[[], object]) -> list[float]:
    """Seconds of each candidate at its best, all tried once per round."""
    best = [float("inf")] * len(candidates)
    for _ in range(rounds):
        for number, candidate in enumerate(candidates):
            gc.collect()
            began = time.perf_counter()
            candidate()
            best[number] = min(best[number], time.perf_counter() - began)
    return best


def ours(tasks: list[Task[None]]) -> None:
    """Check the graph and group it."""
    schedule(TaskGraph.of(tasks))


def with_graphlib(graph: dict[str, frozenset[str]]) -> None:
    """The same groups by the standard library."""
    sorter = TopologicalSorter(graph)
    sorter.prepare()
    while sorter.is_active():
        sorter.done(*sorter.get_ready())


def with_networkx(graph: dict[str, frozenset[str]]) -> None:
    """The same groups by networkx."""
    import networkx as nx

    directed = nx.DiGraph()
    directed.add_nodes_from(graph)
    directed.add_edges_from((need, task) for task, needs in graph.items() for need in needs)
    for _ in nx.topological_generations(directed):
        pass


async def no_op(_task: object) -> None:
    """Work that costs nothing."""


async def plain() -> None:
    """The no-ops in a bare task group, without limit or order."""
    async with anyio.create_task_group() as group:
        for _ in range(NO_OPS):
            group.start_soon(no_op, None)


async def run_overhead_us() -> float:
    """Microseconds a no-op task costs more under `run` than in a bare task group."""
    graph = TaskGraph.of([Task(f"t{i}") for i in range(NO_OPS)])
    ours_s = plain_s = float("inf")
    for _ in range(ROUNDS):
        began = time.perf_counter()
        await plain()
        middle = time.perf_counter()
        await run(graph, no_op)
        plain_s = min(plain_s, middle - began)
        ours_s = min(ours_s, time.perf_counter() - middle)
    return (ours_s - plain_s) / NO_OPS * 1e6


def main() -> int:
    """Print the table; 0 when every goal is met."""
    print(f"{TASKS} tasks, {NEEDS} needs: check and group")
    plan = edges(TASKS, NEEDS)
    tasks = [Task(id_, needs) for id_, needs in plan]
    candidates = [partial(ours, tasks), partial(with_graphlib, dict(plan))]
    if find_spec("networkx"):
        with_networkx(dict(plan[:10]))
        candidates.append(partial(with_networkx, dict(plan)))
    times_s = best_s(ROUNDS, *candidates)
    for name, seconds in zip(("m31a-taskrunner", "graphlib", "networkx"), times_s, strict=False):
        print(f"  {name:16} {seconds * 1e3:7.0f} ms   {times_s[0] / seconds:5.2f} x")
    met = times_s[0] <= 1.5 * times_s[1] and all(times_s[0] < other for other in times_s[2:])

    print("time per task and need as the graph grows")
    for tasks_n in (12_500, 25_000, 50_000, 100_000):
        plan = edges(tasks_n, 3 * tasks_n)
        part = [Task(id_, needs) for id_, needs in plan]
        chain = [Task(str(i), claims={"one"}) for i in range(tasks_n)]
        grouped_s, other_s, claimed_s = best_s(
            3, partial(ours, part), partial(with_graphlib, dict(plan)), partial(ours, chain)
        )
        per_item, per_claim = grouped_s / tasks_n / 4 * 1e9, claimed_s / tasks_n * 1e9
        print(
            f"  {tasks_n:7} tasks {per_item:5.0f} ns an item, {grouped_s / other_s:.2f} x graphlib;"
            f" {per_claim:5.0f} ns under one claim"
        )

    for backend in ("asyncio", "trio"):
        overhead_us = anyio.run(run_overhead_us, backend=backend)
        met = met and overhead_us < 30
        print(f"{NO_OPS} no-ops on {backend}: {overhead_us:.1f} us each over plain anyio (goal 30)")
    print("all goals met" if met else "a goal was missed")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
