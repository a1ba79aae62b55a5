"""A command that asks to run outside the sandbox, and what the sandbox leaves behind."""

import json
import os
import sys
from pathlib import Path

import anyio
import pytest

from m31a_tools import (
    Action,
    Allow,
    AskFirst,
    Background,
    Bash,
    Call,
    CallFailed,
    Choice,
    Confined,
    Confinement,
    Defer,
    Deny,
    Grant,
    Mode,
    Mount,
    Policy,
    Rule,
    Sandbox,
    Toolbox,
    ToolResult,
    Workspace,
    decide,
    default_toolbox,
    dispatch,
    rules_for,
    run_process,
)
from m31a_tools.bash import BashArgs, LeavingBashArgs
from m31a_tools.sandbox.launch import Launch
from m31a_tools.testing import RecordingAsker

ONE_LOOP = pytest.mark.parametrize("anyio_backend", ["asyncio"], indirect=True)
FREE = Bash(may_leave_sandbox=True)
UNTIL = "while [ ! -e {} ]; do sleep 0.01; done"
OUT = LeavingBashArgs(command="make", unconfined=True)


@pytest.fixture
def confined(bubblewrap: Sandbox, root: Path, outside: Path) -> Workspace:
    confinement = Confinement(writable=(root,), mounts=(Mount(outside, outside),), homes=())
    return Workspace(root=root, confined=Confined(bubblewrap, confinement))


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """Seen in the sandbox, and not to be changed there."""
    folder = tmp_path / "outside"
    folder.mkdir()
    return folder


async def bash(
    workspace: Workspace,
    policy: Policy,
    asker: RecordingAsker,
    toolbox: Toolbox | None = None,
    **arguments: object,
) -> ToolResult:
    with anyio.fail_after(60):
        return await dispatch(
            Call(id="1", name="Bash", arguments=json.dumps(arguments)),
            toolbox=toolbox or default_toolbox(workspace, may_leave_sandbox=True),
            policy=policy,
            asker=asker,
            workspace=workspace,
        )


def policy(mode: Mode, *rules: Rule, tainted: bool = False) -> Policy:
    return Policy(mode=mode, rules=rules, confined=True, trusted=True, tainted=tainted)


def test_only_a_bash_that_may_is_told_of_the_way_out(workspace: Workspace) -> None:
    schemas = [
        default_toolbox(workspace, may_leave_sandbox=may).specs()[0].parameters["properties"]
        for may in (False, True)
    ]

    assert ["unconfined" in schema for schema in schemas] == [False, True]
    assert not Bash().access(OUT).leaves_sandbox
    assert FREE.access(OUT).leaves_sandbox
    assert not FREE.access(LeavingBashArgs(command="make")).leaves_sandbox


@pytest.mark.parametrize(
    ("mode", "verdict"),
    [
        (Mode.ASK, AskFirst),
        (Mode.SANDBOXED, Defer),
        (Mode.RULES, Deny),
        (Mode.DEFER, Defer),
        (Mode.ALLOW_ALL, Allow),
        (Mode.DENY_ALL, Deny),
    ],
)
def test_leaving_is_judged_as_a_command_outside_the_sandbox(mode: Mode, verdict: type) -> None:
    assert isinstance(decide(policy(mode), FREE, OUT), verdict)


def test_a_rule_for_a_command_does_not_let_it_out() -> None:
    inside = Rule(action=Action.ALLOW, tool="Bash", command="make")
    outside = Rule(action=Action.ALLOW, tool="Bash", command="make", unconfined=True)
    never = Rule(action=Action.DENY, tool="Bash", unconfined=True)
    stays = BashArgs(command="make")

    assert isinstance(decide(policy(Mode.RULES, inside), FREE, stays), Allow)
    assert isinstance(decide(policy(Mode.RULES, inside), FREE, OUT), Deny)
    assert isinstance(decide(policy(Mode.RULES, outside), FREE, OUT), Allow)
    assert isinstance(decide(policy(Mode.RULES, outside), FREE, stays), Allow)
    assert isinstance(decide(policy(Mode.ALLOW_ALL, never), FREE, OUT), Deny)
    assert isinstance(decide(policy(Mode.ALLOW_ALL, never), FREE, stays), Allow)
    denied = Rule(action=Action.DENY, tool="Bash", command="make")
    assert isinstance(decide(policy(Mode.ALLOW_ALL, denied), FREE, OUT), Deny)


def test_where_nothing_confines_there_is_nothing_to_leave() -> None:
    rule = Rule(action=Action.ALLOW, tool="Bash", command="make")
    free = Policy(mode=Mode.ASK, rules=(rule,))

    assert isinstance(decide(free, FREE, OUT), Allow)
    verdict = decide(Policy(mode=Mode.ASK), FREE, OUT)
    assert isinstance(verdict, AskFirst)
    assert not verdict.request.leaves_sandbox


def test_after_text_from_the_network_no_rule_lets_out() -> None:
    outside = Rule(action=Action.ALLOW, tool="Bash", command="make", unconfined=True)

    verdict = decide(policy(Mode.ASK, outside, tainted=True), FREE, OUT)

    assert isinstance(verdict, AskFirst)


def test_always_is_kept_for_the_same_line_outside() -> None:
    verdict = decide(policy(Mode.ASK), FREE, OUT)
    assert isinstance(verdict, AskFirst)
    assert verdict.request.leaves_sandbox

    rules = rules_for(verdict.request)

    assert isinstance(decide(policy(Mode.ASK, *rules), FREE, OUT), Allow)
    other = LeavingBashArgs(command="make all", unconfined=True)
    assert isinstance(decide(policy(Mode.ASK, *rules), FREE, other), AskFirst)


