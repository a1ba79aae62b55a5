"""The last phase: one commit that carries its proof, on the user's branch where it may be."""

import contextlib
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec

from m31a_engine import events
from m31a_engine.checks.result import Finding, FindingKind, Severity, Verdict, Verification
from m31a_engine.committing import Commits, HookRefused
from m31a_engine.config import Config
from m31a_engine.config_sections import ShipForm
from m31a_engine.machine import Phase
from m31a_engine.paths import shown_path
from m31a_engine.planning.plan import title_of
from m31a_engine.proof import Prover
from m31a_engine.session.effects import once, once_as_intended
from m31a_engine.session.journal import Journal
from m31a_engine.session.state import Session, Shipped, Step
from m31a_engine.session.stream import EventStream
from m31a_engine.session.workbench import Workbench
from m31a_engine.shipping.preflight import preflight
from m31a_rollback import CannotLand, Landed, Landing, RefMoved, Repository
from m31a_tools import sanitise

UNSIGNED = (
    "the commit is not signed: only the settings of this folder ask for it, and it is not trusted"
)


class ShipIntention(msgspec.Struct, frozen=True, kw_only=True):
    """The commit about to be shipped: enough to make the very same one again."""

    tree: str
    parents: tuple[str, ...]
    message: str
    """As the hooks have left it, trailers included."""
    at: int
    before: str
    """Where the session's branch stands before."""


class LandingNote(msgspec.Struct, frozen=True, kw_only=True):
    """A landing as the journal keeps it."""

    landing: str


