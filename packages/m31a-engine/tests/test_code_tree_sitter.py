"""Symbols and imports by the grammars of the extra `languages`."""

from importlib.util import find_spec

import pytest

from m31a_engine.code.grammars import grammar_of, read_with
from m31a_engine.code.languages import GRAMMAR_WHEELS, Language
from m31a_engine.code.parsed import Import, Parsed
from m31a_engine.code.reading import read_content
from m31a_engine.code.text_symbols import read_text
from m31a_engine.code.tree_sitter_symbols import SHAPES

needs_grammars = pytest.mark.skipif(
    any(find_spec(wheel) is None for wheel in GRAMMAR_WHEELS.values()),
    reason="the grammars of m31a-engine[languages] are not installed",
)

SCRIPT = """import a, {b} from './x';
import './side';
const {fs} = require('fs').promises;
export default class Foo<T> extends Bar {
  private x = 1;
  async go(a: number): Promise<void> {}
  handler = () => 1;
}
export const LIMIT = 3, later = async (x) => x;
const inner = 4;
export interface Shape { a: string }
type A = string;
declare module 'm' { export function declared(): void; }
namespace N { export function spaced() {} }
export * from './y';
export enum E { A }
module.exports.old = function () {};
export abstract class Rule { abstract check(): void }
const Klass = class {};
"""
GO = """package shop

import (
	"fmt"
	db "example.com/shop/db"
)

const Limit, Other = 5, 6

type Store[T any] struct {
	rows []T
}

type Reader interface{ Read() }
type Name = string

func New() *Store[int] { return nil }

func (s *Store[T]) Close() error {
	return nil
}
"""
RUST = """use crate::db::{self, Row as R};
pub mod rows;
const LIMIT: u8 = 1;
pub struct Store<T> { rows: Vec<T> }
impl<T> Store<T> {
    pub fn close(&self) {}
}
trait Close { fn close(&self); }
mod tests {
    fn works() {}
}
macro_rules! row { () => {} }
"""


def brief(parsed: Parsed) -> list[tuple[str, str, int, int, str]]:
    return [(s.kind.value, s.name, s.line, s.end_line, s.container) for s in parsed.symbols]


def read(text: str, language: Language) -> Parsed:
    return read_content(text.encode(), language).parsed


@needs_grammars
def test_script_symbols_and_imports() -> None:
    parsed = read(SCRIPT, Language.TYPESCRIPT)

    assert parsed.reader == "tree-sitter"
    assert brief(parsed) == [
        ("class", "Foo", 4, 8, ""),
        ("method", "go", 6, 6, "Foo"),
        ("method", "handler", 7, 7, "Foo"),
        ("constant", "LIMIT", 9, 9, ""),
        ("function", "later", 9, 9, ""),
        ("type", "Shape", 11, 11, ""),
        ("type", "A", 12, 12, ""),
        ("function", "declared", 13, 13, ""),
        ("function", "spaced", 14, 14, ""),
        ("type", "E", 16, 16, ""),
        ("function", "old", 17, 17, ""),
        ("class", "Rule", 18, 18, ""),
        ("method", "check", 18, 18, "Rule"),
        ("class", "Klass", 19, 19, ""),
    ]
    assert {item.module for item in parsed.imports} == {"./x", "./side", "fs", "./y"}


@needs_grammars
@pytest.mark.parametrize("language", [Language.JAVASCRIPT, Language.TSX])
def test_markup_in_scripts_is_read(language: Language) -> None:
    text = (
        "const x = require('./x');\nrequire('./side')\nexports.a = 1; exports.b = () => 2;\n"
        "let z = require(name);\nlet {q} = z;\nclass C { f = () => 1; n = 2 }\n"
        "export const App = () => <div/>;\n"
    )
    parsed = read(text, language)

    assert [s.name for s in parsed.symbols] == ["a", "b", "C", "f", "App"]
    assert set(parsed.imports) == {Import(module="./x"), Import(module="./side")}


@needs_grammars
def test_go_symbols_and_imports() -> None:
    parsed = read(GO, Language.GO)

    assert brief(parsed) == [
        ("constant", "Limit", 8, 8, ""),
        ("class", "Store", 10, 12, ""),
        ("type", "Reader", 14, 14, ""),
        ("type", "Name", 15, 15, ""),
        ("function", "New", 17, 17, ""),
        ("method", "Close", 19, 21, "Store"),
    ]
    assert parsed.imports == (Import(module="fmt"), Import(module="example.com/shop/db"))


@needs_grammars
def test_rust_symbols_and_imports() -> None:
    parsed = read(RUST, Language.RUST)

    assert brief(parsed) == [
        ("constant", "LIMIT", 3, 3, ""),
        ("class", "Store", 4, 4, ""),
        ("method", "close", 6, 6, "Store"),
        ("type", "Close", 8, 8, ""),
        ("method", "close", 8, 8, "Close"),
        ("function", "works", 10, 10, ""),
        ("function", "row", 12, 12, ""),
    ]
    assert set(parsed.imports) == {
        Import(module="crate::db"),
        Import(module="crate::db::Row"),
        Import(module="mod", names=("rows",)),
    }


@needs_grammars
@pytest.mark.parametrize("opening", ["(", "{", "<a>", "a+", "class A {", "`${", "[", "impl X {"])
@pytest.mark.parametrize("language", [Language.TSX, Language.GO, Language.RUST])
def test_nesting_without_end_is_read_in_bounded_time(opening: str, language: Language) -> None:
    text = "\n".join([opening * 20] * 500)

    assert read(text, language).lines == 500


@needs_grammars
def test_a_parser_that_takes_too_long_is_stopped() -> None:
    grammar = grammar_of(GRAMMAR_WHEELS[Language.GO])
    assert grammar is not None

    assert read_with(grammar, SHAPES[Language.GO], GO.encode() * 200, longest_s=-1) is None


def test_a_grammar_that_is_not_there_is_none() -> None:
    assert grammar_of("tree_sitter_no_such_language") is None
    assert grammar_of("json", "no_such_function") is None


@pytest.mark.parametrize(
    ("language", "text", "names", "modules"),
    [
        (Language.TYPESCRIPT, SCRIPT, ["Foo", "Rule"], ["./x", "./side", "fs", "./y"]),
        (Language.GO, GO, ["Store", "New", "Close"], ["fmt", "example.com/shop/db"]),
        (Language.RUST, RUST, ["Store", "close"], ["mod", "crate::db", "crate::db::Row"]),
    ],
)
def test_without_grammars_names_and_imports_are_told_by_the_look_of_lines(
    language: Language,
    text: str,
    names: list[str],
    modules: list[str],
) -> None:
    parsed = read_text(text, language)

    assert set(names) <= {symbol.name for symbol in parsed.symbols}
    assert [item.module for item in parsed.imports] == modules
