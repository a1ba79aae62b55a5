"""The same streaming screen in four libraries, each a program for tools/bench/bench_terminal.py.

python tools/bench/terminal_programs.py NAME REPORT READY    in a terminal of its own

A transcript of 10,000 lines stands on the screen, Markdown arrives at 100 pieces a second, a
status line changes with every frame, frames are held at 30 a second, and there is a line to type
in. READY is shown a second before the first piece comes. The CPU seconds from the first piece to
the last go to REPORT.
"""

import gc
import sys
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import anyio

PIECES = 600
PIECE_S = 0.01
PIECE_LETTERS = 5
"""About a token of a model; a hundred a second is a quick one."""
FRAMES_PER_S = 30
READY = sys.argv[3]
OLD = tuple(f"{number:05d} an earlier line of the conversation" for number in range(10_000))
ANSWER = """## What was done

The parser *accepted* an empty line before; now it **says so**. 日本語 and 🙂 stay as they are.

- `sums.py` has the rule
- the tests show it, one by one

```python
def parse(line: str) -> list[str]:
    if not line.strip():
        raise ValueError("an empty line")
    return line.split()
```

| file | lines |
| --- | --- |
| sums.py | 12 |

"""


def pieces() -> list[str]:
    """The answer over and over, in as many small pieces as are wanted."""
    letters = PIECES * PIECE_LETTERS
    text = ANSWER * (letters // len(ANSWER) + 1)
    return [text[at : at + PIECE_LETTERS] for at in range(0, letters, PIECE_LETTERS)]


class Meter:
    """CPU time of this process between `begin` and `end`."""

    def __init__(self, report: Path) -> None:
        self._report = report
        self._began_s = 0.0

    def begin(self) -> None:
        """The first piece is about to come."""
        self._began_s = time.process_time()

    def end(self) -> None:
        """The last piece is on the screen; tell whoever waits for the report."""
        spent_s = time.process_time() - self._began_s
        part = self._report.with_suffix(".part")
        part.write_text(f"{spent_s:.4f}", encoding="utf-8")
        part.rename(self._report)


async def paced() -> AsyncGenerator[str, None]:
    """The pieces in their time; late ones are not waited for."""
    begun_s = time.monotonic()
    for number, piece in enumerate(pieces()):
        await anyio.sleep(max(0.0, begun_s + number * PIECE_S - time.monotonic()))
        yield piece


def run_m31a(meter: Meter) -> None:
    """The app itself; only the engine beneath it is a double."""
    from m31a import catalogue
    from m31a.draw.frame import Size
    from m31a.people import People
    from m31a.program.app import App, Stage
    from m31a.program.loop import Loop
    from m31a.program.performer import Performer
    from m31a.program.scene import Scene, Settings
    from m31a.rehearsal import services_of
    from m31a.story.blocks import Notice
    from m31a.terminal.probe import assumed
    from m31a.terminal.session import Session
    from m31a.terminal.tty_port import TtyPort
    from m31a_engine import Envelope, Event, Mode, Run, RunStarted, TextStreamed
    from m31a_engine.asks import OpenAsks

    async def envelopes() -> AsyncIterator[Envelope]:
        def envelope(event: Event) -> Envelope:
            return Envelope(seq=1, at="", session="bench", event=event)

        yield envelope(RunStarted(goal=READY, project="", mode=Mode.DIRECT, model="", provider=""))
        await anyio.sleep(1.0)
        meter.begin()
        async for piece in paced():
            yield envelope(TextStreamed(conversation="talk", text=piece))
        await anyio.sleep(2 / FRAMES_PER_S)
        meter.end()
        await anyio.sleep_forever()

    class Told:
        """Envelopes as a run's reader gives them."""

        def __init__(self, source: AsyncIterator[Envelope]) -> None:
            self._source = source

        def __aiter__(self) -> AsyncIterator[Envelope]:
            return self._source

        async def __anext__(self) -> Envelope:
            return await anext(self._source)

        def close(self) -> None:
            """Nothing waits behind it."""

    class Streaming:
        @asynccontextmanager
        async def start(self, *_: object) -> AsyncIterator[Run]:
            yield Run("bench", Told(envelopes()), OpenAsks(), lambda _: False)

        approve = resume = demo = start

    environ = {"TERM": "xterm-256color", "COLORTERM": "truecolor", "M31A_HOME": "/nonexistent"}
    session = Session(0, 1)
    session.enter()
    port = TtyPort(session, environ)
    here = Path.cwd()
    services = replace(services_of(here, environ), files=lambda: ("parser.py",))
    performer = Performer(services, Streaming(), People(here, environ))
    stage = Stage(catalogue.open_screen, catalogue.screen_for, catalogue.TITLES)
    scene = Scene(project="bench", settings=Settings())
    scene = replace(scene, story=scene.story.adding(*map(Notice, OLD)))
    loop = Loop(stage, port, performer, App(Size(80, 24), scene), known=assumed(environ))
    gc.freeze()  # as the app does
    try:
        anyio.run(loop.run, "repl", READY)
    finally:
        port.close()


def run_textual(meter: Meter) -> None:
    """Static text and a Markdown stream in a scroll, an input, a status line."""
    app, containers, widgets = map(
        import_module, ("textual.app", "textual.containers", "textual.widgets")
    )

    class Chat(app.App):  # type: ignore[misc,name-defined]
        CSS = "#status { dock: bottom; height: 1; } Input { dock: bottom; margin-bottom: 1; }"

        def compose(self) -> Any:
            with containers.VerticalScroll(id="talk"):
                yield widgets.Static("\n".join(OLD), markup=False)
                yield widgets.Markdown("", id="answer")
            yield widgets.Input()
            yield widgets.Static(READY, id="status")

        def on_mount(self) -> None:
            self.query_one(widgets.Input).focus()
            self.query_one("#talk").anchor()
            self.run_worker(self.stream())

        async def stream(self) -> None:
            await anyio.sleep(1.0)
            meter.begin()
            status, count = self.query_one("#status"), 0
            writing = widgets.Markdown.get_stream(self.query_one("#answer"))
            async for piece in paced():
                count += 1
                if count % 3 == 0:
                    status.update(f"{READY} {count} pieces")
                await writing.write(piece)
            await writing.stop()
            meter.end()

    Chat().run()


def run_prompt_toolkit(meter: Meter) -> None:
    """A full screen of our own Markdown lines above a buffer; keys are painted at once."""
    from m31a.draw.line import Line
    from m31a.draw.style import PLAIN, Style
    from m31a.draw.theme import THEMES
    from m31a.widgets.markdown import markdown_lines

    application, layout, controls, buffers, keys = map(
        import_module,
        (
            "prompt_toolkit.application",
            "prompt_toolkit.layout",
            "prompt_toolkit.layout.controls",
            "prompt_toolkit.buffer",
            "prompt_toolkit.key_binding",
        ),
    )
    state = {"text": "", "count": "0"}
    old = tuple(map(Line.of, OLD[-100:]))

    @cache
    def marked(style: Style) -> str:
        colour = THEMES["dark"].colour(style.fg) if style.fg is not None else None
        words = (f"fg:{colour}" if colour else "", "bold" if style.bold else "")
        return " ".join(filter(None, words))

    def seen() -> list[tuple[str, str]]:
        size = running.output.get_size()
        lines = markdown_lines(state["text"], size.columns, done=False) if state["text"] else ()
        rows = (*old, *lines)[-(size.rows - 2) :]
        return [
            (marked(style), text) for row in rows for text, style in (*row.spans, ("\n", PLAIN))
        ]

    body = layout.Window(controls.FormattedTextControl(seen))
    prompt = layout.Window(controls.BufferControl(buffers.Buffer()), height=1)
    status = layout.Window(
        controls.FormattedTextControl(lambda: f"{READY} {state['count']}"), height=1
    )
    running: Any = application.Application(
        layout.Layout(layout.HSplit([body, prompt, status]), focused_element=prompt),
        key_bindings=keys.KeyBindings(),
        full_screen=True,
    )

    async def stream() -> None:
        await anyio.sleep(1.0)
        meter.begin()
        painted_s, count = 0.0, 0
        async for piece in paced():
            count += 1
            state["text"] += piece
            state["count"] = str(count)
            if time.monotonic() - painted_s >= 1 / FRAMES_PER_S:
                painted_s = time.monotonic()
                running.invalidate()
        meter.end()

    async def both() -> None:
        running.create_background_task(stream())
        await running.run_async()

    anyio.run(both)


def run_rich(meter: Meter) -> None:
    """`rich.Live` with a growing Markdown; nothing can be typed."""
    console, live, markdown = map(import_module, ("rich.console", "rich.live", "rich.markdown"))

    async def stream() -> None:
        screen = console.Console(force_terminal=True)
        with live.Live(console=screen, screen=True, auto_refresh=False) as shown:
            shown.update(READY, refresh=True)
            await anyio.sleep(1.0)
            meter.begin()
            text, painted_s = "", 0.0
            async for piece in paced():
                text += piece
                if time.monotonic() - painted_s >= 1 / FRAMES_PER_S:
                    painted_s = time.monotonic()
                    shown.update(markdown.Markdown(text), refresh=True)
            meter.end()
            await anyio.sleep_forever()

    anyio.run(stream)


PROGRAMS: dict[str, Callable[[Meter], None]] = {
    "m31a": run_m31a,
    "textual": run_textual,
    "prompt_toolkit": run_prompt_toolkit,
    "rich": run_rich,
}

if __name__ == "__main__":
    PROGRAMS[sys.argv[1]](Meter(Path(sys.argv[2])))