@dataclass(frozen=True, slots=True)
class Ship:
    """Looks once more, commits with trailers, stores the evidence, lands."""

    repository: Repository
    prover: Prover
    stream: EventStream
    journal: Journal
    config: Config
    workbench: Workbench
    commits: Commits
    summarise: Callable[[Session], Awaitable[str]]
    """Says what was built and how to try it; empty when it cannot."""

    async def run(self, session: Session) -> Step:
        """The session with what was shipped, or without when something speaks against it."""
        if session.head == session.base:
            await self.stream.emit(
                events.Noticed(
                    text="the run changed nothing, so there is nothing to ship",
                    remedy="say in the goal what is to be different afterwards",
                )
            )
            return Step(session=session, next=Phase.IDLE)
        key = f"ship-{session.round}"
        verification = session.verification
        if verification is None:
            verification = await once(
                self.journal,
                f"{key}/verification",
                Verification,
                lambda: self.prover.prove(session, session.head),
            )
        session = msgspec.structs.replace(session, verification=verification)
        findings = await self._preflight(session, verification)
        session = msgspec.structs.replace(session, preflight=findings)
        blocked = any(finding.severity is Severity.BLOCKING for finding in findings)
        red = verification.verdict is Verdict.FAILED and session.options.on_failure != "land"
        if blocked or red:
            return Step(session=session, next=Phase.IDLE)
        try:
            intention = self.journal.intended(f"{key}/commit", ShipIntention)
            intention = intention or await self._intention(session, verification, key)
        except HookRefused as exc:
            return await self._refused(session, exc)
        commit = await once_as_intended(self.journal, f"{key}/commit", str, intention, self._commit)
        session = await self._tell_of_the_skipped(session)
        await self.repository.write_evidence(commit, msgspec.json.encode(verification))
        await self.stream.emit(events.CommitMade(commit=commit, subject=title_of(session.goal)))
        shipped = Shipped(commit=commit, landed=False)
        if not session.options.ghost:
            shipped = await once(
                self.journal, f"{key}/landed", Shipped, lambda: self._land(session, commit, key)
            )
        session = msgspec.structs.replace(session, head=commit, shipped=shipped)
        closing = await once(self.journal, f"{key}/closing", str, lambda: self.summarise(session))
        session = msgspec.structs.replace(session, closing=closing)
        return Step(session=session, next=Phase.IDLE)

    async def _refused(self, session: Session, refusal: HookRefused) -> Step:
        """The session unshipped, because a hook has the last word on the message."""
        finding = Finding(
            kind=FindingKind.HOOK_REFUSED, severity=Severity.BLOCKING, text=str(refusal)
        )
        await self.stream.emit(events.FindingMade(finding=finding))
        session = msgspec.structs.replace(session, preflight=(*session.preflight, finding))
        return Step(session=session, next=Phase.IDLE)

    async def _tell_of_the_skipped(self, session: Session) -> Session:
        """Say which of the repository's commit hooks and wishes this commit was made without."""
        unsigned = UNSIGNED if await self.repository.overruled_signing() else ""
        for text in filter(None, (await self.commits.hooks.skipped(), unsigned)):
            await self.stream.emit(events.Noticed(text=text))
            session = msgspec.structs.replace(session, ignored=(*session.ignored, text))
        return session

    async def _preflight(self, session: Session, verification: Verification) -> tuple[Finding, ...]:
        """What a last look at the change has found; it is told, too."""
        allow = frozenset(session.options.allow)
        if session.options.on_failure == "land":
            allow |= {"unverified-tree", "failed-task"}
        findings = await preflight(
            self.repository,
            session.base,
            session.head,
            verification=verification,
            failed_tasks=[
                *(f"task {one.id}: {one.reason}" for one in session.tasks if one.outcome != "done"),
                *(f"never planned: {wave.title}" for wave in session.waves_left),
            ],
            allow=allow,
        )
        for finding in findings:
            await self.stream.emit(events.FindingMade(finding=finding))
        return tuple(findings)

    async def _intention(
        self, session: Session, verification: Verification, key: str
    ) -> ShipIntention:
        """The commit to be made. Raises: HookRefused."""
        from m31a_engine.shipping.trailers import trailers_for  # where there is something to ship

        tree = await self.repository.tree_of(session.head)
        if verification.tree != tree:
            raise AssertionError("the verified tree is not the tree to be shipped")
        done = [task for task in session.tasks if task.commit]
        merge = len(done) > 1 and self.config.git.ship is ShipForm.MERGE
        if merge:
            parents: tuple[str, ...] = (session.base, session.head)
        elif self.config.git.ship is ShipForm.LINEAR and len(done) > 1:
            head = (await self.repository.log(session.head, limit=1))[0]
            parents = head.parents
        else:
            parents = (session.base,)
        return ShipIntention(
            tree=tree,
            parents=parents,
            message=await self.commits.shipped_message(
                _message(session), trailers_for(session.id, session.base, verification), key
            ),
            at=int(time.time()),
            before=session.head,
        )

    async def _commit(self, intention: ShipIntention) -> str:
        commit = await self.repository.commit_tree(
            intention.tree,
            intention.parents,
            intention.message,
            at=datetime.fromtimestamp(intention.at, UTC),
        )
        return await self.workbench.branch.move(commit, intention.before)

    async def _land(self, session: Session, commit: str, key: str) -> Shipped:
        note = self.journal.intended(f"{key}/landing", LandingNote)
        if note is not None:
            landing = Landing.from_json(note.landing)
            if await self.repository.recover_landing(landing) == "finished":
                return await self._landed(session, commit)
        landing = await self.repository.plan_landing(
            session.base, commit, source=self.workbench.branch.name
        )

        async def intend(planned: Landing) -> None:
            await self.journal.intend(f"{key}/landing", LandingNote(landing=planned.to_json()))

        result = await self.repository.land(landing, intend=intend)
        match result:
            case Landed():
                return await self._landed(session, commit)
            case CannotLand():
                reason = _reason(result)
                paths = tuple(map(shown_path, result.paths))
                await self.stream.emit(
                    events.LandingRefused(reason=reason, paths=paths, command=result.merge_command)
                )
                return Shipped(
                    commit=commit,
                    landed=False,
                    refused=reason,
                    paths=paths,
                    command=result.merge_command,
                )

    async def _landed(self, session: Session, commit: str) -> Shipped:
        with contextlib.suppress(RefMoved):
            # It is on the user's branch now; a branch a run left behind would only pile up.
            await self.repository.delete_ref(self.workbench.branch.ref, commit)
        await self.stream.emit(
            events.Landed(commit=commit, branch=session.user_branch or "detached HEAD")
        )
        return Shipped(commit=commit, landed=True)


def _message(session: Session) -> str:
    """The ship message: the plan's title and summary, else the goal and the closing words."""
    plan = session.plan
    title = title_of(plan.title if plan and plan.markdown else session.goal)
    body = plan.summary if plan and plan.markdown else ""
    if not body and session.goal.strip() != title:
        body = session.goal.strip()
    return f"{title}\n\n{sanitise(body)}".strip()


def _reason(result: CannotLand) -> str:
    text = result.reason.value.replace("_", " ")
    return f"{text}: {result.detail}" if result.detail else text
