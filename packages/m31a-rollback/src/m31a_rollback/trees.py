"""Trees and what stands between them: listings, contents, differences, merges."""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from m31a_rollback.checkout import Checkout
from m31a_rollback.commits import private_commit
from m31a_rollback.errors import BadName, GitFailed
from m31a_rollback.refs import resolve

LINK_MODE = "120000"
SUBMODULE_MODE = "160000"
EXECUTABLE_MODE = "100755"


class FileStatus(StrEnum):
    """What happened to a file. Renames are a deletion and an addition."""

    ADDED = "added"
    MODIFIED = "modified"
    DELETED = "deleted"
    MODE = "mode"
    """Only the executable bit."""
    TYPE = "type"
    """A file became a link, or the other way round."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileChange:
    """One file that differs between two trees."""

    path: str
    """Relative to the root; bytes that are no UTF-8 stand as surrogates."""
    status: FileStatus
    added: int | None
    """Lines; None for a file that is not text."""
    removed: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Diff:
    """What stands between two trees."""

    files: tuple[FileChange, ...]
    patch: str
    """In git's own format; bytes that are no UTF-8 stand as surrogates."""
    patch_cut: bool
    """True when the patch was longer than allowed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeEntry:
    """One file of a tree."""

    path: str
    mode: str
    blob: str
    size: int | None
    """Bytes; None for a submodule."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RawChange:
    """One changed path with the ids and modes on both sides; None where there is no file."""

    path: str
    old_mode: str | None
    old_blob: str | None
    new_mode: str | None
    new_blob: str | None

    @property
    def status(self) -> FileStatus:
        """The change in one word."""
        if self.old_mode is None:
            return FileStatus.ADDED
        if self.new_mode is None:
            return FileStatus.DELETED
        if self.old_mode[:3] != self.new_mode[:3]:
            return FileStatus.TYPE
        return FileStatus.MODE if self.old_blob == self.new_blob else FileStatus.MODIFIED


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """The two sides fit together."""

    tree: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflicted:
    """The two sides change the same places."""

    paths: tuple[str, ...]


async def ls_tree(checkout: Checkout, commit: str) -> tuple[TreeEntry, ...]:
    """Every file of the commit or tree, in git's order.

    Raises:
        UnknownCommit: there is no such tree.
    """
    tree = await resolve(checkout, commit, "tree")
    output = await checkout.git("ls-tree", "-r", "-z", "-l", "--full-tree", tree)
    entries = []
    for item in output.items():
        facts, _, path = item.partition("\t")
        mode, _, blob, size = facts.split()
        entries.append(
            TreeEntry(path=path, mode=mode, blob=blob, size=int(size) if size.isdigit() else None)
        )
    return tuple(entries)


async def read_blobs(
    checkout: Checkout, commit: str, paths: Sequence[str]
) -> dict[str, bytes | None]:
    """The contents of the files at `paths` in the commit, in one process.

    A link gives its target; a folder, a submodule or a missing file gives None.

    Raises:
        UnknownCommit: there is no such commit.
        BadName: a path is not relative to the root.
    """
    whole = await resolve(checkout, commit, "tree")
    for path in paths:
        if not path or "\0" in path or path.startswith(("/", "./", "../")):
            raise BadName(path)
    asked = b"".join(os.fsencode(f"{whole}:{path}") + b"\0" for path in paths)
    output = await checkout.git("cat-file", "--batch", "-z", input=asked)
    contents: dict[str, bytes | None] = {}
    rest = memoryview(output.stdout)
    for path in paths:
        missing = os.fsencode(f"{whole}:{path} missing\n")
        if bytes(rest[: len(missing)]) == missing:
            contents[path], rest = None, rest[len(missing) :]
            continue
        head = bytes(rest[:200]).split(b"\n", 1)[0]
        _, kind, size = head.split(b" ")
        start, end = len(head) + 1, len(head) + 1 + int(size)
        contents[path] = bytes(rest[start:end]) if kind == b"blob" else None
        rest = rest[end + 1 :]
    return contents


async def raw_changes(checkout: Checkout, old: str, new: str) -> tuple[RawChange, ...]:
    """The paths that differ between two commits or trees, with ids and modes."""
    output = await checkout.git(
        "diff-tree", "-r", "-z", "--raw", "--full-index", "--no-abbrev", "--no-renames", old, new
    )
    return _parse_raw(output.items())


