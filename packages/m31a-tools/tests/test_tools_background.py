"""Commands that go on in the background, and end with the task that started them."""

import json
import os
import tracemalloc
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest

from m31a_tools import (
    Background,
    Bash,
    BashOutput,
    BashStop,
    Call,
    CallFailed,
    CommandNotStarted,
    Mode,
    Policy,
    Toolbox,
    ToolResult,
    Workspace,
    default_toolbox,
    dispatch,
)
from m31a_tools.background import Command, RunningCommand
from m31a_tools.bash import BashArgs
from m31a_tools.sandbox.launch import Launch
from m31a_tools.testing import RecordingAsker

pytestmark = pytest.mark.anyio
Alive = Callable[[str], list[int]]

ONE_LOOP = pytest.mark.parametrize("anyio_backend", ["asyncio"], indirect=True)
"""For what depends on the system, not on the event loop."""

SOON = Bash(auto_background_s=0.1, settle_s=0.1, grace_s=0.1)
PATIENT = Toolbox((Bash(settle_s=15), BashOutput(), BashStop()))
"""For commands that end by themselves, however slow the machine is."""

WAIT = "while [ ! -e go ]; do sleep 0.01; done"
"""Goes on when the test makes the file `go`."""


@pytest.fixture
async def background(token: str) -> AsyncIterator[Background]:
    # Closed before the token is looked for.
    async with Background(max_running=3) as held:
        yield held


@pytest.fixture
def workspace(root: Path, background: Background) -> Workspace:
    return Workspace(root=root, background=background, outputs=root.parent / "outputs")


async def call(
    workspace: Workspace, name: str, *, toolbox: Toolbox | None = None, **arguments: object
) -> ToolResult:
    with anyio.fail_after(20):
        return await dispatch(
            Call(id="1", name=name, arguments=json.dumps(arguments)),
            toolbox=toolbox or Toolbox((SOON, BashOutput(), BashStop())),
            policy=Policy(mode=Mode.ALLOW_ALL),
            asker=RecordingAsker(),
            workspace=workspace,
        )


async def started(workspace: Workspace, command: str) -> RunningCommand:
    """The command, in the background."""
    assert workspace.background is not None
    await call(workspace, "Bash", command=command, background=True)
    return workspace.background.known[-1]


async def heard(workspace: Workspace, words: str) -> str:
    """What looks at the first command show until they show these words."""
    seen = ""
    with anyio.fail_after(10):
        while words not in seen:
            seen += (await call(workspace, "BashOutput", id="b1")).for_model
            await anyio.lowlevel.checkpoint()
    return seen


async def test_a_look_shows_what_is_new_and_how_it_ended(workspace: Workspace, root: Path) -> None:
    command = f"echo one; {WAIT}; echo two; exit 3"
    begun = await call(workspace, "Bash", command=command, background=True)
    assert begun.for_model.endswith(
        "[it goes on in the background as b1, for 1800 s from its start at most; "
        "BashOutput shows what it prints, BashStop ends it]"
    )
    assert not begun.is_error
    seen = begun.for_model
    if "one\n" not in seen:
        seen += await heard(workspace, "one\n")
    assert seen.count("one\n") == 1

    nothing = await call(workspace, "BashOutput", id="b1")
    assert nothing.for_model.startswith("[nothing new]\n[b1 has been running for ")
    assert nothing.exit_code is None

    (root / "go").touch()
    rest = await call(workspace, "BashOutput", bash_id="b1", wait=10)
    assert rest.for_model.startswith("two\n[b1 ended after ")
    assert rest.for_model.endswith(" s: exit code 3]")
    assert (rest.exit_code, rest.is_error) == (3, False)
    assert "[nothing new]" in (await call(workspace, "BashOutput", id="b1")).for_model


