"""What a confined command tries and must not get: really tried, in every sandbox, as every user."""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import anyio
import pytest

from m31a_tools import Confinement, Confines, Mount, Sandbox, SandboxKind, run_process

SOURCE = Path(__file__).with_name("sandbox_hostile.py").read_text(encoding="utf-8")
NOBODY = 65534
KEYS = (
    *(".ssh/id", ".gnupg/ring", ".aws/credentials", ".config/gh/hosts.yml", ".netrc", ".npmrc"),
    *(".docker/config.json", ".local/share/keyrings/login", ".m31a/config.toml", ".bash_history"),
    *(".cargo/credentials.toml", ".config/git/credentials", ".unheard-of/token", "linked/key"),
    *("hidden-by-name",),
)
TOOLCHAIN = (".cargo/bin/tool", ".config/git/config", ".gitconfig", ".local/bin/tool", "src/file")

# Landlock cannot hold these; each belongs to a word that `confines` then lacks.
LANDLOCK_LETS = {
    "change a mode outside": Confines.METADATA,
    "change times outside": Confines.METADATA,
    "change attributes outside": Confines.METADATA,
    "make .git": Confines.PROTECTED,
    "make .m31a": Confines.PROTECTED,
    "write a hook": Confines.PROTECTED,
    "write git's settings": Confines.PROTECTED,
    "rename the .git folder": Confines.PROTECTED,
    "write a .git file": Confines.PROTECTED,
    "remove a .git file": Confines.PROTECTED,
    "rename onto a .git file": Confines.PROTECTED,
    "write a read-only path": Confines.PROTECTED,
    "swap a folder above a read-only path": Confines.PROTECTED,
    "see a process": Confines.PROCESSES,
}


@dataclass(frozen=True, slots=True)
class Ground:
    root: Path
    places: dict[str, object]
    confinement: Confinement
    victim: "subprocess.Popen[bytes]"
    udp: socket.socket


@dataclass(frozen=True, slots=True)
class Attack:
    """What came of all actions in one sandbox as one user."""

    sandbox: Sandbox
    report: dict[str, str]
    ground: Ground
    heard: bytes


def as_user(name: str) -> list[str]:
    if name == "same user":
        return []
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        pytest.skip("another user takes root and setpriv")
    return ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "env"]


def python_of(user: list[str]) -> str:
    """A Python that this user may start."""
    for program in (sys.executable, "/usr/bin/python3"):
        argv = [*user, program, "-I", "-S", "-c", "import ctypes, json, socket"]
        if subprocess.run(argv, capture_output=True, check=False).returncode == 0:
            return program
    pytest.skip("no Python that this user may start")


def prepared(folder: Path, owner: int) -> None:
    for name in ("work", "bare", "repo/deep", "outside", "home", "temp"):
        (folder / name).mkdir(parents=True)
    (folder / "outside" / "kept").write_bytes(b"kept")
    (folder / "work" / "file").write_bytes(b"x")
    (folder / "work" / ".git").write_bytes(b"gitdir: /repository")
    (folder / "repo" / ".git" / "hooks").mkdir(parents=True)
    (folder / "repo" / ".git" / "config").write_bytes(b"[core]\n")
    (folder / "repo" / "deep" / "fixed").write_bytes(b"fixed")
    home = folder / "home"
    for name in (*KEYS, *TOOLCHAIN):
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_bytes(b"secret")
    (home / "linked").rename(home / "was-linked")
    (home / ".password-store").symlink_to(home / "was-linked")
    (home / "linked").symlink_to(home / "was-linked")
    for path in (folder, *folder.rglob("*")):
        os.chown(path, owner, owner, follow_symlinks=False)
        if not path.is_symlink():
            path.chmod(0o777)


def confinement_of(folder: Path) -> Confinement:
    return Confinement(
        writable=(folder / "work", folder / "bare", folder / "repo"),
        # The ground lies below /tmp, of which a command has its own.
        mounts=tuple(Mount(folder / name, folder / name) for name in ("outside", "home")),
        read_only=(folder / "repo" / "deep" / "fixed",),
        hidden=(folder / "home" / "hidden-by-name",),
        homes=(folder / "home",),
        temp=folder / "temp",
    )


@pytest.fixture(scope="module", params=["same user", "nobody"])
def user(request: pytest.FixtureRequest) -> list[str]:
    return as_user(request.param)


@pytest.fixture(scope="module", params=[SandboxKind.BUBBLEWRAP, SandboxKind.LANDLOCK])
def sandbox(request: pytest.FixtureRequest, detected: Callable[[SandboxKind], Sandbox]) -> Sandbox:
    return detected(request.param)


