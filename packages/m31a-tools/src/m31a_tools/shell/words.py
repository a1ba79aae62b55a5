"""The words of a command as a shell would make them, as far as that can be told."""

import re

from tree_sitter import Node

from m31a_tools.shell.commands import Kind, Unclear, Word

_ANSI_C = re.compile(
    r"\\(?:x([0-9a-fA-F]{1,2})|u([0-9a-fA-F]{1,4})|U([0-9a-fA-F]{1,8})|([0-7]{1,3})|(.))", re.DOTALL
)
_ANSI_C_LETTERS = dict(zip("ntrabeEfv\\'\"?", "\n\t\r\a\b\x1b\x1b\f\v\\'\"?", strict=True))
# What bash takes for an expansion: in a bare word, and between quotation marks.
_EXPANDS = re.compile(r"`|\$[\w({\[@*#?$!'\"-]", re.ASCII)
_EXPANDS_QUOTED = re.compile(r"`|\$[\w({\[@*#?$!-]", re.ASCII)
_SPECIAL = re.compile(rf"{_EXPANDS.pattern}|\s|[<>]\(", re.ASCII)
_PIECES = re.compile(r"\\.|[^\\]+|\\$", re.DOTALL)
_OPEN_NODES = frozenset(
    {
        "simple_expansion",
        "expansion",
        "command_substitution",
        "arithmetic_expansion",
        "process_substitution",
        "brace_expression",
        "translated_string",
    }
)


def text_of(node: Node, source: bytes) -> str:
    """The source of a node."""
    return source[node.start_byte : node.end_byte].decode("utf-8", "replace")


def word_of(node: Node, source: bytes) -> Word:
    """The word a node stands for. Raises Unclear where parser and shell may disagree."""
    made = _Making(source)
    made.add(node)
    raw = text_of(node, source)
    head = made.text if made.open_at is None else made.text[: made.open_at]
    if made.open_at is not None or made.bare.startswith("~"):
        return Word(raw, Kind.OPEN, "" if made.bare.startswith("~") else head)
    if (brace := re.search(r"\{.*?(?:,|\.\.).*\}", made.bare, re.DOTALL)) is not None:
        return Word(raw, Kind.OPEN, made.text[: brace.start()])
    if (glob := re.search(r"[*?\[]", made.bare)) is not None:
        return Word(raw, Kind.FILES, made.text[: glob.start()])
    return Word(made.text)


class _Making:
    """A word as it is put together: its text, and the same with quoted characters blanked."""

    def __init__(self, source: bytes) -> None:
        self.source = source
        self.text = ""
        self.bare = ""
        self.open_at: int | None = None

    def add(self, node: Node) -> None:
        raw = text_of(node, self.source)
        match node.type:
            case "word" | "number" | "variable_name" | "extglob_pattern" | "test_operator":
                self.add_bare(raw)
            case "raw_string" | "string" if self.bare.endswith("$"):
                raise Unclear(f"a quotation after a dollar sign: {raw[:40]}")
            case "raw_string":
                self.add_quoted(raw[1:-1])
            case "ansi_c_string":
                self.add_quoted(_ansi_c(raw[2:-1]))
            case "string":
                self.add_string(node)
            case "concatenation" | "command_name":
                self.add_row(node)
            case kind if kind in _OPEN_NODES:
                self.open_here()
            case kind if not node.is_named:
                self.add_bare(raw)
            case kind:
                raise Unclear(f"a {kind} as a word: {raw[:40]}")

    def add_bare(self, raw: str) -> None:
        if _SPECIAL.search(_skeleton(raw)) is not None:
            raise Unclear(f"an expansion or a blank in a word: {raw[:40]}")
        for piece in _PIECES.findall(raw):
            if piece[0] != "\\":
                self.text += piece
                self.bare += piece
            elif piece != "\\\n":
                self.add_quoted(piece[1:])

    def add_quoted(self, text: str) -> None:
        self.text += text
        self.bare += "\0" * len(text)

    def add_string(self, node: Node) -> None:
        """What stands between quotation marks: text, and expansions in it."""
        start = self.source.find(b'"', node.start_byte, node.end_byte) + 1
        end = self.source.rfind(b'"', start, node.end_byte)
        if not start or end < start:
            raise Unclear("a text without its closing quotation mark")
        for child in node.named_children:
            if child.type == "string_content":
                continue
            self.add_quoted(unescaped(self.between(start, child.start_byte)))
            self.open_here()
            start = child.end_byte
        self.add_quoted(unescaped(self.between(start, end)))

    def between(self, start: int, end: int) -> str:
        return self.source[start:end].decode("utf-8", "replace")

    def add_row(self, node: Node) -> None:
        end = node.start_byte
        for child in node.children:
            if child.start_byte != end:
                raise Unclear(f"a word with gaps: {text_of(node, self.source)[:40]}")
            self.add(child)
            end = child.end_byte

    def open_here(self) -> None:
        if self.open_at is None:
            self.open_at = len(self.text)


def expands(raw: str) -> bool:
    """Whether bare text would be expanded."""
    return _EXPANDS.search(_skeleton(raw)) is not None


def unescaped(raw: str) -> str:
    """Text between quotation marks without its backslashes. Raises Unclear at an expansion."""
    if _EXPANDS_QUOTED.search(_skeleton(raw)) is not None:
        raise Unclear(f"an expansion that was not recognised: {raw[:40]}")
    out = []
    for piece in _PIECES.findall(raw):
        if piece[0] != "\\":
            out.append(piece)
        elif piece != "\\\n":
            out.append(piece[1:] if piece[1:] in ("$", "`", '"', "\\") else piece)
    return "".join(out)


def _skeleton(raw: str) -> str:
    """The text as a shell looks for expansions in it: lines joined, escaped characters blanked."""
    return "".join(
        piece if piece[0] != "\\" else "" if piece == "\\\n" else "\0"
        for piece in _PIECES.findall(raw)
    )


def _ansi_c(raw: str) -> str:
    def char(hit: re.Match[str]) -> str:
        digits = hit[1] or hit[2] or hit[3]
        code = int(digits, 16) if digits else int(hit[4], 8) & 0xFF if hit[4] else None
        if code is None and hit[5] in _ANSI_C_LETTERS:
            return _ANSI_C_LETTERS[hit[5]]
        if code is None or not 0 < code < 0x80:
            # Control letters, a NUL that ends the word, bytes and code points of a locale.
            raise Unclear(f"a character written as {hit[0]}")
        return chr(code)

    return _ANSI_C.sub(char, raw)
