"""Which paths a .gitignore leaves out, without git."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

_POSIX = {
    "alnum": "a-zA-Z0-9",
    "alpha": "a-zA-Z",
    "blank": " \\t",
    "cntrl": "\\x00-\\x1f\\x7f",
    "digit": "0-9",
    "graph": "\\x21-\\x7e",
    "lower": "a-z",
    "print": "\\x20-\\x7e",
    "punct": "!-/:-@\\[-`{-~",
    "space": "\\s",
    "upper": "A-Z",
    "xdigit": "0-9a-fA-F",
}

_PLAIN = re.compile(r"\*?[^/*?\[\\]+")


class _NeverMatches(ValueError):
    """The pattern is malformed in a way that makes git match nothing with it."""


_LONGEST_LINE = 4096
"""No path is longer; a longer line would cost much and match nothing."""
_MOST_RULES = 2000
"""Of one file; each costs something for every name that is looked at."""


@dataclass(frozen=True, slots=True)
class _Rule:
    regex: str
    ignores: bool
    name_only: bool
    folder_only: bool
    words: str
    """The pattern, when it is a plain name or a star and the end of one; else empty."""


@dataclass(frozen=True, slots=True)
class _Signs:
    """What to know files by of which a rule may speak; quicker to look for than to match."""

    names: frozenset[str]
    endings: tuple[str, ...]
    by_name: re.Pattern[str] | None
    by_path: re.Pattern[str] | None

    @classmethod
    def of(cls, rules: Sequence[_Rule]) -> "_Signs":
        about = [rule for rule in rules if not rule.folder_only]
        plain = [rule.words for rule in about if rule.words]
        others = [rule.regex for rule in about if rule.name_only and not rule.words]
        return cls(
            names=frozenset(words for words in plain if not words.startswith("*")),
            endings=tuple(words[1:] for words in plain if words.startswith("*")),
            by_name=_alternatives(others),
            by_path=_alternatives([rule.regex for rule in about if not rule.name_only]),
        )


@dataclass(frozen=True, slots=True)
class IgnoreRules:
    """The rules of one .gitignore; the last that matches decides."""

    rules: tuple[_Rule, ...]
    by_name: re.Pattern[str] | None
    by_path: re.Pattern[str] | None
    name_order: tuple[int, ...]
    path_order: tuple[int, ...]
    signs: _Signs

    @classmethod
    def parse(cls, text: str) -> "IgnoreRules":
        """The rules written in `text`; malformed lines, endless ones, and
        those behind the first 2000, match nothing."""
        lines = (line for line in text.split("\n") if len(line) <= _LONGEST_LINE)
        found = (rule for line in lines if (rule := _parse(line)) is not None)
        rules = tuple(islice(found, _MOST_RULES))
        names = tuple(i for i in reversed(range(len(rules))) if rules[i].name_only)
        paths = tuple(i for i in reversed(range(len(rules))) if not rules[i].name_only)
        return cls(
            rules=rules,
            by_name=_alternatives([rules[i].regex for i in names]),
            by_path=_alternatives([rules[i].regex for i in paths]),
            name_order=names,
            path_order=paths,
            signs=_Signs.of(rules),
        )

    def verdict(self, folder: str, name: str, *, is_folder: bool) -> bool | None:
        """True: ignored, False: expressly not, None: no rule speaks of it.

        `folder` is where `name` stands, relative to the folder of the .gitignore: empty or with
        a slash at its end.
        """
        slash = "/" if is_folder else ""
        last = -1
        if self.by_name is not None and (hit := self.by_name.fullmatch(name + slash)):
            last = self.name_order[(hit.lastindex or 1) - 1]
        if self.by_path is not None and (hit := self.by_path.fullmatch(folder + name + slash)):
            last = max(last, self.path_order[(hit.lastindex or 1) - 1])
        return None if last < 0 else self.rules[last].ignores

    def suspects(self, folder: str, files: Sequence[str]) -> list[str]:
        """The files among those of `folder` that need a verdict; no rule speaks of the others."""
        signs = self.signs
        found = [name for name in files if name in signs.names or name.endswith(signs.endings)]
        if signs.by_name is not None:
            found += filter(signs.by_name.fullmatch, files)
        if signs.by_path is not None:
            found += [name for name in files if signs.by_path.fullmatch(folder + name)]
        return found


def path_matches(pattern: str, path: str, *, is_folder: bool = False) -> bool:
    """Whether `pattern`, read as a line of a .gitignore at the root, covers the relative `path`.

    A pattern that covers a folder covers what is in it. There is no negation here.
    """
    name_only, regex = _compiled(pattern)
    steps = path.split("/")
    for end in range(1, len(steps) + 1):
        slash = "/" if is_folder or end < len(steps) else ""
        if regex.fullmatch((steps[end - 1] if name_only else "/".join(steps[:end])) + slash):
            return True
    return False


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> tuple[bool, re.Pattern[str]]:
    try:
        rule = _translate(pattern, ignores=True)
    except _NeverMatches:
        return True, re.compile(r"(?!)")
    return rule.name_only, re.compile(rule.regex, re.DOTALL)


def _alternatives(regexes: Sequence[str]) -> re.Pattern[str] | None:
    if not regexes:
        return None
    return re.compile("|".join(f"({regex})" for regex in regexes), re.DOTALL)


def _parse(line: str) -> _Rule | None:
    line = line.removesuffix("\r")
    if line.startswith("#"):
        return None
    while line.endswith(" ") and not line.endswith("\\ "):
        line = line[:-1]
    ignores = not line.startswith("!")
    line = line.removeprefix("!")
    if not line.strip("/"):
        return None
    try:
        return _translate(line, ignores=ignores)
    except _NeverMatches:
        return None


def _translate(pattern: str, *, ignores: bool) -> _Rule:
    folder_only = pattern.endswith("/")
    pattern = pattern.removesuffix("/")
    name_only = "/" not in pattern
    groups, glued = _groups(_parts(pattern.removeprefix("/")))
    regex = "/".join(groups[0])
    if len(groups) > 1:
        regex += "/" if groups[0] and not glued else ""
        # The earliest place of each group but the last is as good as any later one, so nothing
        # is tried twice: no pattern can make matching slow.
        for group in filter(None, groups[1:-1]):
            regex += f"(?>(?:.*?/)??{'/'.join(group)}/)"
        if groups[-1]:
            regex += "(?:.*/)?" + "/".join(groups[-1])
        else:
            regex += ".*" if glued else ".+"
    return _Rule(
        regex=regex + ("/" if folder_only else "/?"),
        ignores=ignores,
        name_only=name_only,
        folder_only=folder_only,
        words=pattern if _PLAIN.fullmatch(pattern) else "",
    )


def _parts(pattern: str) -> list[str]:
    """The pattern between its slashes; one in a bracket set does not count."""
    parts: list[str] = []
    start = i = 0
    while i < len(pattern):
        if pattern[i] == "[":
            _, i = _set(pattern, i + 1)
            continue
        if pattern[i] == "/":
            parts.append(pattern[start:i])
            start = i + 1
        i += 2 if pattern[i] == "\\" else 1
    return [*parts, pattern[start:]]


def _groups(parts: list[str]) -> tuple[list[list[str]], bool]:
    """The expressions of the parts between one `**` and the next.

    The flag says that the first `**` follows a name without a slash (`src**/b`): git lets it
    stand for folders there too, when nothing before it is special.
    """
    groups: list[list[str]] = [[]]
    glued = False
    literal = True
    for part in parts:
        run = re.fullmatch(r"([^*?\[\\]*)\*\*+", part)
        if run is not None and (not run[1] or literal):
            if run[1]:
                glued = True
                groups[-1].append(re.escape(run[1]))
            groups.append([])
        else:
            groups[-1].append(_part(part))
        literal = literal and not re.search(r"[*?\[\\]", part)
    return groups, glued


def _part(pattern: str) -> str:
    """The regular expression of one part of a path."""
    pieces: list[str] = [""]
    i = 0
    while i < len(pattern):
        char = pattern[i]
        if char == "*":
            if pieces[-1] or len(pieces) == 1:
                pieces.append("")
            i += 1
        elif char == "?":
            pieces[-1] += "[^/]"
            i += 1
        elif char == "[":
            text, i = _set(pattern, i + 1)
            pieces[-1] += text
        else:
            if char == "\\":
                i += 1
                if i == len(pattern):
                    raise _NeverMatches(pattern)
            pieces[-1] += re.escape(pattern[i])
            i += 1
    head, *starred = pieces
    if not starred:
        return head
    # A part is never empty, also when a star stands at its beginning.
    head = head or "(?=[^/])"
    *middle, last = starred
    # As above: the earliest place of what follows each star but the last is good enough.
    return head + "".join(f"(?>[^/]*?{piece})" for piece in middle) + f"[^/]*{last}"


def _set(pattern: str, i: int) -> tuple[str, int]:
    """The expression of a bracket set that begins at `i`, and where it ends."""
    negated = pattern[i : i + 1] in ("!", "^")
    i += negated
    text = ""
    first = True
    while first or pattern[i : i + 1] != "]":
        first = False
        if pattern.startswith("[:", i) and (end := pattern.find(":]", i)) > 0:
            kind = _POSIX.get(pattern[i + 2 : end])
            if kind is None:
                raise _NeverMatches(pattern)
            text += kind
            i = end + 2
            continue
        low, i = _set_char(pattern, i)
        if pattern[i : i + 1] == "-" and pattern[i + 1 : i + 2] not in ("", "]"):
            high, i = _set_char(pattern, i + 1)
            if low <= high:
                text += f"{re.escape(low)}-{re.escape(high)}"
        else:
            text += re.escape(low)
    if not text:
        return ("[^/]" if negated else "(?!)"), i + 1
    return f"(?!/)[{'^' if negated else ''}{text}]", i + 1


def _set_char(pattern: str, i: int) -> tuple[str, int]:
    if pattern[i : i + 1] == "\\":
        i += 1
    if i >= len(pattern):
        raise _NeverMatches(pattern)
    return pattern[i], i + 1
