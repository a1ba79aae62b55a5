"""Here-documents: where they begin and end, and those that are data, which no shell looks at."""

import re

from tree_sitter import Node

from m31a_tools.shell.blanks import stands_alone
from m31a_tools.shell.commands import Unclear
from m31a_tools.shell.grammar import DELIMITER
from m31a_tools.shell.words import text_of, unescaped

# `cat <<'END'`, the only one on its line: what follows is data, whatever stands in it.
_BEGINS = re.compile(r"<<-?[ \t]*(['\"])(\w+)\1[^\n<]*\n")


def without_data(text: str) -> tuple[str, dict[int, str]]:
    """The text without the bodies of such documents, and the bodies by their `<<`'s byte offset.

    Nothing is cut unless all here-documents are of this kind: then no line of another one, and
    no command, can be taken for such a body. The tree of what is left must show a here-document
    at each of the offsets; otherwise the text was read wrongly.
    """
    marks = text.count("<<")
    if not marks or "<<<" in text:
        return text, {}
    out: list[str] = []
    data: dict[int, str] = {}
    at = size = 0
    while (found := _BEGINS.search(text, at)) is not None:
        ending = re.compile(rf"^\t*{found[2]}$", re.MULTILINE).search(text, found.end())
        if ending is None:
            return text, {}
        data[size + len(text[at : found.start()].encode())] = text[found.end() : ending.start()]
        out.append(text[at : found.end()])
        size += len(out[-1].encode())
        at = ending.start()
    reduced = "".join((*out, text[at:]))
    return (reduced, data) if reduced.count("<<") == len(data) else (text, {})


def bounds(node: Node, source: bytes) -> tuple[Node, Node]:
    """The delimiters of a here-document. Raises Unclear where a shell may see others."""
    begin = next(each for each in node.named_children if each.type == "heredoc_start")
    end = next((each for each in node.named_children if each.type == "heredoc_end"), None)
    start = text_of(begin, source)
    if DELIMITER.fullmatch(start) is None:
        raise Unclear(f"the end of a here-document: {start[:40]}")
    if end is None or text_of(end, source) != start.strip("\\'\"") or not stands_alone(end, source):
        raise Unclear("a here-document without its end")
    return begin, end


def refuse_unseen(body: Node, end: int, source: bytes) -> None:
    """Raises Unclear for an expansion in a body, up to `end`, that the parser did not see."""
    start = body.start_byte
    for child in body.named_children:
        unescaped(source[start : child.start_byte].decode("utf-8", "replace"))
        start = child.end_byte
    unescaped(source[start:end].decode("utf-8", "replace"))
