"""Reading JSON as language models write it.

Forgiven: comments, trailing, doubled and missing commas, single and typographic quotes, bare
keys, Python's words, line breaks and lone quotes inside strings. Everything that is JSON
reads as JSON does.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_MAX_DEPTH = 40
_PATIENCE = 2
"""How many times a text's length is looked at before the search for values is given up."""

_ATTEMPT = 20
"""What one attempt costs, in characters looked at."""

_BLANK = re.compile(r"(?:[\s\ufeff\u200b]|//[^\n]*|/\*(?s:.*?)\*/|#[^\n]*)*")
_NUMBER = re.compile(r"[+-]?\d{1,300}(?:\.\d{1,300})?(?:[eE][+-]?\d{1,3})?(?![\w.])")
_NAME = re.compile(r"[A-Za-z_$][\w$-]*")
_WORDS: dict[str, object] = {
    "true": True,
    "false": False,
    "null": None,
    "True": True,
    "False": False,
    "None": None,
}
_CLOSING = {'"': '"”', "'": "'’", "“": '”"', "‘": "’'"}
# What follows a string in JSON, or stands where a sloppy writer left the comma out.
_AFTER_STRING = re.compile(r"[^\S\n]*(?:[,:\]}\n]|//|/\*|#|$)")
_FIRST_KEY = re.compile(r"[\"'“‘]?[\w $-]{1,60}[\"'”’]?\s*:")
_OPENING = re.compile(r"[\[{]")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}


class NotJson(ValueError):
    """The text cannot be read as a value; says where, and how far was looked."""

    def __init__(self, reason: str, position: int, reached: int | None = None) -> None:
        """`reached` is left out where nothing behind `position` was looked at."""
        super().__init__(reason)
        self.reason = reason
        self.position = position
        self.reached = position if reached is None else reached


@dataclass(frozen=True, slots=True)
class Found:
    """A value that could be read."""

    value: object


@dataclass(frozen=True, slots=True)
class Broken:
    """Something that begins like JSON and cannot be read to its end."""

    reason: str
    position: int


def read_value(text: str, start: int = 0) -> tuple[object, int]:
    """The value that begins at `start`, and where it ends.

    Raises: NotJson.
    """
    return _value(text, _skip(text, start), 0)


def scan(text: str) -> Iterator[Found | Broken]:
    """The objects and lists that stand in a text, in order, those that break off included.

    Brackets that open no JSON (`[link](address)`, `{placeholder}`) are passed over.
    """
    position = 0
    budget = _PATIENCE * (len(text) + 100_000)
    while budget > 0 and (opening := _OPENING.search(text, position)):
        try:
            value, position = read_value(text, opening.start())
        except NotJson as failure:
            position = opening.end()
            budget -= failure.reached - opening.start() + _ATTEMPT
            if _looks_like_json(text, opening.start()):
                yield Broken(reason=failure.reason, position=failure.position)
        else:
            yield Found(value=value)


def _looks_like_json(text: str, start: int) -> bool:
    """Whether the bracket opens an object with a key, or a list of objects."""
    at = _skip(text, start + 1)
    return text[at : at + 1] == "{" if text[start] == "[" else bool(_FIRST_KEY.match(text, at))


def _skip(text: str, position: int) -> int:
    blank = _BLANK.match(text, position)
    assert blank is not None
    return blank.end()


def _value(text: str, at: int, depth: int) -> tuple[object, int]:
    if depth > _MAX_DEPTH:
        raise NotJson("it is nested too deeply", at)
    letter = text[at : at + 1]
    if not letter:
        raise NotJson("it ends before it is complete", at)
    if letter == "{":
        return _object(text, at + 1, depth)
    if letter == "[":
        return _list(text, at + 1, depth)
    if letter in _CLOSING:
        return _string(text, at)
    if number := _NUMBER.match(text, at):
        return _number(number[0]), number.end()
    if (name := _NAME.match(text, at)) and name[0] in _WORDS:
        return _WORDS[name[0]], name.end()
    raise NotJson(f"a value was expected, not {_near(text, at)}", at)


def _number(digits: str) -> int | float:
    return float(digits) if re.search(r"[.eE]", digits) else int(digits)


def _list(text: str, at: int, depth: int) -> tuple[list[object], int]:
    found: list[object] = []
    while True:
        at = _next(text, at)
        if text[at : at + 1] == "]":
            return found, at + 1
        entry, at = _value(text, at, depth + 1)
        found.append(entry)


def _object(text: str, at: int, depth: int) -> tuple[dict[str, object], int]:
    found: dict[str, object] = {}
    while True:
        at = _next(text, at)
        if text[at : at + 1] == "}":
            return found, at + 1
        key, at = _key(text, at)
        at = _skip(text, at)
        if text[at : at + 1] != ":":
            raise NotJson(f"':' was expected after {key!r}, not {_near(text, at)}", at)
        found[key], at = _value(text, _skip(text, at + 1), depth + 1)


def _next(text: str, at: int) -> int:
    """Where the next entry or the closing bracket stands; commas are only signposts."""
    at = _skip(text, at)
    while text[at : at + 1] == ",":
        at = _skip(text, at + 1)
    return at


def _key(text: str, at: int) -> tuple[str, int]:
    if text[at : at + 1] in _CLOSING and at < len(text):
        return _string(text, at)
    if name := _NAME.match(text, at):
        return name[0], name.end()
    if at >= len(text):
        raise NotJson("it ends before it is complete", at)
    raise NotJson(f"a key was expected, not {_near(text, at)}", at)


def _string(text: str, start: int) -> tuple[str, int]:
    closing = _CLOSING[text[start]]
    stop = re.compile(rf"[\\{closing}]")
    parts: list[str] = []
    at = start + 1
    while found := stop.search(text, at):
        parts.append(text[at : found.start()])
        at = found.end()
        if found[0] == "\\":
            piece, at = _escape(text, at)
            parts.append(piece)
        elif _AFTER_STRING.match(text, at):
            return _whole("".join(parts)), at
        else:
            parts.append(found[0])
    raise NotJson("a string is not closed", start, len(text))


def _escape(text: str, at: int) -> tuple[str, int]:
    letter = text[at : at + 1]
    code = text[at + 1 : at + 5]
    if letter == "u" and re.fullmatch(r"[0-9a-fA-F]{4}", code):
        return chr(int(code, 16)), at + 5
    if letter in _ESCAPES:
        return _ESCAPES[letter], at + 1
    if letter and letter in "\"'\\/\n“”‘’`":
        return ("" if letter == "\n" else letter), at + 1
    return "\\", at


def _whole(text: str) -> str:
    """The text with pairs of surrogate escapes joined and lone ones replaced."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _near(text: str, at: int) -> str:
    word = text[at : at + 20].split("\n", 1)[0].strip()
    return repr(word) if word else "the end"
