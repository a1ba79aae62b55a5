"""Symbols and imports of a Python file, by the language's own parser."""

import ast
import threading
import warnings

from m31a_engine.code.parsed import Import, Parsed, Symbol, SymbolKind, in_order, signature_at

_BLOCKS = ("body", "orelse", "finalbody", "handlers", "cases")
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_QUIET = threading.Lock()
"""The filters of `warnings` belong to the whole process; two threads would restore each other's."""


def read_python(data: bytes) -> Parsed | None:
    """What a Python file holds, or None when it is none that this Python can parse."""
    try:
        module = _parse(data)
    except (SyntaxError, ValueError, RecursionError, MemoryError, LookupError):
        return None
    lines = (
        data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").decode("utf-8", "replace").split("\n")
    )
    symbols: list[Symbol] = []
    imports: list[Import] = []
    # Blocks still to be looked at, with the class they stand in; None inside a function, whose
    # names are its own affair while its imports are not.
    waiting: list[tuple[ast.AST, str | None]] = [(module, "")]
    while waiting:
        block, container = waiting.pop()
        statements = _statements(block)
        for statement in statements:
            imports.extend(_imports(statement))
            if container is not None:
                symbols.extend(_symbols(statement, container, lines))
        waiting.extend((each, _inside(each, container)) for each in reversed(statements))
    return Parsed(
        reader="python", lines=len(lines), symbols=in_order(symbols), imports=_distinct(imports)
    )


def _parse(data: bytes) -> ast.Module:
    with _QUIET, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(data)


def _statements(block: ast.AST) -> list[ast.AST]:
    found: list[ast.AST] = []
    for name in _BLOCKS:
        inner = getattr(block, name, None)
        if isinstance(inner, list):
            found.extend(inner)
    return found


def _inside(statement: ast.AST, container: str | None) -> str | None:
    if container is None or isinstance(statement, _FUNCTIONS):
        return None
    if isinstance(statement, ast.ClassDef):
        return f"{container}.{statement.name}" if container else statement.name
    return container


def _symbols(statement: ast.AST, container: str, lines: list[str]) -> list[Symbol]:
    match statement:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
            found = [(name, SymbolKind.METHOD if container else SymbolKind.FUNCTION)]
        case ast.ClassDef(name=name):
            found = [(name, SymbolKind.CLASS)]
        case ast.Assign(targets=targets):
            names = [target.id for target in targets if isinstance(target, ast.Name)]
            found = [(name, SymbolKind.CONSTANT) for name in names if name.isupper()]
        case ast.AnnAssign(target=ast.Name(id=name)) if name.isupper():
            found = [(name, SymbolKind.CONSTANT)]
        case ast.stmt() if type(statement).__name__ == "TypeAlias":  # Python 3.12
            found = [(lines[statement.lineno - 1].split()[1].split("[")[0], SymbolKind.TYPE)]
        case _:
            return []
    return [
        Symbol(
            name=name,
            kind=kind,
            line=statement.lineno,
            end_line=statement.end_lineno or statement.lineno,
            container=container,
            signature=signature_at(lines, statement.lineno),
        )
        for name, kind in found
        if isinstance(statement, ast.stmt)
    ]


def _imports(statement: ast.AST) -> list[Import]:
    match statement:
        case ast.Import(names=names):
            return [Import(module=alias.name) for alias in names]
        case ast.ImportFrom(module=module, names=names, level=level):
            whole = "." * level + (module or "")
            return [Import(module=whole, names=tuple(alias.name for alias in names))]
        case _:
            return []


def _distinct(imports: list[Import]) -> tuple[Import, ...]:
    return tuple(dict.fromkeys(imports))
