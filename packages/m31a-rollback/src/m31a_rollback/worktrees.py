"""Work trees beside the user's: made in a folder the caller names, gone without a trace."""

import os
import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import anyio.to_thread

from m31a_rollback.checkout import WHOLE, Checkout
from m31a_rollback.errors import BadName, EmbeddedRepository, GitFailed, NotARepository, RefMoved
from m31a_rollback.index_lock import worktree_turn
from m31a_rollback.private_index import private_index
from m31a_rollback.refs import branch_ref, read_ref, resolve, update_ref
from m31a_rollback.trees import SUBMODULE_MODE, FileChange, file_changes

_REASON = "m31a"


@dataclass(frozen=True, slots=True)
class WorkTree:
    """A checkout of one commit in a folder of its own, sharing the repository's objects."""

    path: Path
    checkout: Checkout
    """Its own git folder; the user's index and HEAD are not in it."""

    async def head(self) -> str:
        """The commit its HEAD is at."""
        return await resolve(self.checkout, "HEAD")

    async def tree_id(self) -> str:
        """The id of the tree of everything that is there and not ignored.

        Raises:
            EmbeddedRepository: a folder holds a repository of its own.
        """
        kept = self.checkout.git_dir / "m31a" / "seen"
        async with private_index(self.checkout, kept) as index:
            tree = await write_all(self.checkout, index)
            index.replace(kept)
        return tree

    async def changed(self, base: str) -> tuple[FileChange, ...]:
        """The files that are not as `base` has them.

        Raises:
            EmbeddedRepository: a folder holds a repository of its own.
        """
        return await file_changes(self.checkout, base, await self.tree_id())

    async def reset_to(self, commit: str) -> None:
        """Make it exactly `commit`; what git ignores (caches, dependencies) stays.

        Its branch, when it is on one, moves along.

        Raises:
            UnknownCommit: there is no such commit.
        """
        whole = await resolve(self.checkout, commit)
        (self.checkout.git_dir / "index.lock").unlink(missing_ok=True)
        await self.checkout.git("reset", "--hard", "--quiet", whole, converts=True, deadline_s=600)
        await self.checkout.git("clean", "-ffdq", deadline_s=600)

    async def lay(self, commit: str, on: str) -> None:
        """Make it what `commit` has, as work not yet committed on the commit `on`; again is fine.

        Raises:
            UnknownCommit: there is no such commit.
        """
        await self.reset_to(commit)
        head = await resolve(self.checkout, on)
        await self.checkout.git("reset", "--soft", "--quiet", head)

    async def remove(self) -> None:
        """Take the folder and its record away, whatever state they are in; again is fine."""
        await remove_worktree(self.checkout, self.path)


async def write_all(checkout: Checkout, index: Path, leave_out: Sequence[str] = ()) -> str:
    """The tree of everything in the checkout that is not ignored, put together in `index`.

    `leave_out` names files and folders that are not taken.

    Raises:
        EmbeddedRepository: a folder that HEAD does not have as a submodule holds a repository.
    """
    without = [f":(top,exclude,literal){path}" for path in leave_out]
    try:
        await checkout.git(
            "add",
            "--all",
            "--sparse",
            "--",
            ":/",
            *without,
            index=index,
            converts=True,
            deadline_s=600,
        )
    except GitFailed as exc:
        embedded = _embedded(checkout.root)
        if embedded:
            raise EmbeddedRepository(embedded) from exc
        raise
    tree = (await checkout.git("write-tree", index=index)).line()
    compare = ("diff-index", "--cached", "--raw", "-z", "--no-renames", "--no-abbrev")
    listed = await checkout.git(*compare, "HEAD", "--", index=index, check=False)
    if listed.exit_code:  # HEAD leads to no commit yet
        head = await read_ref(checkout, "HEAD") or checkout.empty_tree
        listed = await checkout.git(*compare, head, index=index)
    items = listed.items()
    news = tuple(
        path
        for facts, path in zip(items[0::2], items[1::2], strict=True)
        if facts.split(" ")[1] == SUBMODULE_MODE and not facts.startswith(f":{SUBMODULE_MODE}")
    )
    if news:
        raise EmbeddedRepository(news)
    return tree


def _embedded(root: Path) -> tuple[str, ...]:
    found = []
    for folder, names, files in os.walk(root):
        if Path(folder) != root and ".git" in {*names, *files}:
            found.append(os.path.relpath(folder, root))
            names.clear()
        if ".git" in names:
            names.remove(".git")
    return tuple(sorted(found))


