"""The real terminal behind the loop, on a pseudo-terminal in this process, on both event loops."""

import os
import pty
import termios
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import cast

import anyio
import anyio.to_thread
import pytest

from m31a.draw.frame import Frame, Size
from m31a.draw.line import Line
from m31a.opening import Opening
from m31a.terminal.events import InputEvent, Key, Paste, Reply
from m31a.terminal.probe import QUERIES, Capabilities
from m31a.terminal.session import KITTY_OFF, KITTY_ON, OTHER_KEYS_ON, Session
from m31a.terminal.tty_port import TtyPort

pytestmark = pytest.mark.anyio


@dataclass
class Far:
    """The other end of the terminal."""

    master: int
    slave: int

    def type(self, data: bytes) -> None:
        os.write(self.master, data)

    async def sees(self, wanted: bytes) -> bytes:
        sent = b""
        with anyio.fail_after(10):
            while wanted not in sent:
                await anyio.wait_readable(self.master)
                sent += os.read(self.master, 65_536)
        return sent

    @property
    def cooked(self) -> bool:
        return bool(termios.tcgetattr(self.slave)[3] & termios.ICANON)


@pytest.fixture
def far() -> Iterator[Far]:
    master, slave = pty.openpty()
    termios.tcsetwinsize(slave, (20, 70))
    yield Far(master, slave)
    os.close(master)
    os.close(slave)


@asynccontextmanager
async def opened(far: Far, typed: bytes = b"") -> AsyncGenerator[TtyPort]:
    session = Session(far.slave, far.slave)
    session.enter()
    port = TtyPort(session, {"TERM": "xterm-256color", "COLORTERM": "truecolor"}, typed)
    try:
        yield port
    finally:
        await anyio.to_thread.run_sync(port.close)


async def first(events: AsyncIterator[tuple[InputEvent, ...]]) -> tuple[InputEvent, ...]:
    with anyio.fail_after(10):
        return await anext(events)


def listening(port: TtyPort) -> "aclosing[AsyncGenerator[tuple[InputEvent, ...]]]":
    return aclosing(cast(AsyncGenerator[tuple[InputEvent, ...]], port.events()))


async def test_keys_come_as_they_are_pressed_and_what_was_typed_early_comes_first(far: Far) -> None:
    async with opened(far, b"a\r") as port, listening(port) as events:
        assert await first(events) == (Key("a", "a"), Key("enter"))
        far.type(b"\x1b[A")
        assert await first(events) == (Key("up"),)
        far.type(b"\x1b")  # nothing follows: it is the key
        assert await first(events) == (Key("escape"),)
        far.type(b"\x1b[200~pasted")
        far.type(b"\x1b[201~")
        assert await first(events) == (Paste("pasted"),)
        far.type(b"\x1b[?64;1c")
        assert await first(events) == (Reply("\x1b[?64;1c"),)


async def test_the_terminal_is_asked_after_the_first_frame_and_its_keys_are_turned_on(
    far: Far,
) -> None:
    async with opened(far) as port:
        assert port.size() == Size(70, 20)
        port.show(Frame(port.size(), (Line.of("first"),)))
        sent = await far.sees(QUERIES.encode())
        assert sent.index(b"first") < sent.index(QUERIES.encode())

        port.adapt(Capabilities(answered=True, kitty_keys=True, sync=False, dark_ground=False))
        assert KITTY_ON.encode() in await far.sees(b"\x1b[?2031h")
        port.adapt(Capabilities(answered=True, ask_again=True, dark_ground=True))
        await far.sees(b"\x1b]11;?")
        port.theme("contrast")
        port.redraw()
        port.show(Frame(port.size(), (Line.of("second"),)))
        await far.sees(b"second")
        assert port.ink().theme.name == "contrast"

    gone = await far.sees(b"\x1b[?1049l")
    assert KITTY_OFF.encode() in gone
    assert far.cooked


async def test_the_shell_has_its_terminal_meanwhile_and_we_have_ours_afterwards(far: Far) -> None:
    async with opened(far) as port:
        port.adapt(Capabilities(answered=True))
        port.mouse(wanted=True)
        await far.sees(b"\x1b[?1006h")
        with port.suspended():
            assert far.cooked
            await far.sees(b"\x1b[?1049l")
        assert not far.cooked
        port.show(Frame(port.size(), (Line.of("back"),)))
        sent = await far.sees(b"back")
        assert OTHER_KEYS_ON.encode() in sent
        assert b"\x1b[?1006h" in sent
        port.again()
        await far.sees(b"\x1b[?1049h")
        port.show(Frame(port.size(), (Line.of("again"),)))
        await far.sees(b"again")


async def test_keys_pressed_while_somebody_else_has_the_terminal_are_not_ours(far: Far) -> None:
    got: list[tuple[InputEvent, ...]] = []

    async def listen(port: TtyPort) -> None:
        async for events in port.events():
            got.append(events)

    async with opened(far) as port, anyio.create_task_group() as group:
        group.start_soon(listen, port)
        await far.sees(b"\x1b[?25l")
        with port.suspended():
            far.type(b"theirs\n")
            theirs = await anyio.to_thread.run_sync(os.read, far.slave, 100)
        assert theirs == b"theirs\n"
        far.type(b"o")
        with anyio.fail_after(10):
            while not got:
                await anyio.lowlevel.checkpoint()
        group.cancel_scope.cancel()

    assert got == [(Key("o", "o"),)]


def test_what_is_typed_while_the_rest_is_loading_is_shown_and_handed_on(far: Far) -> None:
    session = Session(far.slave, far.slave)
    opening = Opening(session, "~/slugs")
    opening.begin()
    far.type(b"hello\r")

    def load() -> None:
        sent = b""
        while b"hello" not in sent:
            sent += os.read(far.master, 65_536)
        raise RuntimeError("an error of the import comes out where it is needed")

    assert opening.wait_for(load) == b"hello\r"
    session.leave()
    assert far.cooked
