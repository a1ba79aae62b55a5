"""Source code as lines with its syntax made visible (Pygments)."""

from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from pathlib import PurePath
from threading import Lock

from pygments.lexer import Lexer  # type: ignore[import-untyped]
from pygments.lexers import get_lexer_by_name, get_lexer_for_filename  # type: ignore[import-untyped]
from pygments.token import Token, _TokenType  # type: ignore[import-untyped]
from pygments.util import ClassNotFound  # type: ignore[import-untyped]

from m31a.draw.line import Line, Span
from m31a.draw.style import Style, Tone
from m31a.draw.text import expand_tabs, scrub

PLAIN_CODE = Style(fg=Tone.MD_CODE)
LONGEST_HIGHLIGHTED = 60_000
"""Characters; longer code is shown without colours, so that no frame waits for it."""
PREPARED = 4
"""Languages of a project whose lexers are built beforehand: each takes a frame's time or two."""
_STYLES: dict[_TokenType, Style] = {
    Token.Keyword: Style(fg=Tone.SYN_KEYWORD),
    Token.Keyword.Type: Style(fg=Tone.SYN_TYPE),
    Token.Operator.Word: Style(fg=Tone.SYN_KEYWORD),
    Token.Name.Function: Style(fg=Tone.SYN_FUNCTION),
    Token.Name.Class: Style(fg=Tone.SYN_TYPE),
    Token.Name.Builtin: Style(fg=Tone.SYN_TYPE),
    Token.Name.Decorator: Style(fg=Tone.SYN_FUNCTION),
    Token.Name.Tag: Style(fg=Tone.SYN_KEYWORD),
    Token.Literal.String: Style(fg=Tone.SYN_STRING),
    Token.Literal.Number: Style(fg=Tone.SYN_NUMBER),
    Token.Comment: Style(fg=Tone.SYN_COMMENT, italic=True),
    Token.Generic.Inserted: Style(fg=Tone.DIFF_ADD),
    Token.Generic.Deleted: Style(fg=Tone.DIFF_DEL),
    Token.Generic.Heading: Style(fg=Tone.MD_HEADING, bold=True),
}
_OTHER = Style()
_BUILDING = Lock()
"""Pygments builds a lexer's tables at its first use, and not safely in two threads at once."""


@lru_cache(maxsize=256)
def code_lines(code: str, language: str) -> tuple[Line, ...]:
    """The lines of `code`; a language nobody knows gives plain ones."""
    code = "\n".join(map(expand_tabs, code.rstrip("\n").split("\n")))
    lexer = _lexer(language)
    if lexer is None or len(code) > LONGEST_HIGHLIGHTED:
        return plain_code(code)
    rows: list[list[Span]] = [[]]
    for kind, text in lexer.get_tokens(code):
        style = _style(kind)
        for index, piece in enumerate(text.split("\n")):
            if index:
                rows.append([])
            if piece:
                rows[-1].append(Span(scrub(piece), style))
    while len(rows) > code.count("\n") + 1 and not rows[-1]:
        rows.pop()
    return tuple(Line.of(*row) for row in rows)


def plain_code(code: str) -> tuple[Line, ...]:
    """The lines of code in one colour."""
    return tuple(Line.of(Span(expand_tabs(row), PLAIN_CODE)) for row in code.split("\n"))


def prepare_for(files: Iterable[str]) -> None:
    """Build what reads the languages most of these files are in; no frame waits for it then."""
    kinds = Counter(PurePath(file).suffix for file in files)
    for suffix, _ in kinds.most_common(PREPARED):
        if suffix:
            _lexer(f"file{suffix}")


@lru_cache(maxsize=64)
def _lexer(language: str) -> Lexer | None:
    if not language:
        return None
    try:
        with _BUILDING:
            if "." in language:
                return get_lexer_for_filename(language, stripnl=False, ensurenl=False)
            return get_lexer_by_name(language, stripnl=False, ensurenl=False)
    except ClassNotFound:
        return None


@lru_cache(maxsize=512)
def _style(kind: _TokenType) -> Style:
    while kind not in _STYLES and kind.parent is not None:
        kind = kind.parent
    return _STYLES.get(kind, _OTHER)
