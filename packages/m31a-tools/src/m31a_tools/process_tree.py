"""Finding and killing what a command left running outside its own process group."""

import contextlib
import os
import select
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

MARK = "M31A_CALL"
"""The environment variable by which a command's processes are known, also grandchildren."""

_ROUNDS = 100
_FEW = 64
_DEATH_MS = 100
_GROUP = 2
_SESSION = 3
_START = 19
"""Places in /proc/PID/stat, counted after the name."""


@dataclass(frozen=True, slots=True)
class Trace:
    """How the processes of one command are told from others."""

    leader: int
    """Process id of the command: its session and process group have the same number."""
    mark: bytes
    pipe: str
    """The pipe the command writes to, as /proc names it: `pipe:[1234]`."""
    since: int = 0
    """Nothing that started earlier is the command's; in clock ticks since boot."""


def ticks_since_boot() -> int:
    """Now, on the clock by which /proc tells when a process started, rounded down."""
    if not hasattr(time, "CLOCK_BOOTTIME"):
        return 0
    return int(time.clock_gettime(time.CLOCK_BOOTTIME) * os.sysconf("SC_CLK_TCK")) - 1


def kill_group(leader: int, number: int) -> None:
    """Signal the whole group of `leader`, which must not have been reaped yet."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, number)


def interrupt_watched(trace: Trace) -> None:
    """Interrupt the group of a watcher, but neither it nor the first process of its namespace.

    On Linux; elsewhere none is found.
    """
    if not sys.platform.startswith("linux") or not hasattr(os, "pidfd_open"):
        return
    for pid in _candidates(trace.leader, thorough=True):
        with contextlib.suppress(OSError), _handle(pid) as handle:
            fields = _bytes_of(f"/proc/{pid}/stat").rpartition(b")")[2].split()
            if int(fields[_GROUP]) == trace.leader and not _begins_namespace(pid):
                # A stopped process sees the interrupt only when it is continued.
                signal.pidfd_send_signal(handle, signal.SIGINT)
                signal.pidfd_send_signal(handle, signal.SIGCONT)


@contextlib.contextmanager
def _handle(pid: int) -> Iterator[int]:
    """A descriptor of the process; taken before a look, it cannot pass to a stranger after it."""
    handle = os.pidfd_open(pid)
    try:
        yield handle
    finally:
        os.close(handle)


def _begins_namespace(pid: int) -> bool:
    """Whether the process has the number 1 in a namespace of its own: its children die with it."""
    with contextlib.suppress(OSError):
        for line in _bytes_of(f"/proc/{pid}/status").splitlines():
            if line.startswith(b"NSpid:"):
                numbers = line.split()
                return len(numbers) > 2 and numbers[-1] == b"1"
    return False


def kill_stragglers(trace: Trace, *, thorough: bool) -> int:
    """How many processes of the command were found besides itself; all are killed.

    `thorough` looks at all processes; else only at those whose numbers came after the
    command's, which is right as long as the numbers have not gone round in the meantime.

    On Linux, by session, environment and open pipe; elsewhere none is found. A process that
    changed all three (`env -i setsid … >/dev/null`) is not found: that takes a sandbox.
    """
    if not sys.platform.startswith("linux") or not hasattr(os, "pidfd_open"):
        return 0
    killed: set[int] = set()
    for _ in range(_ROUNDS):
        found = False
        for pid in _candidates(trace.leader, thorough=thorough):
            if (left := _kill_if_ours(pid, trace)) is not None:
                found = True
                if left:
                    killed.add(pid)
        if not found:
            break
    return len(killed)


def _candidates(leader: int, *, thorough: bool) -> Iterator[int]:
    """Processes that may have been started after `leader`; few, so that looking is cheap."""
    me, newest = os.getpid(), _newest()
    if not thorough and 0 <= newest - leader <= _FEW:
        # A list of all processes takes longer than a look at each of so few numbers.
        return (pid for pid in range(leader + 1, newest + 1) if pid != me)
    listed = os.listdir("/proc")  # noqa: PTH208 - names are wanted
    pids = [int(name) for name in listed if name.isdecimal()]
    newest = _newest()
    return (
        pid
        for pid in pids
        if pid not in (leader, me) and (thorough or came_after(pid, leader, newest))
    )


def _newest() -> int:
    """The number given out last."""
    return int(_bytes_of("/proc/loadavg").rsplit(b" ", 1)[1])


def came_after(pid: int, leader: int, newest: int) -> bool:
    """Whether a number was given out after the leader's and up to the newest; they go round."""
    if leader <= newest:
        return leader < pid <= newest
    return leader < pid or pid <= newest


def _kill_if_ours(pid: int, trace: Trace) -> bool | None:
    """None when it is not the command's; else killed, and whether the command had left it."""
    try:
        with _handle(pid) as handle:
            if not _is_ours(pid, trace):
                return None
            # The first process of a sandbox is a part of that.
            left = not _begins_namespace(pid)
            signal.pidfd_send_signal(handle, signal.SIGKILL)
            # A killed process lives on for a moment; it is gone when this returns.
            death = select.poll()
            death.register(handle, select.POLLIN)
            death.poll(_DEATH_MS)
            return left
    except OSError:
        return None


def _is_ours(pid: int, trace: Trace) -> bool:
    # Names are put together as text: this runs for many processes after every command.
    folder = f"/proc/{pid}"
    # After the name, which may hold anything: state, parent, group, session, …, start.
    fields = _bytes_of(f"{folder}/stat").rpartition(b")")[2].split()
    if fields[0] in (b"Z", b"X") or int(fields[_START]) < trace.since:
        return False
    if int(fields[_SESSION]) == trace.leader:
        return True
    with contextlib.suppress(OSError):
        if trace.mark in _bytes_of(f"{folder}/environ"):
            return True
    with contextlib.suppress(OSError):
        descriptors = os.listdir(f"{folder}/fd")  # noqa: PTH208 - names are wanted
        return any(_writes_to(folder, descriptor, trace.pipe) for descriptor in descriptors)
    return False


def _writes_to(folder: str, descriptor: str, pipe: str) -> bool:
    """Whether the descriptor is the writing end; the reading end is ours."""
    with contextlib.suppress(OSError):
        if os.readlink(f"{folder}/fd/{descriptor}") == pipe:  # noqa: PTH115 - see above
            flags = _bytes_of(f"{folder}/fdinfo/{descriptor}").split()[3]
            return int(flags, 8) & os.O_ACCMODE == os.O_WRONLY
    return False


def _bytes_of(name: str) -> bytes:
    with open(name, "rb", buffering=0) as file:  # noqa: PTH123 - see above
        return file.read()
