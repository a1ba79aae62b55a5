"""Bytes from a terminal, cut into tokens by the shape of ECMA-48 control sequences.

A sequence is one token whether it is known or not, so that a reply nobody asked for, or one that
comes late, is never taken for typed text. Pastes are a state of their own: what stands between
their marks is text, however slowly it comes.
"""

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass

ESC = "\x1b"
PASTE_BEGIN = "\x1b[200~"
PASTE_END = "\x1b[201~"

ESCAPE_WAIT_S = 0.05
"""How long a lone escape may be the beginning of something."""
REPLY_WAIT_S = 1.0
"""How long a sequence that is clearly one may take to come whole."""
PASTE_WAIT_S = 5.0
"""How long a paste may pause; its end mark is taken for lost then."""

_CSI = re.compile(r"\x1b\[(?:\[[A-E]|[0-?]*[ -/]*[@-Z\\-~])")
_CSI_BEGIN = re.compile(r"\x1b\[(?:\[?|[0-?]*[ -/]*)\Z")
_STRING = re.compile(r"\x1b[\]PX^_][^\x07\x18\x1a\x1b]*(?:\x07|\x18|\x1a|\x1b\\)")
_STRING_BEGIN = re.compile(r"\x1b[\]PX^_][^\x07\x18\x1a\x1b]*\x1b?\Z")
_SS3 = re.compile(r"\x1bO[0-9]?[@-~]")
_SS3_BEGIN = re.compile(r"\x1bO[0-9]?\Z")
_NO_PARAMETER = re.compile("[^ -/0-?]")
_NO_STRING = re.compile("[\x07\x18\x1a\x1b]")
_TEXT = re.compile("[^\x00-\x1f\x7f-\x9f]+")


@dataclass(frozen=True, slots=True)
class TextToken:
    """A run of characters that are none of the others."""

    text: str


@dataclass(frozen=True, slots=True)
class ControlToken:
    """One control character, or escape and one character (alt with a key)."""

    text: str


@dataclass(frozen=True, slots=True)
class SequenceToken:
    """One whole control sequence or string, known or not."""

    text: str


@dataclass(frozen=True, slots=True)
class PasteToken:
    """A whole bracketed paste."""

    text: str
    complete: bool = True
    """False when its end mark never came."""


Token = TextToken | ControlToken | SequenceToken | PasteToken


class Tokenizer:
    """Cuts a stream of bytes into tokens; where the stream was cut makes no difference."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest = ""
        self._at = 0
        self._paste: list[str] | None = None

    @property
    def wait_s(self) -> float | None:
        """How long to wait for more before `flush`; None when nothing is incomplete."""
        if self._paste is not None:
            return PASTE_WAIT_S
        if not self._rest:
            return None
        return ESCAPE_WAIT_S if len(self._rest) <= 2 else REPLY_WAIT_S

    def feed(self, data: bytes) -> list[Token]:
        """The tokens that are whole now."""
        self._rest += self._decoder.decode(data)
        tokens = list(self._tokens())
        self._rest, self._at = self._rest[self._at :], 0
        return tokens

    def flush(self) -> list[Token]:
        """What is left when nothing more came in time: keys as they are, torn sequences whole."""
        rest, self._rest = self._rest, ""
        if self._paste is not None:
            text = "".join([*self._paste, rest])
            self._paste = None
            return [PasteToken(text, complete=False)]
        if len(rest) > 2:
            return [SequenceToken(rest)]
        return [ControlToken(rest)] if rest else []

    def _tokens(self) -> Iterator[Token]:
        while self._at < len(self._rest):
            token = self._next() if self._paste is None else self._pasted(self._paste)
            if token is None:
                return
            if isinstance(token, SequenceToken) and token.text == PASTE_BEGIN:
                self._paste = []
            else:
                yield token

    def _pasted(self, before: list[str]) -> PasteToken | None:
        end = self._rest.find(PASTE_END, self._at)
        if end < 0:
            kept = _overlap(self._rest[self._at :], PASTE_END)
            before.append(self._rest[self._at : len(self._rest) - kept])
            self._at = len(self._rest) - kept
            return None
        text = "".join([*before, self._rest[self._at : end]])
        self._paste, self._at = None, end + len(PASTE_END)
        return PasteToken(text)

    def _next(self) -> Token | None:
        if run := _TEXT.match(self._rest, self._at):
            self._at = run.end()
            return TextToken(run[0])
        head = self._rest[self._at : self._at + 2]
        if head[0] != ESC:
            return ControlToken(self._taken(1))
        match head[1:]:
            case "":
                return None
            case "[":
                return self._shaped(_CSI, _CSI_BEGIN, _NO_PARAMETER)
            case "]" | "P" | "X" | "^" | "_":
                return self._shaped(_STRING, _STRING_BEGIN, _NO_STRING)
            case "O":
                return self._shaped(_SS3, _SS3_BEGIN, _NO_PARAMETER)
            case "\x1b":
                return ControlToken(self._taken(1))
            case _:
                return ControlToken(self._taken(2))

    def _shaped(
        self, whole: re.Pattern[str], begin: re.Pattern[str], foreign: re.Pattern[str]
    ) -> Token | None:
        """The sequence here when it is whole; what there is of it when it was broken off."""
        if found := whole.match(self._rest, self._at):
            return SequenceToken(self._taken(len(found[0])))
        if begin.match(self._rest, self._at):
            return None
        stop = foreign.search(self._rest, self._at + 2)
        end = len(self._rest) if stop is None else stop.start()
        return SequenceToken(self._taken(end - self._at))

    def _taken(self, count: int) -> str:
        start, self._at = self._at, self._at + count
        return self._rest[start : self._at]


def _overlap(text: str, mark: str) -> int:
    """How many characters at the end of `text` may be the beginning of `mark`."""
    longest = min(len(text), len(mark) - 1)
    return next((n for n in range(longest, 0, -1) if text.endswith(mark[:n])), 0)
