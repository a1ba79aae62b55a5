"""What a goal asks for, and how much ceremony it deserves.

Keywords decide at once. Where they are unsure and the mode was not given, the model is
asked with `intent_request` and may raise the complexity, never lower it.
"""

import re
from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

import msgspec

from m31a_engine import intent_words as words
from m31a_engine.lenient_json import Found, scan
from m31a_engine.machine import Mode

_MAX_GOAL_CHARS: Final = 20_000
_MAX_REPLY_CHARS: Final = 4000
_MANY_FILES: Final = 30


class Kind(StrEnum):
    """What sort of work a goal is; a question changes nothing."""

    QUESTION = "question"
    FEATURE = "feature"
    BUGFIX = "bugfix"
    REFACTOR = "refactor"
    CHORE = "chore"
    DOCS = "docs"


class Complexity(StrEnum):
    """How much a goal touches, in rising order."""

    TRIVIAL = "trivial"
    SIMPLE = "simple"
    MODERATE = "moderate"
    COMPLEX = "complex"


MODE_OF: Final[Mapping[Complexity, Mode]] = MappingProxyType(
    {
        Complexity.TRIVIAL: Mode.DIRECT,
        Complexity.SIMPLE: Mode.DIRECT,
        Complexity.MODERATE: Mode.FAST,
        Complexity.COMPLEX: Mode.FULL,
    }
)
_RISING: Final = tuple(Complexity)


class Intent(msgspec.Struct, frozen=True, kw_only=True):
    """What a goal was taken for, and why."""

    kind: Kind
    complexity: Complexity
    mode: Mode
    sure: bool
    """Whether the words leave no doubt, so that no model needs to be asked."""
    reason: str


def classify(goal: str, *, files: int, empty: bool) -> Intent:
    """What the words of a goal say, in a project of that many source files."""
    text = goal[:_MAX_GOAL_CHARS].strip()
    if polite := words.POLITE.match(text):
        text = text[polite.end() :]
    if (question := _question(text)) is not None:
        return question
    kind = _kind(text)
    complexity, reason = _complexity(text, kind, files=files, empty=empty)
    clear = words.ORDER.match(text) is not None or kind is Kind.BUGFIX
    short = complexity in {Complexity.TRIVIAL, Complexity.SIMPLE} and _count(text) <= 20
    # Nothing is above complex, so there is nothing a model could raise it to.
    sure = clear and (short or complexity is Complexity.COMPLEX)
    return _intent(kind, complexity, sure=sure, reason=reason)


def _question(text: str) -> Intent | None:
    """The intent of a text that only asks; one that also orders something is work."""
    marked = text.rstrip().endswith("?")
    asks = words.ASKS.match(text) is not None
    asks_if_marked = marked and words.ASKS_WITH_MARK.match(text) is not None
    if not (asks or marked) or words.ORDER.match(text):
        return None
    orders = any(
        words.ORDER.match(text, part.end()) for part in words.NEXT_PART.finditer(text)
    ) or (not marked and words.DOCS.search(text) is not None)
    if orders:
        return None
    return _intent(
        Kind.QUESTION,
        Complexity.TRIVIAL,
        sure=asks or asks_if_marked,
        reason="it asks and changes nothing",
    )


def _kind(text: str) -> Kind:
    if words.DOCS.search(text):
        return Kind.DOCS
    if words.BUG.search(text):
        return Kind.BUGFIX
    if words.REFACTOR.search(text):
        return Kind.REFACTOR
    if words.CHORE.search(text):
        return Kind.CHORE
    return Kind.FEATURE


def _complexity(text: str, kind: Kind, *, files: int, empty: bool) -> tuple[Complexity, str]:
    """How much it touches, and the one reason that decided."""
    count = _count(text)
    steps = sum(1 for _ in words.STEP.finditer(text))
    broad = _distinct(words.BROAD, text)
    risky = _distinct(words.RISKY, text)
    builds = words.BUILD.search(text) is not None
    if steps >= 4 or count > 120:
        return Complexity.COMPLEX, f"{steps} steps in {count} words"
    if broad and (len(broad) + len(risky) >= 2 or (count > 20 and builds)):
        return Complexity.COMPLEX, "it names " + _listed(broad + risky)
    if len(risky) >= 2:
        return Complexity.COMPLEX, "it names " + _listed(risky)
    if broad:
        found = Complexity.COMPLEX if empty and builds else Complexity.MODERATE
        return found, "it names " + _listed(broad)
    if risky and kind is not Kind.DOCS:
        return Complexity.MODERATE, "it names " + _listed(risky)
    if steps >= 2 or count > 40 or _sentences(text) > 3:
        return Complexity.MODERATE, f"{max(steps, _sentences(text))} parts in {count} words"
    if builds and empty and not words.FILE.search(text):
        return Complexity.MODERATE, "something new in an empty project"
    if builds and kind is Kind.FEATURE and files > _MANY_FILES and count > 12:
        return Complexity.MODERATE, f"something new among {files} source files"
    if count <= 8 and words.SMALL.search(text):
        return Complexity.TRIVIAL, "a small change in few words"
    return Complexity.SIMPLE, f"one change in {count} word{'s' if count != 1 else ''}"


