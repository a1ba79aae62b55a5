"""The readable view of the last foreground session in the project's `.m31a/`.

Written for people, never read back, and kept out of git by `.git/info/exclude`. What holds
is below M31A_HOME: nobody waits until these are on the disk.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from m31a_engine.conversation.history import ReplyBody, RequestBody, ResultBody
from m31a_engine.planning.plan import plan_table
from m31a_engine.session.journal import Record
from m31a_engine.session.state import Session
from m31a_providers import Message
from m31a_tools import write_atomic

FOLDER = ".m31a"
EXCLUDED = "/.m31a/"


class Overview(msgspec.Struct, frozen=True, kw_only=True):
    """`session.json`: which session this is."""

    schema_version: int = 1
    id: str
    goal: str
    phase: str
    mode: str
    started_at: str
    outcome: str
    folder: str


class SaidIn(msgspec.Struct, frozen=True, kw_only=True):
    """One row of `messages.json`."""

    conversation: str
    message: Message


@dataclass(frozen=True, slots=True)
class Views:
    """Writes the view of one session."""

    project: Path
    common_git_dir: Path
    session_folder: Path

    def exclude(self) -> None:
        """Keep the folder out of git without touching a tracked file."""
        file = self.common_git_dir / "info" / "exclude"
        text = file.read_text(encoding="utf-8", errors="surrogateescape") if file.exists() else ""
        if EXCLUDED in text.splitlines():
            return
        file.parent.mkdir(exist_ok=True)
        lines = text if not text or text.endswith("\n") else text + "\n"
        text = f"{lines}{EXCLUDED}\n"
        write_atomic(file, text.encode("utf-8", "surrogateescape"), synced=False)

    def write(self, session: Session, outcome: str = "running") -> None:
        """Bring the view up to date."""
        overview = Overview(
            id=session.id,
            goal=session.goal,
            phase=session.phase.value,
            mode=session.mode.value,
            started_at=session.started_at,
            outcome=outcome,
            folder=str(self.session_folder),
        )
        self._put("session.json", msgspec.json.format(msgspec.json.encode(overview)).decode())
        self._put("PROJECT.md", project_view(session))
        self._put("STATE.md", state_view(session, outcome))
        if session.plan is not None:
            states = {task.id: task.outcome for task in session.tasks}
            self._put("TASKS.md", "# Tasks\n\n" + plan_table(session.plan, states))

    def write_end(self, session: Session, outcome: str, records: Iterable[Record]) -> None:
        """The view of a session that has ended, with its messages and summary."""
        self.write(session, outcome)
        said = msgspec.json.encode(list(messages_in(records)))
        self._put("messages.json", msgspec.json.format(said).decode())
        summary = self.session_folder / "SUMMARY.md"
        if summary.exists():
            self._put("SUMMARY.md", summary.read_text(encoding="utf-8"))

    def _put(self, name: str, text: str) -> None:
        folder = self.project / FOLDER
        folder.mkdir(exist_ok=True)
        write_atomic(folder / name, text.encode("utf-8", "surrogateescape"), synced=False)


def messages_in(records: Iterable[Record]) -> Iterable[SaidIn]:
    """Every message of every conversation, in the order it was journalled."""
    for record in records:
        match record.kind:
            case "request":
                request = msgspec.json.decode(record.body, type=RequestBody)
                for message in request.added:
                    yield SaidIn(conversation=request.conversation, message=message)
            case "reply":
                reply = msgspec.json.decode(record.body, type=ReplyBody)
                yield SaidIn(conversation=reply.conversation, message=reply.message)
            case "result":
                result = msgspec.json.decode(record.body, type=ResultBody)
                yield SaidIn(conversation=result.conversation, message=result.message)
            case _:
                continue


def project_view(session: Session) -> str:
    """The project and what was answered about the goal."""
    facts = session.facts
    lines = ["# Project", "", f"Goal: {session.goal}"]
    if facts is not None:
        lines += [f"Type: {facts.type.value}", f"Framework: {facts.framework or '-'}"]
        lines += [f"- {check.name}: `{check.command}` ({check.source})" for check in facts.checks]
    lines += [f"- {item.question} → {item.answer or 'skipped'}" for item in session.answers]
    return "\n".join(lines) + "\n"


def state_view(session: Session, outcome: str) -> str:
    """Where the session stands; it ends with the plan."""
    done = sum(task.outcome == "done" for task in session.tasks)
    lines = [
        "# State",
        "",
        f"Phase: {session.phase.value}",
        f"Outcome: {outcome}",
        f"Tasks: {done} of {len(session.tasks)} done",
    ]
    if session.verification is not None:
        lines.append(f"Verdict: {session.verification.verdict.value}")
    if session.plan is not None and session.plan.markdown:
        lines += ["", session.plan.markdown]
    return "\n".join(lines) + "\n"
