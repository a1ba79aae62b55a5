"""Copies of an index: to look through the work tree's eyes, or to become the next index."""

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from m31a_rollback.checkout import Checkout


@asynccontextmanager
async def private_index(checkout: Checkout, kept: Path | None = None) -> AsyncIterator[Path]:
    """A copy of the checkout's index that may be written to; gone at the end.

    The copy keeps the modification time: git tells by it which files changed too late for their
    times to be trusted.

    Args:
        kept: a later index of the same checkout, copied instead when there is one: it knows more
            files by their times.
    """
    index = checkout.private_path("index")
    source = kept if kept is not None and kept.exists() else checkout.git_dir / "index"
    try:
        with suppress(FileNotFoundError):
            copy_index(source, index)
        yield index
    finally:
        index.unlink(missing_ok=True)
        index.with_name(f"{index.name}.lock").unlink(missing_ok=True)


def copy_index(index: Path, to: Path) -> None:
    """A copy with the modification time of the index, which git tells changed files by."""
    shutil.copy2(index, to)


@asynccontextmanager
async def next_index(checkout: Checkout) -> AsyncIterator[Path]:
    """A copy of the index to be changed, which takes its place at the end; for a lock's holder.

    Git locks the copy, under a name nobody uses twice: a git that is killed leaves no lock that
    stands in anybody's way.
    """
    async with private_index(checkout) as index:
        yield index
        with index.open("rb") as handle:
            os.fsync(handle.fileno())
        index.replace(checkout.git_dir / "index")