async def test_a_command_that_takes_long_moves_by_itself(workspace: Workspace, root: Path) -> None:
    moved = await call(workspace, "Bash", command=f"echo one; {WAIT}; echo two")
    assert "[it goes on in the background as b1, for 1800 s" in moved.for_model
    (root / "go").touch()
    ended = await call(workspace, "BashOutput", id="b1", wait_s=10)
    assert "two\n[b1 ended after " in ended.for_model
    assert (moved.for_model + ended.for_model).count("one\n") == 1


async def test_one_that_ends_or_fails_at_once_is_told_as_any_other(workspace: Workspace) -> None:
    for in_background in (False, True):
        arguments = {"command": "echo taken; exit 98", "background": in_background}
        failed = await call(workspace, "Bash", toolbox=PATIENT, **arguments)
        assert (failed.for_model, failed.exit_code) == ("taken\n[exit code 98]", 98)
    assert workspace.background is not None
    assert workspace.background.known == ()


async def test_a_time_limit_counts_from_the_start(workspace: Workspace, token: str) -> None:
    moved = await call(workspace, "Bash", command=f"sleep {token}", timeout_s=0.4)
    assert "as b1, for 0.4 s from its start at most" in moved.for_model
    ended = await call(workspace, "BashOutput", id="b1", wait_s=10)
    assert ended.for_model.endswith(" s, its time limit]")
    # One shorter than the patience with it is what it was.
    stopped = await call(workspace, "Bash", command=f"sleep {token}", timeout_s=0.05)
    assert stopped.for_model == "[stopped after 0.05 s, its time limit]"
    assert stopped.timed_out


async def test_without_anybody_to_hold_them_none_goes_on(root: Path, token: str) -> None:
    alone = Workspace(root=root)
    refused = await call(alone, "Bash", command=f"sleep {token}", background=True)
    assert refused.is_error
    assert refused.for_model.startswith("Commands cannot go on in the background here.")
    short = Toolbox((Bash(timeout_s=0.2, auto_background_s=0.1),))
    stopped = await call(alone, "Bash", toolbox=short, command=f"sleep {token}")
    assert stopped.for_model == "[stopped after 0.2 s, its time limit]"
    for name in ("BashOutput", "BashStop"):
        assert (await call(alone, name, id="b1")).is_error


async def test_their_number_is_bounded(workspace: Workspace, token: str) -> None:
    for _ in range(3):
        await started(workspace, f"sleep {token}")
    refused = await call(workspace, "Bash", command=f"sleep {token}", background=True)
    assert refused.for_model == (
        "Too many commands are in the background (b1, b2, b3); stop one first."
    )
    # In the foreground it ends with the usual limit instead.
    toolbox = Toolbox((Bash(timeout_s=0.2, auto_background_s=0.1),))
    stopped = await call(workspace, "Bash", toolbox=toolbox, command=f"sleep {token}")
    assert stopped.for_model == "[stopped after 0.2 s, its time limit]"
    await call(workspace, "BashStop", id="b2")
    assert (await started(workspace, f"sleep {token}")).id == "b4"


async def test_stopping_lets_it_clean_up(workspace: Workspace, root: Path) -> None:
    command = "trap 'echo cleaned up; exit 7' INT; touch begun; while :; do sleep 0.01; done"
    patient = Toolbox((Bash(settle_s=0, grace_s=10), BashStop()))
    await call(workspace, "Bash", toolbox=patient, command=command, background=True)
    with anyio.fail_after(10):
        while not (root / "begun").exists():
            await anyio.lowlevel.checkpoint()
    stopped = await call(workspace, "BashStop", id="b1")
    assert stopped.for_model.startswith("cleaned up\n[b1 was stopped after ")
    again = await call(workspace, "BashStop", id="b1")
    assert again.for_model.startswith("[b1 was stopped after ")


async def test_what_has_ended_is_told_once_with_the_next_result(workspace: Workspace) -> None:
    await started(workspace, f"{WAIT}; exit 5")
    (workspace.root / "go").touch()
    running = _only(workspace)
    with anyio.fail_after(10):
        await running.ended.wait()
    first = await call(workspace, "Bash", toolbox=PATIENT, command="echo next")
    assert first.for_model.startswith("next\n[b1 ended after ")
    assert first.for_model.endswith(": exit code 5; BashOutput shows what it printed]")
    second = await call(workspace, "Bash", toolbox=PATIENT, command="echo next")
    assert second.for_model == "next"


