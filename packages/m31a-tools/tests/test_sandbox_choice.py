"""Which sandbox is chosen, and for how long: a false bwrap is put first on PATH."""

import json
import os
import socket
import stat
import subprocess
import sys
from pathlib import Path

import anyio
import msgspec
import pytest

from m31a_tools import (
    Confined,
    Confinement,
    Confines,
    Mount,
    ProcessResult,
    Sandbox,
    SandboxKind,
    run_process,
)
from m31a_tools.sandbox.landlock import landlock_abi
from m31a_tools.sandbox.selftest import Ground


def with_bwrap(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder.mkdir(exist_ok=True)
    program = folder / "bwrap"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{folder}:{os.defpath}")
    return program


def test_the_probe_notices_everything_where_nothing_confines_it(tmp_path: Path) -> None:
    for name in ("work", "outside", "home/.ssh", "place/other"):
        (tmp_path / name).mkdir(parents=True)
    for name in ("outside/kept", "home/.ssh/key"):
        (tmp_path / name).touch()
    status = Path("/proc/self/stat").read_bytes()
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.socket(socket.AF_UNIX) as service,
    ):
        service.bind(str(tmp_path / "bus"))
        service.listen()
        ground = Ground(
            work=str(tmp_path / "work"),
            kept=str(tmp_path / "outside" / "kept"),
            key=str(tmp_path / "home" / ".ssh" / "key"),
            place=str(tmp_path / "place"),
            service=str(tmp_path / "bus"),
            name="none",
            port=server.getsockname()[1],
            pid=os.getpid(),
            started=status.rpartition(b")")[2].split()[19].decode(),
        )
        text = msgspec.json.encode(ground).decode()
        done = subprocess.run(
            [sys.executable, "-m", "m31a_tools.sandbox.probe", text],
            env=dict(os.environ) | {"TMPDIR": str(tmp_path)},
            capture_output=True,
            check=True,
        )
    report = json.loads(done.stdout)

    # Whether namespaces and tracing are open is for the machine to say.
    machine = {"kernel", "tracing"}
    assert {name: True for name in report if name not in machine} == {
        name: got for name, got in report.items() if name not in machine
    }
    assert {each.value for each in Confines} - set(report) == {"outliving"}