async def add_worktree(
    checkout: Checkout, path: Path, commit: str, branch: str | None = None
) -> WorkTree:
    """A new work tree of `commit` at `path`, on `branch` or with a detached HEAD.

    The branch is made when it is missing. No hook runs. The record is locked, so that git's own
    cleaning leaves it alone while the folder is out of reach.

    Raises:
        UnknownCommit: there is no such commit.
        RefMoved: the branch exists elsewhere.
        BadName: the path lies in the user's work tree, or the branch name is none.
        GitFailed: something is at `path` already, or the branch is checked out elsewhere.
    """
    whole = await resolve(checkout, commit)
    path = _absolute(path)
    if path == checkout.root or checkout.root in path.parents:
        raise BadName(str(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    where = ["--detach", str(path), whole]
    if branch is not None:
        ref = branch_ref(branch)
        try:
            await update_ref(checkout, ref, whole, checkout.zero)
        except RefMoved as exc:
            if exc.found != whole:
                raise RefMoved(ref=ref, expected=whole, found=exc.found) from exc
        where = [str(path), branch]
    words = ["--quiet", "--no-guess-remote", "--lock", "--reason", _REASON, *where]
    async with worktree_turn(checkout):
        words = ["worktree", "add", *words]
        await checkout.git(*words, config=WHOLE, converts=True, deadline_s=600)
    return open_worktree(checkout, path)


def open_worktree(checkout: Checkout, path: Path) -> WorkTree:
    """The work tree that an earlier call or process has made at `path`.

    Raises:
        NotARepository: the repository has no work tree there.
    """
    path = _absolute(path)
    record = _record(checkout.common_dir, path)
    if record is None or not path.is_dir():
        raise NotARepository(path)
    own = Checkout(
        root=path,
        git_dir=record,
        common_dir=checkout.common_dir,
        object_format=checkout.object_format,
        trusted=checkout.trusted,
        whole=True,
        known=checkout.known,
    )
    return WorkTree(path=path, checkout=own)


async def list_worktrees(checkout: Checkout) -> tuple[Path, ...]:
    """The folders of all work trees of the repository, the main one first."""
    async with worktree_turn(checkout):
        output = await checkout.git("worktree", "list", "--porcelain", "-z")
    return tuple(
        Path(item.removeprefix("worktree "))
        for item in output.items()
        if item.startswith("worktree ")
    )


async def remove_worktree(checkout: Checkout, path: Path) -> None:
    """Take away the work tree at `path`, its folder and its record.

    Works on one half made or half removed by a killed process, and on one that is gone.

    Raises:
        BadName: `path` is the main work tree, or holds it.
    """
    path = _absolute(path)
    main = checkout.common_dir.parent
    if path == main or path in main.parents or path in checkout.common_dir.parents:
        raise BadName(str(path))
    record = _record(checkout.common_dir, path)
    if record is None:
        return
    await anyio.to_thread.run_sync(_delete_folder, path)
    async with worktree_turn(checkout):
        _delete_folder(record)


async def prune_worktrees(checkout: Checkout) -> None:
    """Forget our work trees whose folders are gone, and drafts of killed processes.

    Other people's work trees stay.
    """
    checkout.sweep_drafts()
    records = checkout.common_dir / "worktrees"
    async with worktree_turn(checkout):
        for record in sorted(records.iterdir()) if records.is_dir() else ():
            with suppress(FileNotFoundError):
                link = Path(os.fsdecode((record / "gitdir").read_bytes().rstrip(b"\n")))
                note = (record / "locked").read_text().strip()
                ours = note in {_REASON, "initializing"}
                if ours and not os.path.lexists(link.parent):
                    _delete_folder(record)


def _absolute(path: Path) -> Path:
    """The path with its folder resolved, the last part as it is."""
    path = path.absolute()
    return path.parent.resolve() / path.name


def _record(common_dir: Path, path: Path) -> Path | None:
    """The folder below `.git/worktrees` that belongs to `path`."""
    records = common_dir / "worktrees"
    for record in sorted(records.iterdir()) if records.is_dir() else ():
        with suppress(FileNotFoundError, NotADirectoryError):
            link = Path(os.fsdecode((record / "gitdir").read_bytes().rstrip(b"\n")))
            if _absolute(link.parent) == path:
                return record
    return None


def _delete_folder(path: Path) -> None:
    def make_writable(_: object, name: str, __: object) -> None:
        """A read-only folder keeps its files: open it and try again."""
        stubborn = Path(name)
        stubborn.parent.chmod(0o700)
        if stubborn.is_dir() and not stubborn.is_symlink():
            stubborn.chmod(0o700)
            shutil.rmtree(stubborn)
        else:
            stubborn.unlink()

    if path.is_symlink():
        path.unlink()
    elif path.exists():
        shutil.rmtree(path, onerror=make_writable)
