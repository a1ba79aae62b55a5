"""Where the parser ends a word and a shell would not.

The grammar takes an escaped blank for a blank, and ends some words early: ``e`x`val`` is one word
for a shell and three for the grammar. Both show in what stands between neighbours in the tree.
"""

import re
from itertools import pairwise

from tree_sitter import Node

from m31a_tools.shell.commands import Unclear
from m31a_tools.shell.options import names

_BLANK = re.compile(rb"(?:[ \t\n]|\\\n)*")
_BLANK_IN_LINE = re.compile(rb"(?:[ \t]|\\\n)*")
_JOINED = re.compile(rb"(?:\\\n)*")
_IN_LINE = names(
    "command redirected_statement file_redirect herestring_redirect declaration_command "
    "unset_command variable_assignments"
)
_ENDS_WORDS = re.compile(rb"[|&;()<>\n]+-?")
_WHOLE = names(
    "word number string raw_string ansi_c_string concatenation translated_string "
    "brace_expression extglob_pattern simple_expansion expansion command_substitution "
    "process_substitution arithmetic_expansion comment variable_name regex"
)
_GOES_ON = re.compile(rb"(?<!\\)(?:\\\\)*\\\n")
_HOLDS_LINES = names(
    "string_content string raw_string ansi_c_string heredoc_body heredoc_content comment word"
)


def check_blanks(node: Node, source: bytes) -> None:
    """Refuse neighbours that a shell would not take apart. Raises Unclear."""
    children = node.children
    if node.type == "program" and children:
        ends = (source[: children[0].start_byte], source[children[-1].end_byte :])
        if not all(map(_BLANK.fullmatch, ends)):
            raise Unclear("a blank that is not one")
    if node.type == "variable_assignment":
        gaps = (source[a.end_byte : b.start_byte] for a, b in pairwise(children))
        if not all(map(_JOINED.fullmatch, gaps)):
            raise Unclear("a variable and its value apart")
        return
    blank = _BLANK_IN_LINE if node.type in _IN_LINE else _BLANK
    for left, right in pairwise(children):
        if right.type in ("heredoc_body", "heredoc_end"):
            continue
        gap = source[left.end_byte : right.start_byte]
        if not gap:
            before, after = _last(left), _first(right)
            if not (_is_mark(before, source) or _is_mark(after, source)):
                raise Unclear("words with no blank between them")
        elif blank.fullmatch(gap) is None:
            raise Unclear("a blank that is not one")


def stands_alone(end: Node, source: bytes) -> bool:
    """Whether the end of a here-document is all there is on its line."""
    before = source[: end.start_byte].rstrip(b"\t")[-1:]
    return before == b"\n" and source[end.end_byte : end.end_byte + 1] in (b"\n", b"")


def _first(node: Node) -> Node:
    while node.type not in _WHOLE and node.child_count:
        node = node.children[0]
    return node


def _last(node: Node) -> Node:
    while node.type not in _WHOLE and node.child_count:
        node = node.children[-1]
    return node


def _is_mark(node: Node, source: bytes) -> bool:
    """Whether a token ends words by itself, and nothing is glued to it."""
    text = source[node.start_byte : node.end_byte]
    return node.type not in _WHOLE and _ENDS_WORDS.fullmatch(text) is not None


def splits_a_word(root: Node, source: bytes) -> bool:
    """Whether a backslash and a line end stand between letters: a shell reads on as if not."""
    for hit in _GOES_ON.finditer(source):
        at = hit.end() - 2
        if source[at - 1 : at].strip() and source[at + 2 : at + 3].strip():
            node = root.descendant_for_byte_range(at, at + 2)
            if node is None or node.type not in _HOLDS_LINES:
                return True
    return False
