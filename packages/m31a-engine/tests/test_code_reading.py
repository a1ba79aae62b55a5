"""Symbols, imports and words of one file, whatever is in it."""

import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from m31a_engine.code.languages import Language, language_of, weight_of
from m31a_engine.code.parsed import Import, Parsed, Symbol, SymbolKind
from m31a_engine.code.reading import MOST_BYTES, read_content, reader_of
from m31a_engine.code.rust_paths import used_paths
from m31a_engine.code.words import forms_of, mentioned, parts_of, terms_of

PYTHON = b'''"""A store."""
import os, json.decoder
from . import words
from .parsed import Parsed, Symbol
from app.core import (
    engine,
)

LIMIT: int = 5
RATE = 0.5
plain = 1


class Store(Base):
    """Rows."""

    KEPT = True

    class Row:
        def cells(self): ...

    @property
    def size(self) -> int:
        import late
        def inner(): ...
        return 1


if LIMIT:
    async def load(
        path: str,
    ) -> Store:
        return Store()
'''


def brief(parsed: Parsed) -> list[tuple[str, str, int, int, str]]:
    return [(s.kind.value, s.name, s.line, s.end_line, s.container) for s in parsed.symbols]


def read(data: bytes, path: str = "a.py") -> Parsed:
    return read_content(data, language_of(path)).parsed


def test_python_symbols_have_kinds_line_ranges_and_containers() -> None:
    assert brief(read(PYTHON)) == [
        ("constant", "LIMIT", 9, 9, ""),
        ("constant", "RATE", 10, 10, ""),
        ("class", "Store", 14, 26, ""),
        ("constant", "KEPT", 17, 17, "Store"),
        ("class", "Row", 19, 20, "Store"),
        ("method", "cells", 20, 20, "Store.Row"),
        ("method", "size", 23, 26, "Store"),
        ("function", "load", 30, 33, ""),
    ]


def test_python_imports_are_found_in_functions_too() -> None:
    assert set(read(PYTHON).imports) == {
        Import(module="os"),
        Import(module="json.decoder"),
        Import(module=".", names=("words",)),
        Import(module=".parsed", names=("Parsed", "Symbol")),
        Import(module="app.core", names=("engine",)),
        Import(module="late"),
    }


def test_a_signature_is_one_printable_line() -> None:
    data = (
        b"class Store(Base):\n    def go(self, x='\x1b[31m'): pass\n\ndef f("
        + b"a, " * 99
        + b"b): 1\n"
    )

    store, go, f = (symbol.signature for symbol in read(data).symbols)

    assert store == "class Store(Base)"
    assert go.isprintable()
    assert len(f) == 100
    assert f.endswith("…")


def test_a_type_alias_of_newer_pythons_is_a_type_where_it_can_be_parsed() -> None:
    data = b"type Pairs[T] = list[T]\n\ndef f(): ...\n"
    if reader_of(Language.PYTHON) == "python3.11":
        assert read(data).reader == "words"
    else:
        assert brief(read(data))[0] == ("type", "Pairs", 1, 1, "")


@pytest.mark.parametrize(
    "data",
    [
        b"def broken(:\n    pass\n",
        b"# -*- coding: no-such-coding -*-\ndef broken(): pass\n",
        b"def broken():\n x = " + b"-" * 7_000 + b"1\n",
        b"def broken():\n x = a" + b".a" * 3_500 + b"\n",
        b"def broken():\n x = " + b"(" * 500 + b"\n",
        b"def broken(): '\xff\xfe'\n",
        b"def broken(): pass\n" + b"x = 1  # " + b"y" * 60 + b"\n" * 300_000,
    ],
    ids=["syntax", "coding", "unary", "attributes", "brackets", "not utf-8", "too large"],
)
def test_python_that_cannot_be_parsed_is_still_known_by_names_and_words(data: bytes) -> None:
    reading = read_content(data, Language.PYTHON)

    assert reading.parsed.reader == "words"
    assert [symbol.name for symbol in reading.parsed.symbols] == ["broken"]
    assert "broken" in reading.defines


def test_invalid_escapes_do_not_warn_and_do_not_matter() -> None:
    assert read(b"def f():\n    return '\\d'\n").reader == "python"


@pytest.mark.parametrize(
    "data",
    [b"", b"\x7fELF\0\0" * 10, b"x" * (MOST_BYTES + 1), b"var a=1;" * 5000],
    ids=["empty", "binary", "huge", "minified"],
)
def test_what_nobody_wrote_by_hand_is_skipped(data: bytes) -> None:
    reading = read_content(data, Language.OTHER_CODE)

    assert reading.parsed == Parsed(reader="skipped")
    assert not reading.defines | reading.mentions


def test_a_file_with_very_many_names_keeps_the_first_thousand() -> None:
    data = b"".join(b"def f%d(): 1\n" % number for number in range(3000))

    assert [s.name for s in read(data).symbols] == [f"f{number}" for number in range(1000)]
    words = read(data.replace(b"1\n", b"(\n"))
    assert (words.reader, len(words.symbols)) == ("words", 1000)


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=300), st.sampled_from(Language))
def test_no_bytes_at_all_make_reading_fail(data: bytes, language: Language) -> None:
    lines = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").count(b"\n") + 1

    reading = read_content(data, language)

    assert all(1 <= s.line <= s.end_line <= lines for s in reading.parsed.symbols)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                "def f",
                "class A",
                "(",
                ")",
                ":",
                "\n",
                "\n    ",
                "import ",
                "a.b",
                "=",
                "'",
                "{",
                "X",
            ]
        )
    ).map("".join),
    st.sampled_from(Language),
)
def test_no_broken_program_makes_reading_fail(text: str, language: Language) -> None:
    first = read_content(text.encode(), language)

    assert first == read_content(text.encode(), language)


