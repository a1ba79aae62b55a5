"""Words of names, texts and goals, all in the same lower-case form."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

MOST_MENTIONS = 96
"""Words of one file, besides the names it defines, that it can be found by."""

_GOAL_CHARS = 16 * 1024
_TEXT_CHARS = 256 * 1024
_LONGEST = 40

_TOKEN = re.compile(r"[^\W\d]\w{1,79}")
_PART = re.compile(r"[A-ZÀ-Þ]+(?![a-zß-ÿ])\d*|[A-ZÀ-Þ]?[a-zß-ÿ]+\d*|[^\W\dA-Za-zÀ-ÿ_]+")
_HUMP = re.compile(r"[a-z\d][A-Z]|[^_]_[^_]")
_QUOTED = re.compile(r"`([^`\n]{2,120})`")
_WRITTEN = re.compile(r"[\w@+./-]+")
_NAMES_FILE = re.compile(r"/|\.[A-Za-z]\w{0,9}$")

STOP_WORDS = frozenset(
    """
    about above add after all also an and any are as at be because been before being but by can
    change code could create did do does done each ensure every file files fix for from get give go
    had has have he her here his how if implement in into is it its just like make may me more most
    must need needs new no not now of off on only or other our out over please project repository
    set she should show so some such sure than that the their them then there these they this those
    to too under up update use used uses using very want was we were what when where which while
    who why will with work works would you your
    abstract async await bool break case catch char class const continue def default del elif else
    end enum except export extends extern false final finally float fn func function impl import
    int interface let mod module mut namespace nil none null object package pass pub public private
    protected raise return self static str string struct super switch throw trait true try type
    typeof undefined union var void yield
    """.split()  # noqa: SIM905
)
"""Words that tell no file from another, of English and of programs."""


def parts_of(name: str) -> tuple[str, ...]:
    """The words of a name in camel, snake or any other case, lower-case."""
    return tuple(part.lower() for part in _PART.findall(name) if 1 < len(part) <= _LONGEST)


def is_compound(name: str) -> bool:
    """Whether a name is one that people write only when they mean that very name."""
    return _HUMP.search(name) is not None


def index_words(names: Iterable[str]) -> frozenset[str]:
    """What names can be found by: each whole and in its words."""
    found: set[str] = set()
    for name in names:
        found.update(parts_of(name))
        if is_compound(name) and len(name) <= 2 * _LONGEST:
            found.add(name.lower())
    return frozenset(found - STOP_WORDS)


def mentioned(text: str) -> frozenset[str]:
    """The words a text uses most, and the longer names in it, at most `MOST_MENTIONS`."""
    tokens = Counter(_TOKEN.findall(text[:_TEXT_CHARS]))
    words: Counter[str] = Counter()
    for token, count in tokens.items():
        parts = parts_of(token)
        for part in parts:
            words[part] += count
        if len(parts) > 1 and len(token) <= 2 * _LONGEST:
            words[token.lower()] += count
    for word in STOP_WORDS:
        words.pop(word, None)
    # Ties are broken by the word, so that the same text is always found by the same words.
    best = sorted(words.items(), key=lambda item: (-item[1], item[0]))[:MOST_MENTIONS]
    return frozenset(word for word, _ in best)


@dataclass(frozen=True, slots=True)
class Terms:
    """What a goal can be matched by."""

    words: tuple[str, ...]
    """Plain words, without those that stop words are."""
    names: tuple[str, ...]
    """Identifiers as somebody wrote them: with humps, underscores or in backticks."""
    paths: tuple[str, ...]
    """What looks like a file, a folder's end or a dotted module."""


def terms_of(goal: str) -> Terms:
    """The terms of a goal in the order they are written, each once."""
    goal = goal[:_GOAL_CHARS]
    written = [token.strip("/").rstrip(".") for token in _WRITTEN.findall(goal)]
    paths = dict.fromkeys(token for token in written if _NAMES_FILE.search(token))
    quoted = [word for text in _QUOTED.findall(goal) for word in _TOKEN.findall(text)]
    # What names a file is no word besides: "src/store.py" is not about every "src".
    rest = " ".join(token for token in written if token not in paths)
    tokens = _TOKEN.findall(rest)
    names = dict.fromkeys([*quoted, *(token for token in tokens if is_compound(token))])
    words = dict.fromkeys(
        part for token in tokens for part in parts_of(token) if part not in STOP_WORDS
    )
    return Terms(words=tuple(words), names=tuple(names), paths=tuple(paths))


def forms_of(word: str) -> tuple[str, ...]:
    """A word and its usual English endings, itself first: a goal says "retries", code "retry"."""
    stem = word
    for ending, instead in (("ies", "y"), ("ing", ""), ("es", ""), ("ed", ""), ("s", "")):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            stem = word.removesuffix(ending) + instead
            break
    forms = (word, stem, f"{stem}s", f"{stem}ed", f"{stem}ing", f"{stem}e", stem[:-1] + "ies")
    doubled = stem[:-1] if len(stem) > 4 and stem[-1] == stem[-2] else stem
    return tuple(dict.fromkeys((*forms, doubled)))
