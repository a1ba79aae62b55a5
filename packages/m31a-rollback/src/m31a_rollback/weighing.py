"""Whether uncommitted work fits onto another commit; nothing of the user's is touched."""

from dataclasses import dataclass

from m31a_rollback.checkout import Checkout
from m31a_rollback.snapshot import Snapshot
from m31a_rollback.trees import LINK_MODE, Merged, ls_tree, merge_trees, read_blobs, write_tree


@dataclass(frozen=True, slots=True)
class Weighed:
    """Whether a snapshot fits onto a commit."""

    clashes: tuple[str, ...]
    """Paths that both change, so that nothing can be given back."""
    tree: str | None
    """The tree in which `merged` are merged; None when no file needs it."""
    merged: tuple[str, ...]


async def weigh(checkout: Checkout, snapshot: Snapshot, to: str) -> Weighed:
    """Whether the uncommitted work fits onto `to`; nothing is touched.

    Work on a path that both commits have alike fits. A changed text that the commits have
    differently is merged if it is not staged; all else clashes.
    """
    if to == snapshot.head:
        return Weighed(clashes=(), tree=None, merged=())
    before = await entries_of(checkout, snapshot.head)
    after = await entries_of(checkout, to)
    staying = after.keys() - set(snapshot.deleted)
    folders = {parent for path in staying for parent in _parents(path)}
    moved = {path for path in snapshot.paths if before.get(path) != after.get(path)}
    clashes = {
        path
        for path in snapshot.files
        if path not in before and (path in folders or not staying.isdisjoint(_parents(path)))
    }
    mergeable = {
        path
        for path in moved - clashes
        if path in snapshot.files
        and path not in snapshot.staged
        and path in before
        and path in after
        and LINK_MODE not in {snapshot.files[path].mode, before[path][0], after[path][0]}
    }
    clashes |= moved - mergeable
    if clashes or not mergeable:
        return Weighed(clashes=tuple(sorted(clashes)), tree=None, merged=())
    theirs = dict(before)
    for path in mergeable:
        theirs[path] = (snapshot.files[path].mode, await _filtered(checkout, snapshot, path))
    side = await write_tree(checkout, theirs)
    outcome = await merge_trees(checkout, to, side, base=snapshot.head)
    if isinstance(outcome, Merged):
        return Weighed(clashes=(), tree=outcome.tree, merged=tuple(sorted(mergeable)))
    return Weighed(clashes=outcome.paths, tree=None, merged=())


async def entries_of(checkout: Checkout, commit: str | None) -> dict[str, tuple[str, str]]:
    """Mode and blob of every path of a commit; of none when there is no commit."""
    tree = await ls_tree(checkout, commit) if commit else ()
    return {entry.path: (entry.mode, entry.blob) for entry in tree}


async def _filtered(checkout: Checkout, snapshot: Snapshot, path: str) -> str:
    """The blob git would make of the kept file."""
    name = f"files/{path}"
    data = (await read_blobs(checkout, snapshot.commit, [name]))[name] or b""
    output = await checkout.git(
        "hash-object", "-w", "--stdin", f"--path={path}", input=data, converts=True
    )
    return output.line()


def _parents(path: str) -> list[str]:
    parts = path.split("/")
    return ["/".join(parts[:size]) for size in range(1, len(parts))]
