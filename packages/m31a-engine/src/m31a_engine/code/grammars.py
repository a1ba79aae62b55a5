"""A walk over a syntax tree of tree-sitter that every grammar describes in a table.

The grammars are wheels of their own, in the extra `languages`; a missing one is no error.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from time import monotonic

from tree_sitter import Language as Grammar
from tree_sitter import Node, Parser, Tree

from m31a_engine.code.parsed import (
    MOST_SYMBOLS,
    Import,
    Parsed,
    Symbol,
    SymbolKind,
    in_order,
    signature_at,
)

LONGEST_PARSE_S = 2.0
_STEP_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Named:
    """A definition that a node turned out to be."""

    name: str
    kind: SymbolKind
    container: str = ""
    """What it belongs to when that stands in the node itself, as a Go receiver does."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What the node types of one grammar mean; all others are passed over."""

    definitions: Mapping[str, Callable[[Node], Named | None]]
    imports: Mapping[str, Callable[[Node], list[Import]]]
    passed: frozenset[str]
    """Nodes whose children belong to whatever the node belongs to."""
    containers: Mapping[str, str] = field(default_factory=dict)
    """Nodes whose body is a scope of its own, and the field that names it."""


def named(kind: SymbolKind) -> Callable[[Node], Named | None]:
    """A definition that has its name in the field `name`."""

    def look(node: Node) -> Named | None:
        name = text_of(node.child_by_field_name("name"))
        return Named(name=name, kind=kind) if name else None

    return look


def text_of(node: Node | None) -> str:
    """The source of a node; nothing when there is no node."""
    if node is None or node.text is None:
        return ""
    return node.text.decode("utf-8", "replace")


def grammar_of(package: str, function: str = "language") -> Grammar | None:
    """The grammar in a wheel, or None when it is not installed or does not fit this tree-sitter."""
    try:
        return Grammar(getattr(import_module(package), function)())
    except (ImportError, AttributeError, ValueError):
        return None


def read_with(
    grammar: Grammar, shape: Shape, data: bytes, longest_s: float = LONGEST_PARSE_S
) -> Parsed | None:
    """What a file holds by its syntax tree, or None when parsing took too long."""
    tree = _parse(grammar, data, longest_s)
    if tree is None:
        return None
    lines = data.decode("utf-8", "replace").split("\n")
    symbols: list[Symbol] = []
    imports: dict[Import, None] = {}
    waiting = [(tree.root_node, "")]
    while waiting and len(symbols) < MOST_SYMBOLS:
        parent, container = waiting.pop()
        inner: list[tuple[Node, str]] = []
        for node in parent.named_children:
            if look := shape.definitions.get(node.type):
                symbols.extend(_symbol(look(node), node, container, lines))
            if read := shape.imports.get(node.type):
                imports.update(dict.fromkeys(read(node)))
            if name_field := shape.containers.get(node.type):
                scope = text_of(node.child_by_field_name(name_field)).split("<")[0].strip()
                body = node.child_by_field_name("body")
                inner.extend([(body, f"{container}.{scope}".strip("."))] if body else [])
            elif node.type in shape.passed:
                inner.append((node, container))
        waiting.extend(reversed(inner))
    return Parsed(
        reader="tree-sitter", lines=len(lines), symbols=in_order(symbols), imports=tuple(imports)
    )


def _symbol(found: Named | None, node: Node, container: str, lines: list[str]) -> list[Symbol]:
    if found is None:
        return []
    scope = found.container or container
    method = found.kind is SymbolKind.FUNCTION and scope != ""
    line = node.start_point.row + 1
    return [
        Symbol(
            name=found.name,
            kind=SymbolKind.METHOD if method else found.kind,
            line=line,
            end_line=node.end_point.row + 1,
            container=scope,
            signature=signature_at(lines, line),
        )
    ]


def _parse(grammar: Grammar, data: bytes, longest_s: float) -> Tree | None:
    """The tree of a content; None when its parser is still at it after `longest_s`."""
    until = monotonic() + longest_s
    try:
        return Parser(grammar).parse(
            lambda offset, _: data[offset : offset + _STEP_BYTES],
            progress_callback=lambda _, __: monotonic() > until,
        )
    except ValueError:
        return None
