"""The fifth phase: evidence for the session's commit, and two tries to mend what is red."""

from dataclasses import dataclass

import msgspec

from m31a_engine.checks.result import Verdict, Verification
from m31a_engine.committing import Commits, HookRefused
from m31a_engine.config import Config
from m31a_engine.conversation.opening import begun, goal_text
from m31a_engine.conversation.turn import Talker
from m31a_engine.errors import LimitReached, ProviderFailed
from m31a_engine.events import CommitMade, CulpritFound, FindingMade, Noticed
from m31a_engine.learning.lessons import lessons_of
from m31a_engine.machine import Phase
from m31a_engine.proof import Prover, failure_text
from m31a_engine.session.effects import once
from m31a_engine.session.journal import Journal
from m31a_engine.session.state import Session, Step
from m31a_engine.session.stream import EventStream
from m31a_engine.session.workbench import Workbench
from m31a_engine.taskwork import HandsFor, work_through

HEALED = "Mend what the checks found"


@dataclass(frozen=True, slots=True)
class Verify:
    """Checks, heals, checks again; what stays red is said and does not ship."""

    prover: Prover
    talker: Talker
    stream: EventStream
    journal: Journal
    config: Config
    workbench: Workbench
    commits: Commits
    hands_for: HandsFor

    async def run(self, session: Session) -> Step:
        """The session with its verification; Ship follows when nothing stands against it."""
        if session.head == session.base:
            return Step(session=session, next=Phase.SHIP)  # which says that there is nothing
        first = verification = await self._prove(session, 0)
        words: list[str] = []
        refused = ""
        for attempt in range(1, self.config.features.max_heal_attempts + 1):
            if verification.verdict is not Verdict.FAILED:
                break
            if attempt == 1:
                verification = await self._with_culprit(session, verification)
            try:
                closing = await self._heal(session, verification, attempt, refused)
            except HookRefused as exc:
                refused = str(exc)
                await self.stream.emit(Noticed(text=refused))
                if exc.final:
                    break
                continue
            refused = ""
            if closing is None:
                break
            words.append(closing)
            session = msgspec.structs.replace(session, head=self.workbench.head)
            verification = msgspec.structs.replace(
                await self._prove(session, attempt), culprit=verification.culprit
            )
        for finding in verification.findings:
            await self.stream.emit(FindingMade(finding=finding))
        session = msgspec.structs.replace(session, verification=verification)
        passed = verification.verdict is not Verdict.FAILED
        lessons = lessons_of(first, mended=passed, remedy=words[-1] if words else "")
        session = msgspec.structs.replace(session, lessons=(*session.lessons, *lessons))
        if passed and session.waves_left and session.all_done:
            round_ = session.round + 1
            return Step(session=msgspec.structs.replace(session, round=round_), next=Phase.EXECUTE)
        land_anyway = session.options.on_failure == "land"
        return Step(session=session, next=Phase.SHIP if passed or land_anyway else Phase.IDLE)

    async def _prove(self, session: Session, attempt: int) -> Verification:
        return await once(
            self.journal,
            f"verify-{session.round}/{attempt}",
            Verification,
            lambda: self.prover.prove(session, session.head),
        )

    async def _with_culprit(self, session: Session, verification: Verification) -> Verification:
        """The verification with the commit that broke it, where that can be found."""

        async def find() -> Verification:
            culprit = await self.prover.find_culprit(session, verification)
            return msgspec.structs.replace(verification, culprit=culprit)

        found = await once(self.journal, f"verify-{session.round}/culprit", Verification, find)
        if found.culprit is not None:
            await self.stream.emit(CulpritFound(culprit=found.culprit))
        return found

    async def _heal(
        self, session: Session, verification: Verification, attempt: int, refused: str
    ) -> str | None:
        """What the model says it mended; None when the attempt changed nothing.

        Raises: HookRefused.
        """
        key = f"verify-{session.round}/heal-{attempt}"
        work = f"verify-{session.round}"
        coming = self.commits.coming(key, work)
        parts = (
            goal_text(session),
            "# What the checks found on the finished work\n\n" + failure_text(verification),
            *((f"# What became of the last attempt\n\n{refused}",) if refused else ()),
        )
        talk = begun(self.talker, key, "heal", session, parts)
        try:
            closing = await work_through(self.talker, talk, self.hands_for, coming)
        except (ProviderFailed, LimitReached) as exc:
            # The verdict stands whatever becomes of the healing: it is red, and that is said.
            await self.stream.emit(Noticed(text=f"healing stopped: {exc}", remedy=exc.remedy))
            return None
        bay = await coming.get()
        done = await self.commits.integrate(bay, HEALED, work)
        self.workbench.give_back(bay)
        if done.commit is None:
            return None
        await self.stream.emit(CommitMade(commit=done.commit, subject=HEALED))
        return closing
