"""The evidence for a commit: its checks run on exactly its tree, or a plain word why not."""

from dataclasses import dataclass

import msgspec

from m31a_engine.checking_room import CheckingRoom
from m31a_engine.checks.result import (
    CheckResult,
    CheckStatus,
    Culprit,
    Severity,
    Verification,
    verdict_of,
)
from m31a_engine.errors import WaitingForApproval
from m31a_engine.machine import Mode
from m31a_engine.paths import shown_path
from m31a_engine.project.facts import ProjectFacts
from m31a_engine.session.effects import once
from m31a_engine.session.journal import Journal
from m31a_engine.session.state import Session
from m31a_engine.shipping.secrets import redact

FINGERPRINT = "environment"


@dataclass(frozen=True, slots=True)
class Prover:
    """Runs the checks of a session's commits."""

    room: CheckingRoom
    journal: Journal

    async def note_environment(self, session: Session) -> None:
        """Keep what the environment is before a task can change it, once a session."""
        facts = session.facts
        if facts is not None and facts.checks and await self.room.shelter.allows_checks():
            await once(self.journal, FINGERPRINT, str, lambda: self._fingerprint(facts))

    async def _fingerprint(self, facts: ProjectFacts) -> str:
        # A part of the machinery of the checks, which is loaded when a check is first to run.
        from m31a_engine.checks.environment import examine

        neutral = self.room.scratch / "empty"
        neutral.mkdir(parents=True, exist_ok=True)
        environment = await examine(
            project=self.room.repository.root,
            commands=[check.command for check in facts.checks],
            dependency_folders=self.room.dependency_folders(facts),
            environ=self.room.environ,
            scratch=neutral,
            confined=await self.room.shelter.around_probe(),
        )
        return environment.fingerprint

    async def prove(self, session: Session, commit: str) -> Verification:
        """What the checks say about a commit.

        Raises:
            WaitingForApproval: there are checks and they have no leave to run.
        """
        from m31a_engine.checking import checker_for, criteria_of, own_failures

        facts = session.facts
        commands = facts.checks if facts is not None else ()
        if commands and not await self.room.shelter.allows_checks():
            raise WaitingForApproval(
                "the checks were not run: there is no sandbox to run them in",
                remedy=await self.room.shelter.remedy(),
            )
        plan = session.plan
        checker = await checker_for(self.room, session)
        verification = await checker.run(
            commit,
            criteria_of(session),
            manual_steps=plan.manual if plan else (),
            predicted=sorted(plan.paths) if plan and plan.paths else None,
            fingerprint_before=self.journal.done(FINGERPRINT, str) or "",
        )
        verification = await own_failures(self.room, session, commit, verification)
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
        from m31a_engine.checking import checker_for

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
        checker = await checker_for(self.room, session)
        culprit = await checker.find_culprit(session.head, red.name, red.command)
        owners = {task.commit: task.id for task in session.tasks if task.commit is not None}
        return msgspec.structs.replace(culprit, task_id=owners.get(culprit.commit or ""))


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


def _work(culprit: Culprit) -> str:
    """What a commit did, as people name it."""
    task = "" if culprit.task_id is None else f"task {culprit.task_id}: "
    return f"{task}{culprit.subject}"


def failure_text(verification: Verification) -> str:
    """What is red and why, for the model that is to mend it."""
    parts = [
        f"## {check.name}: `{check.command}` "
        + (f"exited {check.exit_code}" if check.exit_code is not None else "was stopped")
        + (f" ({check.note})" if check.note else "")
        + f"\n\n{check.output_tail}"
        for check in verification.checks
        if check.status in {CheckStatus.FAILED, CheckStatus.TIMED_OUT}
    ]
    culprit = verification.culprit
    if culprit is not None and culprit.commit is not None:
        parts.append(
            f"## {culprit.check} is green before commit {culprit.commit[:12]}"
            f" ({_work(culprit)}) and red from it on"
        )
    parts.extend(
        f"## {finding.path}: {finding.text}"
        for finding in verification.findings
        if finding.severity is Severity.BLOCKING
    )
    return "\n\n".join(parts)
