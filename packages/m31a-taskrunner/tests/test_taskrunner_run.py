"""What becomes of tasks that succeed, fail, are healed, run out of time or stop the run."""

import json
from collections.abc import Awaitable, Callable
from contextvars import ContextVar

import anyio
import pytest

from m31a_taskrunner import (
    Cancelled,
    Change,
    Done,
    Failed,
    Report,
    Skipped,
    StopRun,
    Task,
    TaskGraph,
    TaskState,
    TaskTimedOut,
    Unhealable,
    UnknownTask,
    run,
)

pytestmark = pytest.mark.anyio

PAIR = TaskGraph.of([Task("a"), Task("b", {"a"})])
ONE = TaskGraph.of([Task("a")])


class OutOfMoney(StopRun):
    pass


def raising(*errors: Exception) -> Callable[[Task[None]], Awaitable[str]]:
    """Work that fails with these errors in turn and then returns."""
    left = list(errors)

    async def work(task: Task[None]) -> str:
        if left:
            raise left.pop(0)
        return f"made {task.id}"

    return work


def error_of(report: Report[object], task_id: str) -> str:
    outcome = report.outcomes[task_id]
    assert isinstance(outcome, Failed)
    return outcome.error


async def test_results_stand_in_the_report_in_plan_order() -> None:
    async def work(task: Task[int]) -> int:
        return task.payload * 2

    tasks = [Task("z", {"y"}, payload=4), Task("y", payload=3), Task("x", payload=2)]
    report = await run(TaskGraph.of(tasks), work)

    results = [(id_, o.result) for id_, o in report.outcomes.items() if isinstance(o, Done)]
    assert results == [("z", 8), ("y", 6), ("x", 4)]
    assert report.ok


async def test_an_empty_graph_gives_an_empty_report() -> None:
    assert (await run(TaskGraph.of([]), raising())).outcomes == {}


async def test_a_failure_skips_what_needs_it_and_nothing_else() -> None:
    graph = TaskGraph.of(
        [Task("bad"), Task("next", {"bad"}), Task("far", {"next", "good"}), Task("good")]
    )

    async def work(task: Task[None]) -> None:
        if task.id == "bad":
            raise ValueError("no luck")

    report = await run(graph, work)

    assert error_of(report, "bad") == "ValueError: no luck"
    assert report.outcomes["next"] == Skipped("'bad' failed", "bad")
    assert report.outcomes["far"] == Skipped("'bad' failed", "bad")
    assert report.ids(TaskState.DONE) == ("good",)
    assert not report.ok


async def test_healing_that_returns_repairs_and_gives_the_result() -> None:
    seen: list[tuple[str, str, int]] = []

    async def heal(task: Task[None], error: Exception, attempt: int) -> str:
        seen.append((task.id, str(error), attempt))
        if attempt == 1:
            raise KeyError("worse")
        return "mended"

    report = await run(PAIR, raising(ValueError("broken")), heal=heal)

    assert seen == [("a", "broken", 1), ("a", "'worse'", 2)]
    healed = report.outcomes["a"]
    assert isinstance(healed, Done)
    assert (healed.result, healed.heals) == ("mended", 2)
    assert report.ok


async def test_after_the_last_healing_attempt_the_task_has_failed_with_the_last_error() -> None:
    async def heal(task: Task[None], error: Exception, attempt: int) -> None:
        raise RuntimeError(f"attempt {attempt} did not help")

    report = await run(PAIR, raising(ValueError("broken")), heal=heal, max_heals=3)

    failed = report.outcomes["a"]
    assert isinstance(failed, Failed)
    assert (failed.error, failed.heals) == ("RuntimeError: attempt 3 did not help", 3)


@pytest.mark.parametrize("grouped", [False, True])
async def test_what_cannot_be_healed_fails_at_once(grouped: bool) -> None:
    error = Unhealable("no such model")

    async def heal(task: Task[None], error: Exception, attempt: int) -> None:
        raise AssertionError("healing was called")

    report = await run(ONE, raising(ExceptionGroup("g", [error]) if grouped else error), heal=heal)

    assert report.outcomes["a"] == Failed(
        "Unhealable: no such model",
        0,
        report.outcomes["a"].elapsed_s,  # type: ignore[union-attr]
    )


