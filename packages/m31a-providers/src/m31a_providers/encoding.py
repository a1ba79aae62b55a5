"""Values as JSON, the same bytes for the same value, whatever text was read into them."""

import weakref
from collections.abc import Callable
from typing import Generic, TypeVar

import msgspec

from m31a_providers.messages import Message

T = TypeVar("T")


class EncodedOnce(Generic[T]):
    """What is made of a message, made once for as long as the message lives."""

    def __init__(self, make: Callable[[Message], T]) -> None:
        """Nothing is kept yet."""
        self._make = make
        self._kept: dict[int, tuple[weakref.ref[Message], T]] = {}

    def __call__(self, message: Message) -> T:
        """What is made of this message."""
        kept = self._kept.get(id(message))
        if kept is not None:
            return kept[1]
        key, table = id(message), self._kept
        made = self._make(message)
        # It goes when the message goes, before its id can belong to another.
        table[key] = (weakref.ref(message, lambda _: table.pop(key, None)), made)
        return made

    def __len__(self) -> int:
        """How many messages are kept."""
        return len(self._kept)


def encode_json(value: object) -> bytes:
    """The value as JSON; halves of characters become question marks."""
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError:
        # A file name or a file with broken bytes was read into the conversation; half a
        # character has no UTF-8.
        return msgspec.json.encode(_without_half_characters(value))


def is_json_object(text: str) -> bool:
    """Whether the text is one whole JSON object."""
    try:
        return isinstance(msgspec.json.decode(text), dict)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return False


def _without_half_characters(value: object) -> object:
    match value:
        case str():
            return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        case dict():
            return {key: _without_half_characters(item) for key, item in value.items()}
        case list():
            return [_without_half_characters(item) for item in value]
        case _:
            return value
