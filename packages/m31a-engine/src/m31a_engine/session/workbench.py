"""Where tasks work: the session's branch and its work trees, never the user's own tree.

Every running task has a work tree of its own, made on the session's newest commit. When a
task is done, all that it changed becomes one commit on the session's branch: directly when
nothing else was integrated meanwhile, else by a three-way merge without a work tree.
Commits are plumbing: the ids follow from the journalled intention, so an interrupted one
is finished, never made twice.
"""

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import anyio
import msgspec

from m31a_engine.paths import shown_path
from m31a_engine.session.journal import Journal, keyed
from m31a_rollback import Conflicted, RefMoved, Repository, WorkTree

HEAD = "head"
KEPT = "refs/m31a/kept"
"""What stood in a work tree before a command that can destroy ran there."""


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """The work tree a piece of work has, and the commit it began on."""

    number: int
    base: str


class Intention(msgspec.Struct, frozen=True, kw_only=True):
    """A commit about to be made: enough to make the very same one again."""

    tree: str
    parent: str
    message: str
    at: int
    """Seconds since 1970; author and committer date."""


class Integrated(msgspec.Struct, frozen=True, kw_only=True):
    """What a piece of work left on the session's branch."""

    commit: str | None
    """None when it changed nothing."""
    files: tuple[str, ...] = ()


class MergeConflict(Exception):
    """Work cannot be put on the session's newest commit; `paths` collide."""

    def __init__(self, paths: tuple[str, ...]) -> None:
        super().__init__("conflicting changes in " + ", ".join(paths))
        self.paths = paths


@dataclass(frozen=True, slots=True)
class Bay:
    """A work tree in use."""

    key: str
    place: Place
    tree: WorkTree


class ComingBay:
    """A work tree that is taken when it is first needed, so that a model can be asked before."""

    def __init__(self, workbench: "Workbench", key: str) -> None:
        self._workbench = workbench
        self._key = key
        self._taking = anyio.Lock()
        self._bay: Bay | None = None

    async def get(self) -> Bay:
        """The bay, the same each time."""
        async with self._taking:
            if self._bay is None:
                self._bay = await self._workbench.take(self._key)
        return self._bay


