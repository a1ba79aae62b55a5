"""Files of a commit as git would check them out, in a folder that is nobody's work tree."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from m31a_rollback.checkout import Checkout


async def check_out(checkout: Checkout, tree: str, folder: Path, paths: Sequence[str]) -> None:
    """Put the files at `paths` of a commit or tree below `folder`, which is emptied first.

    Line ends and filters follow the attributes of that tree: it is the whole index, and the
    folder has no attribute files of its own.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    if not paths:
        return
    index = checkout.private_path("staging")
    names = b"".join(os.fsencode(path) + b"\0" for path in paths)
    try:
        await checkout.git("read-tree", tree, index=index)
        await checkout.git(
            "checkout-index",
            "--force",
            "-z",
            "--stdin",
            index=index,
            work_tree=folder,
            input=names,
            converts=True,
            deadline_s=600,
        )
    finally:
        index.unlink(missing_ok=True)
