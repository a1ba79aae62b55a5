"""Pieces of text that wait to be shown, as one: a quick model costs no more than a slow one."""

from m31a_engine import Envelope, TextStreamed


def joined(first: Envelope, second: Envelope) -> Envelope | None:
    """One envelope in place of two that carry the same answer on; None when they do not."""
    before, after = first.event, second.event
    if not (isinstance(before, TextStreamed) and isinstance(after, TextStreamed)):
        return None
    if before.conversation != after.conversation:
        return None
    event = TextStreamed(conversation=after.conversation, text=before.text + after.text)
    return Envelope(seq=second.seq, at=second.at, session=second.session, event=event)
