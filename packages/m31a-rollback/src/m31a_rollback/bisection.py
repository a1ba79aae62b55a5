"""The first bad commit, found by halving, in a work tree of its own."""

import math
import tempfile
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import anyio

from m31a_rollback.errors import NotADescendant
from m31a_rollback.repository import Repository
from m31a_rollback.worktrees import WorkTree

Check = Callable[[WorkTree], Awaitable[bool | None]]
"""Whether the checkout is good; None when that cannot be told."""


class Judgement(StrEnum):
    """What the check says of a commit."""

    GOOD = "good"
    BAD = "bad"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True, kw_only=True)
class BisectStep:
    """One commit that was checked."""

    commit: str
    judgement: Judgement
    answers: tuple[bool | None, ...]
    """What the check said, once for each repetition that was needed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BisectResult:
    """What the search has found."""

    first_bad: str | None
    steps: int
    """Commits checked, the two ends included."""
    log: tuple[BisectStep, ...]
    inconclusive: str | None
    """Why no commit can be named; None when one is."""


_JUDGEMENTS = {True: Judgement.GOOD, False: Judgement.BAD, None: Judgement.SKIPPED}


async def bisect(
    repository: Repository,
    good: str,
    bad: str,
    check: Check,
    repeats: int = 1,
    *,
    folder: Path | None = None,
) -> BisectResult:
    """The first commit after `good`, up to `bad`, on which the check fails.

    Both ends are checked first. Of merges the first parent is followed. At most
    ceil(log2 n) + 3 of the n commits are judged, the ends included, and as many at most are
    skipped because they cannot be. The user's tree, index and HEAD are not touched.

    Args:
        check: gets the work tree at the commit, ignored files of earlier steps left in it.
        repeats: ask up to so many times for each commit; the majority counts.
        folder: where the work tree is made; None means a temporary folder.

    Raises:
        UnknownCommit: one end does not exist.
        NotADescendant: `bad` does not come after `good`.
    """
    good, bad = await repository.resolve(good), await repository.resolve(bad)
    if not await repository.is_ancestor(good, bad):
        raise NotADescendant(bad, good)
    commits = await repository.log(f"{good}..{bad}", first_parent=True)
    line = [good, *(commit.id for commit in reversed(commits))]
    with tempfile.TemporaryDirectory(prefix="m31a-bisect-", dir=folder) as temporary:
        tree = await repository.worktree(Path(temporary) / "tree", good)
        try:
            result = await _search(line, _Judge(tree=tree, check=check, repeats=repeats))
        finally:
            with anyio.CancelScope(shield=True):
                await tree.remove()
    return result


def next_probe(low: int, high: int, skipped: frozenset[int]) -> int | None:
    """The place nearest the middle between a good and a bad one that is not skipped yet."""
    middle = (low + high) // 2
    open_places = (place for place in range(low + 1, high) if place not in skipped)
    return min(open_places, key=lambda place: (abs(place - middle), place), default=None)


@dataclass(frozen=True, slots=True)
class _Judge:
    """Puts one commit after the other before the check."""

    tree: WorkTree
    check: Check
    repeats: int

    async def ask(self, commit: str) -> BisectStep:
        """What the check says of the commit, asked until one answer has the majority."""
        await self.tree.reset_to(commit)
        answers: list[bool | None] = []
        while len(answers) < self.repeats and not _majority(answers, self.repeats):
            answers.append(await self.check(self.tree))
        top = Counter(answers).most_common()
        is_tie = len(top) > 1 and top[0][1] == top[1][1]
        judgement = Judgement.SKIPPED if is_tie else _JUDGEMENTS[top[0][0]]
        return BisectStep(commit=commit, judgement=judgement, answers=tuple(answers))


def _majority(answers: Sequence[bool | None], repeats: int) -> bool:
    return any(2 * times > repeats for times in Counter(answers).values())


async def _search(line: Sequence[str], judge: _Judge) -> BisectResult:
    """Halve the line between its first commit, hoped to be good, and its last, hoped to be bad."""
    log: list[BisectStep] = []

    def end(first_bad: str | None, inconclusive: str | None) -> BisectResult:
        return BisectResult(
            first_bad=first_bad, steps=len(log), log=tuple(log), inconclusive=inconclusive
        )

    if len(line) < 2:
        return end(None, "there is no commit between the two")
    for commit, hoped in ((line[-1], Judgement.BAD), (line[0], Judgement.GOOD)):
        log.append(await judge.ask(commit))
        if log[-1].judgement is not hoped:
            return end(None, f"commit {commit[:12]} is {log[-1].judgement} and not {hoped}")
    limit = math.ceil(math.log2(len(line) - 1)) + 3
    low, high, skipped = 0, len(line) - 1, frozenset[int]()
    while high - low > 1:
        place = next_probe(low, high, skipped)
        if place is None or len(skipped) == limit or len(log) - len(skipped) == limit:
            return end(
                None,
                f"the first bad commit is one of {high - low} up to {line[high][:12]}: "
                f"{len(skipped)} could not be checked",
            )
        log.append(await judge.ask(line[place]))
        match log[-1].judgement:
            case Judgement.GOOD:
                low = place
            case Judgement.BAD:
                high = place
            case Judgement.SKIPPED:
                skipped |= {place}
    return end(line[high], None)
