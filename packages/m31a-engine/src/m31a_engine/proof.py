"""The evidence for a commit: its checks run on exactly its tree, or a plain word why not."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from m31a_engine.checks.relation import related_failures
from m31a_engine.checks.result import (
    CheckResult,
    CheckStatus,
    Severity,
    Verification,
    verdict_of,
)
from m31a_engine.checks.testfiles import is_test_file
from m31a_engine.config import Config
from m31a_engine.errors import WaitingForApproval
from m31a_engine.machine import Mode
from m31a_engine.session.state import Session
from m31a_rollback import Repository


@dataclass(frozen=True, slots=True)
class Prover:
    """Runs the checks of a session's commits."""

    repository: Repository
    config: Config
    scratch: Path
    cache: Path
    environ: Mapping[str, str]
    may_check: bool
    """Whether the project's check commands have leave to run."""
    may_run: Callable[[str], bool]
    """Whether the command of a plan's run criterion has leave."""
    emit: Callable[[CheckResult], Awaitable[None]]

    async def prove(self, session: Session, commit: str) -> Verification:
        """What the checks say about a commit.

        Raises:
            WaitingForApproval: there are checks and they have no leave to run.
        """
        # The machinery of the checks is not needed before the first request.
        from m31a_engine.checks.criteria import TaskCriterion
        from m31a_engine.checks.runner import Checker

        facts = session.facts
        commands = facts.checks if facts is not None else ()
        if commands and not self.may_check:
            raise WaitingForApproval(
                "the checks were not run: the project is not trusted and there is no sandbox",
                remedy="look at the project, then resume with --trust-project",
            )
        plan = session.plan
        direct = session.mode is Mode.DIRECT
        checker = Checker(
            repository=self.repository,
            base=session.base,
            commands=commands,
            scratch=self.scratch,
            cache=self.cache,
            environ=self.environ,
            emit=self.emit,
            timeout_s=(
                self.config.verify.direct_limit_s if direct else self.config.verify.timeout_s
            ),
            dependency_folders=(
                *(facts.dependency_folders if facts else ()),
                *self.config.verify.keep,
            ),
            setup=self.config.verify.setup,
            known_failures=frozenset(self.config.verify.known_failures),
            allow=frozenset(session.options.allow),
            planned_tests=_accepted_tests(session),
            may_run=self.may_run,
        )
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
        )
        verification = await self._own_failures(session, commit, verification)
        return _without_overlong(verification) if direct else verification

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


def _accepted_tests(session: Session) -> frozenset[str]:
    """The files a person has read in the plan and accepted; a machine's yes lifts nothing."""
    if session.plan is None or not session.plan_read_by_person:
        return frozenset()
    return session.plan.paths


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
    parts.extend(
        f"## {finding.path}: {finding.text}"
        for finding in verification.findings
        if finding.severity is Severity.BLOCKING
    )
    return "\n\n".join(parts)
