"""The loop: keys and events in, frames out.

Keys are painted at once, before anything that waits beside them. What the run tells is looked at
when its frame is due: at most `FRAMES_PER_S` times a second, less often when frames are dear or
the terminal is slow. Nothing moves by itself unless a screen asks to be woken: an idle app sends
no byte and sets no timer.
"""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import anyio

from m31a.program.app import App, Asked, Out, Stage
from m31a.program.effects import Effect, Suspend
from m31a.program.performer import Performer
from m31a.program.port import Port
from m31a.terminal.events import Focus, InputEvent, Key, Mouse, Paste, Reply
from m31a.terminal.probe import Capabilities, learned

FRAMES_PER_S = 30
FRAME_S = 1 / FRAMES_PER_S
DEAR_FRAMES = 3
"""After a frame, at least this many times what it took is left for other things."""
EVENTS_S = 0.008
"""How long the run's events may keep keys waiting."""

Clock = Callable[[], float]
"""Seconds, monotonic."""


class Loop:
    """Drives one app on one terminal until it is left."""

    def __init__(
        self,
        stage: Stage,
        port: Port,
        performer: Performer,
        app: App,
        *,
        known: Capabilities,
        clock: Clock = time.monotonic,
    ) -> None:
        self._stage = stage
        self._port = port
        self._performer = performer
        self._known = known
        self._clock = clock
        self.app = app
        self._wake = anyio.Event()
        self._dirty = True
        self._next_frame_s = 0.0
        self._tick_s = math.inf
        self._resized = False
        self._behind = False
        """Whether there was more news than there was time for."""

    async def run(
        self,
        screen: str,
        argument: object = None,
        effects: Sequence[Effect] = (),
        *,
        over: str = "",
    ) -> int:
        """Show the app, this screen first, until somebody leaves it; the exit code.

        `over` names a screen that opens on top of it at once.
        """
        async with anyio.create_task_group() as group:
            self.app = self._stage.resize(self.app, self._port.size())
            self._performer.begin(group, self._news_came)
            group.start_soon(self._listen)
            self._take(self._stage.open(self._timed(), screen, argument))
            if over:
                self._take(self._stage.open(self._timed(), over))
            for effect in effects:
                self._take((self.app, (Asked(effect, self.app.opened),)))
            self._paint()
            while (code := self._performer.exit_code) is None:
                await self._sleep()
                self._turn()
            await self._performer.finish()
            self._events(self._clock() + 1.0)
            group.cancel_scope.cancel()
        assert code is not None
        return code

    def resized(self) -> None:
        """The terminal has another size."""
        self._resized = True
        self._nudge()

    def suspend(self) -> None:
        """Stop until the shell brings the program back."""
        self._take((self.app, (Asked(Suspend(), self.app.opened),)))
        self.resized()

    def leave(self, code: int) -> None:
        """End the app as soon as may be."""
        self._performer.leave(code)

    def _nudge(self) -> None:
        self._wake.set()

    def _news_came(self) -> None:
        """Wake up for news, unless a frame is due soon that will show them."""
        if not self._dirty:
            self._dirty = True
            self._nudge()

    async def _listen(self) -> None:
        async for events in self._port.events():
            if self._performer.exit_code is None:
                self._obey(events)
                self._paint()
            self._nudge()
        self._performer.leave(129)

    async def _sleep(self) -> None:
        wake_s, now = self._stage.wake_s(self.app), self._clock()
        due_s = math.inf if wake_s is None else self.app.scene.now_s + max(0.0, wake_s)
        # A tick that was asked for is not put off by what comes in between.
        self._tick_s = min(self._tick_s, due_s) if self._tick_s > now else due_s
        until_s = min(self._tick_s, self._next_frame_s) if self._dirty else self._tick_s
        with anyio.move_on_after(max(0.0, until_s - now)):
            await self._wake.wait()
        self._wake = anyio.Event()

    def _turn(self) -> None:
        """What is due now: another size, the time a screen asked for, news, and their frame."""
        now = self._clock()
        changed = self._resized
        if self._resized:
            self._resized = False
            self.app = self._stage.resize(self.app, self._port.size())
            self._port.redraw()  # it may have had other sizes in between
        if now >= self._tick_s:
            self._tick_s = math.inf
            self._take(self._stage.tick(self._timed()))
            changed = True
        due = now >= self._next_frame_s
        if due or self._behind:
            changed = self._events(now + EVENTS_S) or changed
        self._dirty = self._dirty or changed
        if self._dirty and due and self._port.busy:
            self._next_frame_s = now + FRAME_S
        elif self._dirty and due:
            took_s = self._paint()
            self._next_frame_s = self._clock() + max(FRAME_S, DEAR_FRAMES * took_s)

    def _obey(self, events: Sequence[InputEvent]) -> None:
        """Act on what was typed."""
        for event in events:
            if self._performer.exit_code is not None:
                return
            app = self._timed()
            match event:
                case Key():
                    self._take(self._stage.key(app, event))
                case Paste():
                    self._take(self._stage.paste(app, event))
                case Mouse():
                    self._take(self._stage.mouse(app, event))
                case Reply(text=text):
                    self._known = learned(self._known, text)
                    self._port.adapt(self._known)
                case Focus(gained=gained):
                    self._performer.focused = gained

    def _events(self, until_s: float) -> bool:
        """Take what the run and the effects have to tell, for a while; whether there was any."""
        changed = self._behind = False
        while (news := self._performer.inbox.take()) is not None:
            changed = True
            app = self._timed()
            app = replace(app, scene=news.scene(app.scene)) if news.scene is not None else app
            if news.message is None:
                self.app = app
            elif news.slot is None:
                self._take(self._stage.tell_all(app, news.message))
            else:
                self._take(self._stage.tell(app, news.slot, news.message))
            if news.note is not None:
                self.app = self.app.told(*news.note)
            if self._clock() >= until_s:
                self._behind = bool(self._performer.inbox)
                self._nudge()
                break
        return changed

    def _timed(self) -> App:
        self.app = replace(self.app, scene=replace(self.app.scene, now_s=self._clock()))
        return self.app

    def _take(self, out: Out) -> None:
        self.app, asked = out
        for each in asked:
            self._performer.perform(each, self._port, self.app.scene)
        self._performer.keep({slot.number for slot in self.app.stack})

    def _paint(self) -> float:
        """Show how things stand; the seconds it took."""
        begin_s = self._clock()
        self._port.show(self._stage.frame(self._timed()))
        self._dirty = bool(self._performer.inbox)
        return self._clock() - begin_s
