"""What a run leaves for those who did not watch: report, summary, ledger row, views."""

import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import anyio.to_thread
import msgspec

from m31a_engine.budget import Budget
from m31a_engine.checks.result import CheckStatus, Finding
from m31a_engine.config import Config
from m31a_engine.desk.approving import pending_in
from m31a_engine.events import LedgerWritten, Noticed
from m31a_engine.learning.memory import Memory
from m31a_engine.machinery import Ending
from m31a_engine.paperwork import summary, verify_report
from m31a_engine.paths import shown_path
from m31a_engine.report import ErrorReport, FileReport, Outcome, RunReport, TaskReport, UsageReport
from m31a_engine.session.home import Home, SessionFolder
from m31a_engine.session.journal import read_records
from m31a_engine.session.state import Session
from m31a_engine.session.stream import EventStream
from m31a_engine.views import Views
from m31a_ledger import LedgerEntry, LedgerError, LedgerStore, keywords_of
from m31a_rollback import Diff, RefMoved, Repository
from m31a_tools import write_atomic

FINAL = frozenset(
    {
        Outcome.SHIPPED,
        Outcome.SHIPPED_PARTIAL,
        Outcome.SHIPPED_ON_BRANCH,
        Outcome.FAILED,
    }
)
"""Outcomes that get a row in the ledger; the others are resumed first."""
MAX_DIFF_BYTES = 1_000_000
SURPLUS = 1.1


@dataclass(frozen=True, slots=True)
class Closing:
    """Writes everything that outlives a run."""

    repository: Repository
    home: Home
    folder: SessionFolder
    config: Config
    stream: EventStream
    budget: Budget
    provider: str
    model: str
    """What the run worked with, for the ledger."""
    views: Views | None
    """None for ghosts, which write nothing below the project."""
    memory: Memory | None
    """None for runs that teach nothing: demos, and where learning is switched off."""
    started: float
    """`time.monotonic()` when this process began the run."""

    async def close(self, ending: Ending) -> RunReport:
        """The report of a run that has ended, after all else is written."""
        session = ending.session
        diff = await self._diff(session)
        if ending.outcome is Outcome.FAILED and session.options.on_failure == "discard":
            await self._discard(session)
        branch = await self._branch(session)
        ledger_entry = await self._ledger(ending)
        await self._learn(ending)
        report = self._report(ending, diff, branch, ledger_entry)
        write_atomic(self.folder.report, msgspec.json.encode(report), mode=0o600)
        if session.verification is not None:
            text = verify_report(session, session.verification)
            write_atomic(self.folder.verify_report, text.encode(), mode=0o600, synced=False)
        write_atomic(self.folder.summary, summary(report).encode(), mode=0o600, synced=False)
        if self.views is not None:
            records, _ = read_records(self.folder.root)
            self.views.write_end(session, ending.outcome.value, records)
        return report

    def _report(
        self, ending: Ending, diff: Diff, branch: str | None, ledger_entry: str | None
    ) -> RunReport:
        session, verification = ending.session, ending.session.verification
        return RunReport(
            session=session.id,
            outcome=ending.outcome,
            goal=session.goal,
            mode=session.mode,
            branch=branch,
            base_commit=session.base or None,
            commit=session.shipped.commit if session.shipped else None,
            landed=bool(session.shipped and session.shipped.landed),
            commits=tuple(task.commit for task in session.tasks if task.commit),
            files=tuple(
                FileReport(
                    path=shown_path(change.path),
                    status=change.status.value,
                    added=change.added,
                    removed=change.removed,
                )
                for change in diff.files
            ),
            diff=shown_path(diff.patch),
            answer=session.closing or _closing_words(session),
            tasks=_tasks(session),
            verification=verification,
            findings=_findings(session),
            known_failures=verification.known_failures if verification else (),
            manual_steps=verification.manual_steps if verification else (),
            deferred=self._deferred(ending.outcome),
            ignored=session.ignored,
            overrides=session.options.allow,
            usage=UsageReport.of(self.budget.usage, self.budget.requests),
            cost_usd=self.budget.spent_usd,
            models=tuple(self.budget.models),
            duration_s=round(time.monotonic() - self.started, 3),
            ledger_entry=ledger_entry,
            session_path=str(self.folder.root),
            error=ending.error or _refused(session) or _nothing_changed(ending),
        )

    def _deferred(self, outcome: Outcome) -> tuple[str, ...]:
        """The calls that wait for leave, of a session that can go on."""
        if outcome in FINAL:
            return ()
        records, _ = read_records(self.folder.root)
        return tuple(shown_path(request.summary) for request in pending_in(records).requests)

    async def _discard(self, session: Session) -> None:
        """Take the session's branch away; its head is kept under a ref of our own."""
        if session.head:
            await self.repository.update_ref(f"refs/m31a/backup/{session.id}", session.head)
        await self.repository.delete_ref(f"refs/heads/{session.branch}")

    async def _learn(self, ending: Ending) -> None:
        """Keep what the run has shown of the project; what was recalled is judged by it."""
        session, memory = ending.session, self.memory
        if memory is None or ending.outcome not in FINAL:
            return
        won = (
            ending.outcome is not Outcome.FAILED
            and not session.lessons
            and not any(task.heals for task in session.tasks)
        )
        checks = session.verification.checks if session.verification else ()
        try:
            await anyio.to_thread.run_sync(
                lambda: memory.learn(
                    session.goal, session.lessons, checks, session.memory.facts, won=won
                )
            )
        except OSError as exc:
            await self.stream.emit(Noticed(text=f"what was learned could not be kept: {exc}"))

    async def _branch(self, session: Session) -> str | None:
        """The session's branch; None when it has landed, or holds nothing and is taken away."""
        gone = session.shipped is not None and session.shipped.landed
        if gone or not session.branch:
            return None
        if session.head in {"", session.base}:
            with suppress(RefMoved):  # a task that was not counted any more has its commit there
                await self.repository.delete_ref(f"refs/heads/{session.branch}", session.base)
                return None
        return session.branch

    async def _diff(self, session: Session) -> Diff:
        head = session.shipped.commit if session.shipped else session.head
        if not head or head == session.base:
            return Diff(files=(), patch="", patch_cut=False)
        return await self.repository.diff(session.base, head, patch_limit_bytes=MAX_DIFF_BYTES)

    async def _ledger(self, ending: Ending) -> str | None:
        """Where the row is; None when there is none."""
        session = ending.session
        if ending.outcome not in FINAL or not self.config.ledger.enabled:
            return None
        tasks = session.tasks
        facts = session.facts
        entry = LedgerEntry(
            session=session.id if session.round == 1 else f"{session.id}/{session.round}",
            at=session.started_at,
            project=Path(session.project).name,
            project_type=facts.type.value if facts else "",
            framework=facts.framework if facts else "",
            provider=self.provider,
            model=self.model,
            mode=session.mode.value,
            complexity=session.intent.complexity.value if session.intent else "",
            tasks=len(tasks),
            failed=sum(task.outcome == "failed" for task in tasks),
            skipped=sum(task.outcome == "skipped" for task in tasks),
            healed=sum(task.heals > 0 for task in tasks),
            cost_usd=self.budget.spent_usd,
            duration_s=round(time.monotonic() - self.started, 1),
            commits=sum(task.commit is not None for task in tasks),
            outcome=ending.outcome.value,
            keywords=keywords_of(session.goal),
            failures=_failures(session, ending.error),
            kind=session.options.kind,
        )
        store = LedgerStore(self.home.ledger)
        try:
            store.append(entry)
            _keep_newest(store, self.config.ledger.keep)
        except (LedgerError, OSError, ValueError) as exc:
            await self.stream.emit(
                Noticed(
                    text=f"the ledger row was not written: {exc}",
                    remedy=f"make {self.home.ledger} a file that you can write",
                )
            )
            return None
        await self.stream.emit(LedgerWritten(path=str(self.home.ledger)))
        return str(self.home.ledger)


