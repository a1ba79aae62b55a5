"""The app on a terminal: everything put together, from the first frame to the last restore."""

import contextlib
import gc
import signal
from collections.abc import Mapping
from functools import partial

import anyio
from anyio.abc import TaskStatus

from m31a import catalogue
from m31a.draw.frame import Size
from m31a.draw.theme import THEMES
from m31a.engine_runs import EngineRuns
from m31a.farewell import farewell
from m31a.file_list import project_files
from m31a.first_steps import first_screen
from m31a.opening import shortened
from m31a.people import People
from m31a.program.app import App, Stage
from m31a.program.configured import configured
from m31a.program.effects import Effect, ResumeRun
from m31a.program.loop import Loop
from m31a.program.performer import Performer
from m31a.program.scene import Scene, Settings
from m31a.program.services import Services
from m31a.terminal.outlet import write_all
from m31a.terminal.probe import assumed
from m31a.terminal.session import PATIENCE_S, Session
from m31a.terminal.tty_port import TtyPort
from m31a.wish import Wish
from m31a_engine import ConfigError

HANGUP, INTERRUPTED, TERMINATED = 129, 130, 143
CODES = {
    signal.SIGHUP: HANGUP,
    signal.SIGINT: INTERRUPTED,
    signal.SIGTERM: TERMINATED,
}


def run_fullscreen(
    wish: Wish, session: Session, environ: Mapping[str, str], typed: bytes = b""
) -> int:
    """The app until it is left; the terminal is as it was before, whatever happens.

    `typed` is what came from the keyboard before.
    """
    port = TtyPort(session, environ, typed)
    runs = EngineRuns(
        project=wish.project,
        environ=environ,
        overrides=wish.overrides,
        options=wish.options,
        trust_project=wish.trust_project,
    )
    wish = wish if typed else runs.first_of(wish)
    begun = bool(typed or wish.goal or wish.resume)
    try:
        loop = _loop(wish, port, environ, runs)
        gc.freeze()  # what is imported stays: looking through it would keep a key waiting for 25 ms
        code = anyio.run(_drive, loop, port, wish, "" if begun else _before_all(runs))
    finally:
        gc.unfreeze()
        port.close()
    columns = port.size().width
    story = loop.app.scene.story
    kept = farewell(story, columns, port.ink(), written=port.written)
    with contextlib.suppress(OSError):  # the window may be gone, or stand still
        write_all(session.screen, kept, patience_s=PATIENCE_S)
    return code


def _loop(wish: Wish, port: TtyPort, environ: Mapping[str, str], runs: EngineRuns) -> Loop:
    services = Services(
        project=wish.project,
        environ=environ,
        config=runs.config,
        engine=runs.engine,
        files=partial(project_files, wish.project),
        sessions=runs.sessions,
        sandbox=runs.sandbox,
    )
    settings = _settings(runs, wish, environ)
    if settings.theme != "auto":
        port.theme(settings.theme)
    if settings.mouse:
        port.mouse(wanted=True)
    scene = Scene(
        project=shortened(wish.project, environ),
        settings=settings,
        commands=catalogue.commands(),
        themes=tuple(THEMES),
    )
    performer = Performer(services, runs, People(wish.project, environ), in_tmux="TMUX" in environ)
    stage = Stage(catalogue.open_screen, catalogue.screen_for, catalogue.TITLES)
    return Loop(stage, port, performer, App(Size(80, 24), scene), known=assumed(environ))


def _settings(runs: EngineRuns, wish: Wish, environ: Mapping[str, str]) -> Settings:
    """What the configuration says of the app; a broken file is told when a run begins."""
    motion = environ.get("M31A_MOTION", "1") != "0"
    try:
        config = runs.config()
    except ConfigError:
        return Settings(motion=motion, mode=wish.options.mode, inline=wish.inline)
    theme = environ.get("M31A_THEME") or config.ui.theme
    mode = wish.options.mode
    mouse = config.ui.mouse
    first = Settings(theme=theme, mouse=mouse, mode=mode, motion=motion, inline=wish.inline)
    return configured(first, config)


def _before_all(runs: EngineRuns) -> str:
    """The screen to begin with when nothing was asked for yet: first steps, trust, or none."""
    try:
        return first_screen(runs.config(), runs.project) or ""
    except ConfigError:
        return ""


async def _drive(loop: Loop, port: TtyPort, wish: Wish, first: str) -> int:
    async with anyio.create_task_group() as group:
        await group.start(_obey_signals, loop, port)
        effects: tuple[Effect, ...] = (ResumeRun(wish.session_id),) if wish.resume else ()
        code = await loop.run("repl", wish.goal or None, effects, over=first)
        group.cancel_scope.cancel()
    return code


async def _obey_signals(
    loop: Loop, port: TtyPort, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED
) -> None:
    numbers = (*CODES, signal.SIGWINCH, signal.SIGTSTP, signal.SIGCONT)
    with anyio.open_signal_receiver(*numbers) as signals:
        task_status.started()
        async for number in signals:
            match number:
                case signal.SIGWINCH:
                    loop.resized()
                case signal.SIGTSTP:
                    loop.suspend()
                case signal.SIGCONT:
                    port.again()
                    loop.resized()
                case _:
                    loop.leave(CODES[number])
