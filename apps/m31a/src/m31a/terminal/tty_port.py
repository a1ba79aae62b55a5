"""The real terminal for the loop: session, writer, tokenizer and probe put together."""

import contextlib
import os
import select
from collections.abc import AsyncIterator, Iterator, Mapping
from functools import partial

import anyio

from m31a.draw.frame import Frame, Size
from m31a.draw.theme import theme_of
from m31a.terminal.decoder import Decoder
from m31a.terminal.differ import Differ
from m31a.terminal.driver import Driver
from m31a.terminal.events import InputEvent
from m31a.terminal.ink import Ink, depth_of
from m31a.terminal.inline_differ import InlineDiffer
from m31a.terminal.probe import ASK_GROUND, QUERIES, SCHEME_NEWS, Capabilities, assumed
from m31a.terminal.session import (
    KITTY_OFF,
    KITTY_ON,
    MOUSE_OFF,
    MOUSE_ON,
    OTHER_KEYS_OFF,
    OTHER_KEYS_ON,
    Session,
)
from m31a.terminal.tokens import Tokenizer
from m31a.terminal.writer import Writer

READ_BYTES = 65_536


class TtyPort:
    """A terminal that is ours from the session's `enter` to `close`."""

    def __init__(self, session: Session, environ: Mapping[str, str], typed: bytes = b"") -> None:
        """`typed` is what was read from the keyboard already."""
        self._early = typed
        self._session = session
        self._environ = environ
        self._driver = Driver(environ.get("TERM", ""))
        self._decoder = Decoder(self._driver.find_key)
        self._tokenizer = Tokenizer()
        self._known = assumed(environ)
        self._theme = "auto"
        self._mouse = False
        self._keys_on = ""
        self._painted = False
        self._away: anyio.Event | None = None
        self.written = 0
        """How much of the history the main screen has, in inline mode."""
        self._differ: Differ
        self._writer = self._new_writer()

    def _new_writer(self) -> Writer:
        make = partial(InlineDiffer, written=self.written) if self._session.inline else Differ
        self._differ = make(self._ink(), sync=self._known.sync, scroll=self._known.scroll)
        writer = Writer(self._session.screen, self._differ)
        writer.start()
        return writer

    def _ink(self) -> Ink:
        theme = theme_of(self._theme, dark_ground=self._known.dark_ground)
        return Ink(theme, depth_of(self._environ), self._driver.nearest, links=self._known.links)

    async def events(self) -> AsyncIterator[tuple[InputEvent, ...]]:
        """What came in one read after another; ends when the terminal is gone."""
        self._decoder.bracketed = True  # typed one by one, read together: no burst is a paste
        if early := tuple(self._decoder.events(self._tokenizer.feed(self._early))):
            yield early
        self._decoder.bracketed = self._known.bracketed
        while not self._writer.broken:
            wait_s = self._tokenizer.wait_s
            data: bytes | None = None
            with anyio.move_on_after(wait_s) if wait_s is not None else contextlib.nullcontext():
                await anyio.wait_readable(self._session.keyboard)
                if self._away is not None:  # the keys are somebody else's
                    await self._away.wait()
                    continue
                if not select.select([self._session.keyboard], [], [], 0)[0]:
                    continue  # somebody else has read it meanwhile
                try:
                    data = os.read(self._session.keyboard, READ_BYTES)
                except OSError:  # the terminal was closed
                    return
            if data == b"":
                return
            tokens = self._tokenizer.flush() if data is None else self._tokenizer.feed(data)
            if events := tuple(self._decoder.events(tokens)):
                yield events

    def size(self) -> Size:
        """How large the screen is now."""
        try:
            columns, rows = os.get_terminal_size(self._session.screen)
        except OSError:
            columns, rows = 0, 0
        return Size(columns or 80, rows or 24)

    def show(self, frame: Frame) -> None:
        """Paint a frame; the terminal is asked what it can do right after the first."""
        self._writer.show(frame)
        if not self._painted:
            self._painted = True
            self._writer.settle(0.2)
            self._writer.send(QUERIES)

    @property
    def busy(self) -> bool:
        """Whether the last frame is still on its way."""
        return self._writer.busy

    def send(self, text: str) -> None:
        """Send a sequence of our own between frames."""
        self._writer.send(text)

    def redraw(self) -> None:
        """Paint the next frame whole."""
        self._writer.repaint()

    def adapt(self, known: Capabilities) -> None:
        """Use what the terminal says it can do."""
        before, self._known = self._known, known
        self._decoder.bracketed = known.bracketed
        if known.ask_again and not before.ask_again:
            self._writer.send(ASK_GROUND)
        if known.answered and not before.answered:
            self._turn_keys_on()
            self._writer.send(SCHEME_NEWS)
        if known.sync != before.sync:
            self._writer.configure(sync=known.sync, scroll=known.scroll)
        if known.dark_ground != before.dark_ground:
            self._writer.use(self._ink())

    def _turn_keys_on(self) -> None:
        on, off = (
            (KITTY_ON, KITTY_OFF) if self._known.kitty_keys else (OTHER_KEYS_ON, OTHER_KEYS_OFF)
        )
        self._keys_on = on
        self._session.remember(off)
        self._writer.send(on)

    def theme(self, name: str) -> None:
        """Paint with this theme."""
        self._theme = name
        self._writer.use(self._ink())

    def mouse(self, wanted: bool) -> None:
        """Take the mouse, or leave it to the terminal."""
        self._mouse = wanted
        self._writer.send(MOUSE_ON if wanted else MOUSE_OFF)

    @contextlib.contextmanager
    def suspended(self) -> Iterator[None]:
        """The terminal as the shell had it, while the block lasts."""
        self._away = anyio.Event()
        self.close()
        try:
            yield
        finally:
            self._session.enter()
            self._away.set()
            self._away = None
            self._writer = self._new_writer()
            if self._known.answered:
                self._turn_keys_on()
                self._writer.send(SCHEME_NEWS)
            if self._mouse:
                self._writer.send(MOUSE_ON)

    def again(self) -> None:
        """The program goes on after a stop it was not told of: take the terminal anew."""
        if self._session.entered:
            self._session.renew()
            self._writer.repaint()

    def ink(self) -> Ink:
        """Styles as this terminal shows them."""
        return self._ink()

    def close(self) -> None:
        """Give the terminal back; a second call does nothing."""
        took_all = self._writer.close()
        self._session.leave(self._last() if took_all else "")

    def _last(self) -> str:
        """What gives the main screen back; how much of the history stands there is kept."""
        if not isinstance(self._differ, InlineDiffer) or not self._session.entered:
            return ""
        self.written = self._differ.written
        return self._differ.end()
