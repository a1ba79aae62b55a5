"""A commit of what stands in the user's own work tree, staged work on other paths left alone."""

import os
from collections.abc import Sequence
from datetime import datetime

from m31a_rollback.checkout import Checkout
from m31a_rollback.commits import Identity, commit_tree
from m31a_rollback.errors import BadName, UnbornBranch
from m31a_rollback.private_index import private_index
from m31a_rollback.refs import read_ref, update_ref
from m31a_rollback.trees import raw_changes
from m31a_rollback.worktrees import write_all


async def commit_paths(
    checkout: Checkout,
    message: str,
    paths: Sequence[str] | None,
    *,
    at: datetime,
    trailers: Sequence[tuple[str, str]] = (),
    author: Identity | None = None,
) -> str:
    """The id of a commit on top of HEAD that holds the paths as they are in the work tree.

    The index comes first and the branch after it: a kill in between leaves the paths staged.
    """
    head = await read_ref(checkout, "HEAD")
    if head is None:
        raise UnbornBranch
    async with private_index(checkout) as index:
        if paths is None:
            tree = await write_all(checkout, index)
        else:
            await checkout.git("read-tree", "--reset", head, index=index)
            names = b"".join(os.fsencode(path) + b"\0" for path in paths)
            added = await checkout.git(
                "add",
                "--all",
                "--sparse",
                "--pathspec-from-file=-",
                "--pathspec-file-nul",
                index=index,
                input=names,
                env={"GIT_LITERAL_PATHSPECS": "1"},
                converts=True,
                check=False,
            )
            if added.exit_code != 0:
                raise BadName(", ".join(paths))
            tree = (await checkout.git("write-tree", index=index)).line()
    commit = await commit_tree(
        checkout, tree, [head], message, at=at, trailers=trailers, author=author
    )
    lines = b"".join(
        os.fsencode(f"{change.new_mode or 0} {change.new_blob or checkout.zero}\t{change.path}")
        + b"\0"
        for change in sorted(
            await raw_changes(checkout, head, commit), key=lambda it: it.new_mode or ""
        )
    )
    await checkout.git("update-index", "-z", "--index-info", input=lines)
    await update_ref(checkout, "HEAD", commit, head, message=f"commit: {message.splitlines()[0]}")
    return commit
