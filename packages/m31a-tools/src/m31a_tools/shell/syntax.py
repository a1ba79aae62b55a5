"""From a command line to the simple commands it is made of, by tree-sitter's grammar of bash.

What is not on the list of known constructs, does not parse, or could be read differently by a
shell is reported as unclear; nothing is skipped in silence.
"""

import re
from functools import cache

import tree_sitter_bash
from tree_sitter import Language, Node, Parser

from m31a_tools.shell.blanks import splits_a_word
from m31a_tools.shell.commands import Taken, Unclear
from m31a_tools.shell.heredocs import without_data
from m31a_tools.shell.walk import MAX_DEPTH, Walk

MAX_CHARS = 65_536
MAX_TOKENS = 2_000
"""The parser's time grows with the square of these when a text does not parse."""

_TOKEN = re.compile(r"\w+|[^\w\s]")


@cache
def _parser() -> Parser:
    return Parser(Language(tree_sitter_bash.language()))


def take_apart(text: str, folders: tuple[str, ...] = (".",), depth: int = 0) -> Taken:
    """The simple commands of a command line that starts in one of these folders."""
    text = text.encode("utf-8", "replace").decode("utf-8")
    reduced, data = without_data(text)
    tokens = sum(1 for _ in _TOKEN.finditer(reduced))
    if len(text) > MAX_CHARS or tokens > MAX_TOKENS or depth > MAX_DEPTH:
        return Taken(unclear=("it is too long or nested too deeply",))
    source = reduced.encode("utf-8")
    root = _parser().parse(source).root_node
    walk = Walk(source, folders, data, take_apart)
    if root.has_error:
        walk.found.doubt("it does not parse as a shell command")
    if any(not _is_heredoc(root, at) for at in data):
        walk.found.doubt("its here-documents are not clear")
    if splits_a_word(root, source):
        walk.found.doubt("a line that goes on in the middle of a word")
    try:
        walk.visit(root, depth)
    except Unclear as exc:
        walk.found.doubt(str(exc))
    walk.found.settle(0, walk.folders)
    return walk.found.taken()


def _is_heredoc(root: Node, at: int) -> bool:
    node = root.descendant_for_byte_range(at, at + 2)
    return node is not None and node.type in ("<<", "<<-")
