"""The evidence for a commit: its checks run on exactly its tree, or a plain word why not."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import msgspec

from m31a_engine.checks.checkout import Checkout
from m31a_engine.checks.criteria import TaskCriterion
from m31a_engine.checks.relation import related_failures
from m31a_engine.checks.result import (
    CheckResult,
    CheckStatus,
    Culprit,
    Severity,
    Verification,
    verdict_of,
)
from m31a_engine.checks.testfiles import is_test_file
from m31a_engine.config import Config
from m31a_engine.config_sections import RedFirst
from m31a_engine.errors import WaitingForApproval
from m31a_engine.intent import Kind
from m31a_engine.machine import Mode
from m31a_engine.paths import shown_path
from m31a_engine.session.effects import once
from m31a_engine.session.journal import Journal
from m31a_engine.session.state import Session
from m31a_engine.shelter import Shelter
from m31a_engine.shipping.secrets import redact
from m31a_rollback import Repository
from m31a_tools import Confined

FINGERPRINT = "environment"


class RunsChecks(Protocol):
    """What the checks' machinery offers; it is imported when it is first used."""

    async def run(
        self,
        commit: str,
        criteria: Sequence[TaskCriterion] = (),
        *,
        manual_steps: Sequence[str] = (),
        predicted: Sequence[str] | None = None,
        fingerprint_before: str = "",
    ) -> Verification:
        """Everything that can be proven about the tree of a commit."""
        ...

    async def find_culprit(self, commit: str, name: str, command: str) -> Culprit:
        """The commit that made a check red, or why none is named."""
        ...

    async def fingerprint(self) -> str:
        """The environment as it is now."""
        ...


