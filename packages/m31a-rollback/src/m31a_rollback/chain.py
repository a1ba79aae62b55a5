"""The commits of a run, in order."""

from dataclasses import dataclass
from datetime import datetime

from m31a_rollback.commits import Commit, format_message
from m31a_rollback.errors import Conflict, NotADescendant, UnknownCommit
from m31a_rollback.repository import Repository
from m31a_rollback.trees import Conflicted

SESSION_TRAILER = "M31A-Session"


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """The commits from a base to a head, oldest first, the base left out."""

    base: str
    commits: tuple[Commit, ...]

    @classmethod
    async def of(cls, repository: Repository, base: str, head: str) -> "Chain":
        """The chain between two commits; one git process lists it whole.

        Raises:
            UnknownCommit: one of them does not exist.
            NotADescendant: the head does not come after the base.
        """
        base, head = await repository.resolve(base), await repository.resolve(head)
        if not await repository.is_ancestor(base, head):
            raise NotADescendant(head, base)
        found = await repository.log(f"{base}..{head}")
        return cls(base=base, commits=tuple(reversed(found)))

    @property
    def head(self) -> str:
        """The last commit; the base when there is none."""
        return self.commits[-1].id if self.commits else self.base

    @property
    def ids(self) -> tuple[str, ...]:
        """The commits' ids, oldest first."""
        return tuple(commit.id for commit in self.commits)

    def after(self, commit: str) -> tuple[Commit, ...]:
        """The commits made after `commit`, which may be the base.

        Raises:
            UnknownCommit: it is not of this chain.
        """
        if commit == self.base:
            return self.commits
        if commit not in self.ids:
            raise UnknownCommit(commit)
        return self.commits[self.ids.index(commit) + 1 :]


async def revert_commits(repository: Repository, commits: tuple[str, ...], *, at: datetime) -> str:
    """The id of a commit on top of HEAD in which the commits are undone, newest first.

    No branch, tree or index is touched: land the commit to take it in. A merge is undone
    against its first parent.

    Raises:
        UnknownCommit: one does not exist, or has no parent.
        Conflict: later commits build on what would be undone.
    """
    head = await repository.resolve("HEAD")
    for name in commits:
        commit = (await repository.log(name, limit=1))[0]
        if not commit.parents:
            raise UnknownCommit(f"{name}^")
        outcome = await repository.merge_tree(head, commit.parents[0], base=commit.id)
        if isinstance(outcome, Conflicted):
            raise Conflict(outcome.paths)
        message = f'Revert "{commit.subject}"\n\nThis reverts commit {commit.id}.'
        head = await repository.commit_tree(outcome.tree, [head], format_message(message), at=at)
    return head
