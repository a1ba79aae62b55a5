"""The one door to blessed: its key tables and its colour mathematics.

blessed is not given the terminal: its constructor would ask it questions and wait for the
answers. Modes, reads and writes are this package's own.
"""

import io
import os
import re

import blessed
from blessed.keyboard import resolve_sequence

from m31a.terminal.events import Key

FALLBACK_KIND = "xterm-256color"
_MODIFIERS = ("CTRL", "ALT", "SHIFT", "SUPER", "HYPER", "META")
_RENAMED = {
    "PGUP": "pageup",
    "PGDOWN": "pagedown",
    "BTAB": "shift+tab",
    "ESCAPE": "escape",
    "EXIT": "escape",
}
_OTHER_KEYS = re.compile(r"\x1b\[27;(\d+);(\d+)~")
_KITTY = re.compile(r"\x1b\[(\d+)(?::\d*){0,2}(?:;(\d*)(?::(\d))?)?(?:;[\d:]*)?u")
_LEGACY_RELEASE = re.compile(r"\x1b\[\d+;\d+:3[A-Z~]")
_CODES = {13: "enter", 9: "tab", 27: "escape", 127: "backspace", 8: "backspace", 32: "space"}
_SHIFT, _ALT, _CTRL, _SUPER = 1, 2, 4, 8


class Driver:
    """What blessed knows of a kind of terminal."""

    def __init__(self, kind: str) -> None:
        """`kind` is the value of TERM; an unknown one is treated as an xterm."""
        with _colour_wishes_aside():
            self._terminal = blessed.Terminal(
                kind=kind or FALLBACK_KIND, stream=io.StringIO(), force_styling=True
            )

    def find_key(self, sequence: str) -> Key | None:
        """The key of a whole escape sequence, or None when it is no key or only its release."""
        if found := _OTHER_KEYS.fullmatch(sequence):
            return _coded(int(found[2]), int(found[1]) - 1)
        if found := _KITTY.fullmatch(sequence):
            if found[3] == "3":
                return None
            key = _coded(int(found[1]), int(found[2] or 1) - 1)
            if key is not None:
                return key
        if _LEGACY_RELEASE.fullmatch(sequence):
            return None
        terminal = self._terminal
        stroke = resolve_sequence(
            sequence, terminal._keymap, terminal._keycodes, terminal._keymap_prefixes, final=True
        )
        if str(stroke) != sequence or not stroke.name:
            return None
        return named(stroke.name)

    def nearest(self, red: int, green: int, blue: int, colours: int) -> int:
        """The number of the nearest of `colours` (16 or 256) palette colours."""
        self._terminal.number_of_colors = colours
        return self._terminal.rgb_downconvert(red, green, blue)


class _colour_wishes_aside:
    """NO_COLOR would take blessed's key tables away with the colours; our styles obey it alone."""

    def __enter__(self) -> None:
        self._kept = os.environ.pop("NO_COLOR", None)

    def __exit__(self, *_: object) -> None:
        if self._kept is not None:
            os.environ["NO_COLOR"] = self._kept


def named(name: str) -> Key | None:
    """The key by blessed's name: `KEY_CTRL_SHIFT_LEFT` is `ctrl+shift+left`."""
    if not name.startswith("KEY_") or name.endswith("_RELEASED"):
        return None
    words = name.removeprefix("KEY_").removesuffix("_REPEATED").split("_")
    modifiers: list[str] = []
    while len(words) > 1 and words[0] in _MODIFIERS:
        modifiers.append(words.pop(0).lower())
    base = "_".join(words)
    return Key("+".join([*modifiers, _RENAMED.get(base, base.lower())]))


def _coded(code: int, modifiers: int) -> Key | None:
    """The key of a character code with modifier bits; None for codes that blessed has to name."""
    if code in _CODES:
        base, text = _CODES[code], " " if code == 32 else ""
    elif 32 < code < 0xE000 and chr(code).isprintable():
        base = text = chr(code)
    else:
        return None
    shift = modifiers & _SHIFT
    if text.strip() and shift:
        base = text = text.upper() if len(text.upper()) == 1 else text
        shift = modifiers & (_CTRL | _ALT) and _SHIFT
    if base == "tab" and modifiers == _SHIFT:
        return Key("shift+tab")
    bits = ((_CTRL, "ctrl"), (_ALT, "alt"), (_SUPER, "super"))
    held = [name for bit, name in bits if modifiers & bit]
    if held and text.strip():
        base = base.lower()
    names = [*held, *(["shift"] if shift else []), base]
    return Key("+".join(names), "" if held else text)
