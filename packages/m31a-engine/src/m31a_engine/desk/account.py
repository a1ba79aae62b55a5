"""What a journal says of each piece of work: its place, its calls, the trees that were noted."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import msgspec

from m31a_engine.conversation.history import ReplyBody, ResultBody
from m31a_engine.conversation.trail import TreeBody
from m31a_engine.session.journal import Keyed, Record
from m31a_engine.session.workbench import Intention, Place
from m31a_providers import ToolCall


@dataclass(slots=True)
class Step:
    """One call, as it went then."""

    call: ToolCall
    before: str = ""
    """The tree that was noted before it; "" when the calls account for it."""
    went_well: bool = False


@dataclass(slots=True)
class Account:
    """One piece of work: the calls of a conversation in a work tree, and the commit of it."""

    place: Place | None = None
    intention: Intention | None = None
    steps: list[Step] = field(default_factory=list)
    end: str = ""
    """The tree that was noted at the end; "" when the calls account for it."""

    def newest(self, call_id: str) -> Step | None:
        """The last call of an id, which a later answer may have used again."""
        return next((step for step in reversed(self.steps) if step.call.id == call_id), None)


def accounts_in(records: Iterable[Record]) -> dict[str, Account]:
    """Pieces of work by their key, in the order of their commits."""
    accounts: dict[str, Account] = {}
    committed: dict[str, None] = {}
    for record in records:
        match record.kind:
            case "intent":
                key = _intended(msgspec.json.decode(record.body, type=Keyed), accounts)
                if key:
                    committed[key] = None
            case "reply":
                reply = msgspec.json.decode(record.body, type=ReplyBody)
                account = accounts.setdefault(reply.conversation, Account())
                account.steps.extend(Step(call) for call in reply.message.tool_calls)
            case "tree":
                _noted(msgspec.json.decode(record.body, type=TreeBody), accounts)
            case "result":
                result = msgspec.json.decode(record.body, type=ResultBody)
                account = accounts.setdefault(result.conversation, Account())
                step = account.newest(result.message.call_id)
                if step is not None:
                    step.went_well = not result.message.is_error
            case _:
                continue
    return {key: accounts[key] for key in committed}


def _intended(intent: Keyed, accounts: dict[str, Account]) -> str:
    """The key of the work whose commit this intention is; "" when it is another one."""
    key, _, what = intent.key.rpartition("/")
    if what == "place":
        place = msgspec.json.decode(intent.value, type=Place)
        accounts.setdefault(key, Account()).place = place
    elif what == "commit" and not key.startswith("ship-") and key != "apply":
        intention = msgspec.json.decode(intent.value, type=Intention)
        accounts.setdefault(key, Account()).intention = intention
        return key
    return ""


def _noted(note: TreeBody, accounts: dict[str, Account]) -> None:
    account = accounts.setdefault(note.conversation, Account())
    step = account.newest(note.before) if note.before else None
    if step is not None:
        step.before = note.tree
    elif not note.before:
        account.end = note.tree
