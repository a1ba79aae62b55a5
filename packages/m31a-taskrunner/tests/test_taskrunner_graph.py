"""What a graph refuses and how it is grouped."""

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from m31a_taskrunner import Cycle, DuplicateTask, Task, TaskGraph, UnknownNeed, schedule

CLAIMS = st.frozensets(st.sampled_from("abcd"), max_size=2)


@st.composite
def plans(draw: st.DrawFn, max_size: int = 12) -> list[Task[None]]:
    """Random acyclic plans whose order of listing has nothing to do with their needs."""
    size = draw(st.integers(0, max_size))
    tasks = [
        Task(
            f"t{number}",
            draw(st.frozensets(st.sampled_from([f"t{i}" for i in range(number)]), max_size=3))
            if number
            else frozenset(),
            draw(CLAIMS),
        )
        for number in range(size)
    ]
    return draw(st.permutations(tasks))


def naive_waves(tasks: Sequence[Task[None]]) -> list[tuple[str, ...]]:
    """The waves by looking through everything that is left, again and again."""
    done: set[str] = set()
    waves = []
    while len(done) < len(tasks):
        held: set[str] = set()
        wave = []
        for task in tasks:
            if task.id not in done and task.needs <= done and held.isdisjoint(task.claims):
                held |= task.claims
                wave.append(task.id)
        done.update(wave)
        waves.append(tuple(wave))
    return waves


@settings(deadline=None, max_examples=150)
@given(plans())
def test_waves_are_what_looking_through_the_whole_plan_gives(tasks: list[Task[None]]) -> None:
    assert naive_waves(tasks) == [wave.ids for wave in schedule(TaskGraph.of(tasks))]


@settings(deadline=None, max_examples=100)
@given(plans())
def test_without_claims_waves_are_the_same_groups(tasks: list[Task[None]]) -> None:
    bare = [Task(task.id, task.needs) for task in tasks]

    assert naive_waves(bare) == [wave.ids for wave in schedule(TaskGraph.of(bare))]


@settings(deadline=None, max_examples=100)
@given(plans(), st.data())
def test_a_closed_circle_is_found_and_its_path_is_one(
    tasks: list[Task[None]], data: st.DataObject
) -> None:
    ring = data.draw(st.integers(1, 4))
    members = [Task(f"r{i}", {f"r{(i + 1) % ring}"}) for i in range(ring)]
    behind = [Task("behind", {"r0"})]
    mixed = data.draw(st.permutations([*tasks, *members, *behind]))

    with pytest.raises(Cycle) as caught:
        TaskGraph.of(mixed)

    path = caught.value.path
    needs = {task.id: task.needs for task in mixed}
    assert path[0] == path[-1]
    assert len(path) == ring + 1
    assert all(then in needs[now] for now, then in pairwise(path))
    assert repr(path[0]) in str(caught.value)


def test_an_unknown_need_names_the_task_and_the_first_missing_id() -> None:
    with pytest.raises(
        UnknownNeed, match="task 'b' needs 'x', which is not in the graph"
    ) as caught:
        TaskGraph.of([Task("a"), Task("b", {"a", "z", "x"})])

    assert (caught.value.task, caught.value.need) == ("b", "x")


def test_a_repeated_id_is_refused() -> None:
    with pytest.raises(DuplicateTask, match="more than one task is called 'b'") as caught:
        TaskGraph.of([Task("a"), Task("b"), Task("c"), Task("b"), Task("a")])

    assert caught.value.id == "b"


def test_needs_and_claims_given_as_one_string_are_refused_not_spelled_out() -> None:
    with pytest.raises(TypeError, match=r"needs of task 'b' is one string; write \{'lint'\}"):
        Task("b", needs="lint")
    with pytest.raises(TypeError, match="claims of task 'b'"):
        Task("b", claims="file")


def test_tasks_are_values() -> None:
    assert Task("a", ["b"], ["f"], 3) == Task("a", frozenset("b"), frozenset("f"), payload=3)
    assert len({Task("a"), Task("a"), Task("b")}) == 2


def test_an_empty_plan_has_no_waves() -> None:
    assert schedule(TaskGraph.of([])) == ()


def test_a_long_chain_and_a_long_queue_for_one_claim_are_grouped_one_by_one() -> None:
    chain = [Task(str(i), {str(i - 1)} if i else ()) for i in range(3000)]
    queue = [Task(str(i), claims={"door"}) for i in range(3000)]

    for tasks in (chain, queue):
        waves = schedule(TaskGraph.of(tasks))
        assert [(task.id,) for task in tasks] == [wave.ids for wave in waves]
