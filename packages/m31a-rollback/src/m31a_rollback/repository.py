"""One git repository: everything this distribution does with it, under one name each.

The work itself stands in the modules that own it; this class holds the checkout they need.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from m31a_rollback import commits, landing, landing_plan, refs, status, trees, worktrees
from m31a_rollback.checkout import Checkout
from m31a_rollback.commits import Commit, Identity
from m31a_rollback.discovery import (
    check_folder,
    find_repository,
    init_repository,
    installed_version,
)
from m31a_rollback.errors import OperationInProgress
from m31a_rollback.hooks import existing_hooks
from m31a_rollback.landing import Recovered
from m31a_rollback.landing_plan import CannotLand, Intend, Landed, Landing
from m31a_rollback.path_commit import commit_paths
from m31a_rollback.restoring import ResetResult, restore
from m31a_rollback.settings import filter_names
from m31a_rollback.snapshot import Snapshot, list_snapshots, load_snapshot, take_snapshot
from m31a_rollback.status import Status, operation_in_progress
from m31a_rollback.trees import Conflicted, Diff, Merged, TreeEntry
from m31a_rollback.worktrees import WorkTree


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository with a work tree, as the user has it on disk.

    Methods that take a commit also take a branch or any other name git understands, and raise
    `UnknownCommit` when it leads nowhere.
    """

    checkout: Checkout

    @classmethod
    async def open(cls, path: Path, *, trusted: bool = False) -> "Repository":
        """The repository whose work tree `path` lies in; one git process.

        Args:
            trusted: run the filters, merge drivers and signing programs its configuration names.

        Raises:
            NotARepository, BareRepository, UnsafeOwner, GitMissing, GitTooOld.
        """
        return cls(checkout=await find_repository(Path(path), trusted=trusted))

    @classmethod
    async def init(
        cls,
        path: Path,
        message: str = "Initial commit",
        *,
        add_all: bool = False,
        leave_out: Sequence[str] = (),
        author: Identity | None = None,
        at: datetime | None = None,
        trusted: bool = False,
    ) -> "Repository":
        """A new repository at `path` with one commit.

        Args:
            add_all: the commit holds all files that are not ignored; else it is empty.
            leave_out: paths below `path` that the commit does not take.
            author: written into the repository's own configuration; None takes the user's.
            at: the date of the commit; None means now.

        Raises:
            NoIdentity, UnsafeFolder, EmbeddedRepository; the folder is then as it was.
        """
        checkout = await init_repository(
            Path(path),
            message=message,
            add_all=add_all,
            leave_out=leave_out,
            author=author,
            at=at or datetime.now(UTC),
            trusted=trusted,
        )
        return cls(checkout=checkout)

    @property
    def root(self) -> Path:
        """The top folder of the work tree."""
        return self.checkout.root

    @property
    def git_dir(self) -> Path:
        """The git folder of this work tree; of a linked one it lies in the main one's."""
        return self.checkout.git_dir

    @property
    def common_dir(self) -> Path:
        """The git folder that all work trees share."""
        return self.checkout.common_dir

    @property
    def trusted(self) -> bool:
        """Whether programs named by its configuration may run."""
        return self.checkout.trusted

    @property
    def empty_tree(self) -> str:
        """The id of the tree without entries."""
        return self.checkout.empty_tree

    @property
    def zero(self) -> str:
        """As `old` of `update_ref`: the reference must not exist yet."""
        return self.checkout.zero

    async def preflight(self) -> None:
        """Return if an agent may work here.

        Raises:
            UnsafeFolder: the root is `/` or a home folder.
            OperationInProgress: a merge, rebase or the like is not finished.
            NoIdentity: git does not know in whose name to commit.
        """
        check_folder(self.root)
        operation = operation_in_progress(self.git_dir)
        if operation is not None:
            raise OperationInProgress(operation)
        await self.identity()

    async def status(self, *, untracked: bool = True) -> Status:
        """The state of the work tree; one git process."""
        return await status.read_status(self.checkout, untracked=untracked)

    async def identity(self) -> Identity:
        """In whose name git would commit. Raises `NoIdentity`."""
        return await commits.identity(self.checkout)

    async def signs(self) -> bool:
        """Whether commits are signed here: the user's `commit.gpgSign`."""
        return await commits.signs(self.checkout)

    async def overruled_signing(self) -> bool:
        """Whether an untrusted repository's own configuration asks for signatures in vain."""
        return await commits.overruled_signing(self.checkout)

    async def require_signing(self) -> None:
        """Return if commits need no signature, or one can be made. Raises `CannotSign`."""
        await commits.require_signing(self.checkout)

    async def blanked_filters(self) -> tuple[str, ...]:
        """Names of configured filters that do not run, for the repository is not trusted."""
        return () if self.trusted else filter_names(await self.checkout.settings())

    async def git_version(self) -> str:
        """The version of the git program."""
        return await installed_version()

    async def resolve(self, rev: str) -> str:
        """The full id of the commit `rev` names. Raises `UnknownCommit`."""
        return await refs.resolve(self.checkout, rev)

    async def tree_of(self, commit: str) -> str:
        """The id of the commit's tree."""
        return await refs.resolve(self.checkout, commit, "tree")

    async def is_ancestor(self, old: str, new: str) -> bool:
        """Whether `new` is `old` or comes after it."""
        return await refs.is_ancestor(self.checkout, old, new)

    async def read_ref(self, ref: str) -> str | None:
        """Where the reference points; None when there is none."""
        return await refs.read_ref(self.checkout, ref)

    async def list_refs(self, prefix: str) -> dict[str, str]:
        """Full name and object of every reference below `prefix`."""
        return await refs.list_refs(self.checkout, prefix)

    async def create_branch(self, name: str, commit: str) -> None:
        """Make a branch. Raises `RefMoved` when it exists, `BadName` when it cannot be named so."""
        whole = await self.resolve(commit)
        await refs.update_ref(self.checkout, refs.branch_ref(name), whole, self.zero)

    async def update_ref(self, ref: str, new: str, old: str | None = None) -> None:
        """Move a reference if it is at `old` (None: wherever it is). Raises `RefMoved`."""
        await refs.update_ref(self.checkout, ref, new, old)

    async def delete_ref(self, ref: str, old: str | None = None) -> None:
        """Remove a reference if it is at `old`; a missing one is fine. Raises `RefMoved`."""
        await refs.delete_ref(self.checkout, ref, old)

    async def worktree(self, path: Path, commit: str, *, branch: str | None = None) -> WorkTree:
        """A new work tree of `commit` at `path`, on `branch` (made if missing) or detached.

        Raises:
            RefMoved: the branch exists elsewhere.
            BadName: `path` lies in the user's work tree.
        """
        return await worktrees.add_worktree(self.checkout, Path(path), commit, branch)

    def open_worktree(self, path: Path) -> WorkTree:
        """The work tree that exists at `path`. Raises `NotARepository` when there is none."""
        return worktrees.open_worktree(self.checkout, Path(path))

    async def worktrees(self) -> tuple[Path, ...]:
        """The folders of all work trees, the main one first."""
        return await worktrees.list_worktrees(self.checkout)

    async def remove_worktree(self, path: Path) -> None:
        """Take away the work tree at `path` in whatever state; a missing one is fine."""
        await worktrees.remove_worktree(self.checkout, Path(path))

    async def prune(self) -> None:
        """Forget work trees of ours whose folders are gone."""
        await worktrees.prune_worktrees(self.checkout)

    async def commit_tree(
        self,
        tree: str,
        parents: Sequence[str],
        message: str,
        *,
        at: datetime,
        trailers: Sequence[tuple[str, str]] = (),
        author: Identity | None = None,
        sign: bool | None = None,
    ) -> str:
        """The id of a new commit; no branch moves. See `commits.commit_tree`."""
        return await commits.commit_tree(
            self.checkout,
            tree,
            parents,
            message,
            at=at,
            trailers=trailers,
            author=author,
            sign=sign,
        )

    async def commit(
        self,
        message: str,
        paths: Sequence[str] | None = None,
        *,
        at: datetime | None = None,
        trailers: Sequence[tuple[str, str]] = (),
        author: Identity | None = None,
    ) -> str:
        """The id of a commit on the user's branch, of files as they are in the work tree.

        Work staged on other paths stays staged. No hook runs.

        Args:
            paths: files and folders, taken literally; None means all that is not ignored.
            at: None means now.

        Raises:
            UnbornBranch, NoIdentity, RefMoved, EmbeddedRepository.
            BadName: one of the paths does not exist and never did.
        """
        return await commit_paths(
            self.checkout,
            message,
            paths,
            at=at or datetime.now(UTC),
            trailers=trailers,
            author=author,
        )

    async def trailers(self, commit: str) -> tuple[tuple[str, str], ...]:
        """The trailers of a commit, in their order."""
        return await commits.read_trailers(self.checkout, commit)

    async def log(
        self, span: str, limit: int | None = None, *, first_parent: bool = False
    ) -> tuple[Commit, ...]:
        """The commits of `a..b`, or of a name and all before it, children first."""
        return await commits.read_log(self.checkout, span, limit, first_parent=first_parent)

    async def merge_tree(
        self, ours: str, theirs: str, base: str | None = None
    ) -> Merged | Conflicted:
        """The tree in which both commits are; no work tree and no index is touched."""
        return await trees.merge_trees(self.checkout, ours, theirs, base)

    async def diff(
        self, old: str, new: str, paths: Sequence[str] = (), *, patch_limit_bytes: int = 1_000_000
    ) -> Diff:
        """What stands between two commits or trees; a limit of 0 leaves the patch out."""
        return await trees.diff(self.checkout, old, new, paths, patch_limit_bytes=patch_limit_bytes)

    async def blob(self, commit: str, path: str) -> bytes | None:
        """The contents of one file in a commit; None when it has no such file."""
        return (await trees.read_blobs(self.checkout, commit, [path]))[path]

    async def blobs(self, commit: str, paths: Sequence[str]) -> dict[str, bytes | None]:
        """The contents of many files in a commit, in one process."""
        return await trees.read_blobs(self.checkout, commit, paths)

    async def ls_tree(self, commit: str) -> tuple[TreeEntry, ...]:
        """Every file of a commit."""
        return await trees.ls_tree(self.checkout, commit)

    async def write_evidence(self, commit: str, data: bytes) -> str:
        """Keep `data` beside the commit; the blob's id. Raises `RefMoved` when other is there."""
        return await refs.write_evidence(self.checkout, commit, data)

    async def read_evidence(self, commit: str) -> bytes | None:
        """What was kept beside the commit."""
        return await refs.read_evidence(self.checkout, commit)

    async def snapshot(self) -> Snapshot:
        """Everything uncommitted, kept under a reference; tree, index and stash are not touched."""
        return await take_snapshot(self.checkout)

    async def snapshots(self) -> tuple[str, ...]:
        """The references of all snapshots, the newest first; resets and undo make some too."""
        return await list_snapshots(self.checkout)

    async def load_snapshot(self, name: str) -> Snapshot:
        """The snapshot kept under a reference. Raises `UnknownCommit`."""
        return await load_snapshot(self.checkout, name)

    async def commit_hooks(self) -> tuple[str, ...]:
        """The commit hooks the repository has, whether or not they will run."""
        return await existing_hooks(self.checkout)

    async def restore(self, snapshot: Snapshot | str) -> ResetResult:
        """Everything uncommitted as a snapshot has it; what is there now goes into one of its own.

        Raises:
            Conflict: HEAD has something else at places the snapshot changes; nothing was changed.
        """
        return await restore(self.checkout, snapshot)

    async def plan_landing(self, base: str, commit: str, *, source: str | None = None) -> Landing:
        """What landing `commit` would change. Raises `NotADescendant`."""
        return await landing_plan.plan_landing(self.checkout, base, commit, source)

    async def land(self, plan: Landing, *, intend: Intend) -> Landed | CannotLand:
        """The commit brought onto the user's branch, or the reason why nothing was touched."""
        return await landing.land(self.checkout, plan, intend=intend)

    async def recover_landing(self, plan: Landing) -> Recovered:
        """Finish or undo what a kill has left of a landing. Raises `Locked`."""
        return await landing.recover_landing(self.checkout, plan)

    async def settle_landing(self) -> Landing | None:
        """Finish or undo a landing known only by the lock a kill has left. Raises `Locked`."""
        return await landing.settle_landing(self.checkout)
