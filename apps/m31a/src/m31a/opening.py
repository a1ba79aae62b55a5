"""The first thing on the screen, painted before anything heavy is imported.

What is typed while the rest is loading is shown at once and handed on to the loop.
"""

import contextlib
import os
import select
import signal
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from types import FrameType

from m31a.draw.frame import Frame, Point, Size, fill
from m31a.draw.line import EMPTY, Line, Span, span
from m31a.draw.style import ACCENT, BORDER, DIM, STRONG
from m31a.draw.text import width
from m31a.draw.theme import ANSI
from m31a.terminal.differ import Differ
from m31a.terminal.ink import Depth, Ink
from m31a.terminal.outlet import write_all
from m31a.terminal.session import Session

LOOK_S = 0.02
"""How soon the end of loading is noticed."""
READ_BYTES = 65_536


def can_be_fullscreen(environ: Mapping[str, str]) -> bool:
    """Whether there is a terminal that can be painted, and nobody asked for plain text."""
    plain = any(environ.get(name) for name in ("ACCESSIBLE", "M31A_A11Y"))
    if plain or environ.get("TERM", "") in {"", "dumb"}:
        return False
    return os.isatty(0) and os.isatty(1)


def shortened(folder: Path, environ: Mapping[str, str]) -> str:
    """A folder as people write it."""
    home = environ.get("HOME", "")
    text = str(folder)
    return (
        f"~{text[len(home) :]}" if home and (text == home or text.startswith(f"{home}/")) else text
    )


class Opening:
    """The terminal until the loop has it: what is typed meanwhile is shown and kept."""

    def __init__(self, session: Session, project: str) -> None:
        self._session = session
        self._project = project
        self._differ = Differ(Ink(ANSI, Depth.MONO), sync=False)
        self._typed = b""

    def begin(self) -> None:
        """Take the terminal over and put the first frame on it.

        A signal that ends the program ends it as an exception from now on, so that the terminal
        is given back; the loop listens for signals itself as soon as it runs.
        """
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, _leave)
        self._session.enter()
        self._paint()

    def wait_for(self, load: Callable[[], object]) -> bytes:
        """What was typed while `load` ran in a thread; its errors come out where it is needed."""
        loading = threading.Thread(target=_quietly, args=(load,), daemon=True)
        loading.start()
        keyboard = self._session.keyboard
        while loading.is_alive():
            if not select.select([keyboard], [], [], LOOK_S)[0]:
                continue
            data = os.read(keyboard, READ_BYTES)
            if not data:  # the terminal is gone: the loop will see it too
                break
            self._typed += data
            self._paint()
        loading.join()
        return self._typed

    def _paint(self) -> None:
        if self._session.inline:  # the main screen is left alone until there is something to say
            return
        columns, rows = os.get_terminal_size(self._session.screen)
        size = Size(columns or 80, rows or 24)
        frame = opening_frame(size, self._project, _shown(self._typed))
        write_all(self._session.screen, self._differ.update(frame))


def _quietly(load: Callable[[], object]) -> None:
    with contextlib.suppress(Exception):
        load()


def _shown(typed: bytes) -> str:
    """Typed text as the prompt will show it, up to the first key that is no text."""
    text = typed.decode("utf-8", "ignore")
    stop = next((at for at, letter in enumerate(text) if not letter.isprintable()), len(text))
    return text[:stop]


def _leave(number: int, _: FrameType | None) -> None:
    raise SystemExit(128 + number)


def opening_frame(size: Size, project: str, typed: str = "") -> Frame:
    """Header and prompt as the home screen has them; the rest is still to come."""
    name = Span("conversation", STRONG)
    head = Line.of(Span(" m31a", ACCENT), Span(" │ ", BORDER), name, span(f" · {project}"))
    rule = Line.of(Span("─" * size.width, BORDER))
    hint = span(typed) if typed else Span("what should be true when it is done?", DIM)
    prompt = Line.of(Span(" ❯ ", ACCENT), hint)
    body = max(0, size.height - 6)
    lines = (head, rule, *(EMPTY,) * body, rule, prompt, EMPTY, Line.of(Span(" starting", DIM)))
    column = 3 + width(span(typed).text)
    at = Point(min(column, size.width - 1), min(body + 3, size.height - 1))
    return Frame(size, fill(lines, size), at)
