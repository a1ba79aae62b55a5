"""How many tokens a text will be, estimated without any tokenizer table.

A byte-pair tokenizer first cuts a text into words, numbers and runs of marks. Counting those and
weighing them by what they cost on average comes far closer than characters divided by a constant,
for prose, code and JSON alike. The weights were fitted to the public tables of each family.
"""

import re
from dataclasses import dataclass

# Patterns are compiled when first used: most programs that import this never estimate.
_WORD = r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])"
_CAPITALS = r"[A-Z]{2,}"
_DIGITS = r"[0-9]{1,3}"
_MARKS = r"[!-/:-@\[-`{-~]+"
_LINE_ENDS = r"[\r\n]+"
_SPACES = r"[ \t]{2,}"
_LATIN = r"[\x80-\u036f\u1e00-\u1eff]"
_CYRILLIC = r"[\u0400-\u052f]"
_ALPHABETS = r"[\u0370-\u03ff\u0530-\u1dff\u1f00-\u1fff]"
_EAST_ASIAN = r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]"
_NOT_ASCII = r"[^\x00-\x7f]"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pieces:
    """Tokens for one ASCII piece of each kind."""

    word: float
    letter_past_four: float
    capital: float
    three_digits: float
    marks: float
    further_mark: float
    line_ends: float
    spaces: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scripts:
    """Tokens for one character outside ASCII."""

    latin: float
    cyrillic: float
    alphabets: float
    east_asian: float
    symbols: float


@dataclass(frozen=True, slots=True)
class _Weights:
    """What one family of tokenizers makes of a text."""

    pieces: _Pieces
    scripts: _Scripts


_GPT_PIECES = _Pieces(
    word=0.99,
    letter_past_four=0.11,
    capital=0.03,
    three_digits=1.56,
    marks=0.52,
    further_mark=0.36,
    line_ends=0.11,
    spaces=1.31,
)
_GPT = _Weights(
    _GPT_PIECES,
    _Scripts(latin=0.9, cyrillic=0.24, alphabets=0.40, east_asian=0.66, symbols=0.80),
)
_GPT_BEFORE_4O = _Weights(
    _GPT_PIECES,
    _Scripts(latin=2.2, cyrillic=0.45, alphabets=1.00, east_asian=1.00, symbols=0.95),
)
_CLAUDE = _Weights(
    _Pieces(
        word=1.14,
        letter_past_four=0.0,
        capital=0.12,
        three_digits=1.21,
        marks=0.89,
        further_mark=0.17,
        line_ends=0.73,
        spaces=0.27,
    ),
    _Scripts(latin=3.0, cyrillic=0.53, alphabets=1.25, east_asian=0.97, symbols=1.00),
)
_DEEPSEEK = _Weights(
    _Pieces(
        word=1.0,
        letter_past_four=0.11,
        capital=0.15,
        three_digits=1.46,
        marks=0.66,
        further_mark=0.32,
        line_ends=0.23,
        spaces=1.14,
    ),
    _Scripts(latin=1.7, cyrillic=0.33, alphabets=0.52, east_asian=0.62, symbols=0.90),
)
_UNKNOWN = _Weights(
    _Pieces(
        word=1.03,
        letter_past_four=0.08,
        capital=0.07,
        three_digits=1.44,
        marks=0.63,
        further_mark=0.32,
        line_ends=0.30,
        spaces=1.03,
    ),
    _Scripts(latin=1.7, cyrillic=0.40, alphabets=0.70, east_asian=0.85, symbols=0.95),
)

_FAMILIES = (
    (r"claude|anthropic", _CLAUDE),
    (r"deepseek", _DEEPSEEK),
    (r"gpt-3|gpt-4(?!o|\.|\d)", _GPT_BEFORE_4O),
    (r"gpt|openai|(^|/)o[1-9]\b", _GPT),
)


def estimate_tokens(text: str, model: str = "") -> int:
    """About as many tokens as `text` has for this model; 0 for an empty text alone.

    Never more than its UTF-8 bytes, for no token is less than a byte. The model is any id that
    names its family, such as "anthropic/claude-sonnet-4"; families without a public table get
    weights fitted to all tables together.
    """
    if not text:
        return 0
    weights = _weights_of(model)
    tokens, most = _ascii_tokens(text, weights.pieces), len(text)
    if not text.isascii():
        tokens += _script_tokens(text, weights.scripts)
        most = len(text.encode("utf-8", "surrogatepass"))
    return min(most, max(1, round(tokens)))


def _ascii_tokens(text: str, each: _Pieces) -> float:
    words = re.findall(_WORD, text)
    marks = re.findall(_MARKS, text)
    return (
        each.word * len(words)
        + each.letter_past_four * sum(len(word) - 4 for word in words if len(word) > 4)
        + each.capital * sum(map(len, re.findall(_CAPITALS, text)))
        + each.three_digits * len(re.findall(_DIGITS, text))
        + each.marks * len(marks)
        + each.further_mark * (sum(map(len, marks)) - len(marks))
        + each.line_ends * len(re.findall(_LINE_ENDS, text))
        + each.spaces * len(re.findall(_SPACES, text))
    )


def _script_tokens(text: str, each: _Scripts) -> float:
    latin = len(re.findall(_LATIN, text))
    cyrillic = len(re.findall(_CYRILLIC, text))
    alphabets = len(re.findall(_ALPHABETS, text))
    east_asian = len(re.findall(_EAST_ASIAN, text))
    symbols = len(re.findall(_NOT_ASCII, text)) - latin - cyrillic - alphabets - east_asian
    return (
        each.latin * latin
        + each.cyrillic * cyrillic
        + each.alphabets * alphabets
        + each.east_asian * east_asian
        + each.symbols * symbols
    )


def _weights_of(model: str) -> _Weights:
    name = model.lower()
    return next((weights for pattern, weights in _FAMILIES if re.search(pattern, name)), _UNKNOWN)


class Estimator:
    """Estimates for one model that come closer with each real figure the provider tells."""

    def __init__(self, model: str = "") -> None:
        """Begin without a correction."""
        self.model = model
        self._factor = 1.0
        self._observed = 0

    @property
    def factor(self) -> float:
        """What estimates are multiplied by; between 0.1 and 10."""
        return self._factor

    def estimate(self, text: str) -> int:
        """About as many tokens as `text` has, corrected by what was observed."""
        return self.correct(estimate_tokens(text, self.model))

    def correct(self, estimated: int) -> int:
        """An uncorrected estimate, corrected."""
        return round(estimated * self._factor)

    def observe(self, estimated: int, real: int) -> None:
        """Learn from one request: its *uncorrected* estimate and what the provider counted.

        The first figures weigh the most; later ones move the factor by 30 % of the difference.
        Figures that are not positive say nothing and are ignored.
        """
        if estimated <= 0 or real <= 0:
            return
        self._observed += 1
        pull = max(0.3, 1 / self._observed)
        ratio = self._factor + pull * (real / estimated - self._factor)
        self._factor = min(10.0, max(0.1, ratio))
