"""Several files changed together: all of them or none.

1. Each new content is put on disk under a temporary name beside its target, and each old file
   gets a second name (a hard link; a copy where the file system has none). Nothing has changed.
2. A journal with all these names appears in the workspace's root, whole and on disk.
3. Each target is checked once more and replaced, or taken away.
4. The journal is removed. **This one call is the commit point.** The second names go.

When a step fails before that point, the old files are given their names back and the error goes
on. When the process is killed before it, `recover` does the same from the journal, which is
locked as long as its maker lives. What holds, then: after a kill at any moment and a `recover`,
the files are all old or all new, with their contents, modes, owners and attributes. What does
not: without `recover`, a kill in step 3 leaves some files old and some new; a reader at that very
moment can see it too; and a file that somebody else replaced in between keeps what they wrote,
with the old one beside it under its second name.
"""

import contextlib
import fcntl
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import msgspec

from m31a_tools.atomic import identity, stage_file, status_of, temporary_name
from m31a_tools.errors import CallFailed, FileChanged
from m31a_tools.recovery import JOURNAL, Journal, Step, opened, recover, remove, undo
from m31a_tools.workspace import FileBytes, Workspace, digest


@dataclass(frozen=True, slots=True)
class Change:
    """What one file shall become."""

    path: str
    """Real path relative to the root."""
    before: FileBytes | None
    """As it was read, None when there must be none."""
    after: bytes | None
    """None when it goes."""
    like: FileBytes | None = None
    """Whose mode, owner and attributes a new file takes."""


def carry_out(workspace: Workspace, changes: Sequence[Change]) -> None:
    """Every change is made and on disk, or none and the error says why.

    An unfinished set of before is undone first. Raises FileChanged when a file is not what
    `before` says, CallFailed, PathRefused, OSError.
    """
    recover(workspace)
    steps: list[Step] = []
    try:
        for change in changes:
            step = _prepared(workspace, change)
            steps.append(step)
        for folder in {step.folder for step in steps}:
            with opened(workspace, folder) as folder_fd:
                os.fsync(folder_fd)
        with _journal(workspace, steps) as commit:
            for change, step in zip(changes, steps, strict=True):
                _make(workspace, change, step)
            commit()
    except BaseException:
        undo(workspace, steps)
        raise
    for step in steps:
        with contextlib.suppress(OSError), opened(workspace, step.folder) as folder_fd:
            remove(folder_fd, step.old)
    for change in changes:
        if change.after is None:
            workspace.seen.pop(change.path, None)
        else:
            workspace.seen[change.path] = digest(change.after)


def _prepared(workspace: Workspace, change: Change) -> Step:
    """The step, its new content and the old file's second name on disk."""
    with workspace.place(change.path) as place:
        folder = "/".join(place.folder) or "."
        made, name = place.missing, place.name
    with opened(workspace, folder) as folder_fd:
        new = old = ""
        new_inode = old_inode = 0
        try:
            if change.before is not None:
                old = _kept(folder_fd, name, change.before)
                old_inode = change.before.status.st_ino
            if change.after is not None:
                new = _staged(workspace, folder_fd, old, change)
                new_inode = os.stat(new, dir_fd=folder_fd, follow_symlinks=False).st_ino
        except BaseException:
            remove(folder_fd, old)
            remove(folder_fd, new)
            raise
    return Step(
        folder=folder,
        made=made,
        name=name,
        new=new,
        new_inode=new_inode,
        old=old,
        old_inode=old_inode,
    )


def _kept(folder_fd: int, name: str, before: FileBytes) -> str:
    """A second name of the file as it was read. Raises FileChanged."""
    kept = temporary_name()
    try:
        os.link(name, kept, src_dir_fd=folder_fd, dst_dir_fd=folder_fd, follow_symlinks=False)
    except FileNotFoundError as exc:
        raise FileChanged(before.path) from exc
    except OSError:
        # No hard links here, or none of a file of somebody else's.
        return stage_file(folder_fd, before.data, like=(folder_fd, name, before.status))
    now = os.stat(kept, dir_fd=folder_fd, follow_symlinks=False)
    if identity(now) != identity(before.status):
        remove(folder_fd, kept)
        raise FileChanged(before.path)
    return kept


def _staged(workspace: Workspace, folder_fd: int, old: str, change: Change) -> str:
    assert change.after is not None
    if change.before is not None:
        like = (folder_fd, old, change.before.status)
        return stage_file(folder_fd, change.after, like=like)
    if change.like is None:
        return stage_file(folder_fd, change.after)
    with workspace.place(change.like.path) as place:
        like = (place.folder_fd, place.name, change.like.status)
        return stage_file(folder_fd, change.after, like=like)


@contextlib.contextmanager
def _journal(workspace: Workspace, steps: Sequence[Step]) -> Iterator["_Commit"]:
    """The journal is there, locked, until the commit or the undoing that follows an error."""
    data = msgspec.json.encode(Journal(version=1, steps=tuple(steps)))
    with opened(workspace, ".") as root_fd:
        temporary = stage_file(root_fd, data, mode=0o600)
        fd = os.open(temporary, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=root_fd)
        try:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX)
                _appear(root_fd, temporary)
            finally:
                remove(root_fd, temporary)
            try:
                os.fsync(root_fd)
                yield _Commit(root_fd)
            except BaseException:
                undo(workspace, steps)
                remove(root_fd, JOURNAL)
                raise
        finally:
            os.close(fd)


def _appear(root_fd: int, temporary: str) -> None:
    """Give the journal its name, which no other may have."""
    try:
        os.link(temporary, JOURNAL, src_dir_fd=root_fd, dst_dir_fd=root_fd, follow_symlinks=False)
    except FileExistsError as exc:
        raise CallFailed(
            "Another patch is being made in this folder. Try again when it is done."
        ) from exc
    except OSError:
        if status_of(root_fd, JOURNAL) is not None:
            raise
        os.rename(temporary, JOURNAL, src_dir_fd=root_fd, dst_dir_fd=root_fd)


@dataclass(frozen=True, slots=True)
class _Commit:
    """Makes the changes final."""

    root_fd: int

    def __call__(self) -> None:
        os.unlink(JOURNAL, dir_fd=self.root_fd)
        # The changes stand already; should this fail, a power cut could still undo them.
        with contextlib.suppress(OSError):
            os.fsync(self.root_fd)


def _make(workspace: Workspace, change: Change, step: Step) -> None:
    """The target is as it shall be, on disk; what is there must be what was read."""
    with opened(workspace, step.folder, step.made, make=True) as folder_fd:
        now = status_of(folder_fd, step.name)
        expected = None if change.before is None else identity(change.before.status)
        if (None if now is None else identity(now)) != expected:
            raise FileChanged(change.path)
        if change.after is None:
            os.unlink(step.name, dir_fd=folder_fd)
        elif not step.made:
            os.rename(step.new, step.name, src_dir_fd=folder_fd, dst_dir_fd=folder_fd)
        else:
            with opened(workspace, step.folder) as staged_fd:
                os.rename(step.new, step.name, src_dir_fd=staged_fd, dst_dir_fd=folder_fd)
        os.fsync(folder_fd)
