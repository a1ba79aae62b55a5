"""Carries effects out: runs, work in threads, the clipboard, the way out."""

import base64
from collections import deque
from collections.abc import Callable, Collection, Coroutine
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol, assert_never

import anyio
import anyio.to_thread
from anyio.abc import TaskGroup

from m31a.program.app import Asked
from m31a.program.configured import configured
from m31a.program.effects import (
    AddBlock,
    Alert,
    AnswerAsk,
    ApproveRun,
    AsyncWork,
    ChangeSettings,
    CopyText,
    EditText,
    InterruptRun,
    LongWork,
    Queue,
    Quit,
    Redraw,
    Reread,
    ResumeRun,
    RunShell,
    SendCommand,
    StartDemo,
    StartRun,
    Suspend,
    Toast,
    Work,
)
from m31a.program.joining import joined
from m31a.program.messages import Edited, Message, Printed, RunFailed, RunOver, Told, WorkFailed
from m31a.program.port import Port
from m31a.program.scene import Scene, Settings
from m31a.program.services import Services
from m31a.story.story import Story, begin, halted
from m31a.story.telling import hear
from m31a_engine import EngineError, Envelope, Mode, Options, Run, sanitise

FINISH_S = 10.0
"""How long leaving waits for a run to put its things in order."""
MOST_WAITING = 512
"""Events of the run that may wait; the run waits when there are more."""
LONGEST_COPY = 100_000

Open = Callable[[], AbstractAsyncContextManager[Run]]


class Runs(Protocol):
    """Begins runs: the engine's face as the app uses it. Each raises `EngineError`."""

    def start(
        self, goal: str, options: Options, settings: Settings
    ) -> AbstractAsyncContextManager[Run]:
        """A run of a goal."""
        ...

    def resume(
        self, session_id: str | None, settings: Settings
    ) -> AbstractAsyncContextManager[Run]:
        """A session taken up again."""
        ...

    def approve(self, session_id: str, settings: Settings) -> AbstractAsyncContextManager[Run]:
        """A waiting session taken up with a yes to what it waits for."""
        ...

    def demo(self) -> AbstractAsyncContextManager[Run]:
        """The demo."""
        ...


class Programs(Protocol):
    """The person's own programs."""

    async def edit(self, text: str) -> str:
        """The text after the person has edited it; the terminal is the editor's meanwhile."""
        ...

    async def shell(self, command: str) -> tuple[str, int]:
        """What a command line printed, and its exit code."""
        ...

    def stop(self) -> None:
        """Stop this process until the shell brings it back."""
        ...


@dataclass(frozen=True, slots=True)
class News:
    """Something that came in beside the keys."""

    message: Message | None = None
    slot: int | None = None
    """The screen it is for; None for all."""
    scene: Callable[[Scene], Scene] | None = None
    """What it changes in the scene, before the message is told."""
    note: tuple[str, str] | None = None
    """A toast: text and level."""