def _keep_newest(store: LedgerStore, keep: int) -> None:
    """Take the oldest rows away once a tenth more than are kept have piled up.

    Lines are counted at every run's end; to read rows takes a hundred times as long.
    """
    if store.path.read_bytes().count(b"\n") > keep * SURPLUS:
        store.prune(keep)


def _tasks(session: Session) -> tuple[TaskReport, ...]:
    plan = session.plan
    return tuple(
        TaskReport(
            id=task.id,
            title=(planned.description if plan and (planned := plan.task(task.id)) else ""),
            outcome=task.outcome,
            heals=task.heals,
            commit=task.commit,
            files=task.files,
            cost_usd=task.usage.cost_usd,
            model=" + ".join(task.models),
            reason=task.reason,
        )
        for task in session.tasks
    )


def _findings(session: Session) -> tuple[Finding, ...]:
    """What speaks against the change, lifted or not, each once."""
    found = session.verification.findings if session.verification else ()
    return (*found, *(finding for finding in session.preflight if finding not in found))


def _closing_words(session: Session) -> str:
    return "\n\n".join(task.summary for task in session.tasks if task.summary)


def _failures(session: Session, error: ErrorReport | None) -> tuple[str, ...]:
    red = [
        check.name
        for check in (session.verification.checks if session.verification else ())
        if check.status in {CheckStatus.FAILED, CheckStatus.TIMED_OUT}
    ]
    tasks = [f"task {task.id}" for task in session.tasks if task.outcome == "failed"]
    return (*red, *tasks, *([error.code] if error else []))


def _refused(session: Session) -> ErrorReport | None:
    shipped = session.shipped
    if shipped is None or not shipped.refused:
        return None
    paths = f" ({', '.join(shipped.paths)})" if shipped.paths else ""
    return ErrorReport(
        code="cannot_land",
        message=f"the commit stays on the session's branch: {shipped.refused}{paths}",
        remedy=shipped.command,
    )


def _nothing_changed(ending: Ending) -> ErrorReport | None:
    session = ending.session
    if ending.outcome is not Outcome.FAILED or session.head not in {"", session.base}:
        return None
    reasons = [f"task {task.id}: {task.reason}" for task in session.tasks if task.reason]
    return ErrorReport(
        code="nothing_changed",
        message="; ".join(("the run changed nothing, so there is nothing to ship", *reasons)),
        remedy="say in the goal what is to be different afterwards, or try another model",
    )