async def test_errors_in_groups_are_named_one_by_one() -> None:
    group = ExceptionGroup("g", [ValueError("one"), ExceptionGroup("h", [TimeoutError()])])

    assert error_of(await run(ONE, raising(group)), "a") == "ValueError: one; TimeoutError"


@pytest.mark.parametrize("grouped", [False, True])
async def test_a_stop_cancels_what_runs_starts_nothing_and_is_raised_again(grouped: bool) -> None:
    stop = OutOfMoney("spent")
    other_runs = anyio.Event()
    cleaned_up: list[str] = []
    changes: list[Change] = []

    async def work(task: Task[None]) -> None:
        if task.id == "payer":
            await other_runs.wait()
            raise ExceptionGroup("g", [ValueError("x"), stop]) if grouped else stop
        if task.id == "long":
            other_runs.set()
            try:
                await anyio.sleep_forever()
            finally:
                cleaned_up.append(task.id)
        assert task.id == "first"

    graph = TaskGraph.of(
        [
            Task("first"),
            Task("payer"),
            Task("long"),
            Task("later", {"long"}),
            Task("other", {"payer"}),
        ]
    )
    with anyio.fail_after(5), pytest.raises(OutOfMoney) as caught:
        await run(graph, work, on_change=changes.append)

    assert caught.value is stop
    assert cleaned_up == ["long"]
    assert stop.report is not None
    assert stop.report.ids(TaskState.DONE) == ("first",)
    assert stop.report.ids(TaskState.CANCELLED) == ("payer", "long", "later", "other")
    assert {c.task_id for c in changes if c.state is TaskState.STARTED} == {
        "first",
        "payer",
        "long",
    }


async def test_tasks_let_in_together_with_a_stop_do_no_work() -> None:
    begun: list[str] = []

    async def work(task: Task[None]) -> None:
        begun.append(task.id)
        raise OutOfMoney

    graph = TaskGraph.of([Task(str(i)) for i in range(4)])
    with pytest.raises(OutOfMoney):
        await run(graph, work)

    assert len(begun) == 1


async def test_a_stop_out_of_healing_ends_the_run_too() -> None:
    async def heal(task: Task[None], error: Exception, attempt: int) -> None:
        raise OutOfMoney

    with pytest.raises(OutOfMoney):
        await run(PAIR, raising(ValueError()), heal=heal)


async def test_the_time_limit_stops_the_work_and_healing_is_told() -> None:
    seen: list[Exception] = []

    async def heal(task: Task[None], error: Exception, attempt: int) -> None:
        seen.append(error)
        if attempt == 1:
            await anyio.sleep_forever()

    async def work(task: Task[None]) -> None:
        await anyio.sleep_forever()

    with anyio.fail_after(5):
        report = await run(ONE, work, heal=heal, timeout_s=0.01)

    assert report.ok
    assert [type(error) for error in seen] == [TaskTimedOut, TaskTimedOut]
    assert str(seen[0]) == "task 'a' was stopped after its time limit of 0.01 s"


async def test_work_within_its_time_limit_is_not_disturbed() -> None:
    assert (await run(PAIR, raising(), timeout_s=60)).ok


async def test_a_timeout_of_the_works_own_is_an_error_like_any_other() -> None:
    report = await run(ONE, raising(TimeoutError("peer is silent")), timeout_s=60)

    assert error_of(report, "a") == "TimeoutError: peer is silent"


async def test_changes_are_told_in_order_with_their_details() -> None:
    changes: list[Change] = []

    async def heal(task: Task[None], error: Exception, attempt: int) -> None:
        if attempt == 1 or task.id == "b":
            raise ValueError("again")

    async def work(task: Task[None]) -> None:
        raise ValueError("once")

    graph = TaskGraph.of([Task("a"), Task("b", {"a"}), Task("c", {"b"})])
    await run(graph, work, heal=heal, on_change=changes.append)

    assert changes == [
        Change("a", TaskState.STARTED),
        Change("a", TaskState.HEALING, "ValueError: once", 1),
        Change("a", TaskState.HEALING, "ValueError: again", 2),
        Change("a", TaskState.DONE, "", 2),
        Change("b", TaskState.STARTED),
        Change("b", TaskState.HEALING, "ValueError: once", 1),
        Change("b", TaskState.HEALING, "ValueError: again", 2),
        Change("b", TaskState.FAILED, "ValueError: again", 2),
        Change("c", TaskState.SKIPPED, "'b' failed"),
    ]


