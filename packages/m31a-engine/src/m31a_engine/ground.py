"""The repository a run stands on: looked at before anything is started or written."""

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path

import anyio.to_thread

from m31a_engine.errors import Refused
from m31a_engine.paths import shown_path
from m31a_engine.session.state import Options
from m31a_engine.shipping.secrets import find_secrets
from m31a_rollback import (
    CannotSign,
    Locked,
    NotARepository,
    Repository,
    RollbackError,
    UnsafeFolder,
)

SIGNING = (
    "start the agent or unlock the key (try `git commit-tree -S -m try HEAD^{tree}`), "
    "or `git config commit.gpgSign false` for this repository"
)
MAX_FILE_BYTES = 10_000_000
MAX_SCANNED_BYTES = 1_000_000


def require_apart(home: Path, project: Path) -> None:
    """Return if our own folder is outside the project and can be written.

    Raises:
        Refused: git makes no work tree within another one, or the folder cannot be made.
    """
    if home.resolve().is_relative_to(project.resolve()) and (project / ".git").exists():
        raise Refused(
            f"M31A's own folder {home} lies in the project {project}",
            remedy="set M31A_HOME to a folder outside of it",
        )
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as exc:
        raise Refused(
            f"M31A's own folder {home} cannot be made: {exc.strerror}",
            remedy="set M31A_HOME to a folder that you can write",
        ) from exc


@dataclass(frozen=True, slots=True)
class Ground:
    """A repository in a state to start from."""

    repository: Repository
    base: str
    branch: str | None
    """The user's branch; None when HEAD is detached."""
    dirty: tuple[str, ...]
    """Paths with uncommitted changes: not part of the base, and left as they are."""


async def survey(project: Path, options: Options, *, trusted: bool) -> Ground:
    """The ground of a run, or a refusal that has changed nothing.

    Raises:
        Refused: not a folder, no repository, or a repository in a state not to touch.
    """
    if not project.is_dir():
        raise Refused(f"{project} is not a folder", remedy="name a folder with --project")
    try:
        repository = await _opened(project, options, trusted)
        with contextlib.suppress(Locked):  # another run lands right now: that is no obstacle
            await repository.settle_landing()  # one that a kill cut off blocks git's index
        await repository.preflight()
        if options.kind != "chat":
            await repository.require_signing()
        status = await repository.status()
    except CannotSign as exc:
        raise Refused(str(exc), remedy=SIGNING) from exc
    except RollbackError as exc:
        raise Refused(str(exc)) from exc
    if status.head is None:
        raise Refused(
            f"{project} has no commit yet", remedy="make a first commit, then start again"
        )
    dirty = tuple(shown_path(entry.path) for entry in status.entries)
    base = status.head
    if dirty and options.dirty == "commit":
        try:
            base, dirty = await repository.commit("Work in progress"), ()
        except RollbackError as exc:
            raise Refused(str(exc)) from exc
    if dirty and options.dirty == "refuse":
        raise Refused(
            f"{project} has uncommitted changes ({_some(dirty)})",
            remedy="commit or stash them, or use --dirty leave",
        )
    return Ground(repository=repository, base=base, branch=status.branch, dirty=dirty)


async def _opened(project: Path, options: Options, trusted: bool) -> Repository:
    try:
        return await Repository.open(project, trusted=trusted)
    except NotARepository as exc:
        if exc.broken or project.resolve() in {Path("/"), Path.home().resolve()}:
            raise Refused(str(exc if exc.broken else UnsafeFolder(project))) from exc
        empty = not any(project.iterdir())
        if not empty and not options.init:
            raise Refused(
                f"{project} is not a git repository",
                remedy="run `git init` and commit, or let M31A do it with --init",
            ) from exc
        leave_out = await anyio.to_thread.run_sync(_not_for_a_commit, project)
        return await Repository.init(
            project, message="Start", add_all=not empty, leave_out=leave_out
        )


def _not_for_a_commit(project: Path) -> tuple[str, ...]:
    """Files that a first commit of everything must not hold: huge ones, and those with keys."""
    found: list[str] = []
    for folder, folders, names in os.walk(project):
        folders[:] = [name for name in folders if name != ".git"]
        for name in names:
            path = Path(folder) / name
            if path.is_symlink() or not path.is_file():
                continue
            size = path.stat().st_size
            if size > MAX_FILE_BYTES or (size <= MAX_SCANNED_BYTES and _holds_secret(path)):
                found.append(path.relative_to(project).as_posix())
    return tuple(found)


def _holds_secret(path: Path) -> bool:
    try:
        return bool(find_secrets(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError):
        return False


def _some(paths: tuple[str, ...]) -> str:
    shown = ", ".join(paths[:3])
    return f"{shown} and {len(paths) - 3} more" if len(paths) > 3 else shown
