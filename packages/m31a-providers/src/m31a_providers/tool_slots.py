"""Tool calls put together from their pieces.

The wire says: pieces of one call share an `index`, the first one brings `id` and `name`. Servers
leave out the index, number every call 0, send a new id with every piece or the same id for every
call. What a piece belongs to is decided here, from all that it says.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec

from m31a_providers.chat_wire import ToolCallDelta
from m31a_providers.encoding import is_json_object
from m31a_providers.messages import ToolCall


@dataclass(slots=True)
class Slot:
    """One call that is still being written."""

    index: int | None
    wire_id: str
    id: str = ""
    name: str = ""
    announced: bool = False
    arguments: list[str] = field(default_factory=list)

    @property
    def is_whole(self) -> bool:
        """Whether the arguments are complete JSON, so that another piece is another call."""
        if not self.arguments or not self.arguments[-1].rstrip().endswith("}"):
            return False
        return is_json_object("".join(self.arguments))


@dataclass(slots=True)
class ToolSlots:
    """All calls of one message, in the order they were begun."""

    new_id: Callable[[], str]
    slots: list[Slot] = field(default_factory=list)

    def feed(self, piece: ToolCallDelta) -> Slot | None:
        """The call this piece was added to, `None` if it is for no call at all."""
        wire_id = "" if piece.id is None else str(piece.id)
        name = (piece.function.name if piece.function else None) or ""
        arguments = piece.function.arguments if piece.function else None
        slot = self._known(piece.index, wire_id, name)
        if slot is not None and name and slot.name:
            slot = None if _begins_another(slot, wire_id, name, bool(arguments)) else slot
        if slot is None:
            if not (wire_id or name or piece.index is not None):
                return None
            slot = Slot(index=piece.index, wire_id=wire_id)
            self.slots.append(slot)
        if not slot.id and (wire_id or name):
            slot.wire_id = slot.wire_id or wire_id
            slot.id = self._unused(wire_id)
        if name and name != slot.name and not slot.arguments:
            slot.name += name
        if isinstance(arguments, dict):
            arguments = msgspec.json.encode(arguments).decode()
        if arguments:
            slot.arguments.append(arguments)
        return slot

    def finished(self) -> tuple[ToolCall, ...]:
        """The calls; no arguments at all are an empty object.

        Raises:
            ValueError: a call has no name.
        """
        calls = []
        for slot in self.slots:
            if not slot.name:
                raise ValueError("a tool call without a name")
            arguments = "".join(slot.arguments)
            calls.append(
                ToolCall(
                    id=slot.id,
                    name=slot.name,
                    arguments=arguments if arguments.strip() else "{}",
                )
            )
        return tuple(calls)

    def _known(self, index: int | None, wire_id: str, name: str) -> Slot | None:
        """The latest call that the piece may go on with."""
        latest = self.slots[::-1]
        if index is not None:
            for slot in latest:
                if slot.index == index:
                    return slot
            latest = [slot for slot in latest if slot.index is None]
        if wire_id:
            return next((slot for slot in latest if slot.wire_id == wire_id), None)
        if index is not None and name:
            return None
        return latest[0] if latest else None

    def _unused(self, wire_id: str) -> str:
        taken = {slot.id for slot in self.slots}
        if not wire_id:
            return self.new_id()
        number, unused = 2, wire_id
        while unused in taken:
            unused = f"{wire_id}-{number}"
            number += 1
        return unused


def _begins_another(slot: Slot, wire_id: str, name: str, brings_arguments: bool) -> bool:
    """Whether a piece that brings a name cannot be more of this call, which has one."""
    if wire_id and wire_id != slot.wire_id:
        # Some servers send a new id with every piece: same name, arguments half written.
        return name != slot.name or not slot.arguments or slot.is_whole
    if wire_id or slot.index is not None:
        # The name comes in pieces, or again with every piece, the last and empty one included.
        return slot.is_whole and brings_arguments
    return name != slot.name or not slot.arguments or slot.is_whole
