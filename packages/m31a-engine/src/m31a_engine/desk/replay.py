"""A session's tree built anew from its journal, without a model and without running anything.

The journal holds each call of the model's with its arguments, and each commit's intention with
the tree it was to have. So a piece of work can be repeated: from the commit it began on, its
file calls are made again, in order, in a work tree of its own. What commands (Bash) changed is
not in the journal: of a piece in which one ran, only what the file tools alone account for can
be compared, and the rest is named.
"""

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import anyio
import msgspec

from m31a_engine.conversation.history import ReplyBody, ResultBody
from m31a_engine.desk.opened import opened, refusing
from m31a_engine.errors import NothingToResume
from m31a_engine.paths import shown_path
from m31a_engine.session.home import ProjectHome
from m31a_engine.session.journal import Keyed, Record, read_records
from m31a_engine.session.state import Session
from m31a_engine.session.workbench import Intention, Place
from m31a_engine.shelf import newest
from m31a_providers import ToolCall
from m31a_rollback import Conflicted, Repository, WorkTree
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
)

COMMANDS = frozenset({"Bash", "BashOutput", "BashStop"})
"""Tools whose effects are not in the journal."""


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
    differing: tuple[str, ...] = ()
    """Paths that are not as they were committed."""
    trouble: tuple[str, ...] = ()
    """Calls that went well then and not now."""


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


@dataclass(slots=True)
class _Work:
    """What the journal says of one piece of work."""

    place: Place | None = None
    intention: Intention | None = None
    turns: list[dict[str, ToolCall]] = field(default_factory=list)
    """The calls of each reply; an id may come again in a later one."""
    well: list[set[str]] = field(default_factory=list)
    """Of each turn, the calls that went well."""


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
        work = _work_in(records)
        repository = await opened(self.project)
        self.home.worktrees.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (
            refusing(),
            tempfile.TemporaryDirectory(prefix="replay-", dir=self.home.worktrees) as place,
        ):
            tree = await repository.worktree(Path(place) / "tree", session.base)
            try:
                bench = _Bench(repository=repository, tree=tree, session=session)
                pieces = [
                    await bench.rebuild(key, one)
                    for key, one in work.items()
                    if one.place is not None and one.intention is not None
                ]
            finally:
                with anyio.CancelScope(shield=True):
                    await tree.remove()
            final = await repository.tree_of(session.head)
        return _summed(session, final, pieces)


@dataclass(frozen=True, slots=True)
class _Bench:
    """A work tree in which one piece after the other is made again."""

    repository: Repository
    tree: WorkTree
    session: Session

    async def rebuild(self, key: str, work: _Work) -> Piece:
        assert work.place is not None
        assert work.intention is not None
        await self.tree.reset_to(work.place.base)
        workspace = Workspace(root=self.tree.path, shown_as=Path(self.session.project))
        toolbox = _file_tools(workspace)
        trouble, commands, made = [], [], 0
        for call in _made(work):
            tool = toolbox.get(call.name)
            if tool is None:
                commands.append(call.arguments if call.name in COMMANDS else call.name)
                continue
            result = await dispatch(
                Call(id=call.id, name=call.name, arguments=call.arguments),
                toolbox=toolbox,
                policy=Policy(mode=Mode.ALLOW_ALL),
                asker=_Nobody(),
                workspace=workspace,
            )
            made += not tool.read_only
            if result.is_error:
                trouble.append(f"{call.name}: {result.for_model[:200]}")
        rebuilt = await self._merged(work.place, work.intention, await self.tree.tree_id())
        recorded = work.intention.tree
        return Piece(
            key=key,
            recorded_tree=recorded,
            rebuilt_tree=rebuilt,
            same=rebuilt == recorded,
            calls=made,
            commands=tuple(commands),
            differing=await self._differing(recorded, rebuilt),
            trouble=tuple(trouble),
        )

    async def _merged(self, place: Place, intention: Intention, tree: str) -> str:
        """The tree after what was integrated meanwhile was merged in, as it was then."""
        if intention.parent == place.base:
            return tree
        at = datetime.fromtimestamp(0, UTC)
        theirs = await self.repository.commit_tree(tree, (place.base,), "replay", at=at, sign=False)
        merged = await self.repository.merge_tree(intention.parent, theirs)
        return tree if isinstance(merged, Conflicted) else merged.tree

    async def _differing(self, recorded: str, rebuilt: str) -> tuple[str, ...]:
        if recorded == rebuilt:
            return ()
        at = datetime.fromtimestamp(0, UTC)
        first, second = [
            await self.repository.commit_tree(tree, (), "replay", at=at, sign=False)
            for tree in (recorded, rebuilt)
        ]
        changes = (await self.repository.diff(first, second)).files
        return tuple(shown_path(change.path) for change in changes)


class _Nobody:
    """Nobody is asked: mode allow_all asks nothing, and no rule is there."""

    async def ask(self, request: PermissionRequest) -> Choice:
        raise AssertionError(f"asked for leave: {request.summary}")


def _file_tools(workspace: Workspace) -> Toolbox:
    """The tools whose effects follow from their arguments and the tree."""
    tools = default_toolbox(workspace).tools
    return Toolbox(tools=tuple(tool for tool in tools if tool.name not in COMMANDS))


def _work_in(records: Sequence[Record]) -> dict[str, _Work]:
    """Pieces of work by their key, in the order of their commits."""
    work: dict[str, _Work] = {}
    committed: dict[str, None] = {}
    for record in records:
        match record.kind:
            case "intent":
                intent = msgspec.json.decode(record.body, type=Keyed)
                key, _, what = intent.key.rpartition("/")
                if what == "place":
                    work.setdefault(key, _Work()).place = msgspec.json.decode(
                        intent.value, type=Place
                    )
                elif what == "commit" and not key.startswith("ship-") and key != "apply":
                    work.setdefault(key, _Work()).intention = msgspec.json.decode(
                        intent.value, type=Intention
                    )
                    committed[key] = None
            case "reply":
                reply = msgspec.json.decode(record.body, type=ReplyBody)
                calls = {call.id: call for call in reply.message.tool_calls}
                one = work.setdefault(reply.conversation, _Work())
                one.turns.append(calls)
                one.well.append(set())
            case "result":
                result = msgspec.json.decode(record.body, type=ResultBody)
                one = work.setdefault(result.conversation, _Work())
                if one.well and not result.message.is_error:
                    one.well[-1].add(result.message.call_id)
            case _:
                continue
    return {key: work[key] for key in committed}


def _made(work: _Work) -> Iterator[ToolCall]:
    """The calls that went well, in the order in which they were made."""
    for calls, well in zip(work.turns, work.well, strict=True):
        yield from (call for call_id, call in calls.items() if call_id in well)


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
