"""Makes tool calls under strace, which kills the process or fails a system call at one place.

A program for test_tools_kills.py: a line of JSON in, a line of JSON out, for each case. Each
case runs in a child of its own, traced from the moment it begins.
"""

import ctypes
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import anyio

from m31a_tools import Call, Mode, Policy, Toolbox, ToolResult, Workspace, dispatch
from m31a_tools.apply_patch import ApplyPatch
from m31a_tools.edit_file import Edit
from m31a_tools.testing import RecordingAsker
from m31a_tools.write_file import FileWrite

CHANGING = (
    *("open", "openat", "creat", "write", "pwrite64", "writev", "ftruncate", "truncate"),
    *("fsync", "fdatasync", "rename", "renameat", "renameat2", "link", "linkat"),
    *("unlink", "unlinkat", "mkdir", "mkdirat", "rmdir", "symlink", "symlinkat"),
    *("fchmod", "chmod", "fchmodat", "fchown", "chown", "fchownat", "setxattr", "fsetxattr"),
)
Arguments = dict[str, str]
Job = dict[str, Any]
_ANYBODY = ctypes.c_ulong(-1)
_SET_PTRACER = 0x59616D61


async def call(root: str, name: str, arguments: Arguments) -> ToolResult:
    return await dispatch(
        Call(id="1", name=name, arguments=json.dumps(arguments)),
        toolbox=Toolbox((FileWrite(), Edit(), ApplyPatch())),
        policy=Policy(mode=Mode.ALLOW_ALL),
        asker=RecordingAsker(),
        workspace=Workspace(root=Path(root)),
    )


def child(job: Job, line: socket.socket) -> None:
    """Wait for the word, make the call, tell what came of it."""
    ctypes.CDLL(None).prctl(_SET_PTRACER, _ANYBODY, 0, 0, 0)
    line.recv(1)
    result = anyio.run(call, job["root"], job["name"], job["arguments"])
    # By a socket: this is no `write`, which a case may let fail.
    line.sendall(json.dumps([result.is_error, result.for_model]).encode())


def traced(job: Job, log: str) -> dict[str, object]:
    """Run one case."""
    ours, theirs = socket.socketpair()
    pid = os.fork()
    if pid == 0:
        try:
            child(job, theirs)
        finally:
            os._exit(0)
    theirs.close()
    argv = ["strace", "-f", "-o", log, "-e", f"trace={','.join(f'?{name}' for name in CHANGING)}"]
    if job["inject"]:
        argv += ["-e", f"inject={job['inject']}"]
    with subprocess.Popen([*argv, "-p", str(pid)], stderr=subprocess.PIPE) as strace:
        assert strace.stderr is not None
        said = strace.stderr.readline().decode()
        ours.sendall(b"x")
        told = ours.recv(1 << 16)
        _, status = os.waitpid(pid, 0)
        strace.stderr.read()
    ours.close()
    if "attached" not in said:
        return {"refused": said.strip()}
    return {
        "killed": os.WIFSIGNALED(status),
        "result": json.loads(told) if told else None,
        "calls": calls(Path(log).read_text(errors="replace")),
    }


def calls(log: str) -> list[tuple[str, int]]:
    """Each call that changes files: its name, and its number among those of its name and thread."""
    counts: dict[tuple[str, str], int] = {}
    found: list[tuple[str, int]] = []
    for thread, name, rest in re.findall(r"^(\d+) +(\w+)\((.*)$", log, flags=re.MULTILINE):
        counts[thread, name] = counts.get((thread, name), 0) + 1
        if name not in ("open", "openat") or re.search("O_(WRONLY|RDWR|CREAT|TMPFILE)", rest):
            found.append((name, counts[thread, name]))
    return found


def main() -> None:
    # Whatever is imported late is imported now, so that every child makes the same calls.
    with tempfile.TemporaryDirectory() as folder:
        anyio.run(call, folder, "FileWrite", {"path": "a", "content": "a\n"})
        anyio.run(call, folder, "Edit", {"path": "a", "old_string": "a", "new_string": "b"})
        patch = "*** Begin Patch\n*** Update File: a\n-b\n+c\n*** End Patch"
        anyio.run(call, folder, "ApplyPatch", {"patch": patch})
        for line in sys.stdin:
            print(json.dumps(traced(json.loads(line), f"{folder}/log")), flush=True)


if __name__ == "__main__":
    main()
