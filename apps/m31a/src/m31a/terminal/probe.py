"""What this terminal can do: asked once, after the first paint, and never waited for.

Every question goes out in one write with a request every terminal answers (DA1) at its end;
answers come back through the keyboard as `Reply` events, whenever they come.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

QUERIES = (
    "\x1b[?u"  # kitty's keyboard protocol: flags
    "\x1b[?2026$p"  # synchronized output
    "\x1b[?2004$p"  # bracketed paste
    "\x1b[>0q"  # XTVERSION
    "\x1b]11;?\x1b\\"  # the ground's colour
    "\x1b[c"  # DA1, answered by all
)
ASK_GROUND = "\x1b]11;?\x1b\\"
SCHEME_NEWS = "\x1b[?2031h"
_KITTY = re.compile(r"\x1b\[\?(\d+)u")
_MODE = re.compile(r"\x1b\[\?(\d+);(\d+)\$y")
_VERSION = re.compile(r"\x1bP>\|([^\x1b]*)\x1b\\")
_GROUND = re.compile(
    r"\x1b\]11;rgba?:([0-9a-fA-F]{1,4})/([0-9a-fA-F]{1,4})/([0-9a-fA-F]{1,4})(?:/[0-9a-fA-F]+)?"
    r"(?:\x07|\x1b\\)"
)
_SCHEME = re.compile(r"\x1b\[\?997;([12])n")
_DA1 = re.compile(r"\x1b\[\?[\d;]*c")


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What is known of the terminal so far; until it answers, the careful guess."""

    answered: bool = False
    """Whether the last question has been answered: what is not known now never will be."""
    kitty_keys: bool = False
    sync: bool = True
    """Synchronized output; terminals without it ignore the marks."""
    bracketed: bool = False
    dark_ground: bool | None = None
    program: str = ""
    """The terminal's own name and version."""
    ask_again: bool = False
    """The colour scheme changed: ask for the ground's colour anew."""
    links: bool = True
    scroll: bool = True


def assumed(environ: Mapping[str, str]) -> Capabilities:
    """What the environment tells before the terminal does."""
    term = environ.get("TERM", "")
    ground = environ.get("COLORFGBG", "").rpartition(";")[2]
    return Capabilities(
        sync=environ.get("M31A_SYNC", "1") != "0",
        dark_ground=int(ground) not in {7, 15} if ground.isdecimal() else None,
        links=term != "linux",
        scroll=not term.startswith("screen") or "TMUX" in environ,
    )


def learned(known: Capabilities, reply: str) -> Capabilities:
    """What is known after a reply; replies to nothing we asked change nothing."""
    if found := _KITTY.fullmatch(reply):
        return replace(known, kitty_keys=True)
    if found := _MODE.fullmatch(reply):
        return _mode(known, int(found[1]), int(found[2]))
    if found := _VERSION.fullmatch(reply):
        name = "".join(char for char in found[1] if char.isprintable())[:60]
        return replace(known, program=name)
    if found := _GROUND.fullmatch(reply):
        return replace(known, dark_ground=_is_dark(*found.groups()), ask_again=False)
    if found := _SCHEME.fullmatch(reply):
        return replace(known, dark_ground=found[1] == "1", ask_again=True)
    if _DA1.fullmatch(reply):
        return replace(known, answered=True)
    return known


def _mode(known: Capabilities, mode: int, state: int) -> Capabilities:
    there = state in {1, 2, 3}
    match mode:
        case 2026:
            return replace(known, sync=known.sync and there)
        case 2004:
            return replace(known, bracketed=there)
        case _:
            return known


def _is_dark(red: str, green: str, blue: str) -> bool:
    shares = [int(part, 16) / int("f" * len(part), 16) for part in (red, green, blue)]
    return 0.2126 * shares[0] + 0.7152 * shares[1] + 0.0722 * shares[2] < 0.5
