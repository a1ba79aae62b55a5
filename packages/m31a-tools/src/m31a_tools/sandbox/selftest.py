"""Trying a sandbox before it is trusted: really, with files, sockets and a process of ours."""

import contextlib
import os
import shutil
import socket
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files
from pathlib import Path
from typing import Protocol

import anyio
import msgspec

from m31a_tools.errors import ToolsError
from m31a_tools.process import ProcessResult, run_process
from m31a_tools.sandbox.confinement import Confinement, Mount
from m31a_tools.sandbox.confines import Confines
from m31a_tools.sandbox.launch import Launch
from m31a_tools.sandbox.secret_places import PRIVATE_FOLDERS

_LIMIT_S = 10.0


class Launcher(Protocol):
    """Makes the launch of a command in the sandbox that is tried."""

    def __call__(  # noqa: D102 - said above
        self,
        argv: Sequence[str],
        *,
        cwd: Path,
        env: Mapping[str, str],
        confinement: Confinement,
    ) -> Launch: ...


class Ground(msgspec.Struct, frozen=True, kw_only=True):
    """What the probe is to try itself on."""

    work: str
    kept: str
    key: str
    place: str
    service: str
    name: str
    port: int
    pid: int
    started: str


class Findings(msgspec.Struct, frozen=True, kw_only=True):
    """What the probe found."""

    confines: frozenset[Confines]
    """What did not get through."""
    shows: bool
    """Whether a folder was seen at another's path."""
    problem: str = ""
    """Why the sandbox cannot be used at all, empty when it can."""


def try_sandbox(launcher: Launcher, *, mounts: bool) -> Findings:
    """What a command cannot do in the sandbox; blocks for some tens of milliseconds.

    `mounts`: whether the sandbox is to show a folder at another's path.
    """
    try:
        with _ground(mounts=mounts) as (ground, confinement):
            result = _run(launcher, ground, confinement)
            return _findings(result, ground)
    except (OSError, ToolsError) as exc:
        return Findings(confines=frozenset(), shows=False, problem=str(exc))


@contextlib.contextmanager
def _ground(*, mounts: bool) -> Iterator[tuple[Ground, Confinement]]:
    folder = Path(tempfile.mkdtemp(prefix="m31a-sandbox-")).resolve()
    try:
        for name in ("work", "outside/place", "elsewhere/other", "home/.ssh", "temp"):
            (folder / name).mkdir(parents=True)
        kept, key = folder / "outside" / "kept", folder / "home" / ".ssh" / "key"
        for file in (kept, key):
            file.touch()
        service, name = folder / "home" / ".bus", f"m31a-{os.urandom(8).hex()}"
        with (
            socket.create_server(("127.0.0.1", 0)) as server,
            _local_server(str(service)),
            _local_server("\0" + name),
        ):
            ground = Ground(
                work=str(folder / "work"),
                kept=str(kept),
                key=str(key),
                place=str(folder / "outside" / "place"),
                service=str(service),
                name=name,
                port=server.getsockname()[1],
                pid=os.getpid(),
                started=_started(),
            )
            yield ground, _confinement(folder, mounts=mounts)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _confinement(folder: Path, *, mounts: bool) -> Confinement:
    other = (Mount(folder / "elsewhere", folder / "outside" / "place"),) if mounts else ()
    return Confinement(
        writable=(folder / "work",),
        mounts=(
            *(Mount(folder / name, folder / name) for name in ("outside", "home")),
            *other,
            *_interpreter(),
        ),
        homes=(folder / "home",),
        temp=folder / "temp",
    )


def _interpreter() -> Iterator[Mount]:
    """Where the probe's Python lies in a folder that commands have their own of."""
    for prefix in {Path(sys.prefix), Path(sys.base_prefix)}:
        if any(prefix.is_relative_to(folder) for folder in PRIVATE_FOLDERS):
            yield Mount(prefix, prefix)


@contextlib.contextmanager
def _local_server(address: str) -> Iterator[None]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
        server.bind(address)
        server.listen()
        yield


def _started() -> str:
    """When this process was started, as /proc tells it."""
    status = Path("/proc/self/stat").read_bytes()
    return status.rpartition(b")")[2].split()[19].decode("ascii")


def _run(launcher: Launcher, ground: Ground, confinement: Confinement) -> ProcessResult:
    source = files("m31a_tools.sandbox").joinpath("probe.py").read_text(encoding="utf-8")
    text = msgspec.json.encode(ground).decode("utf-8")
    # Called as `a/../python`, it would need `a` in sight.
    python = os.path.normpath(sys.executable)
    launch = launcher(
        [python, "-I", "-S", "-c", source, text],
        cwd=Path(ground.work),
        env={"PATH": os.defpath},
        confinement=confinement,
    )

    async def probe() -> ProcessResult:
        return await run_process(
            launch.argv,
            cwd=launch.cwd,
            env=launch.env,
            timeout_s=_LIMIT_S,
            grace_s=0,
            watcher=launch.watcher,
        )

    # In a thread of its own: the caller's may have an event loop running.
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(anyio.run, probe).result()


def _findings(result: ProcessResult, ground: Ground) -> Findings:
    line = result.output.strip().rpartition("\n")[2]
    try:
        report = msgspec.json.decode(line, type=dict[str, bool])
    except msgspec.MsgspecError:
        report = {}
    if result.exit_code != 0 or not report.get("works"):
        said = result.output.strip().splitlines()
        why = said[-1] if said else f"the trial ended with exit code {result.exit_code}"
        return Findings(confines=frozenset(), shows=False, problem=why)
    kept = {each for each in Confines if report.get(each.value) is False}
    if Path(ground.kept).exists() and Path(ground.kept).stat().st_size == 0:
        return Findings(confines=frozenset(kept), shows=report.get("shows", False))
    return Findings(confines=frozenset(kept - {Confines.WRITES}), shows=False)
