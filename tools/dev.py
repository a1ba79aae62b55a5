"""Make the environment that uv.lock describes, then run a command in it. Plain Python 3.11+.

python3 tools/dev.py demo          the main job, end to end, with a recorded model
python3 tools/dev.py test          the whole test suite; words after it go to pytest
python3 tools/dev.py run CMD ...   any command of the environment, run in the checkout's root

It needs git, and pip or uv; it writes to the checkout (.venv/, .tools/) and uv's cache alone.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
OWN = ROOT / ".tools"
MARK = VENV / "m31a-stamp"
BIN = "Scripts" if os.name == "nt" else "bin"
UV = "0.13.8"
UV_NEEDED = (0, 13)
GIT_NEEDED = (2, 38)
GROUPS = ["--group", "release"] if os.environ.get("M31A_RELEASE") else []
PARALLEL = ["-n", "2", "--dist", "loadfile"]
"""How the whole suite is spread over processes; words after `test` take its place."""


class CannotRun(Exception):
    """Something is missing; the message is one sentence that says what to do."""


def say(text: str) -> None:
    """Tell the person what is being done, apart from the command's own output."""
    print(f"m31a: {text}", file=sys.stderr, flush=True)


def version_of(*argv: str) -> tuple[int, ...] | None:
    """The first two numbers a program gives as its version, or None when it cannot be run."""
    try:
        said = subprocess.run(argv, capture_output=True, text=True, check=False).stdout
    except OSError:
        return None
    return tuple(int(number) for number in re.findall(r"\d+", said)[:2]) or None


def check_git() -> None:
    """Refuse a machine whose git is missing or too old, before anything is fetched."""
    found = version_of("git", "--version")
    if found is None:
        raise CannotRun("git is not installed (Debian: apt-get install git)")
    if found < GIT_NEEDED:
        need, have = (".".join(map(str, numbers)) for numbers in (GIT_NEEDED, found))
        raise CannotRun(f"git {have} is too old: {need} or later is needed")


def is_writable(folder: Path) -> bool:
    """Whether files can be made in a folder, or in the nearest parent that exists."""
    if not folder.is_absolute():
        return False
    while not folder.exists():
        folder = folder.parent
    return folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)


def settings() -> dict[str, str]:
    """The environment for every program started here."""
    env = {name: value for name, value in os.environ.items() if name != "PYTHONHOME"}
    env |= {
        "UV_PROJECT_ENVIRONMENT": str(VENV),
        "VIRTUAL_ENV": str(VENV),
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }
    for ours, pips in (("UV_DEFAULT_INDEX", "PIP_INDEX_URL"), ("SSL_CERT_FILE", "PIP_CERT")):
        if env.get(pips):  # uv does not read pip's settings, a machine with a mirror has them
            env.setdefault(ours, env[pips])
    if sys.platform == "darwin" or any(Path("/etc/ssl/certs").glob("*")):
        env.setdefault("UV_SYSTEM_CERTS", "1")  # as pip does; uv's own list lacks a company's
    home = Path(env.get("HOME") or os.devnull)
    if not is_writable(Path(env.get("XDG_CACHE_HOME") or home / ".cache")):
        env.setdefault("UV_CACHE_DIR", str(OWN / "uv-cache"))
    if not is_writable(home):
        env.setdefault("M31A_HOME", str(OWN / "m31a-home"))
    return env


