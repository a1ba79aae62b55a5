"""Running a program so that it ends when it should and leaves nothing behind.

This is the one place of the package that starts processes.
"""

import codecs
import contextlib
import fcntl
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import anyio
import anyio.to_thread
import msgspec

from m31a_tools.capture import Capture
from m31a_tools.environment import child_environment
from m31a_tools.errors import CommandNotStarted
from m31a_tools.inherited import Inherited, opened
from m31a_tools.process_tree import (
    MARK,
    Trace,
    interrupt_watched,
    kill_group,
    kill_stragglers,
    ticks_since_boot,
)

OnOutput = Callable[[str], Awaitable[None]]
"""Gets output as it comes, undecorated: pass it through `sanitise` before showing it."""

Take = Callable[[bytes], Awaitable[bool]]
"""Gets output as it comes; False ends the command."""

_PIPE_BYTES = 1 << 20
_CANCEL_GRACE_S = 1.0
_KILL_WAIT_S = 2.0


class ProcessResult(msgspec.Struct, frozen=True, kw_only=True):
    """How a program ended and what it printed."""

    exit_code: int
    """As shells count: 128 + n when signal n ended it."""
    output: str
    """Standard output and error, interleaved, undecorated, cut in the middle when long."""
    timed_out: bool
    truncated: bool
    elapsed_s: float
    total_bytes: int
    stopped: int = 0
    """Processes that outlived the program and were killed; counted on Linux only."""


async def run_process(
    argv: Sequence[str | Inherited],
    *,
    cwd: Path | str,
    env: Mapping[str, str] | None = None,
    timeout_s: float,
    grace_s: float = 5.0,
    output_chars: int = 50_000,
    spill: Path | None = None,
    on_output: OnOutput | None = None,
    stdin: bytes | None = None,
    limit: anyio.CancelScope | None = None,
    watcher: bool = False,
) -> ProcessResult:
    """Run `argv` to its end or its time limit, in a session and process group of its own.

    Returns when the program itself exits, even if a background child holds its output open;
    such children are killed. At the limit, and when the caller is cancelled, the group gets
    SIGINT and, `grace_s` later, SIGKILL (at most one second later when cancelled). Standard
    input is `stdin`, or empty. Memory stays flat: output over `output_chars` keeps its two ends,
    and goes to the file `spill` as a whole. `env` defaults to `child_environment(os.environ)`.
    Who cancels `limit` ends the program as its time limit would. A `watcher` is a program that
    ends when the one it watches does (bwrap): it is not interrupted itself.

    Raises CommandNotStarted.
    """
    decoder = codecs.getincrementaldecoder("utf-8")("replace")

    with Capture(output_chars, spill) as capture:

        async def take(data: bytes) -> bool:
            capture.feed(data)
            if on_output is not None:
                await on_output(decoder.decode(data))
            return True

        ended = await stream_process(
            argv,
            cwd=cwd,
            env=env,
            timeout_s=timeout_s,
            grace_s=grace_s,
            take=take,
            stdin=stdin,
            limit=limit,
            watcher=watcher,
        )
        output, truncated = capture.text()
        return ProcessResult(
            exit_code=ended.exit_code,
            output=output,
            timed_out=ended.timed_out,
            truncated=truncated,
            elapsed_s=ended.elapsed_s,
            total_bytes=capture.total_bytes,
            stopped=ended.stopped,
        )


@dataclass(frozen=True, slots=True)
class Ended:
    """How a streamed program ended."""

    exit_code: int
    timed_out: bool
    elapsed_s: float
    stopped: int


async def stream_process(
    argv: Sequence[str | Inherited],
    *,
    cwd: Path | str,
    env: Mapping[str, str] | None = None,
    timeout_s: float,
    grace_s: float = 5.0,
    take: Take,
    stdin: bytes | None = None,
    limit: anyio.CancelScope | None = None,
    watcher: bool = False,
) -> Ended:
    """Like `run_process`, giving the output bytes to `take` as they come.

    When `take` returns False the program is killed without a grace.
    """
    limit = anyio.CancelScope() if limit is None else limit
    limit.deadline = anyio.current_time() + timeout_s
    with _started(argv, cwd, env, stdin) as running:
        running.watcher = watcher
        timed_out = False
        try:
            with limit:
                await running.follow(take)
            timed_out = limit.cancelled_caught
            if timed_out:
                await running.stop(grace_s, take)
        except BaseException:
            with anyio.CancelScope(shield=True):
                await running.stop(min(grace_s, _CANCEL_GRACE_S), None)
            raise
        finally:
            stopped = running.kill()
            with anyio.CancelScope(shield=True), anyio.move_on_after(_KILL_WAIT_S):
                await running.exited()
            exit_code = running.reap()
        await running.drain(take)
        if running.failure is not None:
            raise running.failure
        return Ended(
            exit_code=exit_code,
            timed_out=timed_out,
            elapsed_s=time.monotonic() - running.started,
            stopped=stopped,
        )


