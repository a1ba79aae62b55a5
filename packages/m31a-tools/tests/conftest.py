import functools
import os
import shutil
import signal
import subprocess
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from m31a_tools import Sandbox, SandboxKind, Workspace

# Started in the background by a script, this process ignores the interrupt, and what it starts
# would inherit that: no command could be asked to end.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    assert isinstance(request.param, str)
    return request.param


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    return folder


@pytest.fixture
def workspace(root: Path) -> Workspace:
    return Workspace(root=root)


@pytest.fixture
def alive() -> Callable[[str], list[int]]:
    """The processes that have a word on their command line, but for this one."""

    def alive(word: str) -> list[int]:
        found: list[int] = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                line = (folder / "cmdline").read_bytes()
                state = (folder / "stat").read_text().rpartition(")")[2].split()[0]
            except (OSError, ValueError):
                continue
            if word.encode() in line and state not in "ZX" and folder.name != str(os.getpid()):
                found.append(int(folder.name))
        return found

    return alive


@pytest.fixture
def token(alive: Callable[[str], list[int]]) -> Iterator[str]:
    """A word on the command line of what a test starts; nothing with it may be left."""
    word = f"9{uuid.uuid4().int % 10**12:012d}"
    yield word
    assert alive(word) == []


@pytest.fixture(scope="session")
def detected() -> Callable[[SandboxKind], Sandbox]:
    """A sandbox of this kind, as it is found; skips where this machine has none.

    Where bwrap can make its namespaces, that it is not chosen is our fault and no reason to skip.
    """

    @functools.cache
    def detected(kind: SandboxKind) -> Sandbox:
        with pytest.MonkeyPatch.context() as patch:
            if kind is SandboxKind.LANDLOCK:
                patch.setenv("PATH", "/nowhere")
            found = Sandbox.detect()
        if found.kind is not kind:
            assert kind is not SandboxKind.BUBBLEWRAP or not makes_namespaces(), found.reasons
            pytest.skip(f"{kind} does not work here: {found.reasons}")
        return found

    return detected


@pytest.fixture(scope="session")
def bubblewrap(detected: Callable[[SandboxKind], Sandbox]) -> Sandbox:
    return detected(SandboxKind.BUBBLEWRAP)


def makes_namespaces() -> bool:
    if shutil.which("bwrap") is None:
        return False
    places = ("--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp")
    argv = ["bwrap", "--unshare-user", "--unshare-pid", "--unshare-net", *places, "true"]
    return subprocess.run(argv, env={"PATH": os.defpath}, check=False).returncode == 0
