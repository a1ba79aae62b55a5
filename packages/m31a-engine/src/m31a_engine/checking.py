"""The machinery of the checks, made for one session; loaded when a check is first to run."""

import msgspec

from m31a_engine.checking_room import CheckingRoom
from m31a_engine.checks.checkout import Checkout
from m31a_engine.checks.coverage import Gate
from m31a_engine.checks.criteria import TaskCriterion
from m31a_engine.checks.relation import related_failures
from m31a_engine.checks.result import CheckStatus, Verification, verdict_of
from m31a_engine.checks.runner import Checker
from m31a_engine.checks.testfiles import is_test_file
from m31a_engine.config import Config
from m31a_engine.config_sections import RedFirst
from m31a_engine.intent import Kind
from m31a_engine.machine import Mode
from m31a_engine.session.state import Session
from m31a_tools import Confined


def criteria_of(session: Session) -> list[TaskCriterion]:
    """What the tasks of the session's plan are to be measured by."""
    return [
        TaskCriterion(
            criterion=criterion,
            files=tuple(file.path for file in task.files),
            task=str(task.id),
        )
        for task in (session.plan.tasks if session.plan else ())
        for criterion in task.acceptance_criteria
    ]


async def checker_for(room: CheckingRoom, session: Session) -> Checker:
    """What runs the checks of a session's commits, with all that the session allows."""
    facts = session.facts
    direct = session.mode is Mode.DIRECT
    limits = room.config.verify
    folders = room.dependency_folders(facts)
    allowed = await room.shelter.allows_checks()

    async def around(checkout: Checkout) -> Confined | None:
        return await room.shelter.around_check(checkout.tree, folders, checkout.caches / "tmp")

    return Checker(
        repository=room.repository,
        base=session.base,
        commands=facts.checks if facts is not None else (),
        scratch=room.scratch,
        cache=room.cache,
        environ=room.environ,
        emit=room.emit,
        timeout_s=limits.direct_limit_s if direct else limits.timeout_s,
        dependency_folders=folders,
        setup=limits.setup,
        known_failures=frozenset(limits.known_failures),
        allow=frozenset(session.options.allow),
        planned_tests=_accepted_tests(session),
        coverage=_coverage(room.config, session),
        criteria_read=session.plan_read_by_person,
        red_first=RedFirst.OFF if direct or not _shows_itself(session) else limits.red_first,
        may_run=lambda _: allowed,
        probing=await room.shelter.around_probe(),
        around=around,
        covers=(await room.shelter.sandbox()).mounts,
    )


def _coverage(config: Config, session: Session) -> Gate | None:
    facts, least = session.facts, config.verify.coverage_min
    if facts is None or not least:
        return None
    if session.mode is Mode.DIRECT:
        return Gate(least_percent=least, command="", why_not="direct mode runs the tests once")
    return Gate(least_percent=least, command=facts.coverage, why_not=facts.coverage_note)


async def own_failures(
    room: CheckingRoom, session: Session, commit: str, verification: Verification
) -> Verification:
    """Known failures that test what the run changed are the run's own after all."""
    declared = frozenset(room.config.verify.known_failures)
    known = [name for name in verification.known_failures if name not in declared]
    if not known:
        return verification
    changed = (await room.repository.diff(session.base, commit)).files
    paths = [entry.path for entry in await room.repository.ls_tree(commit)]
    tests = await room.repository.blobs(commit, [path for path in paths if is_test_file(path)])
    related = related_failures(
        known,
        [change.path for change in changed],
        {path: (data or b"").decode("utf-8", "replace") for path, data in tests.items()},
    )
    if not related:
        return verification
    checks = tuple(
        msgspec.structs.replace(
            check,
            status=CheckStatus.FAILED,
            note="red on the base too, but it tests what this run changed: " + ", ".join(related),
        )
        if check.status is CheckStatus.KNOWN_FAILURE and check.behavioural
        else check
        for check in verification.checks
    )
    return msgspec.structs.replace(
        verification,
        checks=checks,
        known_failures=tuple(name for name in verification.known_failures if name not in related),
        verdict=verdict_of(checks, verification.findings),
    )


def _shows_itself(session: Session) -> bool:
    """Whether the goal is one that a test can show: red without it, green with it."""
    intent = session.intent
    return intent is not None and intent.kind in {Kind.BUGFIX, Kind.FEATURE}


def _accepted_tests(session: Session) -> frozenset[str]:
    """The files a person has read in the plan and accepted; a machine's yes lifts nothing."""
    if session.plan is None or not session.plan_read_by_person:
        return frozenset()
    return session.plan.paths
