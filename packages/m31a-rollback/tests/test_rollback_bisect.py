"""Bisect names the commit that broke it, never in the user's tree."""

import math
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from m31a_rollback import (
    BisectResult,
    Judgement,
    NotADescendant,
    Repository,
    UnknownCommit,
    WorkTree,
    bisect,
)
from m31a_rollback.bisection import next_probe
from m31a_rollback.testing import Project

pytestmark = pytest.mark.anyio

LENGTHS = range(1, 129) if "M31A_CAMPAIGN" in os.environ else [1, 2, 3, 5, 8, 33, 128]


@pytest.fixture
def chain(project: Project) -> list[str]:
    """128 commits, each of which says its number in the file `number`."""
    stream = [b"reset refs/heads/main\nfrom " + project.head.encode() + b"\n\n"]
    for number in range(1, 129):
        text = str(number).encode()
        stream.append(
            b"commit refs/heads/main\ncommitter A <a@b> %d +0000\ndata %d\n%s\n"
            b"M 100644 inline number\ndata %d\n%s\n" % (number, len(text), text, len(text), text)
        )
    base = project.head
    project.git("fast-import", "--quiet", input=b"".join(stream))
    project.git("reset", "-q", "--hard")
    return [base, *project.git("rev-list", "--reverse", f"{base}..HEAD").split()]


def number_in(tree: WorkTree) -> int:
    path = tree.path / "number"
    return int(path.read_text()) if path.exists() else 0


async def test_planted_commit_is_named_within_the_bound(project: Project, chain: list[str]) -> None:
    repository = await Repository.open(project.root)
    project.write("number", "the user's own\n")
    before = project.state()
    for length in LENGTHS:
        for planted in sorted({1, 2 * length // 3 + 1, length} & {*range(1, length + 1)}):

            async def check(tree: WorkTree, planted: int = planted) -> bool:
                return number_in(tree) < planted

            result = await bisect(repository, chain[0], chain[length], check)

            assert (chain[planted], None) == (result.first_bad, result.inconclusive)
            assert result.steps <= math.ceil(math.log2(length)) + 3
            assert result.steps == len(result.log)

    assert before == project.state()
    assert (project.root,) == await repository.worktrees()


async def test_commits_that_cannot_be_checked_are_skipped(
    project: Project, chain: list[str]
) -> None:
    repository = await Repository.open(project.root)

    async def check(tree: WorkTree) -> bool | None:
        number = number_in(tree)
        return None if number == 4 else number < 7

    result = await bisect(repository, chain[0], chain[8], check)

    assert chain[7] == result.first_bad
    assert Judgement.SKIPPED in [step.judgement for step in result.log]
    assert result.steps - 1 <= 3 + 3


async def test_search_without_an_answer_says_why(project: Project, chain: list[str]) -> None:
    repository = await Repository.open(project.root)

    async def run(good: int, bad: int, answers: Callable[[int], bool | None]) -> BisectResult:
        async def check(tree: WorkTree) -> bool | None:
            return answers(number_in(tree))

        return await bisect(repository, chain[good], chain[bad], check)

    all_good = await run(0, 4, lambda _: True)
    all_bad = await run(0, 4, lambda _: False)
    unclear = await run(0, 4, lambda _: None)
    between = await run(0, 16, lambda number: number < 1 if number in (0, 16) else None)
    empty = await run(4, 4, lambda _: True)

    assert (1, f"commit {chain[4][:12]} is good and not bad") == (
        all_good.steps,
        all_good.inconclusive,
    )
    assert (2, f"commit {chain[0][:12]} is bad and not good") == (
        all_bad.steps,
        all_bad.inconclusive,
    )
    assert (1, f"commit {chain[4][:12]} is skipped and not bad") == (
        unclear.steps,
        unclear.inconclusive,
    )
    assert between.inconclusive is not None
    assert "one of 16" in between.inconclusive
    assert between.steps == 2 + 4 + 3
    assert (empty.steps, empty.inconclusive) == (0, "there is no commit between the two")
    assert [r.first_bad for r in (all_good, all_bad, unclear, between, empty)] == [None] * 5


async def test_majority_of_repeated_answers_counts(project: Project, chain: list[str]) -> None:
    repository = await Repository.open(project.root)
    asked: dict[int, int] = {}

    async def flaky(tree: WorkTree) -> bool:
        number = number_in(tree)
        asked[number] = asked.get(number, 0) + 1
        truth = number < 3
        return not truth if asked[number] == 1 else truth

    result = await bisect(repository, chain[0], chain[4], flaky, repeats=3)

    assert chain[3] == result.first_bad
    assert result.log[0].answers == (True, False, False)
    assert all(len(step.answers) == 3 for step in result.log)


async def test_tie_is_no_judgement(project: Project, chain: list[str]) -> None:
    repository = await Repository.open(project.root)
    answers = iter([True, False])

    async def check(tree: WorkTree) -> bool:
        return next(answers)

    result = await bisect(repository, chain[0], chain[1], check, repeats=2)

    assert result.log[0].judgement == Judgement.SKIPPED


async def test_merge_is_one_step(project: Project, chain: list[str]) -> None:
    repository = await Repository.open(project.root)
    tree = await repository.tree_of(chain[3])
    merge = await repository.commit_tree(
        tree, [chain[0], chain[3]], "ship", at=datetime(2026, 1, 1, tzinfo=UTC)
    )

    async def check(tree: WorkTree) -> bool:
        return number_in(tree) < 2

    assert merge == (await bisect(repository, chain[0], merge, check)).first_bad


async def test_check_that_fails_leaves_no_work_tree(
    project: Project, chain: list[str], tmp_path: Path
) -> None:
    repository = await Repository.open(project.root)

    async def check(tree: WorkTree) -> bool:
        raise RuntimeError("broken check")

    with pytest.raises(RuntimeError, match="broken check"):
        await bisect(repository, chain[0], chain[4], check, folder=tmp_path)
    with anyio.move_on_after(0.5) as scope:

        async def slow(tree: WorkTree) -> bool:
            await anyio.sleep_forever()
            return True

        await bisect(repository, chain[0], chain[4], slow, folder=tmp_path)

    assert scope.cancelled_caught
    assert [path.name for path in tmp_path.iterdir()] == ["project"]
    assert (project.root,) == await repository.worktrees()


async def test_ends_that_do_not_fit_are_refused(project: Project, chain: list[str]) -> None:
    repository = await Repository.open(project.root)

    async def check(tree: WorkTree) -> bool:
        raise AssertionError("nothing to check")

    with pytest.raises(NotADescendant):
        await bisect(repository, chain[4], chain[0], check)
    with pytest.raises(UnknownCommit):
        await bisect(repository, "nowhere", chain[0], check)


@settings(max_examples=100, deadline=None)
@given(
    low=st.integers(0, 50),
    length=st.integers(1, 60),
    skipped=st.frozensets(st.integers(0, 110), max_size=100),
)
def test_probe_lies_between_and_is_open(low: int, length: int, skipped: frozenset[int]) -> None:
    high = low + length

    probe = next_probe(low, high, skipped)

    open_places = set(range(low + 1, high)) - skipped
    assert (probe is None) == (not open_places)
    if probe is not None:
        middle = (low + high) // 2
        assert probe in open_places
        assert all(abs(probe - middle) <= abs(place - middle) for place in open_places)