class Workbench:
    """The session's branch, its newest commit and its work trees."""

    def __init__(
        self, repository: Repository, journal: Journal, branch: str, folder: Path, base: str
    ) -> None:
        self.repository = repository
        self.branch = branch
        self.head = journal.done(HEAD, str) or base
        self._journal = journal
        self._folder = folder
        self._base = base
        self._trees: dict[int, WorkTree] = {}
        self._taken: dict[int, str] = {}
        self._new: dict[int, str] = {}
        """Trees that nobody has worked in, and the commit they were made at."""
        self._integrating = anyio.Lock()
        self._making = anyio.Lock()
        self._begun = False

    @property
    def ref(self) -> str:
        """The full name of the session's branch."""
        return f"refs/heads/{self.branch}"

    @property
    def first_path(self) -> Path:
        """Where the first work tree is; it stands after `prepare`."""
        return self._folder / "work"

    async def prepare(self) -> None:
        """Make the branch and the first work tree, and finish commits a kill cut off."""
        async with self._making:
            if self._begun:
                return
            if await self.repository.read_ref(self.ref) is None:
                await self.repository.create_branch(self.branch, self.head)
            for key in self._journal.begun("/place"):
                place = self._journal.intended(f"{key}/place", Place)
                done = self._journal.done(f"{key}/commit", Integrated)
                if place is None or done is not None:
                    continue
                self._taken[place.number] = key
                intention = self._journal.intended(f"{key}/commit", Intention)
                if intention is not None:
                    await self._commit(key, intention)
            await self._tree(0)
            self._begun = True

    async def keep(self, bay: Bay, message: str) -> str:
        """Keep all that is in a work tree under a ref of our own; the commit it is kept as."""
        tree = await bay.tree.tree_id()
        commit = await self.repository.commit_tree(
            tree, (bay.place.base,), message, at=datetime.now(UTC)
        )
        await self.repository.update_ref(f"{KEPT}/{commit}", commit)
        return commit

    async def look(self) -> WorkTree:
        """A work tree that shows the newest commit, to be read while no task works."""
        await self.prepare()
        async with self._making:
            tree = await self._tree(0)
            if 0 not in self._taken and self._new.get(0) != self.head:
                await tree.reset_to(self.head)
                self._new[0] = self.head
            return tree

    async def take(self, key: str) -> Bay:
        """A work tree for a piece of work; after a kill the one it had, as it was left."""
        await self.prepare()
        async with self._making:
            place = self._journal.intended(f"{key}/place", Place)
            if place is None:
                number = next(n for n in range(len(self._taken) + 1) if n not in self._taken)
                place = Place(number=number, base=self.head)
                self._taken[number] = key
                tree = await self._tree(number)
                if self._new.pop(number, "") != place.base:
                    await tree.reset_to(place.base)
                await self._journal.intend(f"{key}/place", place)
            else:
                self._taken[place.number] = key
                tree = await self._tree(place.number, place.base)
                self._new.pop(place.number, None)
        return Bay(key=key, place=place, tree=tree)

    def give_back(self, bay: Bay) -> None:
        """Let the next piece of work have the tree."""
        if self._taken.get(bay.place.number) == bay.key:
            del self._taken[bay.place.number]

    async def _tree(self, number: int, base: str = "") -> WorkTree:
        tree = self._trees.get(number)
        if tree is None:
            path = self.first_path if number == 0 else self._folder / f"work-{number}"
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            if (path / ".git").exists():
                tree = self.repository.open_worktree(path)
            else:
                commit = base or self.head
                tree = await self.repository.worktree(path, commit)
                self._new[number] = commit
            self._trees[number] = tree
        return tree

    async def integrate(self, bay: Bay, message: str) -> Integrated:
        """Put all that changed in a work tree on the session's branch as one commit.

        Raises:
            MergeConflict: something integrated meanwhile collides; nothing was changed.
        """
        async with self._integrating:
            known = self._journal.done(f"{bay.key}/commit", Integrated)
            if known is not None:
                return known
            tree = await bay.tree.tree_id()
            if tree == await self.repository.tree_of(bay.place.base):
                nothing = Integrated(commit=None)
                await self._journal.finish(f"{bay.key}/commit", nothing)
                return nothing
            if self.head != bay.place.base:
                tree = await self._merge(bay, tree)
            intention = Intention(tree=tree, parent=self.head, message=message, at=int(time.time()))
            intention = await self._journal.intend(f"{bay.key}/commit", intention)
            return await self._commit(bay.key, intention)

    async def _merge(self, bay: Bay, tree: str) -> str:
        theirs = await self.repository.commit_tree(tree, (bay.place.base,), bay.key, at=_moment(0))
        merged = await self.repository.merge_tree(self.head, theirs)
        if isinstance(merged, Conflicted):
            raise MergeConflict(merged.paths)
        return merged.tree

    async def _commit(self, key: str, intention: Intention) -> Integrated:
        commit = await self.repository.commit_tree(
            intention.tree, (intention.parent,), intention.message, at=_moment(intention.at)
        )
        await self.move(commit, intention.parent)
        diff = await self.repository.diff(intention.parent, commit)
        done = Integrated(
            commit=commit, files=tuple(shown_path(change.path) for change in diff.files)
        )
        await self._journal.append(
            keyed("done", f"{key}/commit", done), keyed("done", HEAD, commit)
        )
        self.head = commit
        return done

    async def take_back(self, commit: str) -> bool:
        """Take the newest commit off the session's branch; False when it is another one.

        What it held stays in the repository for as long as git keeps it.
        """
        async with self._integrating:
            if commit != self.head:
                return False
            parent = (await self.repository.log(commit, limit=1))[0].parents[0]
            await self.move(parent, commit)
            await self._journal.append(keyed("done", HEAD, parent))
            self.head = parent
            return True

    async def move(self, commit: str, old: str) -> None:
        """Move the session's branch by compare-and-swap; being there already is well.

        Raises:
            RefMoved: somebody else moved the branch.
        """
        try:
            await self.repository.update_ref(self.ref, commit, old)
        except RefMoved as exc:
            if exc.found != commit:
                raise

    async def remove(self) -> None:
        """Remove all work trees; the branch and its commits stay."""
        async with self._making:
            for tree in self._trees.values():
                await tree.remove()
            self._trees.clear()
            self._begun = False


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
