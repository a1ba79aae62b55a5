"""A second session from the first one's past, to go on differently from there."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from m31a_engine.desk.opened import opened, refusing
from m31a_engine.errors import NothingToResume
from m31a_engine.events import Envelope
from m31a_engine.machine import Phase
from m31a_engine.session.home import ProjectHome, new_session_id
from m31a_engine.session.journal import Entry, Journal, Keyed, Record, entry, keyed, read_records
from m31a_engine.session.state import Session, Step
from m31a_engine.shelf import SESSION, SessionInfo, step_in, stored


@dataclass(frozen=True, slots=True)
class Forking:
    """Forks sessions of one project."""

    project: Path
    home: ProjectHome

    async def fork(self, session_id: str, after: Phase | None = None) -> SessionInfo:
        """A new session with all that the other had done when a phase ended.

        `after` None takes the last phase that led to another one. The new one has a branch of
        its own at the commit of that moment; `resume` goes on with it.

        Raises:
            NothingToResume: no such phase has ended in that session.
            JournalBroken: its journal cannot be read.
        """
        folder = self.home.session(session_id)
        records, _ = read_records(folder.root)
        origin = stored(folder)
        end = _end_of(records, after)
        if origin is None or end is None:
            what = f"phase {after.value}" if after else "no phase that led to another"
            raise NothingToResume(
                f"in session {session_id} {what} has {'not ' if after else ''}ended",
                remedy=f"`m31a sessions show {session_id}` shows how far it came",
            )
        place, step = end
        new_id = new_session_id()
        repository = await opened(self.project)
        with refusing():
            head = step.session.head or step.session.base
            await repository.create_branch(f"m31a/{new_id}", head)
        new = self.home.session(new_id)
        new.make()
        journal = Journal.open(new.root)
        try:
            await journal.append(*(_as_of(record, new_id) for record in records[: place + 1]))
        finally:
            journal.close()
        return SessionInfo(
            id=new_id,
            goal=origin.goal,
            started_at=origin.started_at,
            outcome=None,
            path=str(new.root),
        )


def _end_of(records: Sequence[Record], after: Phase | None) -> tuple[int, Step] | None:
    """Where the newest fitting phase ended."""
    for place in range(len(records) - 1, -1, -1):
        step = step_in(records[place])
        if step is None or step.next is Phase.IDLE:
            continue
        if after is None or step.session.phase is after:
            return place, step
    return None


def _as_of(record: Record, session_id: str) -> Entry:
    """The same record in another session's journal."""
    match record.kind:
        case "envelope":
            envelope = msgspec.json.decode(record.body, type=Envelope)
            return entry("envelope", msgspec.structs.replace(envelope, session=session_id))
        case "intent":
            intent = msgspec.json.decode(record.body, type=Keyed)
            if intent.key == SESSION:
                session = msgspec.json.decode(intent.value, type=Session)
                return keyed("intent", SESSION, _renamed(session, session_id))
        case "done":
            step = step_in(record)
            if step is not None:
                done = msgspec.json.decode(record.body, type=Keyed)
                session = _renamed(step.session, session_id)
                return keyed("done", done.key, msgspec.structs.replace(step, session=session))
        case _:
            pass
    return Entry(kind=record.kind, body=record.body)


def _renamed(session: Session, session_id: str) -> Session:
    return msgspec.structs.replace(
        session, id=session_id, branch=f"m31a/{session_id}" if session.branch else ""
    )
