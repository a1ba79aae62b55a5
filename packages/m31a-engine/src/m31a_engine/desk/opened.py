"""The user's repository, opened for one deed, with its errors as refusals."""

from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

from m31a_engine.errors import Refused
from m31a_engine.session.home import ProjectHome
from m31a_engine.session.locks import SessionLock
from m31a_engine.session.stream import utc_now
from m31a_rollback import Locked, Repository, RollbackError


@contextmanager
def refusing() -> Iterator[None]:
    """What git or the repository has against something, as a refusal in one sentence."""
    try:
        yield
    except RollbackError as exc:
        raise Refused(str(exc)) from exc


async def opened(project: Path, *, trusted: bool = False) -> Repository:
    """The repository around a folder; a landing that a kill cut off is settled first.

    Raises:
        Refused: there is none, or it cannot be used.
    """
    with refusing():
        repository = await Repository.open(project, trusted=trusted)
        with suppress(Locked):  # another run lands right now: that is no obstacle to looking
            await repository.settle_landing()
        return repository


@asynccontextmanager
async def held(
    project: Path, home: ProjectHome, deed: str, *, trusted: bool = False
) -> AsyncGenerator[Repository]:
    """The repository, with no foreground session beside; `deed` names us to others meanwhile.

    Raises:
        Busy: a session works in this project.
        Refused: the repository cannot be used; also for what git refuses inside the block.
    """
    lock = SessionLock(home.lock, deed, utc_now())
    try:
        with refusing():
            yield await opened(project, trusted=trusted)
    finally:
        lock.close()