def _parse_raw(items: list[str]) -> tuple[RawChange, ...]:
    changes = []
    for facts, path in zip(items[0::2], items[1::2], strict=True):
        old_mode, new_mode, old_blob, new_blob, _ = facts.removeprefix(":").split(" ")
        was, now = old_mode != "000000", new_mode != "000000"
        changes.append(
            RawChange(
                path=path,
                old_mode=old_mode if was else None,
                old_blob=old_blob if was else None,
                new_mode=new_mode if now else None,
                new_blob=new_blob if now else None,
            )
        )
    return tuple(changes)


async def file_changes(
    checkout: Checkout, old: str, new: str, paths: Sequence[str] = ()
) -> tuple[FileChange, ...]:
    """The files that differ between two commits or trees, with counted lines, in one process."""
    output = await checkout.git(
        "diff-tree",
        "-r",
        "-z",
        "--raw",
        "--numstat",
        "--no-abbrev",
        "--no-renames",
        "--no-ext-diff",
        "--no-textconv",
        old,
        new,
        *_literal(paths),
    )
    items = output.items()
    split = next(
        (at for at in range(0, len(items), 2) if not items[at].startswith(":")), len(items)
    )
    raw = _parse_raw(items[:split])
    counts: dict[str, tuple[int | None, int | None]] = {}
    for line in items[split:]:
        added, removed, path = line.split("\t", 2)
        counts[path] = (None, None) if added == "-" else (int(added), int(removed))
    return tuple(
        FileChange(path=change.path, status=change.status, added=added, removed=removed)
        for change in raw
        for added, removed in [counts.get(change.path, (0, 0))]
    )


async def diff(
    checkout: Checkout,
    old: str,
    new: str,
    paths: Sequence[str] = (),
    *,
    patch_limit_bytes: int = 1_000_000,
) -> Diff:
    """What stands between two commits or trees: files, counted lines and a patch.

    Args:
        paths: only these files or folders, taken literally; none means all.
        patch_limit_bytes: 0 leaves the patch out and saves a process.

    Raises:
        UnknownCommit: one of the two does not exist.
    """
    try:
        files = await file_changes(checkout, old, new, paths)
    except GitFailed as exc:
        await resolve(checkout, old, "tree")
        await resolve(checkout, new, "tree")
        raise exc from None
    if not patch_limit_bytes or not files:
        return Diff(files=files, patch="", patch_cut=False)
    output = await checkout.git(
        "diff-tree",
        "-r",
        "-p",
        "--no-color",
        "--no-renames",
        "--no-ext-diff",
        "--no-textconv",
        "--src-prefix=a/",
        "--dst-prefix=b/",
        old,
        new,
        *_literal(paths),
        max_stdout_bytes=patch_limit_bytes,
    )
    patch = output.stdout.decode("utf-8", "surrogateescape")
    return Diff(files=files, patch=patch, patch_cut=output.cut)


def _literal(paths: Iterable[str]) -> tuple[str, ...]:
    return ("--", *(f":(top,literal){path}" for path in paths))


async def merge_trees(
    checkout: Checkout, ours: str, theirs: str, base: str | None = None
) -> Merged | Conflicted:
    """The tree in which both sides are, made without touching a work tree or an index.

    Args:
        base: what both sides are compared with; None takes the merge base git finds.

    Raises:
        UnknownCommit: one of them does not exist.
    """
    if base is not None:
        root = await resolve(checkout, base)
        ours = await _side(checkout, ours, root)
        theirs = await _side(checkout, theirs, root)
    output = await checkout.git(
        "merge-tree",
        "--write-tree",
        "-z",
        "--name-only",
        "--no-messages",
        ours,
        theirs,
        converts=True,
        check=False,
    )
    tree, *paths = output.items() or [""]
    if output.exit_code == 0:
        return Merged(tree=tree)
    if output.exit_code == 1 and tree:
        return Conflicted(paths=tuple(paths))
    for rev in (ours, theirs):
        await resolve(checkout, rev)
    raise GitFailed(("merge-tree", ours, theirs), output.stderr, output.exit_code)


async def _side(checkout: Checkout, side: str, base: str) -> str:
    """`side` as a child of `base`: `merge-tree --merge-base` is younger than the git we ask for."""
    tree = await resolve(checkout, side, "tree")
    return await private_commit(checkout, tree, [base], "side", seconds=0)


async def write_tree(checkout: Checkout, entries: Mapping[str, tuple[str, str]]) -> str:
    """The id of a tree made of these paths, each with mode and blob."""
    index = checkout.private_path("tree")
    lines = b"".join(
        os.fsencode(f"{mode} {blob}\t{path}") + b"\0" for path, (mode, blob) in entries.items()
    )
    try:
        await checkout.git("update-index", "-z", "--index-info", index=index, input=lines)
        return (await checkout.git("write-tree", index=index)).line()
    finally:
        index.unlink(missing_ok=True)
