"""One pass over a syntax tree: the simple commands in it, and what redirections do."""

import re
from collections.abc import Callable, Iterator

from tree_sitter import Node

from m31a_tools.shell.blanks import check_blanks
from m31a_tools.shell.commands import Kind, Simple, Taken, Unclear, Word
from m31a_tools.shell.findings import Findings
from m31a_tools.shell.folders import folders_after
from m31a_tools.shell.grammar import (
    CALCULATES,
    EXPANSIONS,
    LEAVES,
    LITERALS,
    MOVES,
    NAMES,
    NAMING,
    NUMERIC_TESTS,
    PASSED_THROUGH,
    RESERVED,
    ROWS,
    SOCKET,
)
from m31a_tools.shell.heredocs import bounds, refuse_unseen
from m31a_tools.shell.words import expands, text_of, unescaped, word_of

MAX_DEPTH = 100

Nested = Callable[[str, tuple[str, ...], int], Taken]
"""Takes a text apart that stands in another, at a depth."""


class Walk:
    """One pass over a tree, in the order in which a shell would run it."""

    def __init__(
        self, source: bytes, folders: tuple[str, ...], data: dict[int, str], nested: "Nested"
    ) -> None:
        self.source = source
        self.folders = folders
        """Where a command may start by now; empty when that cannot be told."""
        self.start = folders
        self.data = data
        self.nested = nested
        self.found = Findings()
        self.more: dict[int, tuple[Word, ...]] = {}
        self.input: dict[int, str] = {}

    def visit(self, node: Node, depth: int) -> None:
        """Note what a node and all below it would do."""
        if depth > MAX_DEPTH:
            raise Unclear("it is nested too deeply")
        kind = node.type
        if kind in ROWS:
            check_blanks(node, self.source)
        if kind in CALCULATES or (kind == "compound_statement" and self.begins(node, "((")):
            self.calculation(node)
        match kind:
            case "command":
                self.command(node, depth)
            case "redirected_statement":
                self.redirected(node, depth)
            case "file_redirect":
                if self.redirect(node, depth):
                    raise Unclear("words behind a redirection")
            case "herestring_redirect":
                self.below(node, depth)
            case "heredoc_redirect":
                self.heredoc(node, depth)
            case "variable_assignment" | "variable_assignments":
                self.setting(node)
                self.below(node, depth)
            case "declaration_command" | "unset_command":
                self.setting(node)
                quoted = (each for each in _all_below(node) if each.type == "raw_string")
                if any(_evaluates(self.text(each)) for each in quoted):
                    self.found.doubt("an index that runs a command")
                self.below(node, depth)
            case "test_command":
                if any(word in NUMERIC_TESTS for word in self.text(node).split()):
                    self.calculation(node)
                self.below(node, depth)
            case "command_substitution":
                self.substitution(node, depth)
            case "expansion":
                if re.search(r"@[A-Za-z]\}$", self.text(node)):
                    raise Unclear(f"an expansion that may run commands: {self.text(node)[:40]}")
                if re.match(r"\$\{\w+:?=", self.text(node)):
                    self.setting(node)
                self.below(node, depth)
            case "for_statement":
                # A loop over PATH sets it; small letters mean nothing to programs.
                if not self.text(node.named_children[0]).islower():
                    self.setting(node)
                self.again(node, depth)
            case "function_definition" | "c_style_for_statement" | "while_statement":
                self.again(node, depth)
            case _ if kind in PASSED_THROUGH:
                self.below(node, depth)
            case _ if kind in LITERALS:
                self.word(node)
                self.below(node, depth)
            case "simple_expansion":
                if re.fullmatch(r"\$(?:\w+|[@*#?$!-])", self.text(node)) is None:
                    raise Unclear(f"an expansion with a gap: {self.text(node)[:40]}")
            case "heredoc_content":
                unescaped(self.text(node))
            case "regex":
                if expands(self.text(node)):
                    raise Unclear(f"an expansion in a pattern: {self.text(node)[:40]}")
            case _ if kind not in LEAVES:
                self.found.doubt(f"a construct that is not known here: {kind}")
                self.below(node, depth)

    def below(self, node: Node, depth: int) -> None:
        """Visit what stands directly below a node."""
        for child in node.named_children:
            self.attempt(child, depth)

    def attempt(self, node: Node, depth: int) -> None:
        """Visit a node; when it is unclear, what follows is looked at all the same."""
        try:
            self.visit(node, depth + 1)
        except Unclear as exc:
            self.found.doubt(str(exc))

    def text(self, node: Node) -> str:
        """The source of a node."""
        return text_of(node, self.source)

    def begins(self, node: Node, token: str) -> bool:
        """Whether a node begins with this token."""
        first = node.child(0)
        return first is not None and first.type == token

    def word(self, node: Node) -> Word:
        """The word of a node; what is unclear about it is noted."""
        try:
            return word_of(node, self.source)
        except Unclear as exc:
            self.found.doubt(str(exc))
            return Word(self.text(node), Kind.OPEN)

    def setting(self, node: Node) -> None:
        """Note that variables are set or looked into."""
        shown = self.text(node)
        self.found.commands.append(Simple(words=(Word(shown),), shown=shown, sets=True))

    def calculation(self, node: Node) -> None:
        """Arithmetic on variables: a value can hold an index with a substitution in it."""
        inner = node.named_children
        if node.type == "subscript":
            inner = [child for child in inner[1:] if self.text(child) not in ("@", "*")]
        if any(each.type in NAMES for child in inner for each in _all_below(child)):
            self.setting(node)

    def again(self, node: Node, depth: int) -> None:
        """A loop or a function: what stands in it may run later, and in another folder."""
        before = self.folders
        named = node.named_children
        function = node.type == "function_definition"
        moves = MOVES.search(self.text(node)) is not None
        if function or moves:
            self.folders = ()
        for child in named[1:] if function else named:
            self.attempt(child, depth)
        self.folders = () if moves else before

    def substitution(self, node: Node, depth: int) -> None:
        """Commands whose output is put in their place."""
        text = self.text(node).strip()
        if not text.startswith("`") or "\\" not in text:
            self.below(node, depth)
            return
        # Between backquotes a backslash is taken away before the commands are read.
        parent = node.parent
        quoted = '"' if parent is not None and parent.type == "string" else ""
        inner = re.sub(rf"\\([\\`${quoted}])", r"\1", text[1:-1])
        self.found.add(self.nested(inner, self.folders, depth + 1))

    def redirected(self, node: Node, depth: int) -> None:
        """A statement and its redirections; words behind a redirection's file belong to it."""
        since = self.found.unsettled
        body: Node | None = None
        more: list[Word] = []
        held: list[str] = []
        for child in node.named_children:
            if child.type == "file_redirect":
                more += self.redirect(child, depth)
            elif child.type == "heredoc_redirect":
                held += self.heredoc(child, depth)
            elif child.type == "herestring_redirect":
                self.below(child, depth)
            else:
                body = child
        owner = _last_command(body)
        if owner is not None:
            self.more[owner.id] = tuple(more)
            if held and owner is body:
                self.input[owner.id] = held[-1]
        elif more:
            raise Unclear("words behind a redirection")
        if body is not None:
            self.attempt(body, depth)
        self.found.settle(since, self.folders)

    def redirect(self, node: Node, depth: int) -> tuple[Word, ...]:
        """Note where output goes; the words behind the file, which are the command's."""
        check_blanks(node, self.source)
        operator = next(child.type for child in node.children if not child.is_named)
        nodes = [child for child in node.named_children if child.type != "file_descriptor"]
        for each in nodes:
            self.visit(each, depth + 1)
        words = tuple(map(self.word, nodes))
        if operator.endswith("-"):
            return words
        if not words:
            raise Unclear("a redirection to nowhere")
        file = words[0]
        duplicates = operator in (">&", "<&")
        if duplicates and not re.fullmatch(r"[\w./-]+", text_of(nodes[0], self.source)):
            raise Unclear(f"a redirection to {file.text[:40]}")
        copied = duplicates and re.fullmatch(r"\d+-?|-", file.text)
        if SOCKET.match(file.known):
            self.found.sockets = True
        elif ">" in operator and not copied and nodes[0].type != "process_substitution":
            self.found.written(file, loses=">>" not in operator)
        elif operator == "<" and file.known:
            self.found.reads.append(file.known)
        return words[1:]

    def heredoc(self, node: Node, depth: int) -> list[str]:
        """What a here-document holds, when it holds no expansions."""
        check_blanks(node, self.source)
        begin, end = bounds(node, self.source)
        quoted = self.text(begin)[0] in "\\'\""
        held: list[str] = []
        for child in node.named_children:
            if child.type == "heredoc_body":
                text = self.data.get(node.child(0).start_byte, self.text(child))
                if not quoted:
                    refuse_unseen(child, end.start_byte, self.source)
                    self.below(child, depth)
                if quoted or not child.named_children:
                    held.append(text)
            elif child.type in LITERALS:
                raise Unclear("words behind a here-document")
            elif child not in (begin, end):
                self.visit(child, depth + 1)
        return held

    def command(self, node: Node, depth: int) -> None:
        """A simple command: its words, wherever they stand among redirections."""
        since = self.found.unsettled
        words: list[Word] = []
        more: list[Word] = []
        prefixed = False
        name = ""
        for child in node.children:
            if child.type == "variable_assignment":
                prefixed = True
                check_blanks(child, self.source)
                self.below(child, depth)
            elif child.type == "file_redirect":
                more += self.redirect(child, depth)
            elif child.type in ("herestring_redirect", "heredoc_redirect"):
                self.visit(child, depth + 1)
            elif child.type == "command_name":
                name = self.text(child)
                words.append(self.word(child))
                self.below(child, depth)
            elif child.is_named and child.type not in LITERALS | EXPANSIONS:
                raise Unclear(f"a {child.type} among the words of a command")
            else:
                words.append(self.word(child))
                if child.is_named:
                    self.visit(child, depth + 1)
        words += [*more, *self.more.get(node.id, ())]
        if name in RESERVED:
            raise Unclear(f"{name} in an unexpected place")
        self.program(node, words, prefixed)
        self.found.settle(since, self.folders)

    def program(self, node: Node, words: list[Word], prefixed: bool) -> None:
        """Note a command with its words."""
        if not words:
            return
        if words[0].text in NAMING and any(_evaluates(word.known) for word in words):
            self.found.doubt("an index that runs a command")
        self.found.commands.append(
            Simple(
                words=tuple(words),
                shown=self.text(node),
                prefixed=prefixed,
                moved=self.folders != self.start,
                folders=self.folders,
                data=self.input.get(node.id),
            )
        )
        self.folders = folders_after(words, self.folders)


def _last_command(node: Node | None) -> Node | None:
    """The command that a redirection behind a statement really belongs to."""
    while node is not None and node.type in ("list", "pipeline", "negated_command"):
        node = node.named_children[-1] if node.named_children else None
    return node if node is not None and node.type == "command" else None


def _all_below(node: Node) -> Iterator[Node]:
    """A node and all below it, however deep."""
    waiting = [node]
    while waiting:
        here = waiting.pop()
        yield here
        waiting.extend(reversed(here.named_children))


def _evaluates(text: str) -> bool:
    return "[" in text and ("$(" in text or "`" in text)