def find_uv(env: Mapping[str, str]) -> str:
    """The path of a uv that is new enough, putting one into .tools/ if need be."""
    own = OWN / f"uv-{UV}"
    for uv in (str(own / "bin" / "uv"), shutil.which("uv")):
        if uv and (version_of(uv, "--version") or ()) >= UV_NEEDED:
            return uv
    if version_of(sys.executable, "-m", "pip", "--version") is None:
        raise CannotRun(
            f"neither uv {UV_NEEDED[0]}.{UV_NEEDED[1]}+ nor pip for {sys.executable} is installed"
            " (Debian: apt-get install python3-pip)"
        )
    say(f"fetching uv {UV} into {own.relative_to(ROOT)}/")
    part = own.with_suffix(".part")
    shutil.rmtree(part, ignore_errors=True)
    # --target neither needs ensurepip nor touches the system's Python (PEP 668).
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(part), f"uv=={UV}"]
    # Either setting would refuse it.
    calm = {**env, "PIP_USER": "0", "PIP_REQUIRE_VIRTUALENV": "0"}
    done = subprocess.run(pip, env=calm, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CannotRun(f"pip could not fetch uv {UV}; is the network there? {last(done.stderr)}")
    shutil.rmtree(own, ignore_errors=True)
    part.rename(own)
    return str(own / "bin" / "uv")


def last(text: str) -> str:
    """The last line that says something, for a message of one line."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return f"({lines[-1]})" if lines else ""


def stamp() -> str:
    """What the environment was made for, then a digest of what it was made from."""
    digest = hashlib.sha256(" ".join(GROUPS).encode())
    manifests = [*ROOT.glob("pyproject.toml"), *ROOT.glob("*/*/pyproject.toml")]
    for file in sorted([ROOT / "uv.lock", *manifests]):
        digest.update(file.read_bytes())
    # A copied .venv still leads into the checkout it was made for.
    return f"{sys.version.split()[0]} {ROOT}\n{digest.hexdigest()}\n"


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Hold the right to change .venv, so that two set-ups at once do not mix."""
    OWN.mkdir(exist_ok=True)
    with (OWN / "lock").open("w") as file:
        if os.name != "nt":
            import fcntl  # not there on Windows

            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                say("waiting for another set-up of this checkout")
                fcntl.flock(file, fcntl.LOCK_EX)
        yield


def make_environment(env: Mapping[str, str]) -> None:
    """Install what uv.lock lists, each file checked by its hash, and the workspace as editable."""
    if read_mark() == stamp():
        return
    with alone():
        if read_mark() == stamp():
            return
        uv = find_uv(env)
        set_up = {**env, "UV_PYTHON": str(VENV / BIN / "python")}
        began = time.monotonic()
        say("making .venv from uv.lock")

        def do(*words: str, given: bytes | None = None) -> bytes:
            argv = [uv, *words, "--quiet"]
            done = subprocess.run(
                argv, cwd=ROOT, env=set_up, input=given, capture_output=True, check=False
            )
            if done.returncode:
                sys.stderr.write(done.stderr.decode("utf-8", "replace"))
                raise CannotRun(
                    f"uv {words[0]} failed; is the network there, or does a mirror need"
                    " UV_DEFAULT_INDEX to be set?"
                )
            return done.stdout

        # What was made for another Python or place is of no use; what lacks our mark is not ours.
        other = MARK.exists() and read_mark().split("\n")[0] != stamp().split("\n")[0]
        MARK.unlink(missing_ok=True)
        do(
            "venv",
            "--clear" if other else "--allow-existing",
            "--python",
            sys.executable,
            str(VENV),
        )
        chosen = ["--frozen", "--all-packages", *GROUPS]
        pins = do("export", *chosen, "--no-emit-workspace", "--no-header", "--no-annotate")
        do("pip", "install", "--require-hashes", "-r", "-", given=pins)
        do("sync", *chosen, "--inexact", "--no-build-isolation")
        MARK.write_text(stamp(), encoding="utf-8")
        say(f".venv is ready ({time.monotonic() - began:.0f} s)")


def read_mark() -> str:
    """What the environment that is there was made from; empty when it is not known."""
    return MARK.read_text(encoding="utf-8") if MARK.is_file() else ""


def command_of(words: list[str]) -> list[str]:
    """The command that the words ask for; empty when they ask for none."""
    # No `match` in this file: a Python too old for M31A must get as far as saying so.
    if words[:1] == ["demo"]:
        return ["m31a", *words]
    if words[:1] == ["test"]:
        pytest = ["pytest", "-q", *(words[1:] or PARALLEL)]
        return ["coverage", "run", "-m", *pytest] if measured() else pytest
    return words[1:] if words[:1] == ["run"] else []


def measured() -> bool:
    """Whether the tests are to run under coverage, as .ci/run asks."""
    return bool(os.environ.get("M31A_COVERAGE"))


def main(words: list[str]) -> int:
    """Run one command; returns only when it could not be started, or on Windows."""
    command = command_of(words)
    if not command:
        print(__doc__)
        return 0 if words[:1] in (["--help"], ["-h"]) else 2
    if sys.version_info < (3, 11):  # noqa: UP036 - the one place that an older Python reaches
        raise CannotRun(f"Python 3.11 or later is needed; {sys.executable} is {sys.version[:6]}")
    check_git()
    env = settings()
    make_environment(env)
    places = [str(VENV / BIN), str(OWN / f"uv-{UV}" / "bin"), env.get("PATH", os.defpath)]
    env |= {
        "PATH": os.pathsep.join(places),
        "UV_FROZEN": "1",  # a `uv run` in here must not write addresses into uv.lock
    }
    program = shutil.which(command[0], path=env["PATH"])
    if program is None:
        raise CannotRun(f"there is no command {command[0]!r} in .venv or on PATH")
    say("running " + " ".join(command))
    os.chdir(ROOT)
    if os.name != "nt":  # signals and exit codes are then the command's own
        os.execve(program, [program, *command[1:]], env)
    return subprocess.run([program, *command[1:]], env=env, check=False).returncode


if __name__ == "__main__":
    try:
        raise SystemExit(main(sys.argv[1:]))
    except CannotRun as reason:
        raise SystemExit(f"m31a: {reason}") from None
    except KeyboardInterrupt:
        say("interrupted")
        raise SystemExit(130) from None
