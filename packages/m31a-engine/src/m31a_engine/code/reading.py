"""One file's content as values; bounded in time and memory whatever the file holds."""

import sys
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.util import find_spec

from m31a_engine.code.languages import GRAMMAR_WHEELS, Language
from m31a_engine.code.parsed import Parsed
from m31a_engine.code.python_symbols import read_python
from m31a_engine.code.text_symbols import read_text
from m31a_engine.code.words import index_words, mentioned

MOST_BYTES = 1024 * 1024
"""Larger files are known by their path alone."""

_MOST_PYTHON_BYTES = 256 * 1024
"""A syntax tree of Python takes some 60 times its source."""
_MOST_GRAMMAR_BYTES = 512 * 1024
_LOOKED_AT_BYTES = 8 * 1024
_LONGEST_MEAN_LINE = 400


@dataclass(frozen=True, slots=True)
class Reading:
    """What is kept of a content, and the words it can be found by."""

    parsed: Parsed
    defines: frozenset[str]
    mentions: frozenset[str]


def read_content(data: bytes, language: Language) -> Reading:
    """Everything there is to know about a content; never raises over what is in it."""
    if not worth_reading(data):
        return Reading(Parsed(reader="skipped"), frozenset(), frozenset())
    text = data.replace(b"\r\n", b"\n").decode("utf-8-sig", "replace")
    parsed = _parsed(data, text, language)
    # A heading's words are on the page anyway, but the page is about them.
    defines = index_words(symbol.name for symbol in parsed.symbols)
    return Reading(parsed, defines, mentioned(text) - defines)


def worth_reading(data: bytes) -> bool:
    """Whether people wrote it: not too large, not binary, not squeezed into few lines."""
    if not data or len(data) > MOST_BYTES or b"\0" in data[:_LOOKED_AT_BYTES]:
        return False
    lines = data.count(b"\n") + 1
    return len(data) <= _LOOKED_AT_BYTES or len(data) / lines <= _LONGEST_MEAN_LINE


def reader_of(language: Language) -> str:
    """Who reads files of a language here: a content read by another is read anew."""
    if language is Language.PYTHON:
        return f"python3.{sys.version_info.minor}"
    if language in GRAMMAR_WHEELS and _is_installed(GRAMMAR_WHEELS[language]):
        return f"tree-sitter {language.value}"
    return f"words {language.value}"


def _parsed(data: bytes, text: str, language: Language) -> Parsed:
    parsed: Parsed | None = None
    if language is Language.PYTHON and len(data) <= _MOST_PYTHON_BYTES:
        parsed = read_python(data)
    elif reader_of(language).startswith("tree-sitter") and len(data) <= _MOST_GRAMMAR_BYTES:
        # Imported here because tree-sitter takes 20 ms, which most projects never need.
        reader = import_module("m31a_engine.code.tree_sitter_symbols").read_tree_sitter
        parsed = reader(data, language)
    return read_text(text, language) if parsed is None else parsed


@cache
def _is_installed(package: str) -> bool:
    return find_spec(package) is not None
