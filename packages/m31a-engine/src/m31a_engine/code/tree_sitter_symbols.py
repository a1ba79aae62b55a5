"""Symbols and imports of JavaScript, TypeScript, Go and Rust files."""

import re
from functools import cache

from tree_sitter import Language as Grammar
from tree_sitter import Node

from m31a_engine.code.grammars import Named, Shape, grammar_of, named, read_with, text_of
from m31a_engine.code.languages import GRAMMAR_WHEELS, Language
from m31a_engine.code.parsed import Import, Parsed, SymbolKind
from m31a_engine.code.rust_paths import used_paths

_LANGUAGE_FUNCTIONS = {
    Language.TYPESCRIPT: "language_typescript",
    Language.TSX: "language_tsx",
}
"""What gives the grammar, in wheels that have more than one."""

_FUNCTION_VALUES = frozenset({"arrow_function", "function_expression", "generator_function"})
_EXPORTED = re.compile(r"(?:module\.)?exports\.([\w$]+)$")
_RECEIVER = re.compile(r"\*?[ \t]*([A-Za-z_]\w*)[ \t]*(?:\[[^\]]*\])?[ \t]*\)$")


def read_tree_sitter(data: bytes, language: Language) -> Parsed | None:
    """What a file holds, or None when its grammar is not there or the parser took too long."""
    grammar = _grammar(language)
    if grammar is None:
        return None
    return read_with(grammar, SHAPES[language], data)


@cache
def _grammar(language: Language) -> Grammar | None:
    return grammar_of(GRAMMAR_WHEELS[language], _LANGUAGE_FUNCTIONS.get(language, "language"))


def _variable(node: Node) -> Named | None:
    """`const f = () => …` is a function, `const LIMIT = 3` a constant, others are neither."""
    name, value = node.child_by_field_name("name"), node.child_by_field_name("value")
    if name is None or name.type not in {"identifier", "property_identifier"}:
        return None
    if value is not None and value.type in _FUNCTION_VALUES:
        return Named(name=text_of(name), kind=SymbolKind.FUNCTION)
    if value is not None and value.type == "class":
        return Named(name=text_of(name), kind=SymbolKind.CLASS)
    declaration = node.parent
    outside = declaration.parent if declaration is not None else None
    exported = outside is not None and outside.type == "export_statement"
    if exported or text_of(name).isupper():
        return Named(name=text_of(name), kind=SymbolKind.CONSTANT)
    return None


def _field(node: Node) -> Named | None:
    """A field that holds a function; a plain one is no name worth a line."""
    value = node.child_by_field_name("value")
    if value is None or value.type not in _FUNCTION_VALUES:
        return None
    name = node.child_by_field_name("name") or node.child_by_field_name("property")
    return Named(name=text_of(name), kind=SymbolKind.METHOD) if name else None


def _assignment(node: Node) -> Named | None:
    """`exports.f = …`, as files without import statements export."""
    value = node.child_by_field_name("right")
    match = _EXPORTED.match(text_of(node.child_by_field_name("left")))
    if match is None or value is None:
        return None
    is_function = value.type in _FUNCTION_VALUES
    return Named(name=match[1], kind=SymbolKind.FUNCTION if is_function else SymbolKind.CONSTANT)


def _source(node: Node) -> list[Import]:
    module = text_of(node.child_by_field_name("source")).strip("\"'`")
    return [Import(module=module)] if module else []


def _required(node: Node) -> list[Import]:
    """`const x = require("y")`, with or without something picked from it."""
    value = node.child_by_field_name("value") or node
    if value.type == "member_expression":
        value = value.child_by_field_name("object") or value
    arguments = value.child_by_field_name("arguments")
    called = text_of(value.child_by_field_name("function"))
    first = arguments.named_children[:1] if arguments else []
    if called not in {"require", "import"} or not first or first[0].type != "string":
        return []
    return [Import(module=text_of(first[0]).strip("\"'"))]


