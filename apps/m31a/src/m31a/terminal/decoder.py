"""Tokens to events: which key a sequence is, what is text, what is an answer of the terminal."""

import re
from collections.abc import Callable, Iterator, Sequence

from m31a.draw.text import graphemes
from m31a.terminal.events import Focus, InputEvent, Key, Mouse, Paste, Reply
from m31a.terminal.tokens import (
    ControlToken,
    PasteToken,
    SequenceToken,
    TextToken,
    Token,
)

BURST = 64
"""Characters that come at once and are more than anybody types."""
_NAMED = {
    "\r": "enter",
    "\n": "ctrl+j",
    "\t": "tab",
    "\x1b": "escape",
    "\x7f": "backspace",
    "\x08": "backspace",
    "\x00": "ctrl+space",
    "\x1c": "ctrl+\\",
    "\x1d": "ctrl+]",
    "\x1e": "ctrl+^",
    "\x1f": "ctrl+_",
}
_MOUSE = re.compile(r"\x1b\[<(\d+);(\d+);(\d+)([Mm])")

FindKey = Callable[[str], Key | None]
"""Which key a whole escape sequence is; None for no key."""


class Decoder:
    """Makes events of tokens; what it needs to know of the terminal's keys comes by `find_key`."""

    def __init__(self, find_key: FindKey) -> None:
        self._find_key = find_key
        self.bracketed = False
        """Whether the terminal marks its pastes; until it is known, a burst may be one."""

    def events(self, tokens: Sequence[Token]) -> Iterator[InputEvent]:
        """What the tokens of one read mean."""
        if not self.bracketed and (pasted := _unmarked_paste(tokens)):
            yield Paste(pasted)
            return
        for token in tokens:
            match token:
                case TextToken(text=text):
                    yield from _typed(text)
                case ControlToken(text=text):
                    yield self._control(text)
                case PasteToken(text=text, complete=complete):
                    yield Paste(with_newlines(text), complete)
                case SequenceToken(text=text):
                    if (event := self._sequence(text)) is not None:
                        yield event

    def _control(self, text: str) -> Key:
        if text in _NAMED:
            return Key(_NAMED[text])
        if len(text) == 1:
            return Key(f"ctrl+{chr(ord(text) + 0x60)}") if text < "\x1b" else Key("unknown")
        inner = text[1]
        if inner in _NAMED:
            return Key(f"alt+{_NAMED[inner]}")
        if inner < " ":
            return Key(f"ctrl+alt+{chr(ord(inner) + 0x60)}")
        return Key(f"alt+{'space' if inner == ' ' else inner}")

    def _sequence(self, text: str) -> InputEvent | None:
        if text in {"\x1b[I", "\x1b[O"}:
            return Focus(gained=text.endswith("I"))
        if found := _MOUSE.fullmatch(text):
            return _mouse(int(found[1]), int(found[2]) - 1, int(found[3]) - 1, found[4] == "m")
        return self._find_key(text) or Reply(text)


def with_newlines(text: str) -> str:
    """Pasted text with newlines for whatever ends its lines."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _typed(text: str) -> Iterator[InputEvent]:
    if len(text) > BURST:
        yield Paste(text)
        return
    for cluster, _ in graphemes(text):
        yield Key("space" if cluster == " " else cluster, cluster)


def _unmarked_paste(tokens: Sequence[Token]) -> str:
    """The text of a burst with line ends inside it: a paste of a terminal that marks none."""
    if len(tokens) < 3 or not any(isinstance(token, TextToken) for token in tokens):
        return ""
    parts: list[str] = []
    for token in tokens:
        if not isinstance(token, TextToken | ControlToken) or token.text[0] == "\x1b":
            return ""
        if isinstance(token, ControlToken) and token.text not in "\r\n\t":
            return ""
        parts.append(token.text)
    text = with_newlines("".join(parts))
    return text if "\n" in text[:-1] and len(text.strip()) > 2 else ""


def _mouse(code: int, column: int, row: int, released: bool) -> Mouse | None:
    match code & ~0b11100:  # without shift, alt and ctrl
        case 64:
            return Mouse("wheel_up", column, row)
        case 65:
            return Mouse("wheel_down", column, row)
        case 0:
            return Mouse("release" if released else "press", column, row)
        case 32:
            return Mouse("drag", column, row)
        case _:
            return None