async def test_a_list_and_an_unknown_id_name_what_there_is(
    workspace: Workspace, token: str
) -> None:
    empty = await call(workspace, "BashOutput")
    assert empty.for_model == "[nothing is or was in the background]"
    await started(workspace, f"sleep {token}")
    listed = await call(workspace, "BashOutput")
    assert listed.for_model.startswith("b1 has been running for ")
    assert listed.for_model.endswith(f": sleep {token}")
    unknown = await call(workspace, "BashStop", id="7")
    assert unknown.for_model == "No background command is called '7'. There are: b1."


SHAPES = {
    "plain": "sleep {token}",
    "ignores the interrupt": "trap '' INT; while :; do sleep {token}; done",
    "ignores all it can": "trap '' INT TERM HUP QUIT; while :; do sleep {token}; done",
    "child that holds the pipe": "sleep {token} & wait",
    "daemon": "(setsid sh -c 'sleep {token} & exec sleep {token}' >/dev/null &); sleep {token}",
    "stopped": "kill -STOP $$; sleep {token}",
    "escapes when interrupted": "trap 'setsid sleep {token} & exit' INT; sleep {token} & wait",
    "loop": "while :; do :; done; echo {token}",
    "flood": "yes {token}",
}


@ONE_LOOP
async def test_stopping_all_leaves_no_process_and_lets_others_start(
    root: Path, token: str, alive: Alive
) -> None:
    async with Background(max_running=len(SHAPES)) as background:
        workspace = Workspace(root=root, background=background)
        for shape in SHAPES.values():
            await started(workspace, shape.format(token=token))
        with anyio.fail_after(10):
            stopped = await background.stop_all()
        assert len(stopped) == len(SHAPES)
        assert background.running == ()
        assert alive(token) == []
        await started(workspace, f"sleep {token}")


@pytest.mark.parametrize("shape", ["plain", "ignores the interrupt", "daemon"])
@pytest.mark.parametrize("way", ["end", "error", "cancellation"])
async def test_leaving_ends_everything_whatever_the_reason(
    root: Path, token: str, shape: str, way: str, alive: Alive
) -> None:
    async def task() -> None:
        async with Background() as background:
            workspace = Workspace(root=root, background=background)
            await started(workspace, SHAPES[shape].format(token=token))
            if way == "error":
                raise KeyError(way)
            if way == "cancellation":
                scope.cancel()
                await anyio.sleep_forever()

    with anyio.fail_after(10), anyio.CancelScope() as scope:
        if way == "error":
            # As it is, not in a group.
            with pytest.raises(KeyError):
                await task()
        else:
            await task()
    assert scope.cancelled_caught is (way == "cancellation")
    assert alive(token) == []


async def test_a_cancelled_foreground_command_does_not_go_on(
    workspace: Workspace, token: str, alive: Alive
) -> None:
    toolbox = Toolbox((Bash(),))
    with anyio.fail_after(10), anyio.move_on_after(0.2) as scope:
        await call(workspace, "Bash", toolbox=toolbox, command=f"sleep {token}")
    assert scope.cancelled_caught
    assert alive(token) == []
    assert workspace.background is not None
    assert workspace.background.known == ()


async def test_a_foreground_command_ends_with_its_task(root: Path, token: str) -> None:
    results: list[ToolResult] = []

    async def called(workspace: Workspace) -> None:
        toolbox = Toolbox((Bash(),))
        command = f"touch begun; sleep {token}"
        results.append(await call(workspace, "Bash", toolbox=toolbox, command=command))

    with anyio.fail_after(10):
        async with anyio.create_task_group() as tasks, Background() as background:
            tasks.start_soon(called, Workspace(root=root, background=background))
            while not (root / "begun").exists():
                await anyio.lowlevel.checkpoint()
    (result,) = results
    assert result.is_error
    assert result.for_model == "The command was stopped, for the task it belongs to is over."


