"""What holds for every graph, whatever fails or is cancelled, and how long a run takes."""

import heapq
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import anyio
import anyio.lowlevel
import pytest
import trio.testing
from hypothesis import given, settings
from hypothesis import strategies as st

from m31a_taskrunner import Change, Control, Done, Report, Task, TaskGraph, TaskState, run

ENDED = {TaskState.DONE, TaskState.FAILED, TaskState.SKIPPED, TaskState.CANCELLED}


@dataclass(frozen=True)
class Behaviour:
    """What one task of a random run does."""

    steps: int
    failures: int
    meddle: str
    victim: str


@dataclass
class Watch:
    """Looks on from inside the work and notes every breach of a law."""

    limit: int
    control: Control
    behaviours: dict[str, Behaviour]
    running: dict[str, frozenset[str]] = field(default_factory=dict)
    begun: list[str] = field(default_factory=list)
    done: set[str] = field(default_factory=set)
    breaches: list[str] = field(default_factory=list)

    async def work(self, task: Task[None]) -> None:
        behaviour = self.behaviours[task.id]
        if task.id in self.begun:
            self.breaches.append(f"{task.id} ran twice")
        if not task.needs <= self.done:
            self.breaches.append(f"{task.id} ran before its needs")
        if any(task.claims & held for held in self.running.values()):
            self.breaches.append(f"{task.id} shares a claim")
        self.begun.append(task.id)
        self.running[task.id] = task.claims
        if len(self.running) > self.limit:
            self.breaches.append(f"{len(self.running)} tasks at once")
        try:
            if behaviour.meddle:
                {"skip": self.control.skip, "cancel": self.control.cancel}[behaviour.meddle](
                    behaviour.victim
                )
            for _ in range(behaviour.steps):
                await anyio.lowlevel.checkpoint()
            if behaviour.failures:
                raise ValueError(task.id)
        finally:
            del self.running[task.id]

    async def heal(self, task: Task[None], error: Exception, attempt: int) -> None:
        if attempt < self.behaviours[task.id].failures:
            raise ValueError(task.id)

    def listen(self, change: Change) -> None:
        if change.state is TaskState.DONE:
            self.done.add(change.task_id)


@st.composite
def scenes(draw: st.DrawFn) -> tuple[TaskGraph[None], dict[str, Behaviour], int, frozenset[str]]:
    ids = [f"t{number}" for number in range(draw(st.integers(1, 10)))]
    tasks = [
        Task(
            id_,
            draw(st.frozensets(st.sampled_from(ids[:number]), max_size=3)) if number else (),
            draw(st.frozensets(st.sampled_from("abc"), max_size=2)),
        )
        for number, id_ in enumerate(ids)
    ]
    behaviour = st.builds(
        Behaviour,
        steps=st.integers(0, 3),
        failures=st.sampled_from([0, 0, 0, 1, 3]),
        meddle=st.sampled_from(["", "", "", "skip", "cancel"]),
        victim=st.sampled_from(ids),
    )
    finished = draw(st.frozensets(st.sampled_from(ids), max_size=2))
    return (
        TaskGraph.of(draw(st.permutations(tasks))),
        {id_: draw(behaviour) for id_ in ids},
        draw(st.integers(1, 4)),
        finished,
    )


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@settings(deadline=None, max_examples=80)
@given(scene=scenes())
def test_tasks_run_at_most_once_after_their_needs_within_the_limit_and_never_share_a_claim(
    backend: str, scene: tuple[TaskGraph[None], dict[str, Behaviour], int, frozenset[str]]
) -> None:
    graph, behaviours, limit, finished = scene
    control = Control()
    watch = Watch(limit, control, behaviours, done=set(finished))
    changes: list[Change] = []

    def listen(change: Change) -> None:
        changes.append(change)
        watch.listen(change)

    async def scene_report() -> Report[None]:
        with anyio.fail_after(10):
            return await run(
                graph, watch.work, limit, watch.heal, 2, listen, control=control, finished=finished
            )

    report = anyio.run(scene_report, backend=backend)

    assert watch.breaches == []
    assert not finished & set(watch.begun)
    assert list(report.outcomes) == [task.id for task in graph.tasks]
    ends = [change.task_id for change in changes if change.state in ENDED]
    assert sorted(ends) == sorted(set(report.outcomes) - finished), "each ends exactly once"
    for task in graph.tasks:
        if task.id in watch.begun:
            assert all(isinstance(report.outcomes[need], Done) for need in task.needs)
    told = {change.task_id: change.state for change in changes}
    assert all(report.ids(state).count(id_) == 1 for id_, state in told.items())