@contextlib.contextmanager
def _started(
    argv: Sequence[str | Inherited],
    cwd: Path | str,
    env: Mapping[str, str] | None,
    stdin: bytes | None,
) -> Iterator["_Running"]:
    mark = os.urandom(8).hex()
    since = ticks_since_boot()
    variables = dict(child_environment(os.environ) if env is None else env)
    # A program of ours inside a program of ours answers to both marks.
    variables[MARK] = ":".join(filter(None, (os.environ.get(MARK), mark)))
    with contextlib.ExitStack() as open_files:
        source = _standard_input(stdin, open_files)
        read_end, write_end = os.pipe2(os.O_CLOEXEC) if hasattr(os, "pipe2") else os.pipe()
        open_files.callback(os.close, read_end)
        try:
            _enlarge(read_end)
            arguments, inherited = open_files.enter_context(opened(argv))
            process = subprocess.Popen(
                arguments,
                pass_fds=inherited,
                cwd=cwd,
                env=variables,
                stdin=source,
                stdout=write_end,
                stderr=write_end,
                start_new_session=True,
            )
        except (OSError, ValueError) as exc:
            reason = exc.strerror if isinstance(exc, OSError) and exc.strerror else str(exc)
            raise CommandNotStarted(str(argv[0]), reason) from exc
        finally:
            os.close(write_end)
        os.set_blocking(read_end, False)
        pidfd = -1
        if hasattr(os, "pidfd_open"):
            pidfd = os.pidfd_open(process.pid)
            open_files.callback(os.close, pidfd)
        trace = Trace(
            leader=process.pid,
            mark=mark.encode("ascii"),
            pipe=f"pipe:[{os.fstat(read_end).st_ino}]",
            since=since,
        )
        yield _Running(process=process, read_end=read_end, pidfd=pidfd, trace=trace)


def _standard_input(stdin: bytes | None, open_files: contextlib.ExitStack) -> int:
    if stdin is None:
        return subprocess.DEVNULL
    # A file, not a pipe: a program that reads none of it blocks nobody.
    source = open_files.enter_context(tempfile.TemporaryFile())  # noqa: SIM115 - the stack closes it
    source.write(stdin)
    source.seek(0)
    return source.fileno()


def _enlarge(pipe: int) -> None:
    """Give the pipe room for a megabyte: fewer wake-ups under a flood."""
    with contextlib.suppress(AttributeError, OSError):
        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)


@dataclass(slots=True)
class _Running:
    process: subprocess.Popen[bytes]
    read_end: int
    pidfd: int
    trace: Trace
    watcher: bool = False
    waiting: anyio.CancelScope = field(default_factory=anyio.CancelScope)
    has_exited: bool = False
    refused: bool = False
    failure: Exception | None = None
    started: float = field(default_factory=time.monotonic)

    async def follow(self, take: Take) -> None:
        """Pass output on until the program itself exits."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._pump, take)
            await self.exited()
            # Only the waiting is cancelled: output in hand is delivered.
            self.waiting.cancel()

    async def _pump(self, take: Take) -> None:
        while not self.has_exited:
            with anyio.CancelScope() as self.waiting:
                await anyio.wait_readable(self.read_end)
            data = self._read()
            if data == b"":
                return
            if data is not None and not await self._taken(take, data):
                self.refused = True
                kill_group(self.trace.leader, signal.SIGKILL)
                return

    async def _taken(self, take: Take, data: bytes) -> bool:
        try:
            return await take(data)
        except Exception as exc:
            # Raised when all is cleaned up, as it is: a task group would wrap it.
            self.failure = exc
            return False

    def _read(self) -> bytes | None:
        """The next bytes, b"" at the end, None when there are none yet."""
        try:
            return os.read(self.read_end, _PIPE_BYTES)
        except BlockingIOError:
            return None

    async def exited(self) -> None:
        """Return when the program has exited; it stays unreaped, so that its number stays ours."""
        if self.has_exited:
            return
        if self.pidfd >= 0:
            await anyio.wait_readable(self.pidfd)
        else:
            await anyio.to_thread.run_sync(self._wait_unreaped, abandon_on_cancel=True)
        self.has_exited = True

    def _wait_unreaped(self) -> None:
        os.waitid(os.P_PID, self.process.pid, os.WEXITED | os.WNOWAIT)

    async def stop(self, grace_s: float, take: Take | None) -> None:
        """Interrupt the group and give it `grace_s` to end; output goes on if it is wanted."""
        if self.has_exited:
            return
        if self.watcher:
            interrupt_watched(self.trace)
        else:
            kill_group(self.trace.leader, signal.SIGINT)
            # A stopped process sees the interrupt only when it is continued.
            kill_group(self.trace.leader, signal.SIGCONT)
        with anyio.move_on_after(grace_s):
            await (self.exited() if take is None else self.follow(take))

    def kill(self) -> int:
        """Kill all that is left of the program; how many of its processes outlived it."""
        if self.process.returncode is not None:
            return 0
        if not self.has_exited:
            kill_group(self.trace.leader, signal.SIGKILL)
        # In a second, process numbers do not go round.
        thorough = time.monotonic() - self.started > 1
        outlived = kill_stragglers(self.trace, thorough=thorough)
        kill_group(self.trace.leader, signal.SIGKILL)
        if outlived:
            kill_stragglers(self.trace, thorough=thorough)
        return outlived

    async def drain(self, take: Take) -> None:
        """Pass on what was printed before the end; bounded, should somebody still print."""
        left = 2 * _PIPE_BYTES
        while left > 0 and not self.refused and (data := self._read()):
            left -= len(data)
            if not await take(data):
                return

    def reap(self) -> int:
        """The exit code as shells count it."""
        try:
            code = self.process.wait(timeout=0.1)
        except subprocess.TimeoutExpired:
            # Stuck in the kernel (a dead network mount); nothing more can be done about it.
            return 128 + signal.SIGKILL
        return code if code >= 0 else 128 - code
