"""Text in a table cell and back, without loss and without effect on whoever looks at the file.

Pipes and line ends would break the table, brackets and backticks would become links and code in a
Markdown viewer, control characters would reach the terminal of whoever prints the file: all of
them are written as backslash escapes. A backslash before any other letter is kept as it stands,
for people write `C:\\Users` by hand.
"""

import re
from collections.abc import Iterable

ITEM_SEPARATOR = "; "

_NAMED = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}
_BY_NAME = {"n": "\n", "r": "\r", "t": "\t"}
_EMPTY_ITEM = r"\e"
_MARKUP = r"\|<[`;"
_HIDDEN = (
    "\x00-\x1f\x7f-\x9f"  # C0, DEL and C1 controls
    "\u00ad\u061c\u180e"  # soft hyphen, Arabic letter mark, Mongolian vowel separator
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f"  # zero-width, line separators, bidi controls
    "\ud800-\udfff\ufeff\ufff9-\ufffb"  # lone surrogates, byte order mark, annotation marks
    "\U000e0000-\U000e007f"  # tags
)
_HIDDEN_CHARACTER = re.compile(f"[{_HIDDEN}]")
_NEEDS_ESCAPE = re.compile(rf"[{re.escape(_MARKUP)}{_HIDDEN}]|\A | \Z")
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([nrt])|([!-/:-@\[-`{-~]))")
_ITEM = re.compile(r"(?:[^\\;]|\\.?)+")


def encode_text(text: str) -> str:
    """The cell for one text; the empty text gives an empty cell."""
    return _NEEDS_ESCAPE.sub(_escaped, text)


def decode_text(cell: str) -> str:
    """The text of one cell, already stripped of the blanks around it."""
    return _ESCAPE.sub(_plain, cell) if "\\" in cell else cell


def encode_items(items: Iterable[str]) -> str:
    """The cell for several texts."""
    return ITEM_SEPARATOR.join(encode_text(item) or _EMPTY_ITEM for item in items)


def decode_items(cell: str) -> tuple[str, ...]:
    """The texts of one cell; an empty cell gives none."""
    if "\\" not in cell:
        if ";" not in cell:
            return (cell,) if cell else ()
        return tuple(item for part in cell.split(";") if (item := part.strip(" \t")))
    items = (item.strip(" \t") for item in _ITEM.findall(cell))
    return tuple("" if item == _EMPTY_ITEM else decode_text(item) for item in items if item)


def shown(text: str, limit: int = 200) -> str:
    """The text with nothing hidden in it, cut after `limit` characters."""
    return _HIDDEN_CHARACTER.sub(_escaped, text[:limit])


def _escaped(match: re.Match[str]) -> str:
    character = match[0]
    if character in _NAMED:
        return _NAMED[character]
    if character in _MARKUP:
        return "\\" + character
    code = ord(character)
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def _plain(match: re.Match[str]) -> str:
    short, long, name, punctuation = match.groups()
    if punctuation:
        return str(punctuation)
    if name:
        return _BY_NAME[name]
    code = int(short or long, 16)
    return chr(code) if code <= 0x10FFFF else str(match[0])
