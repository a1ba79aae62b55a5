"""References: moved by compare-and-swap alone, so that nobody's work is overwritten."""

import re
import time
from contextlib import suppress

import anyio

from m31a_rollback.checkout import Checkout
from m31a_rollback.errors import BadName, GitFailed, RefMoved, UnknownCommit

EVIDENCE = "refs/m31a/evidence/"
STALE_S = 5
"""A lock of git's that is older than this has no living holder."""
_FULL_ID = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_FORBIDDEN = re.compile(
    r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|\.lock(?:/|$)|(?:^|/)\.|[./]$|^[/-]|^@$"
)


def check_ref(ref: str) -> str:
    """The full name of a reference, if git would take it.

    Raises:
        BadName: it would not.
    """
    if not (ref == "HEAD" or ref.startswith("refs/")) or _FORBIDDEN.search(ref):
        raise BadName(ref)
    return ref


def branch_ref(name: str) -> str:
    """The reference of a branch called `name`.

    Raises:
        BadName: git would not take the name.
    """
    if not name or name == "HEAD" or _FORBIDDEN.search(name):
        raise BadName(name)
    return f"refs/heads/{name}"


def is_id(text: object) -> bool:
    """Whether the text is the full id of an object."""
    return isinstance(text, str) and _FULL_ID.fullmatch(text) is not None


async def resolve(checkout: Checkout, rev: str, kind: str = "commit") -> str:
    """The id of the commit (or other `kind` of object) that `rev` leads to.

    Raises:
        UnknownCommit: it leads to none.
    """
    if not rev or "\0" in rev or "\n" in rev:
        raise UnknownCommit(rev)
    known = checkout.known.get((rev, kind))
    if known is not None:
        return known
    output = await checkout.git(
        "rev-parse", "--quiet", "--verify", "--end-of-options", f"{rev}^{{{kind}}}", check=False
    )
    found = output.line()
    if output.exit_code != 0 or not is_id(found):
        raise UnknownCommit(rev)
    if is_id(rev):
        checkout.known[rev, kind] = found
    return found


async def is_ancestor(checkout: Checkout, old: str, new: str) -> bool:
    """Whether commit `new` is commit `old` or comes after it."""
    output = await checkout.git("merge-base", "--is-ancestor", old, new, check=False)
    return output.exit_code == 0


async def read_ref(checkout: Checkout, ref: str) -> str | None:
    """The object the reference points at; None when there is no such reference."""
    output = await checkout.git(
        "rev-parse", "--quiet", "--verify", "--end-of-options", check_ref(ref), check=False
    )
    return output.line() if output.exit_code == 0 else None


async def list_refs(checkout: Checkout, prefix: str) -> dict[str, str]:
    """Full name and object of every reference below `prefix`, sorted by name."""
    output = await checkout.git(
        "for-each-ref", "--format=%(refname)%00%(objectname)", check_ref(prefix.rstrip("/"))
    )
    lines = output.stdout.decode("utf-8", "surrogateescape").splitlines()
    return dict(line.split("\0", 1) for line in lines)


async def update_ref(
    checkout: Checkout,
    ref: str,
    new: str,
    old: str | None = None,
    *,
    message: str = "m31a",
    deref: bool = True,
) -> None:
    """Move the reference to `new`, if it is at `old`.

    Args:
        old: None takes any state; `checkout.zero` says that it must not exist yet.
        deref: follow HEAD to its branch.

    Raises:
        RefMoved: it was elsewhere; it is untouched.
    """
    options = () if deref else ("--no-deref",)
    expected = () if old is None else (old,)
    try:
        await checkout.git(
            "update-ref", "--create-reflog", "-m", message, *options, check_ref(ref), new, *expected
        )
    except GitFailed as exc:
        if old is None:
            raise
        found = await read_ref(checkout, ref)
        wanted = None if old == checkout.zero else old
        if found == wanted:
            raise
        raise RefMoved(ref=ref, expected=wanted, found=found) from exc


async def delete_ref(checkout: Checkout, ref: str, old: str | None = None) -> None:
    """Remove the reference, if it is at `old`; one that is missing already is fine.

    Raises:
        RefMoved: it was elsewhere; it is untouched.
    """
    expected = await read_ref(checkout, ref) if old is None else old
    if expected is None:
        return
    try:
        await checkout.git("update-ref", "--no-deref", "-d", check_ref(ref), expected)
    except GitFailed as exc:
        found = await read_ref(checkout, ref)
        if found == expected:
            raise
        if found is not None:
            raise RefMoved(ref=ref, expected=expected, found=found) from exc


async def drop_stale_locks(checkout: Checkout, branch: str | None) -> None:
    """Take away locks on HEAD and a branch that a killed git has left.

    Only for who finishes what a kill has cut short. Git holds such a lock for milliseconds and
    writes it once, so one that is some seconds old has no living holder; a younger one is waited
    for.
    """
    locks = [checkout.git_dir / "HEAD.lock"]
    if branch is not None:
        locks.append(checkout.common_dir / f"{branch_ref(branch)}.lock")
    for lock in locks:
        with suppress(FileNotFoundError):
            for _ in range(20 * STALE_S):
                if time.time() - lock.lstat().st_mtime > STALE_S:
                    break
                await anyio.sleep(0.05)
            lock.unlink()


async def write_evidence(checkout: Checkout, commit: str, data: bytes) -> str:
    """Keep `data` as a blob under the commit's evidence reference; the blob's id.

    Writing the same again changes nothing; ten writers at once leave ten references.

    Raises:
        UnknownCommit: there is no such commit.
        RefMoved: other evidence stands there already.
    """
    whole = await resolve(checkout, commit)
    stored = await checkout.git("hash-object", "-w", "-t", "blob", "--stdin", input=data)
    blob = stored.line()
    try:
        await update_ref(checkout, f"{EVIDENCE}{whole}", blob, checkout.zero)
    except RefMoved as exc:
        if exc.found != blob:
            raise
    return blob


async def read_evidence(checkout: Checkout, commit: str) -> bytes | None:
    """The evidence kept for the commit; None when there is none.

    Raises:
        UnknownCommit: there is no such commit.
    """
    blob = await read_ref(checkout, f"{EVIDENCE}{await resolve(checkout, commit)}")
    if blob is None:
        return None
    return (await checkout.git("cat-file", "blob", blob)).stdout
