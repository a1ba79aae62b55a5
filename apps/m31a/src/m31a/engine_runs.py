"""The engine's runs as the app begins them."""

import os
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import anyio.to_thread

from m31a.program.scene import Settings
from m31a.wish import Wish
from m31a_engine import (
    Config,
    Engine,
    EngineError,
    Options,
    PermissionMode,
    Run,
    Shelf,
    build,
    demo,
    load_config,
)
from m31a_engine.desk.sandbox_state import sandbox_state
from m31a_engine.session.home import Home


@dataclass(frozen=True, slots=True)
class EngineRuns:
    """Builds an engine for each run: what the person has changed since counts."""

    project: Path
    environ: Mapping[str, str]
    overrides: Mapping[str, object]
    options: Options
    """What the command line said; a run's own mode comes on top."""
    trust_project: bool = False

    def config(self, model: str = "") -> Config:
        """The configuration as it is now.

        Raises:
            ConfigError: a file or a value cannot be used.
        """
        overrides = {**self.overrides, **({"model.default": model} if model else {})}
        trusted = True if self.trust_project else None
        return load_config(self.project, self.environ, overrides, trusted=trusted)

    def first_of(self, wish: Wish) -> Wish:
        """What to begin with: the wish, or with `resume_on_startup` the newest that can go on."""
        if wish.goal or wish.resume:
            return wish
        try:
            if not self.config().features.resume_on_startup:
                return wish
            self.sessions().to_resume(None)
        except EngineError:  # nothing can go on; what else is wrong is told when a run begins
            return wish
        return replace(wish, resume=True)

    def engine(self, model: str = "") -> Engine:
        """An engine as the configuration is now.

        Raises:
            ConfigError, ProviderFailed, Refused: see `m31a_engine.build`.
        """
        config = self.config(model)
        return build(config, self.project, environ=self.environ, permissions=PermissionMode.ASK)

    def sandbox(self) -> str:
        """What confines a run's commands, in a word or two; blocks for up to some seconds.

        Raises:
            ConfigError: a file or a value cannot be used.
        """
        state = sandbox_state(self.config())
        if not state.wanted:
            return "not used"
        return f"{state.kind} in part" if state.gaps else state.kind

    def sessions(self) -> Shelf:
        """The project's sessions."""
        home = Home(root=Path(self.config().home))
        return Shelf(home=home.project(self.project), project=self.project)

    @asynccontextmanager
    async def start(self, goal: str, options: Options, settings: Settings) -> AsyncGenerator[Run]:
        """A run of a goal."""
        engine = await anyio.to_thread.run_sync(self.engine, settings.model)
        async with engine.start(goal, self._merged(options)) as run:
            yield run

    @asynccontextmanager
    async def resume(self, session_id: str | None, settings: Settings) -> AsyncGenerator[Run]:
        """A session taken up again."""
        engine = await anyio.to_thread.run_sync(self.engine, settings.model)
        async with engine.resume(session_id, self.options) as run:
            yield run

    @asynccontextmanager
    async def approve(self, session_id: str, settings: Settings) -> AsyncGenerator[Run]:
        """A waiting session taken up with a yes to what it waits for."""
        engine = await anyio.to_thread.run_sync(self.engine, settings.model)
        async with engine.approve(session_id, self.options) as run:
            yield run

    @asynccontextmanager
    async def demo(self) -> AsyncGenerator[Run]:
        """The demo, in a folder of its own."""
        async with demo(None, os.environ, {}) as shown:
            yield shown.run

    def _merged(self, options: Options) -> Options:
        from m31a_engine.document import changed

        chosen = options.dirty != Options().dirty
        dirty = options.dirty if chosen else self.options.dirty
        return changed(self.options, mode=options.mode, dirty=dirty)
