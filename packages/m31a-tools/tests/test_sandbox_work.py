"""Inside a sandbox ordinary work goes on, and ends as it does outside."""

import json
import os
import pickle
import select
import shutil
import subprocess
import sys
import uuid
from collections.abc import Callable
from pathlib import Path

import anyio
import anyio.abc
import pytest

from m31a_tools import (
    Call,
    Confined,
    Confinement,
    ConfinementRefused,
    Mode,
    Mount,
    Policy,
    ProcessResult,
    Sandbox,
    SandboxKind,
    Workspace,
    child_environment,
    default_toolbox,
    dispatch,
    run_process,
)
from m31a_tools.sandbox.launch import confined_environment
from m31a_tools.testing import RecordingAsker

pytestmark = pytest.mark.anyio
ONE_LOOP = pytest.mark.parametrize("anyio_backend", ["asyncio"], indirect=True)


@pytest.fixture(scope="module", params=[SandboxKind.BUBBLEWRAP, SandboxKind.LANDLOCK])
def sandbox(request: pytest.FixtureRequest, detected: Callable[[SandboxKind], Sandbox]) -> Sandbox:
    return detected(request.param)


@pytest.fixture
def temp(tmp_path: Path) -> Path:
    folder = tmp_path / "temp"
    folder.mkdir()
    return folder


def seen(*folders: str) -> tuple[Mount, ...]:
    """Folders of the machine below /tmp that a command is to see."""
    return tuple(Mount(Path(each), Path(each)) for each in folders)


def the_python() -> tuple[Mount, ...]:
    """This Python may stand in a dotted folder of the home, or below /tmp."""
    return seen(*{os.path.realpath(each) for each in (sys.prefix, sys.base_prefix)})


async def confined(
    sandbox: Sandbox,
    argv: list[str],
    cwd: Path,
    confinement: Confinement,
    *,
    until: str = "",
    grace_s: float = 0.1,
) -> ProcessResult:
    """How it ended; its time limit comes when it has printed `until`."""
    limit = anyio.CancelScope()

    async def hear(text: str) -> None:
        if until and until in text:
            limit.cancel()

    launch = sandbox.launch(
        argv, cwd=cwd, env=child_environment(os.environ), confinement=confinement
    )
    with anyio.fail_after(90):
        return await run_process(
            launch.argv,
            cwd=launch.cwd,
            env=launch.env,
            watcher=launch.watcher,
            timeout_s=60,
            grace_s=grace_s,
            on_output=hear,
            limit=limit,
        )


def needed(*programs: str) -> None:
    missing = [each for each in programs if shutil.which(each) is None]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")


@ONE_LOOP
async def test_a_c_project_is_built_and_tested(sandbox: Sandbox, root: Path, temp: Path) -> None:
    needed("cc", "make")
    (root / "sum.c").write_text("int sum(int a, int b) { return a + b; }\n")
    (root / "test.c").write_text("int sum(int, int);\nint main(void) { return sum(2, 3) != 5; }\n")
    (root / "Makefile").write_text("test: t\n\t./t && echo passed\nt: sum.c test.c\n\tcc -o t $^\n")

    result = await confined(
        sandbox, ["make", "test"], root, Confinement(writable=(root,), temp=temp)
    )

    assert (result.exit_code, result.output.splitlines()[-1]) == (0, "passed")
    assert (root / "t").exists()


@ONE_LOOP
async def test_a_node_project_is_tested(sandbox: Sandbox, root: Path, temp: Path) -> None:
    needed("node")
    (root / "sum.js").write_text("exports.sum = (a, b) => a + b;\n")
    (root / "sum.test.js").write_text(
        "const test = require('node:test'), assert = require('node:assert');\n"
        "test('adds', () => assert.equal(require('./sum').sum(2, 3), 5));\n"
    )

    result = await confined(
        sandbox, ["node", "--test"], root, Confinement(writable=(root,), temp=temp)
    )

    assert (result.exit_code, "pass 1" in result.output) == (0, True), result.output


