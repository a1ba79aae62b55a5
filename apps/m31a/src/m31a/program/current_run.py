"""The run in progress: begun, steered, answered, and seen through to its end."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from functools import partial
from typing import Protocol, assert_never

import anyio
from anyio.abc import TaskGroup

from m31a.program.effects import (
    AnswerAsk,
    ApproveRun,
    InterruptRun,
    ResumeRun,
    SendCommand,
    StartDemo,
    StartRun,
)
from m31a.program.messages import RunOver
from m31a.program.news import Inbox, News
from m31a.program.scene import Scene, Settings
from m31a.program.sentences import sentence_of
from m31a.story.story import begin, halted
from m31a_engine import EngineError, Options, Run

FINISH_S = 10.0
"""How long leaving waits for a run to put its things in order."""

Open = Callable[[], AbstractAsyncContextManager[Run]]
RunEffect = StartRun | ResumeRun | ApproveRun | StartDemo | InterruptRun | AnswerAsk | SendCommand


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


class CurrentRun:
    """One run at a time; all it tells goes into the inbox."""

    def __init__(self, runs: Runs, inbox: Inbox) -> None:
        self._runs = runs
        self._inbox = inbox
        self._run: Run | None = None
        self._scope: anyio.CancelScope | None = None
        self._over = anyio.Event()

    def perform(self, effect: RunEffect, settings: Settings, group: TaskGroup) -> None:
        """Do what is asked of it, a new run in this group; returns at once."""
        match effect:
            case StartRun(goal=goal, options=options):
                self._start(group, goal, partial(self._runs.start, goal, options, settings))
            case ResumeRun(session_id=session_id):
                name = f"go on with session {session_id}" if session_id else "go on"
                self._start(group, name, partial(self._runs.resume, session_id, settings))
            case ApproveRun(session_id=session_id):
                name = f"approve what session {session_id} waits for"
                self._start(group, name, partial(self._runs.approve, session_id, settings))
            case StartDemo():
                self._start(group, "the demo", self._runs.demo)
            case InterruptRun():
                self._interrupt()
            case AnswerAsk(answer=answer):
                if self._run is None or not self._run.answer(answer):
                    self._inbox.put(News(note=("that was settled already", "warn")))
            case SendCommand(command=command):
                if self._run is None or not self._run.send(command):
                    self._inbox.put(News(note=("too late for that", "warn")))
            case _:
                assert_never(effect)

    async def finish(self) -> None:
        """Stop it, if there is one, and wait until its things are in order."""
        if self._scope is None:
            return
        self._interrupt()
        with anyio.move_on_after(FINISH_S, shield=True):
            await self._over.wait()

    def _start(self, group: TaskGroup, goal: str, open_run: Open) -> None:
        if self._scope is not None:
            self._inbox.put(News(note=("a run is in progress", "warn")))
            return
        self._scope, self._over = anyio.CancelScope(), anyio.Event()
        self._inbox.put(
            News(scene=lambda scene: replace(scene, story=begin(scene.story, goal, scene.now_s)))
        )
        group.start_soon(self._carry, open_run, self._scope)

    async def _carry(self, open_run: Open, scope: anyio.CancelScope) -> None:
        """See one run through: every event is told, an error is a sentence."""
        text, remedy = "stopped before it began", ""
        try:
            with scope:
                async with open_run() as run:
                    self._run = run
                    async for envelope in run.events:
                        await self._inbox.tell(envelope)
        except (EngineError, OSError, BaseExceptionGroup) as exc:
            text, remedy = sentence_of(exc)
        finally:
            self._run = self._scope = None
            self._over.set()
        self._inbox.put(News(RunOver(), scene=_halting(text, remedy)))

    def _interrupt(self) -> None:
        if self._run is not None:
            self._run.interrupt()
        elif self._scope is not None:
            self._scope.cancel()


def _halting(text: str, remedy: str) -> Callable[[Scene], Scene]:
    """Ends the story with a sentence when nothing else has ended it."""

    def change(scene: Scene) -> Scene:
        running = scene.story.running
        return replace(scene, story=halted(scene.story, text, remedy)) if running else scene

    return change
