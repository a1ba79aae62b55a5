"""What a person asks of a session at work."""

import msgspec


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What a person wants to have done once more."""

    heal: tuple[int, ...] = ()
    """Tasks to be worked on again, on what they left."""
    undo: bool = False
    """The newest task: taken back, and done anew."""
