"""The paths a Rust `use` names."""

import re

_TOKEN = re.compile(r"\w+|::|[{},]")
_LONGEST_CHARS = 4000


def used_paths(text: str) -> tuple[str, ...]:
    """`a::{b, c::{self, D as E}, f::*}` written out: `a::b`, `a::c`, `a::c::D`, `a::f`."""
    found: dict[str, None] = {}
    prefixes = [""]
    path = ""
    renamed = False
    for piece in [*_TOKEN.findall(text[:_LONGEST_CHARS]), ","]:
        if piece == "{":
            prefixes.append(path)
        elif piece in {",", "}"}:
            if path != prefixes[-1]:
                found[path.removesuffix("::").removesuffix("::self")] = None
            if piece == "}" and len(prefixes) > 1:
                prefixes.pop()
            # What stood before a closing brace is named by what stood in it.
            path = prefixes[-1]
            renamed = False
        elif piece == "as":
            renamed = True
        elif not renamed:
            path += piece
    return tuple(name for name in found if name)