async def test_output_is_passed_on_until_nobody_waits(workspace: Workspace, root: Path) -> None:
    pieces: list[str] = []

    async def hear(text: str) -> None:
        pieces.append(text)

    for_call = workspace.for_call("1", on_output=hear)
    await SOON.run(SOON.args_type(command=f"echo one; {WAIT}; echo two"), for_call)
    (root / "go").touch()
    await heard(workspace, "two")
    assert pieces == ["one\n"]


async def test_what_a_listener_raises_ends_the_call_and_the_command_alone(
    workspace: Workspace, token: str
) -> None:
    async def fail(text: str) -> None:
        raise ValueError(text)

    await started(workspace, f"sleep {token}")
    with pytest.raises(ValueError, match="hello"):
        await Bash().run(
            BashArgs(command=f"echo hello; sleep {token}"),
            workspace.for_call("1", on_output=fail),
        )
    assert workspace.background is not None
    assert [each.id for each in workspace.background.running] == ["b1"]


async def test_characters_are_whole_whenever_one_looks(workspace: Workspace, root: Path) -> None:
    await started(workspace, rf"printf 'begun \303'; {WAIT}; printf '\244 done'")
    (root / "go").touch()
    assert (await heard(workspace, "done")).count("ä done") == 1


@ONE_LOOP
async def test_a_flood_that_nobody_looks_at_needs_no_memory(workspace: Workspace) -> None:
    tracemalloc.start()
    try:
        running = await started(workspace, "head -c 300000000 /dev/zero | tr '\\0' x")
        with anyio.fail_after(30):
            await running.ended.wait()
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes < 12 << 20
    seen = await call(workspace, "BashOutput", id="b1")
    assert len(seen.for_model) < 51_000
    assert f"[all of its output: {workspace.outputs}/1-" in seen.for_model


def program(folder: Path, name: str) -> Callable[[], AbstractContextManager[Launch]]:
    launch = Launch(argv=(name,), cwd=folder, env={"PATH": os.defpath}, watcher=False)
    return lambda: nullcontext(launch)


async def test_a_program_that_does_not_start_is_told_by_whoever_asks(
    workspace: Workspace, background: Background
) -> None:
    nowhere = Command(
        text="none",
        launch=program(workspace.root, "/no/such/program"),
        timeout_s=5,
        grace_s=0,
        output_chars=100,
        spill=None,
    )
    running = background.start(nowhere)
    background.adopt(running)
    with anyio.fail_after(10):
        await running.ended.wait()
    assert isinstance(running.failure, CommandNotStarted)
    told = await call(workspace, "BashOutput", id="b1")
    assert "[b1 ended: '/no/such/program' could not be started" in told.for_model


@ONE_LOOP
async def test_old_ones_are_forgotten_and_a_closed_one_starts_none(root: Path) -> None:
    true = Command(
        text="true",
        launch=program(root, "true"),
        timeout_s=5,
        grace_s=0,
        output_chars=100,
        spill=None,
    )
    async with Background() as background:
        for _ in range(40):
            running = background.start(true)
            with anyio.fail_after(10):
                await running.ended.wait()
            background.adopt(running)
        assert [each.id for each in background.known] == [f"b{n}" for n in range(9, 41)]
    with pytest.raises(CallFailed, match="The task is over"):
        background.start(true)


def test_the_two_tools_are_offered_where_they_are_of_use(root: Path) -> None:
    workspace = Workspace(root=root)
    both = default_toolbox(workspace, background=True)
    assert both.names[-2:] == ("BashOutput", "BashStop")
    assert "BashOutput" not in default_toolbox(workspace).names
    for said, meant in (("bash_output", "BashOutput"), ("KillBash", "BashStop")):
        tool = both.get(said)
        assert tool is not None
        assert tool.name == meant


def _only(workspace: Workspace) -> RunningCommand:
    assert workspace.background is not None
    (running,) = workspace.background.known
    return running
