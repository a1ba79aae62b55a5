"""What a person says to a run while it works."""

import msgspec

from m31a_engine.conversation.history import Conversation
from m31a_engine.session.journal import Entry, Journal, keyed
from m31a_providers import UserMessage

HEADING = "[The person adds]"


class Remark(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was said, to everybody who works or to one task."""

    text: str
    task: str = ""
    """The id of the task it is for; empty for all."""


class Steering:
    """Holds what was said; each conversation of a working phase hears each remark once.

    A conversation that begins later hears it too: it is part of what the person wants.
    """

    def __init__(self, journal: Journal) -> None:
        self._remarks: list[Remark] = []
        while (known := journal.done(self._key(len(self._remarks)), Remark)) is not None:
            self._remarks.append(known)

    @staticmethod
    def _key(number: int) -> str:
        return f"remark-{number}"

    def say(self, remark: Remark) -> Entry:
        """Take a remark in; the journal entry that keeps it."""
        self._remarks.append(remark)
        return keyed("done", self._key(len(self._remarks) - 1), remark)

    def unheard(self, talk: Conversation) -> tuple[str, ...]:
        """The messages a conversation has still to hear, oldest first."""
        if not self._remarks:
            return ()
        heard = {message.text for message in talk.messages if isinstance(message, UserMessage)}
        texts = (
            f"{HEADING}\n\n{remark.text}"
            for remark in self._remarks
            if remark.task in ("", talk.task)
        )
        return tuple(text for text in dict.fromkeys(texts) if text not in heard)
