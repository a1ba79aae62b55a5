"""A session's tree built anew from its journal, without a model and without running anything.

The journal holds each call of the model's with its arguments, and each commit's intention with
the trees it was made of. So a piece of work can be repeated: from the commit it began on, its
file calls are made again, in order, in a work tree of its own. What commands and commit hooks
changed is not made again: the trees that they left were noted, and are taken from there.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from m31a_engine.conversation.trail import COMMANDS
from m31a_engine.desk.account import Account, Step, accounts_in
from m31a_engine.desk.opened import opened, refusing
from m31a_engine.errors import NothingToResume
from m31a_engine.paths import shown_path
from m31a_engine.session.home import ProjectHome
from m31a_engine.session.journal import read_records
from m31a_engine.session.scratch import scratch
from m31a_engine.session.state import Session
from m31a_engine.session.workbench import Intention, Place
from m31a_engine.shelf import newest
from m31a_rollback import Conflicted, Repository, RollbackError, WorkTree
from m31a_tools import (
    Call,
    Choice,
    Mode,
    PermissionRequest,
    Policy,
    Toolbox,
    Workspace,
    default_toolbox,
    dispatch,
    further_tools,
)

ASKS = "AskUser"
"""A person is not asked again."""


class Piece(msgspec.Struct, frozen=True, kw_only=True):
    """One commit of the session, made again."""

    key: str
    recorded_tree: str
    rebuilt_tree: str
    same: bool
    calls: int
    """File calls that were made again."""
    commands: tuple[str, ...] = ()
    """Commands that ran then and not now."""
    restored: tuple[str, ...] = ()
    """Paths taken from the trees noted then: commands or hooks changed them."""
    differing: tuple[str, ...] = ()
    """Paths that are not as they were committed."""
    trouble: tuple[str, ...] = ()
    """Calls that went well then and not now, and noted trees that are gone."""


class Replayed(msgspec.Struct, frozen=True, kw_only=True):
    """What the journal accounts for of a session's final tree."""

    session: str
    base: str
    commit: str
    tree: str
    pieces: tuple[Piece, ...]
    same: bool
    """Whether every piece has the very tree that was committed, and the last is the commit's."""
    explained: bool
    """Whether all that differs stands in pieces in which commands ran."""


@dataclass(frozen=True, slots=True)
class Replaying:
    """Rebuilds sessions of one project."""

    project: Path
    home: ProjectHome

    async def replay(self, session_id: str) -> Replayed:
        """The session's commits made again from its journal, compared with what they are.

        Raises:
            NothingToResume: it has committed nothing.
            JournalBroken: its journal cannot be read.
            Refused: the repository cannot be read.
        """
        records, _ = read_records(self.home.session(session_id).root)
        session = newest(records)
        if session is None or (session.head or session.base) == session.base:
            raise NothingToResume(f"session {session_id} has committed nothing to be rebuilt")
        repository = await opened(self.project)
        with refusing():
            async with scratch(repository, self.home) as place:
                tree = await repository.worktree(place / "tree", session.base)
                pieces = [
                    await _Bench(repository, tree, session, account.place).rebuild(
                        key, account, account.intention
                    )
                    for key, account in accounts_in(records).items()
                    if account.place is not None and account.intention is not None
                ]
            final = await repository.tree_of(session.head)
        return _summed(session, final, pieces)