@pytest.mark.anyio
@ONE_LOOP
async def test_a_yes_runs_it_outside_and_a_no_not_at_all(
    confined: Workspace, outside: Path
) -> None:
    made = outside / "made"
    command = f"echo x > {made}"
    modes = policy(Mode.ASK)

    inside = await bash(confined, policy(Mode.ALLOW_ALL), RecordingAsker(), command=command)
    no = RecordingAsker(Choice(grant=Grant.DENY))
    refused = await bash(confined, modes, no, command=command, unconfined=True)
    there = made.exists()
    yes = RecordingAsker(Choice(grant=Grant.ONCE))
    allowed = await bash(confined, modes, yes, command=command, unconfined=True)

    assert inside.is_error
    assert "the user is asked to run it outside" in inside.for_model
    assert refused.is_error
    assert not there
    assert (allowed.is_error, made.read_text()) == (False, "x\n")
    assert [each.leaves_sandbox for each in (*no.requests, *yes.requests)] == [True, True]


@pytest.mark.anyio
@ONE_LOOP
async def test_who_is_not_offered_the_way_out_cannot_take_it(confined: Workspace) -> None:
    result = await bash(
        confined,
        policy(Mode.ALLOW_ALL),
        RecordingAsker(),
        default_toolbox(confined),
        command="touch x",
        unconfined=True,
    )

    assert "there is no 'unconfined'" in result.for_model
    assert list(confined.root.iterdir()) == []


@pytest.mark.anyio
@ONE_LOOP
async def test_a_policy_that_knows_of_no_sandbox_lets_nobody_out(
    confined: Workspace, outside: Path
) -> None:
    result = await bash(
        confined,
        Policy(mode=Mode.ALLOW_ALL),
        RecordingAsker(),
        command=f"touch {outside}/made",
        unconfined=True,
    )

    assert result.is_error
    assert not (outside / "made").exists()


@pytest.mark.anyio
@ONE_LOOP
async def test_the_last_command_to_end_takes_the_stand_ins_away(
    confined: Workspace, root: Path, bubblewrap: Sandbox, tmp_path: Path
) -> None:
    for name in ("deps", "temp"):
        (tmp_path / name).mkdir()
    confinement = Confinement(
        writable=(root,),
        homes=(),
        temp=tmp_path / "temp",
        mounts=(Mount(tmp_path / "deps", root / "node_modules"),),
    )
    async with Background() as background:
        workspace = Workspace(
            root=root, background=background, confined=Confined(bubblewrap, confinement)
        )
        toolbox = default_toolbox(workspace, background=True)
        allow, asker = policy(Mode.ALLOW_ALL), RecordingAsker()
        waiting = f"touch began; {UNTIL.format('go')}; d=.git; touch $d/x && touch broken"
        await bash(workspace, allow, asker, toolbox, command=waiting, background=True)
        await bash(workspace, allow, asker, toolbox, command=UNTIL.format("began"))
        during = {each.name for each in root.iterdir()}
        (root / "go").touch()
        with anyio.fail_after(30):
            await background.running[0].ended.wait()
        after = {each.name for each in root.iterdir()}

    assert during == {".git", ".m31a", "node_modules", "began"}
    assert after == {"began", "go"}


@pytest.mark.anyio
@ONE_LOOP
async def test_a_command_that_cannot_be_confined_leaves_nothing_counted(
    confined: Workspace, root: Path
) -> None:
    def refused() -> Launch:
        raise CallFailed("it cannot be confined")

    with pytest.raises(CallFailed), confined.stand_ins.kept(refused):
        raise AssertionError

    await bash(confined, policy(Mode.ALLOW_ALL), RecordingAsker(), command="true")

    assert list(root.iterdir()) == []


FORKS = """
import os, sys, time
for count in range(5000):
    try:
        child = os.fork()
    except BlockingIOError:
        print("refused")
        break
    if not child:
        time.sleep(3600)
"""
AS_NOBODY = """
import os, sys
import anyio, encodings.ascii, encodings.idna
from pathlib import Path
from m31a_tools import Confinement, run_process
from m31a_tools.sandbox import bubblewrap
anyio.run(anyio.run_process, ["true"])
os.setgroups([]); os.setgid(65534); os.setuid(65534)
bubblewrap.MAX_PROCESSES = 100
launch = bubblewrap.bubblewrap_launch(
    sys.argv[1], ["python3", "-c", sys.argv[2]], cwd=Path("/"), env={"PATH": os.defpath},
    confinement=Confinement(homes=()),
)
async def main():
    result = await run_process(
        launch.argv, cwd=launch.cwd, env=launch.env, watcher=True, timeout_s=20
    )
    print(result.output, result.exit_code, end="")
anyio.run(main)
"""


@pytest.mark.anyio
@ONE_LOOP
async def test_a_normal_user_has_so_many_processes_in_a_sandbox_and_no_more(
    bubblewrap: Sandbox,
) -> None:
    if os.geteuid() != 0:
        pytest.skip("becomes a normal user, which takes root")
    with anyio.fail_after(40):
        result = await run_process(
            [sys.executable, "-c", AS_NOBODY, bubblewrap.program, FORKS],
            cwd="/",
            env={"PATH": os.defpath},
            timeout_s=30,
        )

    assert result.output == "refused\n 0"
