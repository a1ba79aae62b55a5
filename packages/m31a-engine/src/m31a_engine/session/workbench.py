"""Where tasks work: the session's branch and its work trees, never the user's own tree.

Every running task has a work tree of its own, made on the session's newest commit. When a
task is done, all that it changed becomes one commit on the session's branch: directly when
nothing else was integrated meanwhile, else by a three-way merge without a work tree.
Commits are plumbing: the ids follow from the journalled intention, so an interrupted one
is finished, never made twice.
"""

import shutil
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import anyio
import anyio.to_thread
import msgspec

from m31a_engine.paths import shown_path
from m31a_engine.session.branch import SessionBranch
from m31a_engine.session.journal import Journal, keyed
from m31a_rollback import Conflicted, Prepared, Repository, RollbackError, WorkTree

HEAD = "head"
KEPT = "refs/m31a/kept"
"""What stood in a work tree before a command that can destroy ran there, by session."""


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """The work tree a piece of work has, and the commit it began on."""

    number: int
    base: str
    left: bool = False
    """Whether it holds what an attempt that was given up has left."""


class Intention(msgspec.Struct, frozen=True, kw_only=True):
    """A commit about to be made: enough to make the very same one again."""

    tree: str
    parent: str
    message: str
    at: int
    """Seconds since 1970; author and committer date."""
    worked: str = ""
    """The tree as the work left it."""
    merged: str = ""
    """The tree with what was integrated meanwhile, before commit hooks had their say."""


class Integrated(msgspec.Struct, frozen=True, kw_only=True):
    """What a piece of work left on the session's branch."""

    commit: str | None
    """None when it changed nothing."""
    files: tuple[str, ...] = ()


class Laid(msgspec.Struct, frozen=True, kw_only=True):
    """Work put, in its tree, on what was integrated meanwhile."""

    commit: str
    """What the tree is made to hold."""
    on: str


Prepare = Callable[[WorkTree], Awaitable[Prepared]]
"""Has the say on what becomes of a work tree's content and message, before the commit."""


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
    used: bool
    """Whether something may stand in it that nobody in this process has put there."""


class ComingBay:
    """A work tree that is taken when it is first needed, so that a model can be asked before."""

    def __init__(self, workbench: "Workbench", key: str, heir_of: str = "") -> None:
        self._workbench = workbench
        self._key = key
        self._heir_of = heir_of
        self._taking = anyio.Lock()
        self._bay: Bay | None = None

    async def get(self) -> Bay:
        """The bay, the same each time."""
        if self._bay is not None:
            return self._bay
        async with self._taking:
            if self._bay is None:
                self._bay = await self._workbench.take(self._key, self._heir_of)
        return self._bay