@dataclass(slots=True)
class _Bench:
    """A work tree in which one piece is made again."""

    repository: Repository
    tree: WorkTree
    session: Session
    place: Place
    calls: int = 0
    commands: list[str] = field(default_factory=list)
    trouble: list[str] = field(default_factory=list)
    restored: dict[str, None] = field(default_factory=dict)

    async def rebuild(self, key: str, account: Account, intention: Intention) -> Piece:
        await self.tree.reset_to(self.place.base)
        workspace = Workspace(root=self.tree.path, shown_as=Path(self.session.project))
        toolbox = _file_tools(workspace)
        for step in account.steps:
            await self._restore(step.before)
            await self._repeat(step, toolbox, workspace)
        await self._restore(account.end)
        rebuilt = await self._committed(intention, await self.tree.tree_id())
        return Piece(
            key=key,
            recorded_tree=intention.tree,
            rebuilt_tree=rebuilt,
            same=rebuilt == intention.tree,
            calls=self.calls,
            commands=tuple(self.commands),
            restored=tuple(self.restored),
            differing=await self._differing(intention.tree, rebuilt),
            trouble=tuple(self.trouble),
        )

    async def _restore(self, noted: str) -> None:
        """Have the tree hold what was noted then, and remember what was not there without it."""
        if not noted:
            return
        try:
            there = await self.tree.tree_id()
            if there != noted:
                paths = await self._differing(there, noted)
                await self.tree.lay(await self._commit(noted, self.place.base), self.place.base)
                self.restored |= dict.fromkeys(paths)
        except RollbackError:
            self.trouble.append(f"what commands left is gone from the repository: tree {noted}")

    async def _repeat(self, step: Step, toolbox: Toolbox, workspace: Workspace) -> None:
        call, tool = step.call, toolbox.get(step.call.name)
        if tool is None:
            if step.went_well and call.name in COMMANDS:
                self.commands.append(call.arguments)
            return
        if not step.went_well:
            return
        result = await dispatch(
            Call(id=call.id, name=call.name, arguments=call.arguments),
            toolbox=toolbox,
            policy=Policy(mode=Mode.ALLOW_ALL),
            asker=_Nobody(),
            workspace=workspace,
        )
        self.calls += not tool.read_only
        if result.is_error:
            self.trouble.append(f"{call.name}: {result.for_model[:200]}")

    async def _committed(self, intention: Intention, worked: str) -> str:
        """The tree that is committed of work: merged as then, and as the hooks left it."""
        merged = await self._merged(intention, worked)
        if merged != intention.merged:
            return merged
        self.restored |= dict.fromkeys(await self._differing(merged, intention.tree))
        return intention.tree

    async def _merged(self, intention: Intention, tree: str) -> str:
        """The tree after what was integrated meanwhile was merged in, as it was then."""
        base = self.place.base
        if intention.parent == base:
            return tree
        merged = await self.repository.merge_tree(intention.parent, await self._commit(tree, base))
        return tree if isinstance(merged, Conflicted) else merged.tree

    async def _differing(self, recorded: str, rebuilt: str) -> tuple[str, ...]:
        if recorded == rebuilt:
            return ()
        first, second = [await self._commit(tree) for tree in (recorded, rebuilt)]
        changes = (await self.repository.diff(first, second)).files
        return tuple(shown_path(change.path) for change in changes)

    async def _commit(self, tree: str, *parents: str) -> str:
        at = datetime.fromtimestamp(0, UTC)
        return await self.repository.commit_tree(tree, parents, "replay", at=at, sign=False)


class _Nobody:
    """Nobody is asked: mode allow_all asks nothing, and no rule is there."""

    async def ask(self, request: PermissionRequest) -> Choice:
        raise AssertionError(f"asked for leave: {request.summary}")


def _file_tools(workspace: Workspace) -> Toolbox:
    """The tools whose effects follow from their arguments and the tree."""
    tools = (*default_toolbox(workspace).tools, *further_tools())
    return Toolbox(tools=tuple(tool for tool in tools if tool.name not in {*COMMANDS, ASKS}))


def _summed(session: Session, final: str, pieces: Sequence[Piece]) -> Replayed:
    whole = bool(pieces) and pieces[-1].recorded_tree == final
    return Replayed(
        session=session.id,
        base=session.base,
        commit=session.head,
        tree=final,
        pieces=tuple(pieces),
        same=whole and all(piece.same for piece in pieces),
        explained=whole and all(piece.same or piece.commands for piece in pieces),
    )
