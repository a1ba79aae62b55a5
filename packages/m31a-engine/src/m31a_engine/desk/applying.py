"""A session's verified commit brought onto the user's branch afterwards, by the landing's rules."""

import time
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from m31a_engine.checks.result import FindingKind, Severity, Verdict, Verification
from m31a_engine.config import Config
from m31a_engine.config_sections import PermissionMode
from m31a_engine.desk.opened import held
from m31a_engine.errors import NothingToResume, Refused
from m31a_engine.hooks import HookRunner, spoilt
from m31a_engine.paths import shown_path
from m31a_engine.planning.plan import title_of
from m31a_engine.report import Outcome
from m31a_engine.session.home import Home, SessionFolder
from m31a_engine.session.journal import Journal
from m31a_engine.session.scratch import scratch
from m31a_engine.session.state import Session, Shipped
from m31a_engine.shelf import newest, report_in
from m31a_engine.shelter import Shelter
from m31a_engine.shipping.preflight import preflight
from m31a_engine.shipping.trailers import trailers_for
from m31a_rollback import (
    MESSAGE_HOOKS,
    CannotLand,
    HookFailed,
    Landed,
    Landing,
    RefMoved,
    Repository,
    format_message,
)
from m31a_tools import child_environment, write_atomic

COMMIT = "apply/commit"
PROVEN = frozenset({Verdict.VERIFIED, Verdict.VERIFIED_KNOWN_FAILURES})


