"""Names in files that no parser is there for, by what their lines look like."""

import json
import re

from m31a_engine.code.languages import Language
from m31a_engine.code.parsed import MOST_SYMBOLS, Import, Parsed, Symbol, SymbolKind, signature_at
from m31a_engine.code.rust_paths import used_paths

_LONGEST_LINE = 400
"""Longer lines were written by a program."""

_BEFORE = (
    "export|default|declare|pub(?:\\([\\w: ]{1,40}\\))?|public|private|protected|internal|static"
    "|abstract|final|sealed|async|unsafe|open|override|inline|partial|virtual|local"
)
_KINDS = {
    SymbolKind.FUNCTION: "func|function|fn|fun|def|sub|proc|macro_rules!",
    SymbolKind.CLASS: "class|struct|object|record|union|impl|module|namespace|defmodule|enum",
    SymbolKind.TYPE: "trait|interface|type|protocol|typedef",
}
_KIND_OF = {word: kind for kind, words in _KINDS.items() for word in words.split("|")}
_DEFINITION = re.compile(
    rf"[ \t]{{0,24}}(?:(?:{_BEFORE})[ \t]+){{0,5}}({'|'.join(_KIND_OF)})[ \t]+\*?"
    r"(?:\([^()]{1,80}\)[ \t]*)?([A-Za-z_$][\w$]{0,80})"
)
_HEADING = re.compile(r" {0,3}#{1,6}[ \t]+(.{1,200})")
_QUOTED_IMPORT = re.compile(
    r"""(?:\bfrom|\bimport|\brequire\(|\bimport\()[ \t]*["']([^"'\n]{1,200})["']"""
)
_GO_IMPORT = re.compile(
    r"^[ \t]*(?:import[ \t]+)?(?:[\w.]+[ \t]+)?\"([^\"\s]{1,200})\"[ \t]*$", re.MULTILINE
)
_PYTHON_IMPORT = re.compile(
    r"^[ \t]*(?:from[ \t]+([.\w]{1,200})[ \t]+import\b|import[ \t]+([.\w]{1,200}))", re.MULTILINE
)
_INCLUDE = re.compile(r"^[ \t]*#[ \t]*include[ \t]*\"([^\"\n]{1,200})\"", re.MULTILINE)
_RUST_USE = re.compile(
    r"^[ \t]*(?:pub(?:\([\w: ]+\))?[ \t]+)?use[ \t]+([^;]{1,2000});", re.MULTILINE
)
_RUST_MOD = re.compile(
    r"^[ \t]*(?:pub(?:\([\w: ]+\))?[ \t]+)?mod[ \t]+(\w{1,80})[ \t]*;", re.MULTILINE
)
_GO_MODULE = re.compile(r"^module[ \t]+\"?([^\s\"]{1,200})", re.MULTILINE)


def read_text(text: str, language: Language) -> Parsed:
    """The names and imports that a text shows to somebody who does not know its language."""
    lines = text.split("\n")
    symbols: list[Symbol] = []
    if language is Language.MARKDOWN:
        symbols = _headings(lines)
    elif language not in {Language.TEXT, Language.MANIFEST}:
        symbols = _definitions(lines)
    return Parsed(
        reader="words",
        lines=len(lines),
        symbols=tuple(symbols),
        imports=tuple(dict.fromkeys(_imports(text, language))),
        package=_package(text) if language is Language.MANIFEST else "",
    )


def _definitions(lines: list[str]) -> list[Symbol]:
    starts: list[tuple[int, str, SymbolKind]] = []
    for number, line in enumerate(lines, 1):
        if len(line) <= _LONGEST_LINE and (match := _DEFINITION.match(line)):
            starts.append((number, match[2], _KIND_OF[match[1]]))
            if len(starts) == MOST_SYMBOLS:
                break
    return _until_the_next(starts, lines)


def _headings(lines: list[str]) -> list[Symbol]:
    starts = [
        (number, match[1].strip("# \t"), SymbolKind.HEADING)
        for number, line in enumerate(lines, 1)
        if len(line) <= _LONGEST_LINE and (match := _HEADING.match(line))
    ]
    return _until_the_next(starts[:MOST_SYMBOLS], lines)


def _until_the_next(starts: list[tuple[int, str, SymbolKind]], lines: list[str]) -> list[Symbol]:
    """Symbols that end where the next begins: without a parser nobody knows better."""
    ends = [line - 1 for line, _, _ in starts[1:]] + [len(lines)]
    return [
        Symbol(
            name=name,
            kind=kind,
            line=line,
            end_line=max(line, end),
            signature=signature_at(lines, line),
        )
        for (line, name, kind), end in zip(starts, ends, strict=False)
    ]


def _imports(text: str, language: Language) -> list[Import]:
    match language:
        case Language.JAVASCRIPT | Language.TYPESCRIPT | Language.TSX | Language.OTHER_CODE:
            return [Import(module=name) for name in _QUOTED_IMPORT.findall(text)]
        case Language.PYTHON:
            return [Import(module=one or two) for one, two in _PYTHON_IMPORT.findall(text)]
        case Language.GO:
            return [Import(module=name) for name in _GO_IMPORT.findall(text)]
        case Language.C:
            return [Import(module=name) for name in _INCLUDE.findall(text)]
        case Language.RUST:
            used = [path for use in _RUST_USE.findall(text) for path in used_paths(use)]
            inner = [Import(module="mod", names=(name,)) for name in _RUST_MOD.findall(text)]
            return [*inner, *(Import(module=path) for path in used)]
        case _:
            return []


def _package(text: str) -> str:
    if match := _GO_MODULE.search(text):
        return match[1]
    try:
        manifest = json.loads(text)
    except (ValueError, RecursionError):
        return ""
    name = manifest.get("name") if isinstance(manifest, dict) else None
    return name if isinstance(name, str) else ""
