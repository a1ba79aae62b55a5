"""What the work tree and the index hold against HEAD, and what the user is in the middle of."""

import os
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from m31a_rollback.checkout import Checkout


class EntryKind(StrEnum):
    """Why a path is listed."""

    CHANGED = "changed"
    UNMERGED = "unmerged"
    UNTRACKED = "untracked"


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusEntry:
    """One path that is not as HEAD has it.

    The two letters are git's: M modified, T other type, A added, D deleted, U unmerged, `?`
    untracked, `.` as before.
    """

    path: str
    """Relative to the root; bytes that are no UTF-8 stand as surrogates; a folder ends in `/`."""
    staged: str
    unstaged: str
    kind: EntryKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """The state of a work tree."""

    head: str | None
    """The commit; None on an unborn branch."""
    branch: str | None
    """Without `refs/heads/`; None when HEAD is detached."""
    upstream: str | None
    entries: tuple[StatusEntry, ...]
    operation: str | None
    """merge, rebase, am, cherry-pick, revert, bisect or rollback when one is in progress."""

    @property
    def dirty(self) -> bool:
        """Whether anything is staged, changed or untracked."""
        return bool(self.entries)


MOVE_NOTE = "m31a/moving"
"""Exists in the git folder while a reset of ours brings the tree to another commit."""

_OPERATIONS = (
    (MOVE_NOTE, "rollback"),
    ("rebase-merge", "rebase"),
    ("rebase-apply/applying", "am"),
    ("rebase-apply", "rebase"),
    ("MERGE_HEAD", "merge"),
    ("CHERRY_PICK_HEAD", "cherry-pick"),
    ("REVERT_HEAD", "revert"),
    ("BISECT_LOG", "bisect"),
)


async def read_status(
    checkout: Checkout, *, untracked: bool = True, every_file: bool = False
) -> Status:
    """The state of the work tree, in one git process.

    Untracked folders are one entry each, unless `every_file` asks for what is in them. Changes
    inside submodules are not looked at.
    """
    kind = ("all" if every_file else "normal") if untracked else "no"
    output = await checkout.git(
        "status",
        "--porcelain=v2",
        "--branch",
        "-z",
        "--no-renames",
        "--no-ahead-behind",
        "--ignore-submodules=dirty",
        f"--untracked-files={kind}",
    )
    return parse_status(output.stdout, operation_in_progress(checkout.git_dir))


def parse_status(text: bytes, operation: str | None) -> Status:
    """The status that `git status --porcelain=v2 --branch -z --no-renames` has written."""
    head = branch = upstream = None
    entries = []
    for record in text.split(b"\0"):
        match record[:2]:
            case b"# ":
                name, _, value = os.fsdecode(record[2:]).partition(" ")
                if name == "branch.oid" and value != "(initial)":
                    head = value
                elif name == "branch.head" and value != "(detached)":
                    branch = value
                elif name == "branch.upstream":
                    upstream = value
            case b"1 ":
                entries.append(_entry(record, fields=8, kind=EntryKind.CHANGED))
            case b"u ":
                entries.append(_entry(record, fields=10, kind=EntryKind.UNMERGED))
            case b"? ":
                path = os.fsdecode(record[2:])
                entries.append(
                    StatusEntry(path=path, staged="?", unstaged="?", kind=EntryKind.UNTRACKED)
                )
            case _:
                assert not record, record
    return Status(
        head=head, branch=branch, upstream=upstream, entries=tuple(entries), operation=operation
    )


def operation_in_progress(git_dir: Path) -> str | None:
    """What the user is in the middle of, read from the files git keeps for it."""
    for name, operation in _OPERATIONS:
        if os.path.lexists(git_dir / name):
            return operation
    try:
        first = (git_dir / "sequencer" / "todo").read_bytes().split(maxsplit=1)
    except FileNotFoundError:
        return None
    return "revert" if first[:1] == [b"revert"] else "cherry-pick"


def _entry(record: bytes, *, fields: int, kind: EntryKind) -> StatusEntry:
    words = record.split(b" ", fields)
    letters = words[1].decode("ascii")
    return StatusEntry(
        path=os.fsdecode(words[fields]), staged=letters[0], unstaged=letters[1], kind=kind
    )