def _go_method(node: Node) -> Named | None:
    receiver = _RECEIVER.search(text_of(node.child_by_field_name("receiver")))
    return Named(
        name=text_of(node.child_by_field_name("name")),
        kind=SymbolKind.METHOD,
        container=receiver[1] if receiver else "",
    )


def _go_type(node: Node) -> Named | None:
    what = node.child_by_field_name("type")
    is_struct = what is not None and what.type == "struct_type"
    return Named(
        name=text_of(node.child_by_field_name("name")),
        kind=SymbolKind.CLASS if is_struct else SymbolKind.TYPE,
    )


def _go_import(node: Node) -> list[Import]:
    return [Import(module=text_of(node.child_by_field_name("path")).strip('"`'))]


def _rust_use(node: Node) -> list[Import]:
    return [
        Import(module=path) for path in used_paths(text_of(node.child_by_field_name("argument")))
    ]


def _rust_mod(node: Node) -> list[Import]:
    """`mod x;` stands for a file; with a body it is none."""
    if node.child_by_field_name("body") is not None:
        return []
    return [Import(module="mod", names=(text_of(node.child_by_field_name("name")),))]


_SCRIPT = Shape(
    definitions={
        "function_declaration": named(SymbolKind.FUNCTION),
        "generator_function_declaration": named(SymbolKind.FUNCTION),
        "function_signature": named(SymbolKind.FUNCTION),
        "class_declaration": named(SymbolKind.CLASS),
        "abstract_class_declaration": named(SymbolKind.CLASS),
        "interface_declaration": named(SymbolKind.TYPE),
        "type_alias_declaration": named(SymbolKind.TYPE),
        "enum_declaration": named(SymbolKind.TYPE),
        "method_definition": named(SymbolKind.METHOD),
        "abstract_method_signature": named(SymbolKind.METHOD),
        "public_field_definition": _field,
        "field_definition": _field,
        "variable_declarator": _variable,
        "assignment_expression": _assignment,
    },
    imports={
        "import_statement": _source,
        "export_statement": _source,
        "variable_declarator": _required,
        "call_expression": _required,
    },
    containers={"class_declaration": "name", "abstract_class_declaration": "name"},
    passed=frozenset(
        {
            "export_statement",
            "lexical_declaration",
            "variable_declaration",
            "ambient_declaration",
            "expression_statement",
            "internal_module",
            "module",
            "statement_block",
        }
    ),
)
_GO = Shape(
    definitions={
        "function_declaration": named(SymbolKind.FUNCTION),
        "method_declaration": _go_method,
        "type_spec": _go_type,
        "type_alias": named(SymbolKind.TYPE),
        "const_spec": named(SymbolKind.CONSTANT),
    },
    imports={"import_spec": _go_import},
    passed=frozenset(
        {"type_declaration", "const_declaration", "import_declaration", "import_spec_list"}
    ),
)
_RUST = Shape(
    definitions={
        "function_item": named(SymbolKind.FUNCTION),
        "function_signature_item": named(SymbolKind.FUNCTION),
        "struct_item": named(SymbolKind.CLASS),
        "enum_item": named(SymbolKind.CLASS),
        "union_item": named(SymbolKind.CLASS),
        "trait_item": named(SymbolKind.TYPE),
        "type_item": named(SymbolKind.TYPE),
        "const_item": named(SymbolKind.CONSTANT),
        "static_item": named(SymbolKind.CONSTANT),
        "macro_definition": named(SymbolKind.FUNCTION),
    },
    imports={"use_declaration": _rust_use, "mod_item": _rust_mod},
    containers={"impl_item": "type", "trait_item": "name"},
    passed=frozenset({"mod_item", "declaration_list"}),
)
SHAPES = {
    Language.JAVASCRIPT: _SCRIPT,
    Language.TYPESCRIPT: _SCRIPT,
    Language.TSX: _SCRIPT,
    Language.GO: _GO,
    Language.RUST: _RUST,
}
"""What the nodes of each grammar mean."""