@pytest.fixture(scope="module")
def ground(user: list[str], sandbox: Sandbox) -> Iterator[Ground]:
    folder = Path(tempfile.mkdtemp(prefix="m31a-hostile-")).resolve()
    token = f"9{uuid.uuid4().int % 10**12:012d}"
    stray = Path(tempfile.mkstemp(prefix="m31a-stray-")[1])
    stray.chmod(0o666)
    prepared(folder, NOBODY if user else os.geteuid())
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder)
        stack.callback(stray.unlink)
        tcp = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        udp = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        udp.bind(("127.0.0.1", 0))
        udp.setblocking(False)
        abstract = stack.enter_context(socket.socket(socket.AF_UNIX))
        abstract.bind(f"\0m31a-{token}")
        abstract.listen()
        bus = stack.enter_context(socket.socket(socket.AF_UNIX))
        bus.bind(str(folder / "home" / ".bus"))
        bus.listen()
        (folder / "home" / ".bus").chmod(0o777)
        victim = subprocess.Popen([*user, "sleep", f"60.{token}"])
        stack.callback(victim.wait)
        stack.callback(victim.kill)
        disks = [str(each) for each in Path("/dev").glob("[vs]d[a-z]")]
        places: dict[str, object] = {
            **{name: str(folder / name) for name in ("work", "bare", "repo", "outside", "home")},
            "keys": list(KEYS),
            "victim": victim.pid,
            "token": token,
            "tcp": tcp.getsockname()[1],
            "udp": udp.getsockname()[1],
            "abstract": f"m31a-{token}",
            "run": service_in_run(token, stack) or str(folder / "home" / ".bus"),
            "disk": disks[0] if disks else "/dev/kmsg",
            "stray": str(stray),
        }
        yield Ground(folder, places, confinement_of(folder), victim, udp)


def service_in_run(token: str, stack: ExitStack) -> str:
    """A service's socket below /run, where this user may make one."""
    if not os.access("/run", os.W_OK):
        return ""
    path = Path(f"/run/m31a-{token}")
    service = stack.enter_context(socket.socket(socket.AF_UNIX))
    service.bind(str(path))
    stack.callback(path.unlink)
    path.chmod(0o777)
    service.listen()
    return str(path)


def confined(
    sandbox: Sandbox, user: list[str], ground: Ground, code: str, *args: str
) -> tuple[int, str]:
    """Exit code and output of a Python program, confined, as the user."""
    python = python_of(user)
    launch = sandbox.launch(
        [python, "-I", "-S", "-c", code, *args],
        cwd=ground.root / "work",
        env={"PATH": os.defpath, "HOME": str(ground.root / "home")},
        confinement=ground.confinement,
    )
    # Landlock's starter is a Python too, and must be one that the user may start.
    started = [python if each == sys.executable else each for each in launch.argv]

    async def run() -> tuple[int, str]:
        with anyio.fail_after(30):
            result = await run_process(
                [*user, *started],
                cwd=launch.cwd,
                env=launch.env,
                timeout_s=20,
                grace_s=0,
                watcher=launch.watcher,
            )
        return result.exit_code, result.output

    return anyio.run(run)


@pytest.fixture(scope="module")
def attack(sandbox: Sandbox, user: list[str], ground: Ground) -> Attack:
    code, output = confined(sandbox, user, ground, SOURCE, json.dumps(ground.places))
    assert code == 0, output
    try:
        heard = ground.udp.recv(100)
    except BlockingIOError:
        heard = b""
    return Attack(sandbox, json.loads(output), ground, heard)


def test_nothing_gets_through_but_what_is_told(attack: Attack) -> None:
    got_through = {name for name, came in attack.report.items() if came == "done"}
    told = {name for name, word in LANDLOCK_LETS.items() if word not in attack.sandbox.confines}
    expected = told if attack.sandbox.kind is SandboxKind.LANDLOCK else set()

    assert (got_through, attack.heard) == (expected, b"")
    assert len(attack.report) >= 89


def test_what_was_attacked_is_as_it_was(attack: Attack) -> None:
    root = attack.ground.root

    assert attack.ground.victim.poll() is None
    assert (root / "outside" / "kept").read_bytes() == b"kept"
    assert [each.name for each in (root / "outside").iterdir()] == ["kept"]
    if Confines.PROTECTED in attack.sandbox.confines:
        assert (root / "work" / ".git").read_bytes() == b"gitdir: /repository"
        assert (root / "repo" / ".git" / "config").read_bytes() == b"[core]\n"
        assert list((root / "repo" / ".git" / "hooks").iterdir()) == []
        assert (root / "repo" / "deep" / "fixed").read_bytes() == b"fixed"
        assert list((root / "bare" / ".git").iterdir()) == []


def test_toolchains_in_the_home_are_read_and_the_work_tree_is_written(
    sandbox: Sandbox, user: list[str], ground: Ground
) -> None:
    code = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "home = Path(os.environ['HOME'])\n"
        "print(*[(home / name).read_text() for name in sys.argv[1:]])\n"
        "Path('made').mkdir(); Path('made/file').write_text('x')\n"
        "Path('made/file').rename('made/moved'); Path('made/moved').chmod(0o600)\n"
        "Path(os.environ['TMPDIR'], 'own').write_text('x')\n"
        "Path('/dev/null').write_text('x')\n"
    )

    assert confined(sandbox, user, ground, code, *TOOLCHAIN) == (0, "secret " * 4 + "secret\n")
    assert (ground.root / "work" / "made" / "moved").exists()
    assert (ground.root / "temp" / "own").exists()
