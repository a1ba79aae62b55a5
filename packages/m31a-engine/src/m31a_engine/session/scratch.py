"""Folders for one deed beside the sessions: gone with the deed, or swept when it was killed.

The maker holds a lock of the kernel's (flock) on the folder itself: whoever gets it has found
a folder whose maker is dead.
"""

import fcntl
import os
import secrets
import shutil
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import anyio
import anyio.to_thread

from m31a_engine.session.home import ProjectHome
from m31a_rollback import Repository

PREFIX = "scratch-"


@asynccontextmanager
async def scratch(repository: Repository, home: ProjectHome) -> AsyncGenerator[Path]:
    """A new folder for work trees and whatever else a deed needs; nothing of it is left."""
    home.worktrees.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _made(home.worktrees) as folder:
        try:
            yield folder
        finally:
            with anyio.CancelScope(shield=True):
                await clear(repository, folder)


async def clear(repository: Repository, folder: Path) -> None:
    """Take a folder away, with the work trees in it that the repository knows."""
    place = folder.resolve()
    for tree in await repository.worktrees():
        if place in tree.parents:
            await repository.remove_worktree(tree)
    await anyio.to_thread.run_sync(lambda: shutil.rmtree(folder, ignore_errors=True))


@contextmanager
def _made(parent: Path) -> Iterator[Path]:
    """A new folder, held; one that was swept before it was held is made again."""
    while True:
        folder = parent / f"{PREFIX}{secrets.token_hex(4)}"
        folder.mkdir(mode=0o700)
        with held(folder) as ours:
            if ours:
                yield folder
                return


@contextmanager
def held(folder: Path) -> Iterator[bool]:
    """Whether the folder stands and nobody else holds it; it is ours inside the block then."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        yield False
        return
    try:
        yield _locked(descriptor) and _is_there(folder, descriptor)
    finally:
        os.close(descriptor)


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _is_there(folder: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(folder.lstat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False
