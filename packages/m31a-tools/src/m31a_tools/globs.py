"""Patterns for file names, as shells and editors write them."""

import re
from collections.abc import Callable

from m31a_tools.errors import CallFailed

_MAX_STARS = 4
_MAX_EXPANSIONS = 200
_NAMES_ENDING = re.compile(r"\*[\w.-]+", re.ASCII)


def name_filter(pattern: str) -> Callable[[list[str]], list[str]]:
    """Gives those of many names that fit the pattern; as `glob_matcher`, for names alone."""
    if _NAMES_ENDING.fullmatch(pattern):
        # The commonest patterns need no expression, which would take twice as long.
        ending = pattern[1:]
        return lambda names: [name for name in names if name.endswith(ending)]
    matches = glob_matcher(pattern)
    return lambda names: list(filter(matches, names))


def glob_matcher(pattern: str) -> Callable[[str], object]:
    """Something true for relative paths that fit: `*`, `?`, `[...]`, `{a,b}`, `**`.

    Raises CallFailed for a pattern that could take very long to match.
    """
    # Imported here: it costs more than all of this package's start, and most runs never need it.
    from wcmatch import glob
    from wcmatch._wcparse import PatternLimitException

    parts = pattern.split("/")
    if parts.count("**") > _MAX_STARS or any(part.count("*") > _MAX_STARS for part in parts):
        raise CallFailed(f"{pattern!r} has too many stars; a part may have {_MAX_STARS}.")
    flags = glob.GLOBSTAR | glob.BRACE | glob.DOTGLOB | glob.FORCEUNIX
    try:
        regexes, _ = glob.translate(pattern, flags=flags, limit=_MAX_EXPANSIONS)
    except PatternLimitException as exc:
        raise CallFailed(f"The pattern {pattern!r} stands for too many others.") from exc
    # Not `match`: their `$` would let a line end follow.
    return re.compile("|".join(f"(?:{regex})" for regex in regexes)).fullmatch


def literal_start(pattern: str) -> tuple[str, str]:
    """The folder a pattern begins with, without wildcards, and the rest of the pattern."""
    parts = pattern.split("/")
    count = 0
    while count < len(parts) - 1 and not re.search(r"[*?\[{\\]", parts[count]):
        count += 1
    folder = "/".join(parts[:count])
    if pattern.startswith("/") and not folder:
        folder = "/"
    return folder, "/".join(parts[count:])
