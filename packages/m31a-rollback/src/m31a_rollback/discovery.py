"""Repositories found on disk, and new ones made."""

import json
import os
import re
import shutil
from collections.abc import Sequence
from datetime import datetime
from itertools import combinations
from pathlib import Path

from m31a_rollback.checkout import Checkout
from m31a_rollback.commits import Identity, commit_tree
from m31a_rollback.errors import (
    BareRepository,
    GitTooOld,
    NotARepository,
    RollbackError,
    UnsafeFolder,
    UnsafeOwner,
)
from m31a_rollback.git import GitOutput, run_git
from m31a_rollback.private_index import private_index
from m31a_rollback.refs import update_ref
from m31a_rollback.settings import NETWORK_OFF, UNTRUSTED
from m31a_rollback.worktrees import write_all

NEEDED = (2, 38)


async def find_repository(path: Path, *, trusted: bool) -> Checkout:
    """The checkout `path` lies in, found by one git process.

    The version of git comes along in its trace, which saves a second one.

    Raises:
        NotARepository, BareRepository, UnsafeOwner, GitMissing, GitTooOld.
    """
    path = Path(os.path.realpath(path))
    output = await run_git(
        [
            "rev-parse",
            "--path-format=absolute",
            "--git-dir",
            "--show-object-format",
            "--git-common-dir",
            "--show-object-format",
            "--show-toplevel",
        ],
        cwd=path,
        env={**({} if trusted else NETWORK_OFF), "GIT_TRACE2_EVENT": "1"},
        config=() if trusted else UNTRUSTED,
        check=False,
    )
    _check_version(_traced_version(output))
    if output.exit_code != 0:
        raise _refusal(path)
    folders = _folders(os.fsdecode(output.stdout.removesuffix(b"\n")))
    if folders is None:
        raise NotARepository(path)
    git_dir, object_format, common_dir, root = folders
    return Checkout(
        root=Path(root),
        git_dir=Path(git_dir),
        common_dir=Path(common_dir),
        object_format=object_format,
        trusted=trusted,
    )


def _folders(text: str) -> tuple[str, str, str, str] | None:
    """Git folder, object format, common folder and root, found on disk as git has told them.

    Their names may hold line breaks, so all ways to part the text are tried. A `core.worktree`
    may point anywhere; a work tree of its own has a `.git` in it.
    """
    lines = text.split("\n")
    marks = [at for at, line in enumerate(lines) if line in {"sha1", "sha256"}]
    for first, second in combinations(marks, 2):
        git_dir = "\n".join(lines[:first])
        common_dir = "\n".join(lines[first + 1 : second])
        root = "\n".join(lines[second + 1 :])
        if Path(git_dir).is_dir() and Path(common_dir).is_dir() and os.path.lexists(f"{root}/.git"):
            return git_dir, lines[first], common_dir, root
    return None


async def installed_version() -> str:
    """The version of the git program, as `2.39.5`.

    Raises:
        GitMissing: there is none.
    """
    output = await run_git(["version"], cwd=Path("/"))
    return output.line().removeprefix("git version ")


async def init_repository(
    path: Path,
    *,
    message: str,
    add_all: bool,
    leave_out: Sequence[str],
    author: Identity | None,
    at: datetime,
    trusted: bool,
) -> Checkout:
    """A new repository with one commit; after a failure the folder is as it was.

    Raises:
        UnsafeFolder: the folder is `/` or a home folder.
        NoIdentity: git does not know in whose name to commit.
        EmbeddedRepository: a folder below is a repository of its own.
        RefMoved: it is a repository with commits already.
    """
    check_folder(path)
    new = not os.path.lexists(path / ".git")
    path.mkdir(parents=True, exist_ok=True)
    await run_git(["init", "--quiet"], cwd=path)
    try:
        checkout = await find_repository(path, trusted=trusted)
        if author is not None:
            await checkout.git("config", "--local", "user.name", author.name)
            await checkout.git("config", "--local", "user.email", author.email)
        async with private_index(checkout) as index:
            tree = checkout.empty_tree
            if add_all:
                tree = await write_all(checkout, index, leave_out)
            commit = await commit_tree(checkout, tree, (), message, at=at)
            await update_ref(checkout, "HEAD", commit, checkout.zero, message="commit (initial)")
            if index.exists():
                index.replace(checkout.git_dir / "index")
    except BaseException:
        if new:
            shutil.rmtree(path / ".git")
        raise
    return checkout


def check_folder(path: Path) -> None:
    """Return if the folder is one an agent may work in.

    Raises:
        UnsafeFolder: it is `/` or the user's home.
    """
    if path.resolve() in {Path("/"), Path.home().resolve()}:
        raise UnsafeFolder(path)


def _refusal(path: Path) -> RollbackError:
    """Why git finds no work tree at `path`, read from the disk and not from its words."""
    for folder in (path, *path.parents):
        inside = folder / ".git"
        if os.path.lexists(inside):
            owners = {folder.lstat().st_uid, inside.lstat().st_uid}
            if owners != {os.geteuid()}:
                return UnsafeOwner(folder)
            return NotARepository(folder, broken=True)
        if folder.name == ".git" or all(
            (folder / name).exists() for name in ("HEAD", "objects", "refs")
        ):
            return BareRepository(folder)
    return NotARepository(path)


def _traced_version(output: GitOutput) -> str | None:
    for line in output.stderr.splitlines():
        if line.startswith('{"event":"version"'):
            return str(json.loads(line).get("exe"))
    return None


def _check_version(version: str | None) -> None:
    numbers = re.match(r"(\d+)\.(\d+)", version or "")
    if numbers is None or tuple(map(int, numbers.groups())) < NEEDED:
        raise GitTooOld(version or "before 2.22", ".".join(map(str, NEEDED)))
