"""Whether conversations go on where they ended, so that the server's prompt cache serves."""

from dataclasses import dataclass, field

from m31a_engine.conversation.history import Conversation
from m31a_engine.events import Noticed
from m31a_engine.switchboard import Switchboard

WORKING = frozenset({"execute", "heal"})
"""Phases whose conversations are long enough for it to matter."""


@dataclass(slots=True)
class CacheWatch:
    """Tells once in a run of a conversation whose beginning changed without a reason."""

    _asked: dict[tuple[str, str], tuple[str, int, str, str]] = field(default_factory=dict)
    """By phase and task what the newest request was part of: when that changes, so may the rest."""
    _told: bool = False

    def complaint(self, board: Switchboard, talk: Conversation, model: str) -> Noticed | None:
        """What to say after a request of this conversation; None when all is well."""
        found = board.broken_prefix()
        part_of = (talk.name, talk.condensations, model, board.name)
        before = self._asked.get((talk.phase, talk.task))
        self._asked[talk.phase, talk.task] = part_of
        if found is None or before != part_of or talk.phase not in WORKING or self._told:
            return None
        self._told = True
        return Noticed(
            text=f"{board.name} cannot use its prompt cache: in {talk.name} a request differs from"
            f" the one before it at byte {found.at_byte} of {found.of_bytes}",
            remedy="report it: it makes runs dearer",
        )
