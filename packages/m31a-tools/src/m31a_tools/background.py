"""Commands that go on while the model does something else."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

import anyio
import anyio.abc

from m31a_tools.capture import Capture
from m31a_tools.errors import CallFailed
from m31a_tools.process import OnOutput, ProcessResult, run_process
from m31a_tools.sandbox.launch import Launch

MAX_RUNNING = 8
_REMEMBERED = 32


@dataclass(frozen=True, slots=True)
class Command:
    """How to run a command, and what it may cost."""

    text: str
    """As the model wrote it."""
    launch: Callable[[], AbstractContextManager[Launch]]
    """Held open as long as it runs."""
    timeout_s: float
    grace_s: float
    output_chars: int
    spill: Path | None

    async def run(
        self, on_output: OnOutput | None, limit: anyio.CancelScope | None = None
    ) -> ProcessResult:
        """As `run_process`; raises what `launch` does, too."""
        with self.launch() as launch:
            return await run_process(
                launch.argv,
                cwd=launch.cwd,
                env=launch.env,
                timeout_s=self.timeout_s,
                grace_s=self.grace_s,
                output_chars=self.output_chars,
                spill=self.spill,
                on_output=on_output,
                limit=limit,
                watcher=launch.watcher,
            )


@dataclass(eq=False, slots=True)
class RunningCommand:
    """A command that was started: in the foreground as long as somebody waits for it."""

    command: Command
    on_output: OnOutput | None
    id: str = ""
    """Set when it goes on in the background."""
    result: ProcessResult | None = None
    """Set when it has ended, unless by cancellation."""
    failure: Exception | None = None
    """Why it could not be started, or what a listener raised."""
    stopped: bool = False
    """It was told to stop before its time was over."""
    told: bool = False
    """The model knows that it has ended."""
    ended: anyio.Event = field(default_factory=anyio.Event)
    _started: float = field(default_factory=anyio.current_time)
    _limit: anyio.CancelScope = field(default_factory=anyio.CancelScope)
    _life: anyio.CancelScope = field(default_factory=anyio.CancelScope)
    _unread: Capture = field(init=False)

    def __post_init__(self) -> None:
        """Nothing was printed yet."""
        self._unread = Capture(self.command.output_chars)

    async def run(self) -> None:
        """See the command to its end; nothing of it is left when this returns."""

        async def hear(text: str) -> None:
            self._unread.feed(text.encode())
            if self.on_output is not None:
                await self.on_output(text)

        try:
            with self._life:
                self.result = await self.command.run(hear, self._limit)
        except Exception as exc:
            # Kept for whoever waits: it must not end the commands beside this one.
            self.failure = exc
        finally:
            self.ended.set()

    @property
    def elapsed_s(self) -> float:
        """How long it has run."""
        ran_s = anyio.current_time() - self._started
        return ran_s if self.result is None else self.result.elapsed_s

    def unread(self) -> tuple[str, bool]:
        """What was printed since this was last asked, and whether its middle was cut out."""
        fresh, self._unread = self._unread, Capture(self.command.output_chars)
        return fresh.text()

    async def wait(self, seconds: float) -> bool:
        """Whether it has ended, after waiting for that at most so long."""
        with anyio.move_on_after(seconds):
            await self.ended.wait()
        return self.ended.is_set()

    async def stop(self) -> None:
        """Interrupt it; return when nothing of it is left."""
        if not self.ended.is_set():
            self.stopped = True
            self._limit.cancel()
        await self.ended.wait()

    def cancel(self) -> None:
        """End it as a cancellation of its caller would: with hardly any grace."""
        self._life.cancel()


class Background:
    """The commands of one task, none of which outlives it.

    Whoever owns the task holds it open (`async with Background() as background`) and gives it to
    the task's `Workspace`. Leaving the `with`, also by cancellation, ends every command.
    """

    def __init__(self, *, max_running: int = MAX_RUNNING) -> None:
        """At most `max_running` commands go on in the background at a time."""
        self.max_running = max_running
        self._tasks: anyio.abc.TaskGroup | None = None
        self._started: list[RunningCommand] = []
        self._known: dict[str, RunningCommand] = {}
        self._count = 0

    async def __aenter__(self) -> Self:
        """Ready to start commands."""
        self._tasks = await anyio.create_task_group().__aenter__()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End everything; what the body raised goes on as it is, not in a group."""
        tasks, self._tasks = self._tasks, None
        assert tasks is not None
        with anyio.CancelScope(shield=True):
            for command in self._started:
                command.cancel()
            for command in tuple(self._started):
                await command.ended.wait()
        await tasks.__aexit__(None, None, None)

    def start(self, command: Command, on_output: OnOutput | None = None) -> RunningCommand:
        """Start a command in the foreground of whoever called. Raises CallFailed when closed."""
        if self._tasks is None:
            raise CallFailed("The task is over; no command can be started for it any more.")
        running = RunningCommand(command=command, on_output=on_output)
        self._started.append(running)
        self._tasks.start_soon(self._run, running)
        return running

    async def _run(self, command: RunningCommand) -> None:
        try:
            await command.run()
        finally:
            self._started.remove(command)

    def adopt(self, command: RunningCommand) -> None:
        """Let the command go on, under an id, without anybody waiting for it."""
        self._count += 1
        command.id = f"b{self._count}"
        command.on_output = None
        self._known[command.id] = command
        ended = [each for each in self.known if each.ended.is_set()]
        for old in ended[: max(0, len(self._known) - _REMEMBERED)]:
            del self._known[old.id]

    @property
    def known(self) -> tuple[RunningCommand, ...]:
        """What is or was in the background, oldest first; of what has ended, the newest."""
        return tuple(self._known.values())

    @property
    def running(self) -> tuple[RunningCommand, ...]:
        """What goes on in the background, oldest first."""
        return tuple(each for each in self.known if not each.ended.is_set())

    @property
    def is_full(self) -> bool:
        """Whether as many commands run as may."""
        return len(self.running) >= self.max_running

    def get(self, command_id: str) -> RunningCommand:
        """The command of this id. Raises CallFailed, which names those there are."""
        command = self._known.get(command_id)
        if command is None:
            ids = ", ".join(self._known) or "none"
            raise CallFailed(f"No background command is called {command_id!r}. There are: {ids}.")
        return command

    async def stop_all(self) -> tuple[RunningCommand, ...]:
        """Interrupt what goes on in the background, all at once; the commands concerned.

        Nothing of them is left when this returns. New ones may be started afterwards.
        """
        running = self.running
        async with anyio.create_task_group() as stopping:
            for command in running:
                stopping.start_soon(command.stop)
        return running