class Workbench:
    """The session's branch, its newest commit and its work trees."""

    def __init__(
        self, repository: Repository, journal: Journal, branch: str, folder: Path, base: str
    ) -> None:
        self.repository = repository
        self.branch = SessionBranch(repository, branch)
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
    def first_path(self) -> Path:
        """Where the first work tree is; it stands after `prepare`."""
        return self._folder / "work"

    async def prepare(self) -> None:
        """Make the branch and the first work tree, and finish commits a kill cut off."""
        async with self._making:
            if self._begun:
                return
            await self.branch.stand_at(self.head)
            for key in self._journal.begun("/place"):
                place = self._journal.intended(f"{key}/place", Place)
                done = self._journal.done(f"{key}/commit", Integrated)
                if place is None:
                    continue
                # In the order of taking: a tree that was taken over has its last owner's name.
                self._taken[place.number] = key
                if done is not None:
                    del self._taken[place.number]
                    continue
                intention = self._journal.intended(f"{key}/commit", Intention)
                if intention is not None:
                    await self._commit(key, intention)
            await self._tree(0)
            self._begun = True

    async def keep(self, bay: Bay, message: str) -> str:
        """Keep all that is in a work tree under a ref of our own; the commit it is kept as."""
        tree = await bay.tree.tree_id()
        commit = await self.repository.commit_tree(
            tree, (bay.place.base,), message, at=datetime.now(UTC), sign=False
        )
        await self.repository.update_ref(f"{KEPT}/{Path(self.branch.name).name}/{commit}", commit)
        return commit

    async def look(self) -> WorkTree:
        """A work tree that shows the newest commit, to be read while no task works."""
        await self.prepare()
        async with self._making:
            number = self._free()
            tree = await self._tree(number)
            if self._new.get(number) != self.head:
                await tree.reset_to(self.head)
                self._new[number] = self.head
            return tree

    async def take(self, key: str, heir_of: str = "") -> Bay:
        """A work tree for a piece of work; after a kill the one it had, as it was left.

        The heir of another piece of work has that one's tree, as it was left.
        """
        await self.prepare()
        async with self._making:
            known = self._journal.intended(f"{key}/place", Place)
            if known is not None and self._journal.done(f"{key}/commit", Integrated) is not None:
                # Others may have the tree by now: nobody works there in this one's name again.
                tree = await self._tree(known.number, known.base)
                return Bay(key=key, place=known, tree=tree, used=False)
            place = known or self._inherited(heir_of) or await self._new_place()
            self._taken[place.number] = key
            if known is None:
                await self._journal.intend(f"{key}/place", place)
            tree = await self._tree(place.number, place.base)
            self._new.pop(place.number, None)
            bay = Bay(key=key, place=place, tree=tree, used=known is not None or place.left)
            await self._finish_laying(bay)
        return bay

    def _free(self) -> int:
        return next(n for n in range(len(self._taken) + 1) if n not in self._taken)

    async def _new_place(self) -> Place:
        """A tree that nobody has, at the newest commit."""
        number = self._free()
        place = Place(number=number, base=self.head)
        tree = await self._tree(number)
        if self._new.pop(number, "") != place.base:
            await tree.reset_to(place.base)
        return place

    def _inherited(self, key: str) -> Place | None:
        """The place of a piece of work that is given up, if it has one still."""
        place = self._journal.intended(f"{key}/place", Place) if key else None
        if place is None or self._taken.get(place.number) != key:
            return None
        return Place(number=place.number, base=self._base_of(key, place), left=True)

    def _base_of(self, key: str, place: Place) -> str:
        """The commit that what is in the tree has to be compared with."""
        laid = self._journal.done(f"{key}/laid", Laid)
        return place.base if laid is None else laid.on

    def give_back(self, bay: Bay) -> None:
        """Let the next piece of work have the tree."""
        if self._taken.get(bay.place.number) == bay.key:
            del self._taken[bay.place.number]

    async def _tree(self, number: int, base: str = "") -> WorkTree:
        tree = self._trees.get(number)
        if tree is None:
            path = self.first_path if number == 0 else self._folder / f"work-{number}"
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            tree = await self._standing(path)
            if tree is None:
                commit = base or self.head
                tree = await self.repository.worktree(path, commit)
                self._new[number] = commit
            self._trees[number] = tree
        return tree

    async def _standing(self, path: Path) -> WorkTree | None:
        """The work tree that stands at a path; what git left there when it was killed goes."""
        try:
            tree = self.repository.open_worktree(path)
            await tree.head()
        except RollbackError:
            await self.repository.remove_worktree(path)
            await anyio.to_thread.run_sync(lambda: shutil.rmtree(path, ignore_errors=True))
            return None
        return tree

    async def integrate(self, bay: Bay, message: str, prepare: Prepare | None = None) -> Integrated:
        """Put all that changed in a work tree on the session's branch as one commit.

        Before `prepare` is asked, what was integrated meanwhile is brought into the work tree:
        it sees exactly what is committed.

        Raises:
            MergeConflict: something integrated meanwhile collides; nothing was changed.
        """
        async with self._integrating:
            known = self._journal.done(f"{bay.key}/commit", Integrated)
            if known is not None:
                return known
            tree = worked = await bay.tree.tree_id()
            base = self._base_of(bay.key, bay.place)
            if tree == await self.repository.tree_of(base):
                return await self._nothing(bay.key)
            if self.head != base:
                tree = await self._merge(bay.key, tree, base)
                if prepare is not None:
                    await self._lay(bay, tree)
            merged = tree
            if prepare is not None:
                prepared = await prepare(bay.tree)
                tree, message = prepared.tree, prepared.message
                if tree == await self.repository.tree_of(self.head):
                    return await self._nothing(bay.key)
            intention = Intention(
                tree=tree,
                parent=self.head,
                message=message,
                at=int(time.time()),
                worked=worked,
                merged=merged,
            )
            intention = await self._journal.intend(f"{bay.key}/commit", intention)
            return await self._commit(bay.key, intention)

    async def _nothing(self, key: str) -> Integrated:
        nothing = Integrated(commit=None)
        await self._journal.finish(f"{key}/commit", nothing)
        return nothing

    async def _merge(self, key: str, tree: str, base: str) -> str:
        theirs = await self.repository.commit_tree(tree, (base,), key, at=_moment(0), sign=False)
        merged = await self.repository.merge_tree(self.head, theirs)
        if isinstance(merged, Conflicted):
            raise MergeConflict(merged.paths)
        return merged.tree

    async def _lay(self, bay: Bay, tree: str) -> None:
        """Bring what was integrated meanwhile into a work tree."""
        head = self.head
        merged = await self.repository.commit_tree(
            tree, (head,), bay.key, at=_moment(0), sign=False
        )
        key = f"{bay.key}/laid"
        await self._journal.append(keyed("intent", key, Laid(commit=merged, on=head)))
        await self._finish_laying(bay)

    async def _finish_laying(self, bay: Bay) -> None:
        key = f"{bay.key}/laid"
        laid = self._journal.intended(key, Laid)
        if laid is not None and laid != self._journal.done(key, Laid):
            await bay.tree.lay(laid.commit, laid.on)
            await self._journal.finish(key, laid)

    async def _commit(self, key: str, intention: Intention) -> Integrated:
        commit = await self.repository.commit_tree(
            intention.tree, (intention.parent,), intention.message, at=_moment(intention.at)
        )
        commit = await self.branch.move(commit, intention.parent)
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
            await self.branch.move(parent, commit)
            await self._journal.append(keyed("done", HEAD, parent))
            self.head = parent
            return True


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