class Performer:
    """Owns what goes on in the background; the loop takes its news one by one."""

    def __init__(
        self, services: Services, runs: Runs, programs: Programs, *, in_tmux: bool = False
    ) -> None:
        self._services = services
        self._runs = runs
        self._programs = programs
        self._in_tmux = in_tmux
        self._news: deque[News] = deque()
        self._room = anyio.Event()
        self._group: TaskGroup | None = None
        self._nudge: Callable[[], None] = lambda: None
        self._run: Run | None = None
        self._scope: anyio.CancelScope | None = None
        self._over = anyio.Event()
        self._going: dict[int, anyio.CancelScope] = {}
        """What screens work on and would not want any more once they are left."""
        self.exit_code: int | None = None
        self.focused: bool | None = None
        """Whether the person looks at the terminal; None while it has not told."""

    def begin(self, group: TaskGroup, nudge: Callable[[], None]) -> None:
        """Work in this group; `nudge` wakes the loop."""
        self._group, self._nudge = group, nudge
        group.start_soon(self._list_files)
        group.start_soon(self._look_for_sandbox)

    def keep(self, slots: Collection[int]) -> None:
        """End the work of screens that are gone; `slots` are those that are there."""
        for slot in self._going.keys() - slots:
            self._going.pop(slot).cancel()

    async def _list_files(self) -> None:
        files = await anyio.to_thread.run_sync(self._services.files, abandon_on_cancel=True)
        self.put(News(scene=lambda scene: replace(scene, files=files)))

    async def _look_for_sandbox(self) -> None:
        try:
            word = await anyio.to_thread.run_sync(self._services.sandbox, abandon_on_cancel=True)
        except (EngineError, OSError):
            return  # a run tells it when commands are to be confined
        self.put(News(scene=lambda scene: _settled(scene, replace(scene.settings, sandbox=word))))

    @property
    def has_news(self) -> bool:
        """Whether there is something to tell."""
        return bool(self._news)

    def news(self) -> News | None:
        """The oldest news, or None."""
        if not self._news:
            return None
        if len(self._news) <= MOST_WAITING // 2:
            self._room.set()
        return self._news.popleft()

    def put(self, news: News) -> None:
        """Tell the loop something."""
        self._news.append(news)
        self._nudge()

    def leave(self, code: int) -> None:
        """Let the loop end with this code; the first one counts."""
        if self.exit_code is None:
            self.exit_code = code
        self._nudge()

    async def finish(self) -> None:
        """Stop a run in progress and wait until its things are in order."""
        if self._scope is None:
            return
        self._interrupt()
        with anyio.move_on_after(FINISH_S, shield=True):
            await self._over.wait()

    def perform(self, asked: Asked, port: Port, scene: Scene) -> None:
        """Begin to do what a screen asked for; returns at once."""
        match asked.effect:
            case StartRun(goal=goal, options=options):
                self._start(goal, partial(self._runs.start, goal, options, scene.settings))
            case ResumeRun(session_id=session_id):
                name = f"go on with session {session_id}" if session_id else "go on"
                self._start(name, partial(self._runs.resume, session_id, scene.settings))
            case ApproveRun(session_id=session_id):
                name = f"approve what session {session_id} waits for"
                self._start(name, partial(self._runs.approve, session_id, scene.settings))
            case StartDemo():
                self._start("the demo", self._runs.demo)
            case InterruptRun():
                self._interrupt()
            case AnswerAsk(answer=answer):
                if self._run is None or not self._run.answer(answer):
                    self.put(News(note=("that was settled already", "warn")))
            case SendCommand(command=command):
                if self._run is None or not self._run.send(command):
                    self.put(News(note=("too late for that", "warn")))
            case Work() | AsyncWork() | RunShell() | EditText() as work:
                self._spawn(partial(self._work, work, asked.slot, port))
            case LongWork() as work:
                self._spawn(partial(self._work_on, work, asked.slot))
            case AddBlock(block=block):
                self.put(News(scene=lambda now: _with(now, now.story.adding(block))))
            case Queue(goals=goals):
                self.put(News(scene=lambda now: replace(now, queue=goals)))
            case ChangeSettings() as change:
                self._change(change, port)
            case Reread():
                self._spawn(self._reread)
                self._spawn(self._look_for_sandbox)
            case Quit(code=code):
                self.leave(code)
            case (CopyText() | Toast() | Alert() | Redraw() | Suspend()) as effect:
                self._terminal(effect, port)
            case _:
                assert_never(asked.effect)

    def _terminal(self, effect: CopyText | Toast | Alert | Redraw | Suspend, port: Port) -> None:
        match effect:
            case CopyText(text=text):
                self._copy(text, port)
            case Toast(text=text, level=level):
                self.put(News(note=(text, level)))
            case Alert(text=text):
                if self.focused is not True:
                    port.send(f"\x07{self._passed_on(_notification(text))}")
            case Redraw():
                port.redraw()
            case Suspend():
                with port.suspended():
                    self._programs.stop()

    def _copy(self, text: str, port: Port) -> None:
        if len(text) > LONGEST_COPY:
            self.put(News(note=("too long for the clipboard", "warn")))
            return
        code = base64.b64encode(text.encode("utf-8", "replace")).decode()
        port.send(self._passed_on(f"\x1b]52;c;{code}\x1b\\"))
        self.put(News(note=(f"copied {len(text)} characters", "ok")))

    def _passed_on(self, sequence: str) -> str:
        """A sequence that tmux hands to the terminal around it."""
        if not self._in_tmux:
            return sequence
        doubled = sequence.replace("\x1b", "\x1b\x1b")
        return f"\x1bPtmux;{doubled}\x1b\\"

    def _change(self, change: ChangeSettings, port: Port) -> None:
        if change.theme is not None:
            port.theme(change.theme)
        if change.mouse is not None:
            port.mouse(change.mouse)
        self.put(News(scene=lambda scene: replace(scene, settings=_changed(scene, change))))

    async def _reread(self) -> None:
        try:
            config = await anyio.to_thread.run_sync(self._services.config, abandon_on_cancel=True)
        except (EngineError, OSError):
            return  # the screen that wrote it has told so, or the next run will
        self.put(News(scene=lambda scene: _settled(scene, configured(scene.settings, config))))

    def _interrupt(self) -> None:
        if self._run is not None:
            self._run.interrupt()
        elif self._scope is not None:
            self._scope.cancel()

    def _spawn(self, work: Callable[[], Coroutine[object, object, None]]) -> None:
        assert self._group is not None, "effects are performed while the loop runs"
        self._group.start_soon(work)

    def _start(self, goal: str, open_run: Open) -> None:
        if self._scope is not None:
            self.put(News(note=("a run is in progress", "warn")))
            return
        self._scope, self._over = anyio.CancelScope(), anyio.Event()
        self.put(News(scene=lambda scene: _with(scene, begin(scene.story, goal, scene.now_s))))
        self._spawn(partial(self._carry, open_run, self._scope))

    async def _carry(self, open_run: Open, scope: anyio.CancelScope) -> None:
        """See one run through: every event is told, an error is a sentence."""
        try:
            with scope:
                async with open_run() as run:
                    self._run = run
                    async for envelope in run.events:
                        await self._tell(envelope)
        except (EngineError, OSError, BaseExceptionGroup) as exc:
            text, remedy = _sentence(exc)
            self.put(News(RunFailed(text), scene=_halting(text, remedy)))
        finally:
            self._run = self._scope = None
            self._over.set()
        self.put(News(RunOver(), scene=_halting("stopped before it began", "")))

    async def _tell(self, envelope: Envelope) -> None:
        if len(self._news) >= MOST_WAITING:
            self._room = anyio.Event()
            await self._room.wait()
        newest = self._news[-1].message if self._news else None
        more = joined(newest.envelope, envelope) if isinstance(newest, Told) else None
        if more is not None:
            self._news.pop()
        self.put(_telling(more or envelope))

    async def _work(
        self, work: Work | AsyncWork | RunShell | EditText, slot: int, port: Port
    ) -> None:
        try:
            message = await self._done(work, port)
        except (EngineError, OSError) as exc:
            message = WorkFailed(*_sentence(exc))
        self.put(News(message, slot))

    async def _work_on(self, work: LongWork, slot: int) -> None:
        scope = self._going[slot] = anyio.CancelScope()
        message: Message | None = None
        with scope:
            try:
                message = await work.do(self._services, lambda each: self.put(News(each, slot)))
            except (EngineError, OSError) as exc:
                message = WorkFailed(*_sentence(exc))
        if self._going.get(slot) is scope:
            del self._going[slot]
        if message is not None:
            self.put(News(message, slot))

    async def _done(self, work: Work | AsyncWork | RunShell | EditText, port: Port) -> Message:
        match work:
            case Work(do=do):
                return await anyio.to_thread.run_sync(
                    partial(do, self._services), abandon_on_cancel=True
                )
            case AsyncWork(do=do_async):
                return await do_async(self._services)
            case RunShell(command=command):
                output, code = await self._programs.shell(command)
                return Printed(command, sanitise(output), code)
            case EditText(text=text):
                with port.suspended():
                    return Edited(await self._programs.edit(text))


