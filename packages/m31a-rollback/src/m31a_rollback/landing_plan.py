"""What a landing is: the paths it changes, and the answers it can have."""

import json
import os
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from enum import StrEnum

from m31a_rollback.checkout import Checkout
from m31a_rollback.errors import NotADescendant
from m31a_rollback.landing_files import is_inside
from m31a_rollback.refs import is_ancestor, is_id, read_ref, resolve
from m31a_rollback.trees import raw_changes

Entry = tuple[str, str] | None
"""Mode and blob of one path; None where there is no file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LandingPath:
    """One path a landing changes, with blob and mode before and after; None where no file is."""

    raw_path: bytes
    """As git has it; bytes, for a name need not be UTF-8 and this is written into files."""
    old_blob: str | None
    old_mode: str | None
    new_blob: str | None
    new_mode: str | None

    @property
    def path(self) -> str:
        """Relative to the root; bytes that are no UTF-8 stand as surrogates."""
        return os.fsdecode(self.raw_path)

    @property
    def old(self) -> Entry:
        """The entry of the base."""
        return (self.old_mode, self.old_blob) if self.old_mode and self.old_blob else None

    @property
    def new(self) -> Entry:
        """The entry of the commit."""
        return (self.new_mode, self.new_blob) if self.new_mode and self.new_blob else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Landing:
    """All that has to be known to finish or undo a landing after a kill; meant to be stored."""

    base: str
    commit: str
    branch: str | None
    """The user's branch, without `refs/heads/`; None when HEAD is detached."""
    unborn: bool
    """The branch had no commit yet; `base` is then a commit of ours."""
    source: str | None
    """The branch on which the result lies, for the command that merges it by hand."""
    paths: tuple[LandingPath, ...]

    def to_json(self) -> str:
        """The landing as text that `from_json` reads, also with names that are no UTF-8."""
        facts = asdict(self)
        for item in facts["paths"]:
            item["raw_path"] = os.fsdecode(item["raw_path"])
        return json.dumps(facts)

    @staticmethod
    def from_json(text: str) -> "Landing":
        """The landing that `to_json` has written.

        Raises:
            ValueError: the text is no landing, or names files outside the work tree.
        """
        try:
            facts = json.loads(text)
            paths = facts.pop("paths")
            for item in paths:
                item["raw_path"] = os.fsencode(item["raw_path"])
            landing = Landing(**facts, paths=tuple(LandingPath(**item) for item in paths))
        except (KeyError, TypeError, AttributeError) as exc:
            raise ValueError("the text is not a landing") from exc
        ids = (landing.base, landing.commit)
        if not all(is_inside(item.path) for item in landing.paths) or not all(map(is_id, ids)):
            raise ValueError("the landing names what no landing can have")
        return landing


class Obstacle(StrEnum):
    """Why a landing could not be."""

    HEAD_MOVED = "head_moved"
    """HEAD, or the branch it is on, is not what it was when the run started."""
    INDEX_CHANGED = "index_changed"
    """A path is staged otherwise than the base has it, or marked skip-worktree or unchanged."""
    TREE_CHANGED = "tree_changed"
    """A file is not as the base has it."""
    IN_THE_WAY = "in_the_way"
    """A file git does not know stands where the run made one."""
    SUBMODULE = "submodule"
    """The run moved a submodule, which only the user can check out."""
    LOCKED = "locked"
    """Another git process, or another landing, is at work."""
    FAILED = "failed"
    """The file system refused; what had been done was undone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Landed:
    """The commit is the user's HEAD, in the work tree and in the index."""

    commit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CannotLand:
    """Nothing was changed."""

    reason: Obstacle
    paths: tuple[str, ...]
    merge_command: str
    """What the user runs to take the result in by hand."""
    detail: str = ""


Intend = Callable[[Landing], Awaitable[None]]


async def plan_landing(
    checkout: Checkout, base: str, commit: str, source: str | None = None
) -> Landing:
    """What landing `commit` on `base` would change; nothing is touched.

    Raises:
        UnknownCommit: one of the two does not exist.
        NotADescendant: the commit does not come after the base.
    """
    base, commit = await resolve(checkout, base), await resolve(checkout, commit)
    if not await is_ancestor(checkout, base, commit):
        raise NotADescendant(commit, base)
    head, branch = await head_and_branch(checkout)
    return Landing(
        base=base,
        commit=commit,
        branch=branch,
        unborn=head is None,
        source=source,
        paths=tuple(
            LandingPath(
                raw_path=os.fsencode(change.path),
                old_blob=change.old_blob,
                old_mode=change.old_mode,
                new_blob=change.new_blob,
                new_mode=change.new_mode,
            )
            for change in await raw_changes(checkout, base, commit)
        ),
    )


async def head_and_branch(checkout: Checkout) -> tuple[str | None, str | None]:
    """The commit HEAD is at (None when unborn) and its branch (None when detached)."""
    output = await checkout.git("symbolic-ref", "--quiet", "HEAD", check=False)
    branch = output.line().removeprefix("refs/heads/") if output.exit_code == 0 else None
    return await read_ref(checkout, "HEAD"), branch


def merge_command(landing: Landing) -> str:
    """The one command with which the user takes the result in by hand."""
    return f"git merge {landing.source or landing.commit}"
