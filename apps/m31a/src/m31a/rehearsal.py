"""Screens with their work really done: for tests that reach from keys to files and servers."""

from collections.abc import Mapping
from pathlib import Path

import anyio
import anyio.to_thread

from m31a.engine_runs import EngineRuns
from m31a.program.effects import AsyncWork, LongWork, Work
from m31a.program.messages import Message, WorkFailed
from m31a.program.services import Services
from m31a.testing import Desk
from m31a_engine import EngineError, Options

LONGEST_S = 20.0


def services_of(
    project: Path, environ: Mapping[str, str], overrides: Mapping[str, object] | None = None
) -> Services:
    """The engine's faces of a project, with state below `M31A_HOME` of `environ`."""
    runs = EngineRuns(project, environ, overrides or {}, Options())
    return Services(
        project=project,
        environ=environ,
        config=runs.config,
        engine=runs.engine,
        files=tuple,
        sessions=runs.sessions,
    )


def settle(desk: Desk, services: Services) -> Desk:
    """Do all work that the top screen has asked for, and tell it what came of it, until it rests.

    Other effects stay in `desk.effects`.
    """
    while work := [each for each in desk.effects if isinstance(each, Work | AsyncWork | LongWork)]:
        desk.effects[:] = [each for each in desk.effects if each not in work]
        for each in work:
            desk.send(_done(each, services, desk))
    return desk


def _done(work: Work | AsyncWork | LongWork, services: Services, desk: Desk) -> Message:
    """As the app does it: plain functions in a thread that is not the main one."""

    def tell(message: Message) -> None:
        desk.send(message)

    async def wait() -> Message:
        with anyio.fail_after(LONGEST_S):
            if isinstance(work, AsyncWork):
                return await work.do(services)
            if isinstance(work, LongWork):
                return await work.do(services, tell)
            return await anyio.to_thread.run_sync(work.do, services)

    try:
        return anyio.run(wait)
    except EngineError as exc:
        return WorkFailed(exc.message, exc.remedy)
    except OSError as exc:
        return WorkFailed(str(exc), "")