@ONE_LOOP
async def test_a_python_project_is_tested(sandbox: Sandbox, root: Path, temp: Path) -> None:
    (root / "adding.py").write_text("def add(a, b):\n    return a + b\n")
    (root / "test_adding.py").write_text(
        "import tempfile, unittest\nfrom adding import add\n\n"
        "class Adding(unittest.TestCase):\n    def test_adds(self):\n"
        "        tempfile.TemporaryFile().close()\n        self.assertEqual(add(2, 3), 5)\n"
    )
    confinement = Confinement(writable=(root,), mounts=the_python(), temp=temp)

    result = await confined(sandbox, [sys.executable, "-m", "unittest"], root, confinement)

    assert (result.exit_code, "Ran 1 test" in result.output) == (0, True), result.output


LOCAL_SERVER = """
import socket, threading
server = socket.create_server(("127.0.0.1", 0))
threading.Thread(target=lambda: server.accept()[0].sendall(b"served")).start()
with socket.create_connection(server.getsockname(), timeout=5) as client:
    print(client.recv(10).decode())
"""


@ONE_LOOP
async def test_a_server_of_the_commands_own_is_reached(
    bubblewrap: Sandbox, root: Path, temp: Path
) -> None:
    argv = [sys.executable, "-I", "-c", LOCAL_SERVER]
    confinement = Confinement(writable=(root,), mounts=the_python(), temp=temp)

    assert (await confined(bubblewrap, argv, root, confinement)).output == "served\n"


@ONE_LOOP
async def test_with_the_network_allowed_a_server_of_the_machine_is_reached(
    sandbox: Sandbox, root: Path, temp: Path
) -> None:
    code = (
        "import socket, sys\n"
        "with socket.create_connection(('127.0.0.1', int(sys.argv[1])), timeout=5) as client:\n"
        "    print(client.recv(10).decode())\n"
    )
    confinement = Confinement(writable=(root,), mounts=the_python(), temp=temp, network=True)

    async def serve(stream: anyio.abc.SocketStream) -> None:
        async with stream:
            await stream.send(b"served")

    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    port = str(listener.extra(anyio.abc.SocketAttribute.local_port))
    async with listener, anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, serve)
        argv = [sys.executable, "-I", "-c", code, port]
        result = await confined(sandbox, argv, root, confinement)
        tasks.cancel_scope.cancel()

    # Where coverage is measured, it complains that its file cannot be written from inside.
    assert "served" in result.output.splitlines()


@ONE_LOOP
async def test_a_command_is_told_plainly_what_it_may_not(
    sandbox: Sandbox, root: Path, temp: Path
) -> None:
    result = await confined(
        sandbox, ["sh", "-c", "echo x > /etc/m31a-test"], Path("/"), Confinement(temp=temp)
    )

    assert result.exit_code != 0
    assert "Read-only file system" in result.output or "Permission denied" in result.output


@ONE_LOOP
async def test_without_a_writable_folder_everything_is_read_alone(
    sandbox: Sandbox, root: Path, temp: Path
) -> None:
    (root / "file").write_text("read\n")

    command = "cat file; echo x > new; echo x > file; echo x > $TMPDIR/own && echo temp"
    confinement = Confinement(mounts=seen(str(root)), temp=temp)
    result = await confined(sandbox, ["sh", "-c", command], root, confinement)

    assert (result.output.splitlines()[0], result.output.splitlines()[-1]) == ("read", "temp")
    assert [each.name for each in root.iterdir()] == ["file"]
    assert (root / "file").read_text() == "read\n"


@ONE_LOOP
async def test_exit_codes_and_signals_are_those_of_the_command(
    sandbox: Sandbox, root: Path, temp: Path
) -> None:
    confinement = Confinement(writable=(root,), temp=temp)

    codes = [
        (await confined(sandbox, ["sh", "-c", command], root, confinement)).exit_code
        for command in ("exit 0", "exit 3", "kill -TERM $$", "no-such-program")
    ]

    assert codes == [0, 3, 143, 127]


@ONE_LOOP
async def test_at_the_time_limit_the_command_is_interrupted_and_may_clean_up(
    sandbox: Sandbox, root: Path, temp: Path
) -> None:
    command = "trap 'echo cleaned; exit 5' INT; echo began; while :; do sleep 0.05; done"
    confinement = Confinement(writable=(root,), temp=temp)

    result = await confined(
        sandbox, ["bash", "-c", command], root, confinement, until="began", grace_s=20.0
    )

    assert (result.output, result.exit_code, result.timed_out) == ("began\ncleaned\n", 5, True)


