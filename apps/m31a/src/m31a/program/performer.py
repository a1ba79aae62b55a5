"""Carries effects out: what a run, the background and the terminal have to do with them."""

import base64
from collections.abc import Callable, Collection
from dataclasses import replace
from typing import assert_never

import anyio.to_thread
from anyio.abc import TaskGroup

from m31a.draw.code import prepare_for
from m31a.program.app import Asked
from m31a.program.background import Background, Programs
from m31a.program.configured import configured
from m31a.program.current_run import CurrentRun, Runs
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
from m31a.program.news import Inbox, News
from m31a.program.port import Port
from m31a.program.scene import Scene, Settings
from m31a.program.services import Services
from m31a_engine import EngineError, Mode, sanitise

LONGEST_COPY = 100_000


class Performer:
    """Begins what screens ask for and never waits for it."""

    def __init__(
        self, services: Services, runs: Runs, programs: Programs, *, in_tmux: bool = False
    ) -> None:
        self.inbox = Inbox()
        self._services = services
        self._programs = programs
        self._in_tmux = in_tmux
        self._run = CurrentRun(runs, self.inbox)
        self._background = Background(services, programs, self.inbox)
        self._group: TaskGroup | None = None
        self.exit_code: int | None = None
        self.focused: bool | None = None
        """Whether the person looks at the terminal; None while it has not told."""

    def begin(self, group: TaskGroup, nudge: Callable[[], None]) -> None:
        """Work in this group; `nudge` wakes the loop."""
        self._group, self.inbox.nudge = group, nudge
        group.start_soon(self._list_files)
        group.start_soon(self._look_for_sandbox)

    def keep(self, slots: Collection[int]) -> None:
        """End the work of screens that are gone; `slots` are those that are there."""
        self._background.keep(slots)

    def leave(self, code: int) -> None:
        """Let the loop end with this code; the first one counts."""
        if self.exit_code is None:
            self.exit_code = code
        self.inbox.nudge()

    async def finish(self) -> None:
        """Stop a run in progress and wait until its things are in order."""
        await self._run.finish()

    def perform(self, asked: Asked, port: Port, scene: Scene) -> None:
        """Begin to do what a screen asked for; returns at once."""
        group = self._group
        assert group is not None, "effects are performed while the loop runs"
        match asked.effect:
            case (
                StartRun()
                | ResumeRun()
                | ApproveRun()
                | StartDemo()
                | InterruptRun()
                | AnswerAsk()
                | SendCommand()
            ) as effect:
                self._run.perform(effect, scene.settings, group)
            case Work() | AsyncWork() | RunShell() | EditText() as work:
                group.start_soon(self._background.do, work, asked.slot, port)
            case LongWork() as work:
                group.start_soon(self._background.do_long, work, asked.slot)
            case AddBlock(block=block):
                self._change_scene(lambda now: replace(now, story=now.story.adding(block)))
            case Queue(goals=goals):
                self._change_scene(lambda now: replace(now, queue=goals))
            case ChangeSettings() as change:
                self._change(change, port)
            case Reread():
                group.start_soon(self._reread)
                group.start_soon(self._look_for_sandbox)
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
                self.inbox.put(News(note=(text, level)))
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
            self.inbox.put(News(note=("too long for the clipboard", "warn")))
            return
        code = base64.b64encode(text.encode("utf-8", "replace")).decode()
        port.send(self._passed_on(f"\x1b]52;c;{code}\x1b\\"))
        self.inbox.put(News(note=(f"copied {len(text)} characters", "ok")))

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
        self._change_scene(lambda scene: replace(scene, settings=_changed(scene, change)))

    def _change_scene(self, change: Callable[[Scene], Scene]) -> None:
        self.inbox.put(News(scene=change))

    async def _list_files(self) -> None:
        files = await anyio.to_thread.run_sync(self._services.files, abandon_on_cancel=True)
        self._change_scene(lambda scene: replace(scene, files=files))
        await anyio.to_thread.run_sync(prepare_for, files, abandon_on_cancel=True)

    async def _look_for_sandbox(self) -> None:
        try:
            word = await anyio.to_thread.run_sync(self._services.sandbox, abandon_on_cancel=True)
        except (EngineError, OSError):
            return  # a run tells it when commands are to be confined
        self._change_scene(lambda scene: _settled(scene, replace(scene.settings, sandbox=word)))

    async def _reread(self) -> None:
        try:
            config = await anyio.to_thread.run_sync(self._services.config, abandon_on_cancel=True)
        except (EngineError, OSError):
            return  # the screen that wrote it has told so, or the next run will
        self._change_scene(lambda scene: _settled(scene, configured(scene.settings, config)))


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


def _notification(text: str) -> str:
    """A desktop notification (OSC 9), for terminals that have them."""
    said = "".join(char for char in sanitise(text) if char.isprintable())[:200]
    return f"\x1b]9;{said}\x1b\\"
