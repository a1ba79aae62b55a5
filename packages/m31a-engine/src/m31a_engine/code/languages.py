"""What a path says about its content: the language, and how much it matters to a goal."""

import re
from enum import StrEnum


class Language(StrEnum):
    """How a file's names and imports are read."""

    PYTHON = "python"
    JAVASCRIPT = "javascript"
    TYPESCRIPT = "typescript"
    TSX = "tsx"
    GO = "go"
    RUST = "rust"
    C = "c"
    OTHER_CODE = "code"
    MARKDOWN = "markdown"
    MANIFEST = "manifest"
    """`go.mod` or `package.json`: they name the folder they stand in."""
    TEXT = "text"


_SUFFIXES = {
    Language.PYTHON: "py pyi pyw",
    Language.JAVASCRIPT: "js jsx mjs cjs",
    Language.TYPESCRIPT: "ts mts cts",
    Language.TSX: "tsx",
    Language.GO: "go",
    Language.RUST: "rs",
    Language.C: "c h cc cpp cxx hh hpp hxx m mm",
    Language.OTHER_CODE: (
        "java kt kts scala groovy cs fs vb swift rb php pl pm lua r jl ex exs erl hrl clj cljs hs "
        "ml mli nim zig d dart v sol sh bash zsh fish ps1 sql vue svelte proto graphql tf"
    ),
    Language.MARKDOWN: "md markdown mdx",
}
_LANGUAGE_OF = {
    f".{suffix}": language
    for language, suffixes in _SUFFIXES.items()
    for suffix in suffixes.split()
}
GRAMMAR_WHEELS = {
    Language.JAVASCRIPT: "tree_sitter_javascript",
    Language.TYPESCRIPT: "tree_sitter_typescript",
    Language.TSX: "tree_sitter_typescript",
    Language.GO: "tree_sitter_go",
    Language.RUST: "tree_sitter_rust",
}
"""Language → the module of the extra `languages` that has its grammar."""

_MANIFESTS = frozenset({"go.mod", "package.json"})
_PROSE = frozenset({Language.MARKDOWN, Language.TEXT, Language.MANIFEST})

_MADE_BY_PROGRAMS = re.compile(
    r"(?:^|/)(?:node_modules|vendor|third_party|dist|build|target|\.venv|site-packages|__pycache__"
    r"|coverage|__snapshots__)/"
    r"|(?:\.min\.(?:js|css)|\.lock|-lock\.(?:json|yaml)|\.sum|\.map|\.snap|\.svg|_pb2\.pyi?|\.pb\.go)$"
)
_TESTS = re.compile(
    r"(?:^|/)(?:tests?|testing|spec|__tests__)/"
    r"|(?:^|/)test_[^/]*$|[._-](?:test|tests|spec)\.[a-z]+$|(?:^|/)conftest\.py$"
)


def language_of(path: str) -> Language:
    """The language of a file, told by its name."""
    # Asked for every file of a project at every start, so without the functions of posixpath.
    name = path[path.rfind("/") + 1 :]
    dot = name.rfind(".")
    language = _LANGUAGE_OF.get(name[dot:].lower()) if dot > 0 else None
    if language is not None:
        return language
    return Language.MANIFEST if name in _MANIFESTS else Language.TEXT


def is_test(path: str) -> bool:
    """Whether a file is there to test another."""
    return _TESTS.search(path) is not None


def weight_of(path: str) -> float:
    """How much a match in this file counts, from 0.2 (made by a program) to 1 (source code)."""
    if _MADE_BY_PROGRAMS.search(path):
        return 0.2
    if language_of(path) in _PROSE:
        return 0.6
    return 0.75 if is_test(path) else 1.0