class Applied(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a session's commit."""

    session: str
    commit: str
    landed: bool
    already: bool = False
    """It was on the branch before."""
    reason: str = ""
    """Why it could not land; nothing was touched then."""
    paths: tuple[str, ...] = ()
    command: str = ""
    """What merges it by hand."""
    ignored: tuple[str, ...] = ()
    """What of the repository's own was left out on the way, a sentence each."""


class _Moment(msgspec.Struct, frozen=True, kw_only=True):
    """The commit of a session that shipped none, before it is made; kept, so that its id stays."""

    at: int
    message: str = ""
    """As the hooks have left it, trailers included."""


class _Note(msgspec.Struct, frozen=True, kw_only=True):
    landing: str


@dataclass(frozen=True, slots=True)
class Applying:
    """Lands what sessions of one project have left on their branches."""

    config: Config
    project: Path
    home: Home
    environ: Mapping[str, str]

    async def apply(self, session_id: str, allow: Collection[str] = ()) -> Applied:
        """Land a session's commit; an answer that it cannot land has touched nothing.

        `allow` lifts findings by their names; `unverified-tree` lifts a verdict that proves
        nothing.

        Raises:
            NothingToResume: the session changed nothing.
            Refused: it is not verified and not all that speaks against it is allowed, or a commit
                hook refuses.
            WaitingForApproval: the commit hooks have no leave to run.
            Busy: a session works in this project.
        """
        home = self.home.project(self.project)
        folder = home.session(session_id)
        deed = f"apply {session_id}"
        async with held(self.project, home, deed, trusted=self.config.trusted) as repository:
            journal = Journal.open(folder.root)
            try:
                session = newest(journal.records)
                if session is None or (session.head or session.base) == session.base:
                    raise NothingToResume(
                        f"session {session_id} has changed nothing that could be applied",
                        remedy=f"go on with it: m31a resume {session_id}",
                    )
                verification = await _proof(repository, session, frozenset(allow))
                hooks = self._hooks(repository, session)
                commit = await self._commit_of(repository, hooks, journal, session, verification)
                applied = await self._landed(repository, journal, session, commit)
                if applied.landed:
                    self._tell(folder, commit)
                if session.shipped is None and (skipped := await hooks.skipped()):
                    applied = msgspec.structs.replace(applied, ignored=(skipped,))
                return applied
            finally:
                journal.close()

    def _hooks(self, repository: Repository, session: Session) -> HookRunner:
        found = session.facts.dependency_folders if session.facts is not None else ()
        return HookRunner(
            repository=repository,
            config=self.config,
            shelter=Shelter(repository, self.config, PermissionMode.RULES, self.home.root),
            environment=lambda: child_environment(self.environ),
            folders=lambda: (*found, *self.config.verify.keep),
        )

    async def _commit_of(
        self,
        repository: Repository,
        hooks: HookRunner,
        journal: Journal,
        session: Session,
        verification: Verification | None,
    ) -> str:
        """The shipped commit; for a session that shipped none, one that carries what is known."""
        if session.shipped is not None:
            return session.shipped.commit
        tree = await repository.tree_of(session.head)
        proof = verification or Verification(verdict=Verdict.NOT_RUN, tree=tree)
        moment = journal.intended(COMMIT, _Moment)
        if moment is None:
            trailers = trailers_for(session.id, session.base, proof)
            message = await self._message(repository, hooks, session, trailers)
            moment = await journal.intend(COMMIT, _Moment(at=int(time.time()), message=message))
        commit = await repository.commit_tree(
            tree, (session.base,), moment.message, at=datetime.fromtimestamp(moment.at, UTC)
        )
        await repository.write_evidence(commit, msgspec.json.encode(proof))
        return commit

    async def _message(
        self,
        repository: Repository,
        hooks: HookRunner,
        session: Session,
        trailers: Sequence[tuple[str, str]],
    ) -> str:
        """The commit's message with its proof, as the hooks for messages leave it.

        The pre-commit hook has seen this tree when its last task was committed. Raises: Refused.
        """
        plan = session.plan
        title = title_of(plan.title if plan and plan.markdown else session.goal)
        message = format_message(title, trailers)
        if not set(await hooks.wanted()) & set(MESSAGE_HOOKS):
            return message
        async with scratch(repository, self.home.project(self.project)) as place:
            tree = await repository.worktree(place / "hooks", session.head)
            try:
                said = await hooks.run(tree, message, MESSAGE_HOOKS)
                against = await spoilt(repository, session.head, said, trailers)
            except HookFailed as exc:
                raise _refused_by(exc.hook, f"exit {exc.exit_code}: {exc.output}", session) from exc
        if against:
            raise _refused_by(said.ran[-1].hook, against, session)
        return said.message

    async def _landed(
        self, repository: Repository, journal: Journal, session: Session, commit: str
    ) -> Applied:
        if await repository.is_ancestor(commit, await repository.resolve("HEAD")):
            await self._clear(repository, session)
            return Applied(session=session.id, commit=commit, landed=True, already=True)
        plan = await repository.plan_landing(session.base, commit, source=session.branch)
        key = f"apply-{len(journal.records)}"

        async def intend(landing: Landing) -> None:
            await journal.intend(f"{key}/landing", _Note(landing=landing.to_json()))

        match await repository.land(plan, intend=intend):
            case Landed():
                await journal.finish(f"{key}/landed", Shipped(commit=commit, landed=True))
                await self._clear(repository, session)
                return Applied(session=session.id, commit=commit, landed=True)
            case CannotLand() as cannot:
                reason = cannot.reason.value.replace("_", " ")
                return Applied(
                    session=session.id,
                    commit=commit,
                    landed=False,
                    reason=f"{reason}: {cannot.detail}" if cannot.detail else reason,
                    paths=tuple(map(shown_path, cannot.paths)),
                    command=cannot.merge_command,
                )

    async def _clear(self, repository: Repository, session: Session) -> None:
        """Take the session's branch away, unless it has gone on meanwhile."""
        with suppress(RefMoved):
            await repository.delete_ref(f"refs/heads/{session.branch}", session.head)

    def _tell(self, folder: SessionFolder, commit: str) -> None:
        """The session's report says from now on that it has landed."""
        report = report_in(folder)
        if report is None:
            return
        ended = {Outcome.SHIPPED_ON_BRANCH: Outcome.SHIPPED}
        report = msgspec.structs.replace(
            report,
            outcome=ended.get(report.outcome, report.outcome),
            landed=True,
            branch=None,
            commit=commit,
            error=None,
        )
        write_atomic(folder.report, msgspec.json.encode(report), mode=0o600)


async def _proof(
    repository: Repository, session: Session, allow: frozenset[str]
) -> Verification | None:
    """The session's verification; refused where it does not speak for the tree to be landed."""
    findings = await preflight(
        repository,
        session.base,
        session.head,
        verification=session.verification,
        failed_tasks=[
            f"task {task.id}: {task.reason}" for task in session.tasks if task.outcome != "done"
        ],
        allow=allow | frozenset(session.options.allow),
    )
    against = [finding for finding in findings if finding.severity is Severity.BLOCKING]
    if against:
        names = dict.fromkeys(finding.kind.value for finding in against)
        raise Refused(
            f"session {session.id}: {against[0].text}",
            remedy="to apply it all the same: " + " ".join(f"--allow {name}" for name in names),
        )
    verification = session.verification
    if verification is None or verification.tree != await repository.tree_of(session.head):
        return None
    if verification.verdict not in PROVEN and FindingKind.UNVERIFIED_TREE.value not in allow:
        raise Refused(
            f"session {session.id} is not verified: its verdict is {verification.verdict.value}",
            remedy=f"m31a resume {session.id}, or apply it as it is: --allow unverified-tree",
        )
    return verification


def _refused_by(hook: str, why: str, session: Session) -> Refused:
    return Refused(
        f"the repository's {hook} hook refuses the commit of session {session.id} ({why})",
        remedy=f"mend the hook, or commit by hand: git merge --squash {session.branch}",
    )
