"""Styles as the sequences that turn them on (SGR, ECMA-48 8.3.117), for one theme and depth."""

import re
from collections.abc import Callable, Mapping
from enum import IntEnum

from m31a.draw.line import Line
from m31a.draw.style import PLAIN, Style, Tone
from m31a.draw.theme import Colour, Theme

RESET = "\x1b[0m"
_RGB = re.compile("#([0-9a-fA-F]{2})([0-9a-fA-F]{2})([0-9a-fA-F]{2})")
_LINK = re.compile(r"(?:https?|file)://[!-~]{1,1900}")
LONGEST_CACHE = 4096

Nearest = Callable[[int, int, int, int], int]
"""(red, green, blue, colours) → the number of the nearest palette colour."""


class Depth(IntEnum):
    """How many colours a terminal has."""

    MONO = 0
    ANSI = 16
    MANY = 256
    TRUE = 1 << 24


def depth_of(environ: Mapping[str, str]) -> Depth:
    """The depth the environment tells of: NO_COLOR, FORCE_COLOR, COLORTERM, TERM."""
    if environ.get("NO_COLOR"):
        return Depth.MONO
    if environ.get("COLORTERM", "").lower() in {"truecolor", "24bit"}:
        return Depth.TRUE
    term = environ.get("TERM", "")
    if term.endswith("-direct"):
        return Depth.TRUE
    if "256color" in term:
        return Depth.MANY
    forced = {"1": Depth.ANSI, "2": Depth.MANY, "3": Depth.TRUE}
    return forced.get(environ.get("FORCE_COLOR", ""), Depth.ANSI)


def no_nearest(red: int, green: int, blue: int, colours: int) -> int:
    """A stand-in while nothing knows the palette: black or white, whichever is nearer."""
    bright = red * 299 + green * 587 + blue * 114 > 127_500
    return min(15, colours - 1) if bright else 0


class Ink:
    """Turns lines into text with styles for one theme on one kind of terminal."""

    def __init__(
        self,
        theme: Theme,
        depth: Depth,
        nearest: Nearest = no_nearest,
        *,
        links: bool = False,
    ) -> None:
        self.theme = theme
        self.depth = depth
        self._nearest = nearest
        self._links = links
        self._begun: dict[Style, str] = {PLAIN: ""}
        self._lines: dict[Line, str] = {}

    def line(self, line: Line) -> str:
        """A line's characters with their styles, back to plain at its end."""
        known = self._lines.get(line)
        if known is not None:
            return known
        text = "".join(map(self._span, line.spans))
        if len(self._lines) >= LONGEST_CACHE:
            self._lines.clear()
        self._lines[line] = text
        return text

    def _span(self, span: tuple[str, Style]) -> str:
        text, style = span
        begin = self.begin(style)
        shown = f"{begin}{text}{RESET}" if begin else text
        if style.link and self._links and _LINK.fullmatch(style.link):
            return f"\x1b]8;;{style.link}\x1b\\{shown}\x1b]8;;\x1b\\"
        return shown

    def begin(self, style: Style) -> str:
        """The sequence that turns a style on; empty for plain text."""
        known = self._begun.get(style)
        if known is None:
            codes = ";".join(self._codes(style))
            known = self._begun[style] = f"\x1b[{codes}m" if codes else ""
        return known

    def _codes(self, style: Style) -> list[str]:
        mono = self.depth is Depth.MONO
        fg = None if mono else self._number(style.fg, 38)
        bg = None if mono else self._number(style.bg, 48)
        flags = (
            (style.bold, "1"),
            (style.dim and not fg, "2"),
            (style.italic, "3"),
            (style.underline or (mono and bool(style.link)), "4"),
            (style.reverse or (mono and style.bg is Tone.SELECT), "7"),
            (style.strike, "9"),
        )
        codes = [code for wanted, code in flags if wanted]
        return [*codes, *(code for code in (fg, bg) if code)]

    def _number(self, tone: Tone | None, ground: int) -> str | None:
        colour: Colour = self.theme.colour(tone) if tone is not None else None
        if isinstance(colour, str):
            found = _RGB.fullmatch(colour)
            if found is None:
                return None
            red, green, blue = (int(part, 16) for part in found.groups())
            if self.depth is Depth.TRUE:
                return f"{ground};2;{red};{green};{blue}"
            colour = self._nearest(red, green, blue, int(self.depth))
        if colour is None:
            return None
        if colour < 8:
            return str(ground - 8 + colour)
        if colour < 16:
            return str(ground + 52 + colour - 8)
        return f"{ground};5;{colour}"