async def test_nothing_is_left_of_a_command_that_hides_its_children(
    sandbox: Sandbox, root: Path, temp: Path, alive: Callable[[str], list[int]]
) -> None:
    word = f"9{os.urandom(5).hex()}"
    command = (
        f"setsid bash -c 'exec -a {word} sleep 60' & "
        f"(trap '' INT; exec -a {word} sleep 61 >/dev/null) & echo began; sleep 60"
    )
    confinement = Confinement(writable=(root,), temp=temp)

    result = await confined(sandbox, ["bash", "-c", command], root, confinement, until="began")

    assert result.timed_out
    assert alive(word) == []


@ONE_LOOP
async def test_a_child_in_the_background_holds_nobody_up(
    sandbox: Sandbox, root: Path, temp: Path
) -> None:
    confinement = Confinement(writable=(root,), temp=temp)

    result = await confined(sandbox, ["sh", "-c", "sleep 60 & echo done"], root, confinement)

    assert (result.output, result.exit_code, result.timed_out) == ("done\n", 0, False)


@ONE_LOOP
async def test_no_descriptor_of_ours_is_left_open_in_the_command(
    sandbox: Sandbox, root: Path, temp: Path
) -> None:
    confinement = Confinement(writable=(root,), temp=temp)

    command = "for n in $(seq 0 99); do [ -e /proc/$$/fd/$n ] && echo $n; done; true"
    result = await confined(sandbox, ["bash", "-c", command], root, confinement)

    assert result.output.split() == ["0", "1", "2"]


@ONE_LOOP
async def test_a_command_shares_no_namespace_with_the_machine_and_has_no_capability(
    bubblewrap: Sandbox, root: Path, temp: Path
) -> None:
    names = ("ipc", "mnt", "net", "pid", "user", "uts")
    command = "cd /proc/self/ns; readlink $*; grep -E '^Cap(Inh|Prm|Eff|Amb)' ../status"
    result = await confined(
        bubblewrap,
        ["sh", "-c", command, "sh", *names],
        root,
        Confinement(writable=(root,), temp=temp),
    )
    inside = result.output.splitlines()
    outside = {str(Path("/proc/self/ns", name).readlink()) for name in names}

    assert [line.partition(":")[0] for line in inside[:6]] == list(names)
    assert outside.isdisjoint(inside)
    assert [int(line.split()[1], 16) for line in inside[6:]] == [0, 0, 0, 0]


@ONE_LOOP
async def test_a_command_gets_no_variables_but_its_own(bubblewrap: Sandbox) -> None:
    launch = bubblewrap.launch(
        ["/usr/bin/env", "-0"], cwd=Path("/"), env={"A": "1\n2"}, confinement=Confinement()
    )
    with anyio.fail_after(30):
        result = await run_process(
            launch.argv, cwd=launch.cwd, env=launch.env, watcher=launch.watcher, timeout_s=20
        )
    found = dict(each.split("=", 1) for each in result.output.split("\0") if each)

    assert found.pop("PWD", "/") == "/"
    assert found == confined_environment({"A": "1\n2"}, Path("/tmp"))


@ONE_LOOP
@pytest.mark.parametrize("writable", [False, True])
async def test_what_is_mounted_at_a_protected_place_is_as_writable_as_was_asked(
    bubblewrap: Sandbox, writable: bool, root: Path, temp: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "config").write_text("seen\n")
    confinement = Confinement(
        writable=(root,), mounts=(Mount(other, root / ".git", writable=writable),), temp=temp
    )

    result = await confined(
        bubblewrap, ["sh", "-c", "cat .git/config; echo x > .git/config"], root, confinement
    )

    assert result.output.splitlines()[0] == "seen"
    assert ("Read-only file system" in result.output) is not writable
    assert (other / "config").read_text() == ("x\n" if writable else "seen\n")


@ONE_LOOP
async def test_what_belongs_to_the_sandbox_is_not_told_as_left_behind(
    bubblewrap: Sandbox, root: Path, temp: Path
) -> None:
    confinement = Confinement(writable=(root,), temp=temp)

    results = [await confined(bubblewrap, ["true"], root, confinement) for _ in range(20)]

    assert {(each.exit_code, each.stopped) for each in results} == {(0, 0)}


