"""Pause, proceed, skip and cancel, before and while a run goes on."""

import anyio
import pytest

from m31a_taskrunner import (
    Cancelled,
    Change,
    Control,
    ControlInUse,
    Done,
    Skipped,
    Task,
    TaskGraph,
    TaskState,
    run,
)

pytestmark = pytest.mark.anyio

CHAIN = TaskGraph.of([Task("a"), Task("b", {"a"}), Task("c", {"b"})])


async def nothing(task: Task[None]) -> None:
    """Work that is done at once."""


async def test_a_pause_lets_running_tasks_end_and_holds_back_the_next() -> None:
    control = Control()
    ran: list[str] = []
    held = anyio.Event()

    async def work(task: Task[None]) -> None:
        ran.append(task.id)
        if task.id == "a":
            control.pause()

    def listen(change: Change) -> None:
        if change == Change("a", TaskState.DONE):
            held.set()

    with anyio.fail_after(5):
        async with anyio.create_task_group() as group:

            async def later() -> None:
                await held.wait()
                await anyio.wait_all_tasks_blocked()
                assert ran == ["a"]
                assert control.paused
                control.proceed()

            group.start_soon(later)
            report = await run(CHAIN, work, control=control, on_change=listen)

    assert ran == ["a", "b", "c"]
    assert report.ok


async def test_a_skipped_task_takes_along_what_needs_it() -> None:
    control = Control()

    async def work(task: Task[None]) -> None:
        assert control.skip("b")
        assert not control.skip("b")
        assert not control.skip("a")
        assert not control.skip("nobody")

    report = await run(CHAIN, work, control=control)

    assert isinstance(report.outcomes["a"], Done)
    assert report.outcomes["b"] == Skipped("it was asked to be skipped")
    assert report.outcomes["c"] == Skipped("'b' was skipped", "b")


async def test_cancelling_a_running_task_stops_it_and_leaves_the_others_alone() -> None:
    control = Control()
    graph = TaskGraph.of(
        [Task("stuck", claims={"f"}), Task("after", {"stuck"}), Task("next", claims={"f"})]
    )
    stopped: list[str] = []

    async def work(task: Task[None]) -> None:
        if task.id == "next":
            assert stopped == ["stuck"]
            return
        try:
            assert control.cancel("stuck")
            await anyio.sleep_forever()
        finally:
            stopped.append(task.id)

    with anyio.fail_after(5):
        report = await run(graph, work, control=control)

    assert isinstance(report.outcomes["stuck"], Cancelled)
    assert report.outcomes["after"] == Skipped("'stuck' was cancelled", "stuck")
    assert isinstance(report.outcomes["next"], Done)


async def test_a_waiting_task_can_be_cancelled_once() -> None:
    control = Control()

    async def work(task: Task[None]) -> None:
        if task.id == "a":
            assert control.cancel("c")
            assert not control.cancel("c")
            assert not control.cancel("nobody")

    report = await run(CHAIN, work, control=control)

    assert report.outcomes["c"] == Cancelled()
    assert report.ids(TaskState.DONE) == ("a", "b")


async def test_a_task_cancelled_before_its_first_step_does_no_work() -> None:
    control = Control()
    ran: list[str] = []

    async def work(task: Task[None]) -> None:
        ran.append(task.id)

    def listen(change: Change) -> None:
        if change == Change("a", TaskState.STARTED):
            control.cancel("a")

    report = await run(
        TaskGraph.of([Task("a"), Task("b")]), work, control=control, on_change=listen
    )

    assert ran == ["b"]
    assert isinstance(report.outcomes["a"], Cancelled)


async def test_no_healing_follows_a_cancellation() -> None:
    control = Control()

    async def work(task: Task[None]) -> None:
        control.cancel("a")
        raise ValueError("and failed")

    async def heal(task: Task[None], error: Exception, attempt: int) -> None:
        raise AssertionError("healing was called")

    report = await run(TaskGraph.of([Task("a")]), work, heal=heal, control=control)

    assert isinstance(report.outcomes["a"], Cancelled)


async def test_a_task_that_ends_well_in_spite_of_its_cancellation_is_done() -> None:
    control = Control()

    async def work(task: Task[None]) -> str:
        control.cancel(task.id)
        return "just in time"

    report = await run(TaskGraph.of([Task("a")]), work, control=control)

    outcome = report.outcomes["a"]
    assert isinstance(outcome, Done)
    assert outcome.result == "just in time"


async def test_requests_made_before_the_run_are_carried_out_at_its_start() -> None:
    control = Control()
    assert control.skip("c")
    assert control.cancel("b")
    assert control.skip("nobody")
    control.proceed()

    report = await run(CHAIN, nothing, control=control)

    assert report.outcomes["b"] == Cancelled()
    assert report.outcomes["c"] == Skipped("it was asked to be skipped")
    assert (await run(CHAIN, nothing, control=control)).ok, "requests hold for one run"


async def test_a_skip_while_paused_can_end_the_run() -> None:
    control = Control()
    control.pause()
    async with anyio.create_task_group() as group:

        async def later() -> None:
            await anyio.wait_all_tasks_blocked()
            assert control.skip("a")

        group.start_soon(later)
        with anyio.fail_after(5):
            report = await run(CHAIN, nothing, control=control)

    assert report.ids(TaskState.SKIPPED) == ("a", "b", "c")


async def test_a_listener_that_raises_during_a_skip_ends_the_run_not_the_caller() -> None:
    control = Control()

    def listen(change: Change) -> None:
        if change.state is TaskState.SKIPPED:
            raise LookupError(change.task_id)

    async def work(task: Task[None]) -> None:
        assert control.skip("b")
        await anyio.sleep_forever()

    with anyio.fail_after(5), pytest.raises(LookupError, match="b"):
        await run(CHAIN, work, control=control, on_change=listen)


async def test_one_control_cannot_steer_two_runs_at_once() -> None:
    control = Control()

    async def nested(task: Task[None]) -> None:
        with pytest.raises(ControlInUse):
            await run(CHAIN, nothing, control=control)

    assert (await run(TaskGraph.of([Task("a")]), nested, control=control)).ok
