"""What this package raises.

AutodreamError ── BadWindow(limit_tokens, trigger, warn) · ConsolidationStopped(freed) · CannotUndo
"""


class AutodreamError(Exception):
    """The root of what this package raises by itself."""


class BadWindow(AutodreamError):
    """A window whose figures make no sense."""

    def __init__(self, limit_tokens: int, trigger: float, warn: float) -> None:
        """Keep the figures as they were given."""
        super().__init__(
            f"a window of {limit_tokens} tokens, trigger {trigger:g}, warn {warn:g} cannot be; "
            "the limit must be at least 1 and both shares above 0 and at most 1"
        )
        self.limit_tokens = limit_tokens
        self.trigger = trigger
        self.warn = warn


class ConsolidationStopped(AutodreamError):
    """Consolidating was asked for although the last times freed next to nothing."""

    def __init__(self, freed: tuple[float, ...]) -> None:
        """Keep the share of the conversation that each of the last consolidations freed."""
        shares = ", ".join(f"{share:.0%}" for share in freed)
        super().__init__(
            f"the last consolidations freed only {shares} of the conversation; "
            "protect less, begin a new conversation or take a larger window"
        )
        self.freed = freed


class CannotUndo(AutodreamError):
    """The conversation no longer begins with what the consolidation left."""

    def __init__(self) -> None:
        """Say what can be done instead."""
        super().__init__(
            "the conversation has changed since this consolidation, so it cannot be undone in "
            "place; undo later consolidations first, or take what was removed from `before`"
        )
