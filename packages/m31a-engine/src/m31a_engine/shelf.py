"""The sessions of a project as they lie on disk."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from m31a_engine.errors import JournalBroken, NothingToResume
from m31a_engine.nearest import suggestion
from m31a_engine.planning.plan import Plan
from m31a_engine.report import Outcome, RunReport
from m31a_engine.session.home import ProjectHome, SessionFolder
from m31a_engine.session.journal import Keyed, Record, read_records
from m31a_engine.session.state import Session, Step

SESSION = "session"
"""The journal key of the session as it was started."""
_PHASE = re.compile(r"phase-\d+")
ENDED = frozenset(
    {
        Outcome.SHIPPED,
        Outcome.SHIPPED_PARTIAL,
        Outcome.SHIPPED_ON_BRANCH,
        Outcome.ANSWERED,
    }
)


class SessionInfo(msgspec.Struct, frozen=True, kw_only=True):
    """One session as a list shows it."""

    id: str
    goal: str
    started_at: str
    outcome: Outcome | None
    """None while it runs, or when it was killed."""
    path: str


@dataclass(frozen=True, slots=True)
class Shelf:
    """Lists and finds the sessions of one project."""

    home: ProjectHome
    project: Path

    def list(self) -> tuple[SessionInfo, ...]:
        """All sessions that can be read, newest first."""
        folder = self.home.sessions
        found = folder.iterdir() if folder.is_dir() else ()
        names = sorted((item.name for item in found), reverse=True)
        return tuple(info for name in names if (info := self._info(name)) is not None)

    def _info(self, session_id: str) -> SessionInfo | None:
        folder = self.home.session(session_id)
        try:
            session = stored(folder)
        except JournalBroken:
            return None
        if session is None:
            return None
        report = report_in(folder)
        return SessionInfo(
            id=session_id,
            goal=session.goal,
            started_at=session.started_at,
            outcome=report.outcome if report else None,
            path=str(folder.root),
        )

    def named(self, session_id: str | None) -> SessionInfo:
        """The session of an id, or of the only beginning of one; None is the newest.

        Raises:
            NothingToResume: there is none, or several begin so.
        """
        found = self.list()
        if session_id is None and found:
            return found[0]
        same = [info for info in found if session_id and info.id.startswith(session_id)]
        exact = [info for info in same if info.id == session_id]
        if len(exact or same) == 1:
            return (exact or same)[0]
        what = "is no" if not same else f"are {len(same)}"
        name = f" {session_id}" if session_id else ""
        hint = suggestion(session_id or "", (info.id for info in found))
        raise NothingToResume(
            f"there {what} session{'s' if same else ''}{name} of {self.project}{hint}",
            remedy="`m31a sessions list` shows those there are",
        )

    def to_resume(self, session_id: str | None) -> Session:
        """The session to go on with; None takes the newest that can.

        Raises:
            NothingToResume: there is none, or it has ended.
            JournalBroken: its journal cannot be read.
        """
        if session_id is None:
            going = [info.id for info in self.list() if info.outcome not in ENDED]
            if not going:
                raise NothingToResume(
                    f"no session of {self.project} can go on", remedy="start one: m31a run GOAL"
                )
            session_id = going[0]
        folder = self.home.session(session_id)
        session = stored(folder) if folder.root.is_dir() else None
        if session is None:
            raise NothingToResume(
                f"there is no session {session_id} of {self.project}",
                remedy="`m31a sessions list` shows those there are",
            )
        report = report_in(folder)
        if report is not None and report.outcome in ENDED:
            on_branch = report.outcome is Outcome.SHIPPED_ON_BRANCH
            raise NothingToResume(
                f"session {session_id} has ended: {report.outcome.value}",
                remedy=f"to land it: m31a apply {session_id}"
                if on_branch
                else "start a new one: m31a run GOAL",
            )
        return session


def stored(folder: SessionFolder) -> Session | None:
    """The session as it was started, from its journal."""
    records, _ = read_records(folder.root)
    return next((found for record in records if (found := _session(record))), None)


def newest(records: Iterable[Record]) -> Session | None:
    """The session as its last finished phase left it, else as it was started."""
    found: Session | None = None
    for record in records:
        if (step := step_in(record)) is not None:
            found = step.session
        elif found is None:
            found = _session(record)
    return found


def step_in(record: Record) -> Step | None:
    """What a phase gave back, when this record is the end of one."""
    if record.kind != "done":
        return None
    done = msgspec.json.decode(record.body, type=Keyed)
    return msgspec.json.decode(done.value, type=Step) if _PHASE.fullmatch(done.key) else None


def _session(record: Record) -> Session | None:
    if record.kind != "intent":
        return None
    begun = msgspec.json.decode(record.body, type=Keyed)
    return msgspec.json.decode(begun.value, type=Session) if begun.key == SESSION else None


def report_in(folder: SessionFolder) -> RunReport | None:
    """The report a session left, or None while there is none."""
    try:
        return msgspec.json.decode(folder.report.read_bytes(), type=RunReport)
    except (FileNotFoundError, msgspec.DecodeError):
        return None


def plan_in(folder: Path) -> Plan | None:
    """The plan that a session's last finished phase left, or None.

    Raises:
        JournalBroken: its journal cannot be read.
    """
    session = newest(read_records(folder)[0])
    return session.plan if session is not None else None