async def test_a_listener_that_raises_ends_the_run_with_its_own_error() -> None:
    def listen(change: Change) -> None:
        if change.state is TaskState.DONE:
            raise LookupError("the screen is gone")

    with pytest.raises(LookupError, match="the screen is gone"):
        await run(PAIR, raising(), on_change=listen)


async def test_finished_tasks_are_not_run_again_and_release_what_needs_them() -> None:
    ran: list[str] = []

    async def work(task: Task[None]) -> None:
        ran.append(task.id)

    graph = TaskGraph.of([Task("a"), Task("b", {"a"}), Task("c", {"b"}), Task("d")])
    report = await run(graph, work, limit=1, finished=["a", "b"])

    assert ran == ["c", "d"]
    assert report.outcomes["a"] == Done(earlier=True)
    assert report.ok


async def test_a_finished_task_stays_done_when_what_it_needed_fails_now() -> None:
    report = await run(PAIR, raising(ValueError()), finished=["b"])

    assert report.ids(TaskState.FAILED) == ("a",)
    assert report.outcomes["b"] == Done(earlier=True)


async def test_a_finished_id_that_no_task_has_is_refused() -> None:
    with pytest.raises(UnknownTask, match="no task is called 'ghost'"):
        await run(PAIR, raising(), finished=["a", "ghost"])


async def test_a_limit_below_one_is_refused() -> None:
    with pytest.raises(ValueError, match="limit is 0"):
        await run(PAIR, raising(), limit=0)


async def test_cancelling_the_caller_cancels_tasks_and_is_not_swallowed() -> None:
    changes: list[Change] = []

    async def work(task: Task[None]) -> None:
        await anyio.sleep_forever()

    def cancel_once_started(change: Change) -> None:
        changes.append(change)
        scope.cancel()

    with anyio.fail_after(5), anyio.CancelScope() as scope:
        await run(PAIR, work, on_change=cancel_once_started)

    assert scope.cancelled_caught
    assert changes == [Change("a", TaskState.STARTED), Change("a", TaskState.CANCELLED)]


async def test_context_variables_set_by_one_task_are_not_seen_by_the_next() -> None:
    label: ContextVar[str] = ContextVar("label", default="callers")
    seen: list[str] = []

    async def work(task: Task[None]) -> None:
        seen.append(label.get())
        label.set(task.id)

    await run(PAIR, work)

    assert seen == ["callers", "callers"]


async def test_a_report_in_plain_values_survives_json() -> None:
    async def work(task: Task[None]) -> set[str]:
        if task.id == "bad":
            raise ValueError("no")
        return {task.id}

    graph = TaskGraph.of([Task("old"), Task("good"), Task("bad"), Task("lost", {"bad"})])
    report = await run(graph, work, finished=["old"])
    plain = report.to_dict()

    assert plain == json.loads(json.dumps(plain))
    elapsed = {id_: getattr(o, "elapsed_s", 0.0) for id_, o in report.outcomes.items()}
    assert plain["elapsed_s"] == report.elapsed_s
    assert plain["outcomes"] == {
        "old": {"state": "done", "heals": 0, "elapsed_s": 0.0, "earlier": True},
        "good": {"state": "done", "heals": 0, "elapsed_s": elapsed["good"], "earlier": False},
        "bad": {
            "state": "failed",
            "error": "ValueError: no",
            "heals": 0,
            "elapsed_s": elapsed["bad"],
        },
        "lost": {"state": "skipped", "because": "'bad' failed", "root": "bad"},
    }
    with_results = report.to_dict(encode_result=lambda made: sorted(made or ()))
    assert with_results["outcomes"]["good"]["result"] == ["good"]  # type: ignore[index]
    assert Report({"x": Cancelled()}).to_dict()["outcomes"] == {
        "x": {"state": "cancelled", "elapsed_s": 0.0}
    }
