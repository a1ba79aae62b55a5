"""A secret that shows itself only when asked to."""

import hmac
from typing import Final, NoReturn

from m31a_keychain.errors import BadSecret

_DOTS: Final = "••••"
_LONGEST: Final = 1024
"""What every keychain takes; Windows keeps at most 2560 bytes of UTF-16."""


class Secret:
    """An API key; printing, formatting, logging or pickling it does not give it away.

    Two secrets are compared in constant time. There is no hash and no order, for both would tell
    something about the value.
    """

    __slots__ = ("_text",)
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, text: str) -> None:
        """Keep the text as it is."""
        self._text = text

    def reveal(self) -> str:
        """The text, for the one place that sends it."""
        return self._text

    def __repr__(self) -> str:
        """Dots, whatever the text and its length."""
        return f"Secret('{_DOTS}')"

    def __str__(self) -> str:
        """Dots, whatever the text and its length."""
        return _DOTS

    def __format__(self, spec: str) -> str:
        """Dots, laid out as `spec` says."""
        return format(_DOTS, spec)

    def __eq__(self, other: object) -> bool:
        """Whether both hold the same text; never equal to a plain string."""
        if not isinstance(other, Secret):
            return NotImplemented
        mine, theirs = (one._text.encode("utf-8", "surrogatepass") for one in (self, other))
        return hmac.compare_digest(mine, theirs)

    def __copy__(self) -> "Secret":
        """Itself, for it does not change."""
        return self

    def __deepcopy__(self, memo: dict[int, object]) -> "Secret":
        """Itself, for it does not change."""
        return self

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        """Refuse: a pickled secret is a secret in a file."""
        raise TypeError("a Secret is not pickled; call reveal() where the text is needed")


def usable(text: str) -> Secret | None:
    """The secret in a text, without the blanks around it; `None` when there is nothing else.

    Raises:
        BadSecret: no API key looks like that.
    """
    trimmed = text.strip()
    if not trimmed:
        return None
    if len(trimmed) > _LONGEST:
        flaw = f"it has {len(trimmed)} characters, more than {_LONGEST}"
    elif not (trimmed.isascii() and trimmed.isprintable()):
        flaw = "it has a line end, an invisible or a non-ASCII character in it"
    else:
        return Secret(trimmed)
    # Some tracebacks show local variables.
    del text, trimmed
    raise BadSecret(flaw)