def _telling(envelope: Envelope) -> News:
    def fold(scene: Scene) -> Scene:
        return _with(scene, hear(scene.story, envelope, scene.now_s))

    return News(Told(envelope), scene=fold)


def _with(scene: Scene, story: Story) -> Scene:
    return replace(scene, story=story)


def _halting(text: str, remedy: str) -> Callable[[Scene], Scene]:
    """Ends the story with a sentence when nothing else has ended it."""

    def change(scene: Scene) -> Scene:
        return _with(scene, halted(scene.story, text, remedy)) if scene.story.running else scene

    return change


def _settled(scene: Scene, settings: Settings) -> Scene:
    return replace(scene, settings=settings)


def _changed(scene: Scene, change: ChangeSettings) -> Settings:
    settings = scene.settings
    return replace(
        settings,
        theme=settings.theme if change.theme is None else change.theme,
        mouse=settings.mouse if change.mouse is None else change.mouse,
        mode=settings.mode if change.mode is None else Mode(change.mode),
        model=settings.model if change.model is None else change.model,
    )


def _sentence(error: BaseException) -> tuple[str, str]:
    """An error as a sentence and a remedy.

    Raises: the error itself when it is neither the engine's nor the system's: a bug.
    """
    first = error
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    match first:
        case EngineError(message=message, remedy=remedy):
            return message, remedy
        case OSError():
            return f"{first.filename or 'the system refused'}: {first.strerror or first}", ""
        case _:
            raise error


def _notification(text: str) -> str:
    """A desktop notification (OSC 9), for terminals that have them."""
    said = "".join(char for char in sanitise(text) if char.isprintable())[:200]
    return f"\x1b]9;{said}\x1b\\"