@ONE_LOOP
async def test_stand_ins_are_told_and_taken_away(
    bubblewrap: Sandbox, root: Path, temp: Path
) -> None:
    (root / "kept").touch()
    launch = bubblewrap.launch(
        ["sh", "-c", "ls -A; mkdir .git/hooks"],
        cwd=root,
        env={"PATH": os.defpath},
        confinement=Confinement(writable=(root,), temp=temp),
    )
    with anyio.fail_after(30):
        result = await run_process(
            launch.argv, cwd=launch.cwd, env=launch.env, watcher=launch.watcher, timeout_s=20
        )
    told = {each.name for each in launch.stand_ins}
    made = {each.name for each in root.iterdir()} - {"kept"}
    launch.tidy()

    assert (told, made) == ({".git", ".m31a"}, {".git", ".m31a"})
    assert "Read-only file system" in result.output
    assert [each.name for each in root.iterdir()] == ["kept"]


@ONE_LOOP
async def test_it_dies_with_the_program_that_started_it(
    bubblewrap: Sandbox, root: Path, temp: Path, alive: Callable[[str], list[int]]
) -> None:
    word = f"9{uuid.uuid4().int}"
    launch = bubblewrap.launch(
        ["bash", "-c", f"setsid sleep 60.{word} & jobs -r; wait"],
        cwd=root,
        env={"PATH": os.defpath},
        confinement=Confinement(writable=(root,), temp=temp),
    )
    starter = (
        "import sys, pickle, subprocess\n"
        "from m31a_tools.inherited import opened\n"
        "argv = pickle.load(sys.stdin.buffer)\n"
        "with opened(argv) as (arguments, fds):\n"
        "    subprocess.run(arguments, pass_fds=fds)\n"
    )
    program = subprocess.Popen(
        [sys.executable, "-c", starter], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert program.stdin is not None
    assert program.stdout is not None
    with program, program.stdin, program.stdout:
        program.stdin.write(pickle.dumps(launch.argv))
        program.stdin.close()
        assert word.encode() in program.stdout.readline()
        program.kill()
        # The end of the output comes when the last process that could write is gone.
        assert select.select([program.stdout], [], [], 20)[0]
        assert program.stdout.read() == b""

    assert alive(word) == []


def git(*arguments: str, cwd: Path) -> str:
    identity = ("-c", "user.name=T", "-c", "user.email=t@example.org")
    argv = ["git", *identity, *arguments]
    return subprocess.run(argv, cwd=cwd, capture_output=True, text=True, check=True).stdout


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A repository with one commit, and beside it a work tree of it called `bay`."""
    needed("git")
    folder = tmp_path / "project"
    folder.mkdir(exist_ok=True)
    git("init", "-q", "-b", "main", cwd=folder)
    (folder / "file").write_text("one\n")
    git("add", "-A", cwd=folder)
    git("commit", "-qm", "base", cwd=folder)
    git("worktree", "add", "-q", "-b", "task", str(tmp_path / "bay"), cwd=folder)
    return folder


@ONE_LOOP
async def test_git_reads_in_a_work_tree_and_changes_nothing(
    bubblewrap: Sandbox, project: Path, tmp_path: Path, temp: Path
) -> None:
    bay = tmp_path / "bay"
    confinement = Confinement(writable=(bay,), mounts=seen(str(project)), temp=temp)

    (bay / "file").write_text("two\n")
    told = await confined(
        bubblewrap, ["sh", "-c", "git status --short; git log --format=%s"], bay, confinement
    )
    refused = await confined(bubblewrap, ["git", "commit", "-qam", "x"], bay, confinement)

    assert told.output == " M file\nbase\n"
    assert refused.exit_code != 0
    assert "Read-only file system" in refused.output
    assert git("log", "--format=%s", "task", cwd=project) == "base\n"


@ONE_LOOP
async def test_a_checkout_is_seen_at_the_projects_own_path(
    bubblewrap: Sandbox, project: Path, tmp_path: Path, temp: Path
) -> None:
    checkout = tmp_path / "checkout"
    (checkout / "sub").mkdir(parents=True)
    (checkout / "file").write_text("of the checkout\n")
    (project / "deps").mkdir()
    (project / "deps" / "dep").write_text("dependency\n")
    (checkout / "deps").mkdir()
    (tmp_path / "dot-git").write_text("gitdir: /run/m31a/git/worktrees/bay\n")
    confinement = Confinement(
        mounts=(
            Mount(checkout, project, writable=True),
            Mount(project / "deps", project / "deps"),
            Mount(project / ".git", Path("/run/m31a/git")),
            Mount(tmp_path / "dot-git", project / ".git"),
        ),
        temp=temp,
    )
    command = (
        "pwd; cat file deps/dep; echo made > sub/made; echo x > deps/new; echo x > .git; "
        "git log --format=%s"
    )

    result = await confined(bubblewrap, ["sh", "-c", command], project, confinement)

    lines = [line for line in result.output.splitlines() if "Read-only" not in line]
    assert lines == [str(project), "of the checkout", "dependency", "base"]
    assert result.output.count("Read-only file system") == 2
    assert (checkout / "sub" / "made").read_text() == "made\n"
    assert not (project / "sub").exists()
    assert (project / ".git").is_dir()


def test_landlock_shows_no_folder_elsewhere(root: Path, temp: Path) -> None:
    landlock = Sandbox(kind=SandboxKind.LANDLOCK, landlock_abi=7)

    with pytest.raises(ConfinementRefused, match="has no mounts"):
        landlock.launch(
            ["true"], cwd=root, env={}, confinement=Confinement(mounts=(Mount(temp, root),))
        )


async def bash(workspace: Workspace, command: str, **arguments: object) -> str:
    call = Call(id="1", name="Bash", arguments=json.dumps({"command": command} | arguments))
    with anyio.fail_after(60):
        result = await dispatch(
            call,
            toolbox=default_toolbox(workspace),
            policy=Policy(mode=Mode.ALLOW_ALL),
            asker=RecordingAsker(),
            workspace=workspace,
        )
    return result.for_model


@ONE_LOOP
async def test_bash_of_a_confined_workspace_changes_that_folder_alone(
    sandbox: Sandbox, root: Path, temp: Path, tmp_path: Path
) -> None:
    confinement = Confinement(writable=(root,), mounts=seen(str(tmp_path)), temp=temp)
    workspace = Workspace(root=root, temp=temp, confined=Confined(sandbox, confinement))

    assert await bash(workspace, "echo x > file && cat file") == "x"
    refused = await bash(workspace, "echo x > ../outside")
    assert refused.splitlines()[-1] == (
        f"[commands run in a sandbox: only {root} and $TMPDIR can be changed, and no .git]"
    )
    offline = await bash(workspace, "echo 'curl: Could not resolve host: x' >&2; exit 6")
    assert offline.splitlines()[-1] == "[commands run in a sandbox: there is no network]"
    assert "sandbox" not in await bash(workspace, "echo nothing; exit 1")
    assert "sandbox" not in await bash(workspace, "echo permission denied")
    assert sorted(each.name for each in tmp_path.iterdir() if each.is_file()) == []


@ONE_LOOP
async def test_bash_sees_the_work_tree_where_the_model_does(
    bubblewrap: Sandbox, project: Path, tmp_path: Path, temp: Path
) -> None:
    bay = tmp_path / "bay"
    (bay / "sub").mkdir()
    confinement = Confinement(mounts=(Mount(bay, project, writable=True),), temp=temp)
    workspace = Workspace(
        root=bay, shown_as=project, temp=temp, confined=Confined(bubblewrap, confinement)
    )

    told = await bash(workspace, f"pwd; echo x > {project}/sub/made; ls {bay}", cwd="sub")

    assert told.splitlines()[0] == f"{project}/sub"
    assert (bay / "sub" / "made").read_text() == "x\n"
    assert not (project / "sub").exists()


@ONE_LOOP
async def test_bash_without_a_sandbox_that_works_runs_nothing(root: Path, temp: Path) -> None:
    none = Sandbox(kind=SandboxKind.NONE, reasons=("bubblewrap: not there",))
    confinement = Confinement(writable=(root,), temp=temp)
    workspace = Workspace(root=root, confined=Confined(none, confinement))

    told = await bash(workspace, "touch made")

    assert told.startswith("No sandbox works on this machine, so the command was not run")
    assert list(root.iterdir()) == []
