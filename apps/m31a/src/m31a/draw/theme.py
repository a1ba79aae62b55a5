"""Themes: which colour each meaning has.

A colour is `#rrggbb`, a number of the terminal's palette (0-15 are the user's own sixteen) or
None for the terminal's own. The body's ground is always the terminal's own.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from m31a.draw.style import Tone

Colour = str | int | None


@dataclass(frozen=True, slots=True)
class Theme:
    """A named set of colours; a meaning that is missing has the terminal's own colour."""

    name: str
    dark: bool
    colours: Mapping[Tone, Colour]

    def colour(self, tone: Tone) -> Colour:
        """The colour of a meaning."""
        return self.colours.get(tone)


def _theme(name: str, *, dark: bool, **colours: Colour) -> Theme:
    named = {Tone[key.upper()]: value for key, value in colours.items()}
    return Theme(name, dark, MappingProxyType(named))


DARK = _theme(
    "dark",
    dark=True,
    dim="#8b949e",
    strong="#f0f6fc",
    panel="#161b22",
    overlay="#1c2128",
    select="#1f3a5f",
    border="#6e7681",
    border_focus="#58a6ff",
    accent="#58a6ff",
    accent_2="#bc8cff",
    ok="#56d364",
    warn="#e3b341",
    err="#ff7b72",
    info="#79c0ff",
    risk_safe="#56d364",
    risk_medium="#e3b341",
    risk_dangerous="#ffa657",
    risk_destructive="#ff7b72",
    role_user="#79c0ff",
    role_agent="#d2a8ff",
    role_tool="#8b949e",
    role_system="#8b949e",
    diff_add="#56d364",
    diff_del="#ff7b72",
    diff_add_word="#1b4721",
    diff_del_word="#67060c",
    diff_gutter="#7d8590",
    md_heading="#79c0ff",
    md_code="#ffa657",
    md_link="#58a6ff",
    md_quote="#8b949e",
    md_rule="#6e7681",
    syn_keyword="#ff7b72",
    syn_string="#a5d6ff",
    syn_number="#79c0ff",
    syn_comment="#8b949e",
    syn_function="#d2a8ff",
    syn_type="#ffa657",
    bar_fill="#58a6ff",
    bar_rest="#6e7681",
    bar_warn="#e3b341",
    bar_err="#ff7b72",
    match="#e3b341",
)
LIGHT = _theme(
    "light",
    dark=False,
    dim="#57606a",
    strong="#0b0f14",
    panel="#f0f3f6",
    overlay="#eaeef2",
    select="#cfe4ff",
    border="#6e7781",
    border_focus="#0550ae",
    accent="#0550ae",
    accent_2="#6639ba",
    ok="#116329",
    warn="#7d4e00",
    err="#a40e26",
    info="#0550ae",
    risk_safe="#116329",
    risk_medium="#7d4e00",
    risk_dangerous="#953800",
    risk_destructive="#a40e26",
    role_user="#0550ae",
    role_agent="#6639ba",
    role_tool="#57606a",
    role_system="#57606a",
    diff_add="#116329",
    diff_del="#a40e26",
    diff_add_word="#aceebb",
    diff_del_word="#ffcecb",
    diff_gutter="#57606a",
    md_heading="#0550ae",
    md_code="#953800",
    md_link="#0550ae",
    md_quote="#57606a",
    md_rule="#6e7781",
    syn_keyword="#a40e26",
    syn_string="#0a3069",
    syn_number="#0550ae",
    syn_comment="#57606a",
    syn_function="#6639ba",
    syn_type="#953800",
    bar_fill="#0550ae",
    bar_rest="#6e7781",
    bar_warn="#7d4e00",
    bar_err="#a40e26",
    match="#7d4e00",
)
CONTRAST = _theme(
    "contrast",
    dark=True,
    dim="#d0d0d0",
    strong="#ffffff",
    panel="#000000",
    overlay="#000000",
    select="#00408a",
    border="#ffffff",
    border_focus="#ffff00",
    accent="#7cd5ff",
    accent_2="#ffb3ff",
    ok="#5dff5d",
    warn="#ffff00",
    err="#ff9d9d",
    info="#7cd5ff",
    risk_safe="#5dff5d",
    risk_medium="#ffff00",
    risk_dangerous="#ffc46b",
    risk_destructive="#ff9d9d",
    role_user="#7cd5ff",
    role_agent="#ffb3ff",
    role_tool="#d0d0d0",
    role_system="#d0d0d0",
    diff_add="#5dff5d",
    diff_del="#ff9d9d",
    diff_add_word="#005000",
    diff_del_word="#700000",
    diff_gutter="#d0d0d0",
    md_heading="#7cd5ff",
    md_code="#ffc46b",
    md_link="#7cd5ff",
    md_quote="#d0d0d0",
    md_rule="#ffffff",
    syn_keyword="#ff9d9d",
    syn_string="#7cd5ff",
    syn_number="#ffc46b",
    syn_comment="#d0d0d0",
    syn_function="#ffb3ff",
    syn_type="#ffff00",
    bar_fill="#7cd5ff",
    bar_rest="#d0d0d0",
    bar_warn="#ffff00",
    bar_err="#ff9d9d",
    match="#ffff00",
)
COLOUR_BLIND = Theme(
    "colour-blind",
    True,
    MappingProxyType(
        {
            **DARK.colours,  # blue and orange stay apart for every common colour blindness
            Tone.OK: "#79c0ff",
            Tone.ERR: "#ffa657",
            Tone.RISK_SAFE: "#79c0ff",
            Tone.RISK_DESTRUCTIVE: "#ffa657",
            Tone.DIFF_ADD: "#79c0ff",
            Tone.DIFF_DEL: "#ffa657",
            Tone.DIFF_ADD_WORD: "#0c2d6b",
            Tone.DIFF_DEL_WORD: "#5a1e02",
            Tone.BAR_ERR: "#ffa657",
        }
    ),
)
ANSI = _theme(
    "ansi",
    dark=True,
    select=4,
    accent=6,
    accent_2=5,
    ok=2,
    warn=3,
    err=1,
    info=6,
    risk_safe=2,
    risk_medium=3,
    risk_dangerous=3,
    risk_destructive=1,
    role_user=6,
    role_agent=5,
    diff_add=2,
    diff_del=1,
    md_heading=6,
    md_code=3,
    md_link=6,
    syn_keyword=5,
    syn_string=2,
    syn_number=3,
    syn_function=6,
    syn_type=3,
    bar_fill=6,
    bar_warn=3,
    bar_err=1,
    match=3,
    border_focus=6,
)
THEMES = MappingProxyType(
    {theme.name: theme for theme in (DARK, LIGHT, CONTRAST, COLOUR_BLIND, ANSI)}
)
AUTO = "auto"


def theme_of(name: str, *, dark_ground: bool | None) -> Theme:
    """The theme of a setting; `auto` and unknown names go by the terminal's ground."""
    if name in THEMES:
        return THEMES[name]
    return LIGHT if dark_ground is False else DARK
