"""How text looks, in words a theme gives colours to."""

from dataclasses import dataclass, replace
from enum import StrEnum


class Tone(StrEnum):
    """What a colour means; a theme says which colour that is."""

    TEXT = "text"
    DIM = "text.dim"
    STRONG = "text.strong"
    PANEL = "bg.panel"
    OVERLAY = "bg.overlay"
    SELECT = "bg.select"
    BORDER = "border"
    BORDER_FOCUS = "border.focus"
    ACCENT = "accent"
    ACCENT_2 = "accent.2"
    OK = "ok"
    WARN = "warn"
    ERR = "err"
    INFO = "info"
    RISK_SAFE = "risk.safe"
    RISK_MEDIUM = "risk.medium"
    RISK_DANGEROUS = "risk.dangerous"
    RISK_DESTRUCTIVE = "risk.destructive"
    ROLE_USER = "role.user"
    ROLE_AGENT = "role.agent"
    ROLE_TOOL = "role.tool"
    ROLE_SYSTEM = "role.system"
    DIFF_ADD = "diff.add"
    DIFF_DEL = "diff.del"
    DIFF_ADD_WORD = "diff.add.word"
    DIFF_DEL_WORD = "diff.del.word"
    DIFF_GUTTER = "diff.gutter"
    MD_HEADING = "md.h"
    MD_CODE = "md.code"
    MD_LINK = "md.link"
    MD_QUOTE = "md.quote"
    MD_RULE = "md.rule"
    SYN_KEYWORD = "syn.keyword"
    SYN_STRING = "syn.string"
    SYN_NUMBER = "syn.number"
    SYN_COMMENT = "syn.comment"
    SYN_FUNCTION = "syn.func"
    SYN_TYPE = "syn.type"
    BAR_FILL = "bar.fill"
    BAR_REST = "bar.rest"
    BAR_WARN = "bar.warn"
    BAR_ERR = "bar.err"
    MATCH = "match"


@dataclass(frozen=True, slots=True)
class Style:
    """How a span looks. `fg` and `bg` are meanings; None is the terminal's own colour."""

    fg: Tone | None = None
    bg: Tone | None = None
    bold: bool = False
    dim: bool = False
    italic: bool = False
    underline: bool = False
    reverse: bool = False
    strike: bool = False
    link: str = ""
    """An address the text leads to; shown as a link by terminals that can."""

    def on(self, bg: Tone | None) -> "Style":
        """The same on another ground."""
        return replace(self, bg=bg)


PLAIN = Style()
DIM = Style(fg=Tone.DIM, dim=True)
STRONG = Style(fg=Tone.STRONG, bold=True)
ACCENT = Style(fg=Tone.ACCENT, bold=True)
BORDER = Style(fg=Tone.BORDER, dim=True)
OK = Style(fg=Tone.OK)
WARN = Style(fg=Tone.WARN, bold=True)
ERR = Style(fg=Tone.ERR, bold=True)
SELECTED = Style(fg=Tone.STRONG, bg=Tone.SELECT, bold=True)
"""The chosen row of a list. On terminals without colour the ground is shown as reverse video."""
