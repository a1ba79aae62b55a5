"""Pieces of text that wait to be shown, as one: a quick model costs no more than a slow one."""

from msgspec.structs import replace

from m31a_engine import Envelope, TextStreamed


def joined(first: Envelope, second: Envelope) -> Envelope | None:
    """One envelope in place of two that carry the same answer on; None when they do not."""
    match first.event, second.event:
        case TextStreamed() as before, TextStreamed() as after:
            if before.conversation == after.conversation:
                return replace(second, event=replace(after, text=before.text + after.text))
            return None
        case _:
            return None