def _intent(kind: Kind, complexity: Complexity, *, sure: bool, reason: str) -> Intent:
    return Intent(
        kind=kind, complexity=complexity, mode=MODE_OF[complexity], sure=sure, reason=reason
    )


def _count(text: str) -> int:
    return sum(1 for _ in words.WORD.finditer(text))


def _sentences(text: str) -> int:
    return sum(1 for part in words.SENTENCE_END.split(text) if words.WORD.search(part))


def _distinct(pattern: re.Pattern[str], text: str) -> list[str]:
    return sorted({" ".join(found[0].lower().split()) for found in pattern.finditer(text)})


def _listed(found: list[str]) -> str:
    return ", ".join(found[:3])


_REQUEST = """\
Classify the request below. Answer with one JSON object and nothing else:
{"intent": "question|feature|bugfix|refactor|chore|docs", \
"complexity": "trivial|simple|moderate|complex", "reason": "at most ten words"}
question: it asks and changes no file. trivial: one line. simple: one place. \
moderate: several files or a design choice. complex: several parts that build on one another.

<request>
%s
</request>"""


def intent_request(goal: str) -> str:
    """The message that asks a model for the intent of a goal, as one JSON object."""
    return _REQUEST % goal[:_MAX_GOAL_CHARS].strip()


_KIND_WORDS: Final[Mapping[str, Kind]] = MappingProxyType(
    {kind.value: kind for kind in Kind}
    | {
        "explanation": Kind.QUESTION,
        "exploration": Kind.QUESTION,
        "bug": Kind.BUGFIX,
        "fix": Kind.BUGFIX,
        "refactoring": Kind.REFACTOR,
        "documentation": Kind.DOCS,
        "maintenance": Kind.CHORE,
    }
)
_COMPLEXITY_WORDS: Final[Mapping[str, Complexity]] = MappingProxyType(
    {complexity.value: complexity for complexity in Complexity}
    | {
        "easy": Complexity.SIMPLE,
        "low": Complexity.SIMPLE,
        "medium": Complexity.MODERATE,
        "high": Complexity.COMPLEX,
        "hard": Complexity.COMPLEX,
    }
)


def read_intent(reply: str) -> Intent | None:
    """The intent in a model's answer, or None when there is none to be found."""
    for found in scan(reply[:_MAX_REPLY_CHARS]):
        if not isinstance(found, Found) or not isinstance(found.value, dict):
            continue
        answer = {str(key).lower(): entry for key, entry in found.value.items()}
        kind = _KIND_WORDS.get(_word(answer.get("intent", answer.get("kind"))))
        complexity = _COMPLEXITY_WORDS.get(_word(answer.get("complexity")))
        if kind is Kind.QUESTION:
            complexity = Complexity.TRIVIAL
        if kind is not None and complexity is not None:
            return _intent(kind, complexity, sure=True, reason=_sentence(answer.get("reason")))
    return None


def _word(value: object) -> str:
    return value.strip().lower().replace(" ", "") if isinstance(value, str) else ""


def _sentence(value: object) -> str:
    text = " ".join(value.split()) if isinstance(value, str) else ""
    return "".join(letter for letter in text if letter.isprintable())[:200]


def raised(keyword: Intent, model: Intent | None) -> Intent:
    """The keyword intent, raised to the model's complexity when that is higher.

    What keywords are sure of stands. Where they are not, the model also says what kind of
    work it is, a question included: answering one changes nothing.
    """
    if keyword.sure or model is None:
        return keyword
    if model.kind is Kind.QUESTION:
        return model
    complexity = max(keyword.complexity, model.complexity, key=_RISING.index)
    said = f"the model calls it {model.complexity.value}"
    reason = f"{said}: {model.reason}" if model.reason else said
    if complexity is keyword.complexity:
        reason = keyword.reason
    return _intent(model.kind, complexity, sure=True, reason=reason)