def simulate(tasks: Sequence[Task[float]], limit: int) -> tuple[float, list[str]]:
    """Makespan and order of starts, by looking through the whole plan at every end."""
    clock, running, order = 0.0, list[tuple[float, str]](), list[str]()
    done: set[str] = set()
    by_id = {task.id: task for task in tasks}
    while True:
        for task in tasks:
            held = frozenset().union(*(by_id[id_].claims for _, id_ in running))
            free = len(running) < limit and held.isdisjoint(task.claims)
            if free and task.id not in order and task.needs <= done:
                heapq.heappush(running, (clock + task.payload, task.id))
                order.append(task.id)
        if not running:
            return clock, order
        clock, ended = heapq.heappop(running)
        done.add(ended)


def random_tasks(chance: random.Random, claims: Callable[[], frozenset[str]]) -> list[Task[float]]:
    ids = [f"t{number}" for number in range(chance.randint(1, 25))]
    tasks = [
        Task(
            id_,
            chance.sample(ids[:number], k=min(number, chance.choice([0, 0, 1, 2]))),
            claims(),
            payload=chance.uniform(1, 100),
        )
        for number, id_ in enumerate(ids)
    ]
    chance.shuffle(tasks)
    return tasks


def run_on_a_virtual_clock(tasks: Sequence[Task[float]], limit: int) -> tuple[float, list[str]]:
    order: list[str] = []

    def listen(change: Change) -> None:
        if change.state is TaskState.STARTED:
            order.append(change.task_id)

    async def work(task: Task[float]) -> None:
        await anyio.sleep(task.payload)

    async def makespan_s() -> float:
        report = await run(TaskGraph.of(tasks), work, limit, on_change=listen)
        assert report.ok
        return report.elapsed_s

    clock = trio.testing.MockClock(autojump_threshold=0)
    return anyio.run(makespan_s, backend="trio", backend_options={"clock": clock}), order


@pytest.mark.parametrize("seed", range(40))
def test_the_makespan_and_the_order_of_starts_are_those_of_an_exact_simulation(seed: int) -> None:
    chance = random.Random(seed)
    limit = chance.randint(1, 5)
    tasks = random_tasks(
        chance, lambda: frozenset(chance.sample("abcdef", k=chance.choice([0, 1, 2])))
    )

    makespan_s, order = run_on_a_virtual_clock(tasks, limit)

    expected_s, expected_order = simulate(tasks, limit)
    assert order == expected_order
    assert makespan_s == pytest.approx(expected_s)


@pytest.mark.parametrize("seed", range(20))
def test_without_claims_the_makespan_is_within_grahams_bound(seed: int) -> None:
    chance = random.Random(1000 + seed)
    limit = chance.randint(1, 5)
    tasks = random_tasks(chance, frozenset)
    longest: dict[str, float] = {}
    by_id = {task.id: task for task in tasks}

    def path_to(id_: str) -> float:
        if id_ not in longest:
            before = max(map(path_to, by_id[id_].needs), default=0.0)
            longest[id_] = before + by_id[id_].payload
        return longest[id_]

    critical_s = max(map(path_to, by_id))
    work_s = sum(task.payload for task in tasks)
    makespan_s, _ = run_on_a_virtual_clock(tasks, limit)

    assert makespan_s <= work_s / limit + (1 - 1 / limit) * critical_s + 1e-6
    assert makespan_s >= max(critical_s, work_s / limit) - 1e-6


def test_a_task_does_not_wait_for_tasks_it_does_not_need() -> None:
    tasks = [
        Task("short", payload=1.0),
        Task("long", payload=9.0),
        Task("next", {"short"}, payload=2.0),
    ]

    assert run_on_a_virtual_clock(tasks, 4) == (9.0, ["short", "long", "next"])


def test_a_task_waiting_for_a_claim_does_not_hold_up_later_ones() -> None:
    tasks = [
        Task("holder", claims={"f"}, payload=5.0),
        Task("waiting", claims={"f"}, payload=1.0),
        Task("other", payload=2.0),
    ]

    assert run_on_a_virtual_clock(tasks, 2) == (6.0, ["holder", "other", "waiting"])
