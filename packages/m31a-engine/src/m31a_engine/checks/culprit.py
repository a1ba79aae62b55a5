"""Which of a session's commits made a check red."""

from m31a_engine.checks.observation import Observation
from m31a_engine.checks.result import Culprit
from m31a_engine.checks.stand import Surroundings, stand
from m31a_rollback import WorkTree, bisect


async def find_culprit(
    surroundings: Surroundings, base: str, head: str, name: str, command: str
) -> Culprit:
    """The first commit after `base`, up to `head`, on which the command is red.

    Each commit is judged on a clean checkout, red ones twice; what differs on one tree tells
    nothing and is skipped. The commit is named only when its parent is green once more.
    """
    repository = surroundings.repository

    async def judge(tree: WorkTree) -> bool | None:
        async with stand(surroundings, "bisect", await tree.head()) as here:
            return _judged(await here.observe(command))

    found = await bisect(repository, base, head, judge, folder=surroundings.scratch)
    if found.first_bad is None:
        return Culprit(check=name, steps=found.steps, inconclusive=found.inconclusive or "")
    commit = (await repository.log(found.first_bad, limit=1))[0]
    async with stand(surroundings, "bisect", commit.parents[0]) as parent:
        again = _judged(await parent.observe_anew(command))
    if again is not True:
        return Culprit(
            check=name, steps=found.steps, inconclusive="the check is not always green before it"
        )
    return Culprit(check=name, commit=commit.id, subject=commit.subject, steps=found.steps)


def _judged(seen: Observation) -> bool | None:
    if seen.blocked or seen.flaky or seen.missing or seen.timed_out:
        return None
    return seen.green
