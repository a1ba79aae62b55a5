"""The work that screens have asked for: in threads, as coroutines, by the person's programs."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from functools import partial
from typing import Protocol

import anyio
import anyio.to_thread

from m31a.program.effects import AsyncWork, EditText, LongWork, RunShell, Work
from m31a.program.messages import Edited, Message, Printed, WorkFailed
from m31a.program.news import Inbox, News
from m31a.program.port import Port
from m31a.program.scene import Busy, Scene
from m31a.program.sentences import sentence_of
from m31a.program.services import Services
from m31a_engine import EngineError, sanitise


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


class Background:
    """Does pieces of work; the inbox has what each came to, for the screen that wanted it."""

    def __init__(self, services: Services, programs: Programs, inbox: Inbox) -> None:
        self._services = services
        self._programs = programs
        self._inbox = inbox
        self._going: dict[int, anyio.CancelScope] = {}
        """What screens work on and would not want any more once they are left."""
        self._begun = 0
        """How many pieces of work were begun."""

    def keep(self, slots: Collection[int]) -> None:
        """End the work of screens that are gone; `slots` are those that are there."""
        for slot in self._going.keys() - slots:
            self._going.pop(slot).cancel()

    async def do(self, work: Work | AsyncWork | RunShell | EditText, slot: int, port: Port) -> None:
        """Do a piece of work and tell the screen in this slot what came of it."""
        with nullcontext() if isinstance(work, EditText) else self._told_as_busy():
            try:
                message = await self._done(work, port)
            except (EngineError, OSError) as exc:
                message = WorkFailed(*sentence_of(exc))
        self._inbox.put(News(message, slot))

    async def do_long(self, work: LongWork, slot: int) -> None:
        """Do work that tells how it goes, until it is done or its screen is left."""
        scope = self._going[slot] = anyio.CancelScope()
        message: Message | None = None
        with self._told_as_busy(), scope:
            try:
                message = await work.do(
                    self._services, lambda each: self._inbox.put(News(each, slot))
                )
            except (EngineError, OSError) as exc:
                message = WorkFailed(*sentence_of(exc))
        if self._going.get(slot) is scope:
            del self._going[slot]
        if message is not None:
            self._inbox.put(News(message, slot))

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

    @contextmanager
    def _told_as_busy(self) -> Iterator[None]:
        """The scene says that something goes on, while the block lasts."""
        self._begun += 1
        number = self._begun

        def more(scene: Scene) -> Scene:
            return replace(scene, busy=(*scene.busy, Busy(number, scene.now_s)))

        def less(scene: Scene) -> Scene:
            left = tuple(each for each in scene.busy if each.number != number)
            return replace(scene, busy=left)

        self._inbox.put(News(scene=more))
        try:
            yield
        finally:
            self._inbox.put(News(scene=less))
