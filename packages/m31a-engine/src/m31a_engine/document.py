"""Values of ours as JSON, and changed, for programs that have no need of msgspec themselves."""

from typing import TypeVar

import msgspec

S = TypeVar("S", bound=msgspec.Struct)


def as_document(value: object) -> str:
    """A value as an indented JSON document, with a line end."""
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n"


def as_line(value: object) -> str:
    """A value as JSON on one line, without a line end."""
    return msgspec.json.encode(value).decode()


def as_value(value: object) -> dict[str, object]:
    """A struct as the plain dictionary that its JSON is read as."""
    plain: dict[str, object] = msgspec.to_builtins(value)
    return plain


def changed(struct: S, **fields: object) -> S:
    """A struct with other values in some of its fields; the one given stays as it is."""
    return msgspec.structs.replace(struct, **fields)