@dataclass(frozen=True, slots=True)
class Prover:
    """Runs the checks of a session's commits."""

    repository: Repository
    config: Config
    scratch: Path
    cache: Path
    environ: Mapping[str, str]
    shelter: Shelter
    emit: Callable[[CheckResult], Awaitable[None]]
    journal: Journal

    async def note_environment(self, session: Session) -> None:
        """Keep what the environment is before a task can change it, once a session."""
        facts = session.facts
        if facts is not None and facts.checks and await self.shelter.allows_checks():
            checker = await self._checker(session)
            await once(self.journal, FINGERPRINT, str, checker.fingerprint)

    async def prove(self, session: Session, commit: str) -> Verification:
        """What the checks say about a commit.

        Raises:
            WaitingForApproval: there are checks and they have no leave to run.
        """
        facts = session.facts
        commands = facts.checks if facts is not None else ()
        if commands and not await self.shelter.allows_checks():
            raise WaitingForApproval(
                "the checks were not run: there is no sandbox to run them in",
                remedy=await self.shelter.remedy(),
            )
        plan = session.plan
        checker = await self._checker(session)
        verification = await checker.run(
            commit,
            [
                TaskCriterion(
                    criterion=criterion,
                    files=tuple(file.path for file in task.files),
                    task=str(task.id),
                )
                for task in (plan.tasks if plan else ())
                for criterion in task.acceptance_criteria
            ],
            manual_steps=plan.manual if plan else (),
            predicted=sorted(plan.paths) if plan and plan.paths else None,
            fingerprint_before=self.journal.done(FINGERPRINT, str) or "",
        )
        verification = await self._own_failures(session, commit, verification)
        direct = session.mode is Mode.DIRECT
        verification = _without_overlong(verification) if direct else verification
        return msgspec.structs.replace(
            verification,
            checks=tuple(map(without_secrets, verification.checks)),
            findings=tuple(
                msgspec.structs.replace(
                    finding, path=shown_path(finding.path), text=shown_path(finding.text)
                )
                for finding in verification.findings
            ),
        )

    async def find_culprit(self, session: Session, verification: Verification) -> Culprit | None:
        """Which of several commits broke the first red check; None when that tells nothing."""
        red = next(
            (
                check
                for check in verification.checks
                if check.behavioural and check.status is CheckStatus.FAILED and not check.note
            ),
            None,
        )
        if red is None or sum(task.commit is not None for task in session.tasks) < 2:
            return None
        checker = await self._checker(session)
        return await checker.find_culprit(session.head, red.name, red.command)

    async def _checker(self, session: Session) -> RunsChecks:
        # The machinery of the checks costs as much as a git call: not before the first request.
        from m31a_engine.checks.runner import Checker

        facts = session.facts
        direct = session.mode is Mode.DIRECT
        limits = self.config.verify
        folders = (*(facts.dependency_folders if facts else ()), *limits.keep)
        allowed = await self.shelter.allows_checks()

        async def around(checkout: Checkout) -> Confined | None:
            return await self.shelter.around_check(checkout.tree, folders, checkout.caches / "tmp")

        return Checker(
            repository=self.repository,
            base=session.base,
            commands=facts.checks if facts is not None else (),
            scratch=self.scratch,
            cache=self.cache,
            environ=self.environ,
            emit=self.emit,
            timeout_s=limits.direct_limit_s if direct else limits.timeout_s,
            dependency_folders=folders,
            setup=limits.setup,
            known_failures=frozenset(limits.known_failures),
            allow=frozenset(session.options.allow),
            planned_tests=_accepted_tests(session),
            red_first=RedFirst.OFF if direct or not _shows_itself(session) else limits.red_first,
            may_run=lambda _: allowed,
            probing=await self.shelter.around_probe(),
            around=around,
            covers=(await self.shelter.sandbox()).mounts,
        )

    async def _own_failures(
        self, session: Session, commit: str, verification: Verification
    ) -> Verification:
        """Known failures that test what the run changed are the run's own after all."""
        declared = frozenset(self.config.verify.known_failures)
        known = [name for name in verification.known_failures if name not in declared]
        if not known:
            return verification
        changed = (await self.repository.diff(session.base, commit)).files
        paths = [entry.path for entry in await self.repository.ls_tree(commit)]
        tests = await self.repository.blobs(commit, [path for path in paths if is_test_file(path)])
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
                note="red on the base too, but it tests what this run changed: "
                + ", ".join(related),
            )
            if check.status is CheckStatus.KNOWN_FAILURE and check.behavioural
            else check
            for check in verification.checks
        )
        return msgspec.structs.replace(
            verification,
            checks=checks,
            known_failures=tuple(
                name for name in verification.known_failures if name not in related
            ),
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


def without_secrets(check: CheckResult) -> CheckResult:
    """A check whose output can be kept: journal, evidence and prompt hold the same bytes."""
    return msgspec.structs.replace(check, output_tail=redact(check.output_tail))


def _without_overlong(verification: Verification) -> Verification:
    """Direct mode does not wait for long checks: they count as not run, never as red."""
    checks = tuple(
        msgspec.structs.replace(
            check, status=CheckStatus.NOT_RUN, note="longer than direct mode waits"
        )
        if check.status is CheckStatus.TIMED_OUT
        else check
        for check in verification.checks
    )
    verdict = verdict_of(checks, verification.findings)
    return msgspec.structs.replace(verification, checks=checks, verdict=verdict)


def failure_text(verification: Verification) -> str:
    """What is red and why, for the model that is to mend it."""
    parts = [
        f"## {check.name}: `{check.command}` "
        + (f"exited {check.exit_code}" if check.exit_code is not None else "was stopped")
        + f"\n\n{check.output_tail}"
        for check in verification.checks
        if check.status in {CheckStatus.FAILED, CheckStatus.TIMED_OUT}
    ]
    culprit = verification.culprit
    if culprit is not None and culprit.commit is not None:
        parts.append(
            f"## {culprit.check} is green before commit {culprit.commit[:12]}"
            f" ({culprit.subject}) and red from it on"
        )
    parts.extend(
        f"## {finding.path}: {finding.text}"
        for finding in verification.findings
        if finding.severity is Severity.BLOCKING
    )
    return "\n\n".join(parts)
