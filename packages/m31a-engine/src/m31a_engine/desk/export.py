"""A whole session as one document, for a person or a program."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

import msgspec

from m31a_engine.errors import NothingToResume
from m31a_engine.paperwork import summary, verify_report
from m31a_engine.report import RunReport
from m31a_engine.session.home import ProjectHome
from m31a_engine.session.journal import read_records
from m31a_engine.session.state import Session
from m31a_engine.shelf import newest, report_in
from m31a_engine.views import SaidIn, messages_in, state_view
from m31a_providers import AssistantMessage, SystemMessage, ToolMessage, UserMessage


class Form(StrEnum):
    """How a session is written down."""

    JSON = "json"
    MARKDOWN = "markdown"


class Export(msgspec.Struct, frozen=True, kw_only=True):
    """Everything of a session but the files of its journal."""

    schema_version: int = 1
    session: Session
    report: RunReport | None
    """None while it has not ended."""
    messages: tuple[SaidIn, ...]


@dataclass(frozen=True, slots=True)
class Exporting:
    """Writes sessions down."""

    home: ProjectHome

    def export(self, session_id: str, form: Form) -> str:
        """The session as text, with a line end.

        Raises:
            NothingToResume: there is no such session.
            JournalBroken: its journal cannot be read.
        """
        folder = self.home.session(session_id)
        records, _ = read_records(folder.root)
        session = newest(records)
        if session is None:
            raise NothingToResume(f"there is no session {session_id}")
        whole = Export(
            session=session, report=report_in(folder), messages=tuple(messages_in(records))
        )
        match form:
            case Form.JSON:
                text = msgspec.json.format(msgspec.json.encode(whole), indent=2).decode()
            case Form.MARKDOWN:
                text = "\n".join(_markdown(whole))
        return text.rstrip() + "\n"


def _markdown(export: Export) -> Iterator[str]:
    session = export.session
    if export.report is not None:
        yield summary(export.report)
    else:
        yield f"# {session.goal}\n\nNot ended.\n"
    yield state_view(session, export.report.outcome.value if export.report else "not ended")
    if session.verification is not None:
        yield verify_report(session, session.verification)
    conversation = ""
    for said in export.messages:
        if said.conversation != conversation:
            conversation = said.conversation
            yield f"\n# {conversation}\n"
        yield from _message(said)


def _message(said: SaidIn) -> Iterator[str]:
    match said.message:
        case SystemMessage():
            return
        case UserMessage() as user:
            yield f"## To the model\n\n{user.text}\n"
        case AssistantMessage() as reply:
            yield f"## The model\n\n{reply.text}\n"
            for call in reply.tool_calls:
                yield f"{_fenced(call.name + ' ' + call.arguments)}\n"
        case ToolMessage() as result:
            failed = ", failed" if result.is_error else ""
            yield f"## Result{failed}\n\n{_fenced(result.text)}\n"


def _fenced(text: str) -> str:
    """Text as a block that nothing in it can close."""
    fence = "```"
    while fence in text:
        fence += "`"
    return f"{fence}\n{text}\n{fence}"