@pytest.mark.parametrize(
    ("path", "text", "names"),
    [
        ("a.rb", "module Shop\n  class Cart < Base\n    def total\n", ["Shop", "Cart", "total"]),
        ("a.java", "public final class Cart {\n  interface Row {}\n}\n", ["Cart", "Row"]),
        ("a.kt", "data class X(val a: Int)\nprivate fun go() {}\n", ["go"]),
        ("a.php", "abstract class Cart {\n public static function add() {}\n", ["Cart", "add"]),
        ("a.sh", "function build {\n:\n}\n", ["build"]),
        ("a.proto", "enum Kind {}\n", ["Kind"]),
        ("a.lua", "local function go()\nend\n", ["go"]),
        ("a.md", "# Title #\ntext\n## Part two\n", ["Title", "Part two"]),
        ("a.txt", "class of problems\n# no heading\n", []),
    ],
)
def test_names_of_other_languages_are_told_by_the_look_of_lines(
    path: str, text: str, names: list[str]
) -> None:
    assert [symbol.name for symbol in read(text.encode(), path).symbols] == names


def test_a_name_without_a_parser_ends_where_the_next_begins() -> None:
    symbols = read(b"class A\n  x\n  y\ndef b\nend\n", "a.rb").symbols

    assert [(s.line, s.end_line) for s in symbols] == [(1, 3), (4, 6)]
    assert symbols[0] == Symbol(
        name="A", kind=SymbolKind.CLASS, line=1, end_line=3, signature="class A"
    )


@pytest.mark.parametrize(
    ("path", "text", "package"),
    [
        ("go.mod", "// x\nmodule example.com/shop/v2\n\ngo 1.22\n", "example.com/shop/v2"),
        ("web/package.json", '{"name": "@shop/ui", "main": "x.js"}', "@shop/ui"),
        ("package.json", '{"name": 3}', ""),
        ("package.json", "[" * 100_000, ""),
        ("package.json", "[]", ""),
    ],
)
def test_manifests_name_their_folder(path: str, text: str, package: str) -> None:
    # Too long for one line to be looked at otherwise.
    assert read(text.replace("[", "[\n").encode(), path).package == package


@pytest.mark.parametrize(
    ("path", "text", "modules"),
    [
        ("a.vue", "import x from './x'\nconst y = require(\"../y\")\n", ["./x", "../y"]),
        ("a.c", '#include "list.h"\n# include <stdio.h>\n', ["list.h"]),
        ("a.md", 'import x from "./x"', []),
    ],
)
def test_imports_of_other_languages_are_what_stands_in_quotes(
    path: str, text: str, modules: list[str]
) -> None:
    assert [item.module for item in read(text.encode(), path).imports] == modules


def test_broken_python_still_imports() -> None:
    parsed = read(b"from .a import b\nimport c.d\ndef (\n")

    assert [item.module for item in parsed.imports] == [".a", "c.d"]


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ("a::b", ("a::b",)),
        ("a::{b, c::{self, D as E}, f::*}", ("a::b", "a::c", "a::c::D", "a::f")),
        ("crate::x::{self}", ("crate::x",)),
        ("{a, b::c}", ("a", "b::c")),
        ("a::{b, {{{", ("a::b",)),
        ("}}}", ()),
        ("", ()),
    ],
)
def test_paths_of_a_rust_use_are_written_out(text: str, paths: tuple[str, ...]) -> None:
    assert used_paths(text) == paths


def test_a_name_has_the_words_of_its_case() -> None:
    assert parts_of("HTTPServerError") == ("http", "server", "error")
    assert parts_of("parse_config2 utf8Text") == ("parse", "config2", "utf8", "text")
    assert parts_of("fußBall übergröße Имя") == ("fuß", "ball", "übergröße", "имя")
    assert parts_of("a_b") == ()


def test_a_text_is_found_by_its_frequent_words_and_not_by_common_ones() -> None:
    assert mentioned("retry the upload; retryUpload(upload)") == {"retry", "upload", "retryupload"}
    assert len(mentioned(" ".join(f"word{number}" for number in range(500)))) == 96


def test_a_goal_gives_words_names_and_paths() -> None:
    terms = terms_of(
        "Fix `Store.close` and parse_config in src/app/store.py, see m31a.keys. It retries."
    )

    assert terms.paths == ("Store.close", "src/app/store.py", "m31a.keys")
    assert terms.names == ("Store", "close", "parse_config")
    assert {"parse", "config", "retries"} <= set(terms.words)
    assert not {"fix", "and", "src", "py"} & set(terms.words)


@pytest.mark.parametrize(
    ("goal", "code"),
    [("retries", "retry"), ("uploading", "upload"), ("classes", "class"), ("stopped", "stop"),
     ("caches", "cache"), ("caching", "cache"), ("lock", "locks"), ("retry", "retries")],
)  # fmt: skip
def test_english_endings_do_not_hide_a_word(goal: str, code: str) -> None:
    assert code in forms_of(goal)


def test_what_programs_make_counts_less_than_what_people_write() -> None:
    order = ["src/a.py", "tests/test_a.py", "docs/a.md", "node_modules/a/index.js"]

    assert sorted(order, key=weight_of, reverse=True) == order
    assert weight_of("package-lock.json") == weight_of("web/dist/app.min.js") == 0.2


def test_who_reads_a_language_is_part_of_what_is_known() -> None:
    assert reader_of(Language.PYTHON) == f"python3.{sys.version_info.minor}"
    assert reader_of(Language.GO) in {"tree-sitter go", "words go"}
    assert reader_of(Language.C) == "words c"
