"""GitPython over the same repository, for callers who want to walk its objects.

The only module that imports GitPython. Nothing here imports this module: who needs it pays for
it, and nobody else.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio.to_thread
from git import Repo

from m31a_rollback.git import environment
from m31a_rollback.repository import Repository


@asynccontextmanager
async def open_objects(repository: Repository) -> AsyncIterator[Repo]:
    """GitPython's repository, for trees, blobs, diffs and configuration; closed at the end.

    The git processes it starts get the same hardening as ours. Its calls block: make them in a
    worker thread. Do not write with it: it knows neither landings nor snapshots.
    """
    checkout = repository.checkout
    variables = environment(
        {
            **checkout.folders(checkout.root),
            "GIT_INDEX_FILE": str(checkout.git_dir / "index"),
            "GIT_CONFIG_PARAMETERS": "",
        },
        await checkout.guards(converts=True),
    )
    changed = {name: value for name, value in variables.items() if os.environ.get(name) != value}
    objects = await anyio.to_thread.run_sync(Repo, checkout.root)
    try:
        objects.git.update_environment(**changed)
        yield objects
    finally:
        await anyio.to_thread.run_sync(objects.close)