@pytest.mark.parametrize("seatbelt", [False, True])
def test_elsewhere_than_on_linux_nothing_is_taken_for_granted(
    seatbelt: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")

    found = Sandbox.detect(seatbelt=seatbelt)

    if found.kind is not SandboxKind.NONE:
        pytest.skip("this is a Mac")
    assert found.reasons == ("darwin: no tested sandbox",)
    assert "untested" in found.remedies[0]


def test_a_mac_that_asks_for_it_gets_what_nobody_tried(tmp_path: Path) -> None:
    untried = Sandbox(kind=SandboxKind.SEATBELT)

    launch = untried.launch(["true"], cwd=tmp_path, env={}, confinement=Confinement(homes=()))

    assert launch.argv[0] == "/usr/bin/sandbox-exec"
    assert untried.partial
    assert len(untried.gaps) == len(Confines)


NO_CONFINEMENT = 'while [ "$1" != -- ]; do shift; done; shift; TMPDIR={} exec "$@"'


def test_a_bwrap_that_confines_nothing_is_not_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_bwrap(tmp_path / "bin", NO_CONFINEMENT.format(tmp_path), monkeypatch)

    found = Sandbox.detect()

    assert found.kind is not SandboxKind.BUBBLEWRAP
    assert found.reasons[0].startswith("bubblewrap: in its trial a command could ")


def test_a_bwrap_that_fails_is_told_with_its_own_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_bwrap(tmp_path / "bin", "echo 'bwrap: No permissions to make it' >&2; exit 1", monkeypatch)

    found = Sandbox.detect()

    assert found.reasons[0] == "bubblewrap: bwrap: No permissions to make it"
    assert found.kind in (SandboxKind.LANDLOCK, SandboxKind.NONE)


def tries(log: Path) -> int:
    return len(log.read_text().splitlines()) if log.exists() else 0


def test_a_verdict_is_kept_until_what_it_depends_on_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, cache = tmp_path / "log", tmp_path / "deep" / "cache"
    script = f"echo tried >> {log}; exit 1"
    with_bwrap(tmp_path / "bin", script, monkeypatch)

    first = Sandbox.detect(cache)
    assert (Sandbox.detect(cache), tries(log)) == (first, 1)
    assert stat.S_IMODE((cache / "sandbox.json").stat().st_mode) == 0o600

    with_bwrap(tmp_path / "bin", f"{script} # newer", monkeypatch)
    Sandbox.detect(cache)
    assert tries(log) == 2
    with monkeypatch.context() as another_user:
        another_user.setattr(os, "geteuid", lambda: 4321)
        Sandbox.detect(cache)
    assert tries(log) == 3
    Sandbox.detect(cache)

    kept = json.loads((cache / "sandbox.json").read_bytes())
    for spoilt in (
        b"",
        b"\xff{",
        json.dumps(kept | {"key": ["another boot"]}).encode(),
        json.dumps(kept | {"until_s": 1.0}).encode(),
        json.dumps(kept | {"until_s": 1e12}).encode(),
        json.dumps(kept | {"verdict": {"kind": "trust me"}}).encode(),
    ):
        (cache / "sandbox.json").write_bytes(spoilt)
        before = tries(log)
        assert Sandbox.detect(cache) == first
        assert tries(log) == before + 1


def test_a_verdict_that_cannot_be_kept_is_given_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_bwrap(tmp_path / "bin", "exit 1", monkeypatch)
    (tmp_path / "file").touch()

    assert Sandbox.detect(tmp_path / "file").reasons[0].startswith("bubblewrap: ")


def test_the_best_verdict_holds_for_the_whole_boot(bubblewrap: Sandbox, tmp_path: Path) -> None:
    found = Sandbox.detect(tmp_path)
    assert found.kind is bubblewrap.kind

    kept = json.loads((tmp_path / "sandbox.json").read_bytes())

    assert kept["until_s"] is None
    assert Path("/proc/sys/kernel/random/boot_id").read_text().strip() in kept["key"]
    assert found.confines == frozenset(Confines)


def test_a_python_that_was_called_by_a_winding_path_is_tried_with_all_the_same(
    bubblewrap: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the path winds through is out of sight in the trial."""
    (tmp_path / "seen" / "bin").mkdir(parents=True)
    (tmp_path / "unseen").mkdir()
    (tmp_path / "seen" / "bin" / "python").symlink_to(sys.executable)
    monkeypatch.setattr(sys, "executable", f"{tmp_path}/unseen/../seen/bin/python")

    found = Sandbox.detect()

    assert (found.kind, found.reasons) == (bubblewrap.kind, ())


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"], indirect=True)
async def test_within_an_event_loop_it_is_found_all_the_same() -> None:
    assert Sandbox.detect() == Sandbox.detect()


DETECT = """
from m31a_tools import Confinement, Sandbox, SandboxMissing
from pathlib import Path
found = Sandbox.detect()
print(found.kind)
try:
    found.launch(["true"], cwd=Path("/"), env={}, confinement=Confinement())
except SandboxMissing:
    print("nothing runs")
"""


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"], indirect=True)
async def test_within_a_sandbox_no_second_one_is_pretended(tmp_path: Path) -> None:
    """Inside Landlock and seccomp the trial cannot even be held."""
    if landlock_abi() < 3:
        pytest.skip("this kernel has no Landlock")
    outer = Sandbox(kind=SandboxKind.LANDLOCK, landlock_abi=landlock_abi())
    folders = {os.path.realpath(each) for each in (sys.prefix, sys.base_prefix)}
    sources = {str(Path(each).parent) for each in (sys.modules["m31a_tools"].__path__)}
    confinement = Confinement(
        mounts=tuple(Mount(Path(each), Path(each)) for each in folders | sources), temp=tmp_path
    )
    confined = Confined(outer, confinement)
    launch = confined.launch([sys.executable, "-c", DETECT], cwd=tmp_path, env={"PATH": os.defpath})

    with anyio.fail_after(30):
        result = await run_process(
            launch.argv, cwd=launch.cwd, env=launch.env, timeout_s=20, watcher=launch.watcher
        )

    assert isinstance(result, ProcessResult)
    assert result.output == "none\nnothing runs\n"
