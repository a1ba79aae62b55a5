"""Keys that do not show themselves, and texts that are cleared of them."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

DOTS = "••••"
_SHORTEST_SECRET = 6
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]+")


@dataclass(frozen=True, slots=True, repr=False)
class Secret:
    """A value that prints as dots; `reveal()` is the only way to it."""

    _value: str

    def reveal(self) -> str:
        """The value itself, for the one header it belongs in."""
        return self._value

    def __repr__(self) -> str:
        """Dots, whatever the value."""
        return f"Secret({DOTS})"

    def __str__(self) -> str:
        """Dots, whatever the value."""
        return DOTS


@dataclass(frozen=True, slots=True)
class Scrubber:
    """Clears texts that come from a server before a person or a log sees them."""

    secrets: tuple[Secret, ...]

    @classmethod
    def of(cls, values: Iterable[str]) -> "Scrubber":
        """A scrubber for these values; those too short to be secret are left alone."""
        found = {value for value in values if len(value) >= _SHORTEST_SECRET}
        # Longest first: a key that contains another must not leave its rest behind.
        return cls(tuple(Secret(value) for value in sorted(found, key=len, reverse=True)))

    def clean(self, text: str, limit_chars: int = 300) -> str:
        """The text on one line, without secrets or control characters, cut at the limit."""
        for secret in self.secrets:
            text = text.replace(secret.reveal(), DOTS)
        text = " ".join(_UNPRINTABLE.sub(" ", text).split())
        return text if len(text) <= limit_chars else text[: limit_chars - 1] + "…"
