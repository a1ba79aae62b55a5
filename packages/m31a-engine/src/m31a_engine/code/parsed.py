"""What is known of one file's content, whatever path it has."""

from enum import StrEnum

import msgspec


class SymbolKind(StrEnum):
    """What a name stands for."""

    FUNCTION = "function"
    METHOD = "method"
    CLASS = "class"
    TYPE = "type"
    CONSTANT = "constant"
    HEADING = "heading"


class Symbol(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """A named part of a file, lines counted from 1 and both included."""

    name: str
    kind: SymbolKind
    line: int
    end_line: int
    container: str = ""
    """The class, type or namespace it belongs to; empty at the top."""
    signature: str = ""
    """Its first line, as it is written, cut to one line of a map."""


class Import(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """What a file asks for, in the words of its language; see `imports.Resolver`."""

    module: str
    names: tuple[str, ...] = ()


class Parsed(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """Symbols and imports of one content."""

    reader: str
    """How it was read: a parser's name, or `words` when only names and words could be told."""
    lines: int = 0
    symbols: tuple[Symbol, ...] = ()
    imports: tuple[Import, ...] = ()
    package: str = ""
    """The name a manifest gives to its folder; empty in other files."""


MOST_SYMBOLS = 1000
"""Of one file; what comes after them is left out."""

SIGNATURE_CHARS = 100


def signature_at(lines: list[str], line: int) -> str:
    """Line number `line` (from 1) as one printable line of a map."""
    if not 0 < line <= len(lines):
        return ""
    text = lines[line - 1][: 4 * SIGNATURE_CHARS].strip()
    if not text.isprintable():
        text = "".join(char if char.isprintable() else " " for char in text)
    text = text.rstrip(":{ ")
    return text if len(text) <= SIGNATURE_CHARS else text[: SIGNATURE_CHARS - 1] + "…"


def in_order(symbols: list[Symbol]) -> tuple[Symbol, ...]:
    """Symbols from top to bottom, no more than are kept."""
    return tuple(sorted(symbols, key=lambda symbol: (symbol.line, -symbol.end_line)))[:MOST_SYMBOLS]
