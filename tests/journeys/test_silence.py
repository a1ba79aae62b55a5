"""A run talks to its provider and to nobody else, whatever its own commands would like."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from calling import called
from journey import ProjectFolder, headless, run_program, script
from m31a_providers.testing import Call, ModelServer, Reply, Rule
from m31a_tools import Confines, Sandbox
from scripted import GOAL, MENDED, mending

_CONNECT = re.compile(r"\bconnect\(\d+, \{sa_family=(AF_\w+)(.*?)\}, \d+\) ")
_INTERNET = re.compile(
    r"sin6?_port=htons\((\d+)\).*?(?:inet_addr\(\"([^\"]+)\"\)|AF_INET6, \"([^\"]+)\")"
)
_PATH = re.compile(r"sun_path=@?\"([^\"]*)\"")
_LOCAL_SERVICES = re.compile(r"/(?:var/)?run/(?:nscd/socket|systemd/(?:userdb|resolve)/.*)")
"""Where the C library asks for the name of the user; nothing leaves the machine there."""


def traced(tmp_path: Path) -> Path:
    """The file that a trace is written to; skips, with the reason, where nothing can be traced."""
    if sys.platform != "linux" or shutil.which("strace") is None:
        pytest.skip("strace is not installed: no connection can be observed")
    trace = tmp_path / "probe"
    probe = subprocess.run(
        ["strace", "-f", "-o", str(trace), "-e", "trace=connect", "true"],
        capture_output=True,
        check=False,
        timeout=20,
    )
    if probe.returncode != 0:
        pytest.skip(f"tracing is forbidden here: {probe.stderr.decode(errors='replace').strip()}")
    return tmp_path / "trace"


def destinations(trace: Path) -> set[str]:
    """Where each connection was to lead: `address:port`, a socket's path, a family."""
    found = set()
    for line in trace.read_text(encoding="utf-8", errors="replace").splitlines():
        match = _CONNECT.search(line)
        if match is None:
            continue
        family, rest = match.groups()
        if internet := _INTERNET.search(rest):
            found.add(f"{internet[2] or internet[3]}:{internet[1]}")
        elif path := _PATH.search(rest):
            found.add(path[1])
        else:
            found.add(family)
    return found


def test_a_whole_run_connects_to_its_provider_and_nowhere_else(
    broken: ProjectFolder, tmp_path: Path
) -> None:
    trace = traced(tmp_path)
    strace = ("strace", "-f", "-qq", "-o", trace, "-e", "trace=connect")
    with ModelServer(mending()) as server:
        words = (GOAL, "--base-url", server.base_url, "--model", "any", "--trust-project")
        # Once a boot the sandbox is tried for real, on sockets of its own: that is not the run.
        headless("ghost", *words, cwd=broken.path, env=broken.environment).expect(0)
        run_program(
            *(*strace, script("m31a-headless"), "run", *words),
            cwd=broken.path,
            env=broken.environment,
        ).expect(0)
        provider = server.base_url.removeprefix("http://").partition("/")[0]

    reached = destinations(trace)
    assert provider in reached
    strangers = {place for place in reached - {provider} if not _LOCAL_SERVICES.fullmatch(place)}
    assert strangers == set()


ALONE = """
import subprocess, sys
from m31a_providers.testing import ModelServer
from scripted import GOAL, mending

with open("/proc/net/dev") as devices:
    assert [line.split(":")[0].strip() for line in devices][2:] == ["lo"]
with ModelServer(mending()) as server:
    words = ("run", GOAL, "--base-url", server.base_url, "--model", "any", "--trust-project")
    code = subprocess.run((*sys.argv[1:], *words, "--output", "json")).returncode
    asked = len(server.requests)
sys.exit(code if asked else 99)
"""
"""A provider and a whole run in a network of their own: there is nobody else to be reached."""


def test_a_whole_run_ends_well_where_there_is_nobody_but_its_provider(
    broken: ProjectFolder,
) -> None:
    alone = ("bwrap", "--dev-bind", "/", "/", "--unshare-net")
    if (
        shutil.which("bwrap") is None
        or run_program(*alone, "true", cwd=broken.path, env=broken.environment).exit_code
    ):
        pytest.skip("no network of one's own can be made here: bubblewrap is missing or forbidden")
    support = str(Path(__file__).parents[1] / "support")
    paths = filter(None, (support, broken.environment.get("PYTHONPATH")))

    ended = run_program(
        *(*alone, sys.executable, "-c", ALONE, script("m31a-headless")),
        cwd=broken.path,
        env={**broken.environment, "PYTHONPATH": os.pathsep.join(paths)},
    ).expect(0)

    assert json.loads(ended.stdout)["verification"]["verdict"] == "verified"
    assert broken.read("sums.py") == MENDED


def test_a_command_of_the_models_reaches_nobody(broken: ProjectFolder, tmp_path: Path) -> None:
    sandbox = Sandbox.detect(tmp_path / "cache")
    if Confines.NETWORK not in sandbox.confines:
        pytest.skip("no sandbox here takes the network from a command")
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        stranger.setblocking(False)
        reach = (
            "import socket, sys\ntry:\n"
            f"    socket.create_connection(('127.0.0.1', {stranger.getsockname()[1]}), 3)\n"
            "except OSError as exc:\n    print('refused', exc)\n"
        )
        calls = (
            Call(name="FileWrite", arguments={"path": "reach.py", "content": reach}),
            Call(name="FileWrite", arguments={"path": "sums.py", "content": MENDED + reach}),
            Call(name="Bash", arguments={"command": "python3 reach.py"}),
        )
        script_ = [
            Rule(phase="execute", turn=1, reply=Reply(tool_calls=calls)),
            Rule(phase="execute", contains="refused", reply=Reply(text="Nobody is there.")),
        ]
        with ModelServer(script_) as server:
            called(
                *("run", GOAL, "--base-url", server.base_url, "--model", "any"),
                cwd=broken.path,
                env=broken.environment,
            ).expect(0)
        with pytest.raises(BlockingIOError):
            stranger.accept()
