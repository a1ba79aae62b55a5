"""A best guess at the simple commands of a shell command.

Good enough to *recognise* what a command does (for refusals, warnings and deny rules), never to
*allow* one: a shell can hide a word from any guess. Allowing goes by the exact text.
"""

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

_SEPARATORS = frozenset(";&|\n(){}`")
_META = re.compile(r"[;&|<>$`(){}\n\\*?\[\]~!#'\"^=]")
_ASSIGNMENT = re.compile(r"\w+\+?=", re.ASCII)
_SHELLS = frozenset({"sh", "bash", "dash", "zsh", "ksh"})
_KEYWORDS = frozenset({"then", "do", "else", "elif", "if", "while", "until", "!", "time"})
# Programs that run the program named after them; the options that take a value of their own.
_WRAPPERS: dict[str, frozenset[str]] = {
    "sudo": frozenset({"-u", "-g", "-h", "-p", "-C", "-r", "-t", "-T", "-U", "-D", "-R"}),
    "doas": frozenset({"-u", "-C"}),
    "env": frozenset({"-u", "-C", "-S"}),
    "timeout": frozenset({"-s", "-k", "--signal", "--kill-after"}),
    "nice": frozenset({"-n"}),
    "ionice": frozenset({"-c", "-n", "-p"}),
    "stdbuf": frozenset({"-i", "-o", "-e"}),
    "xargs": frozenset({"-I", "-n", "-P", "-d", "-L", "-s", "-a", "-E"}),
    "setsid": frozenset(),
    "nohup": frozenset(),
    "command": frozenset(),
    "builtin": frozenset(),
    "exec": frozenset({"-a"}),
    "eval": frozenset(),
    "time": frozenset({"-o", "-f"}),
    "busybox": frozenset(),
}
_GIT_VALUE_OPTIONS = frozenset({"-C", "-c", "--git-dir", "--work-tree", "--namespace"})
_DEPTH = 5

Words = tuple[str, ...]


def simple_commands(command: str, depth: int = 0) -> Iterator[Words]:
    """The words of each program the command seems to run, wrappers and assignments taken off.

    The first word is the program's name without its folder.
    """
    for words in _split(command):
        yield from _unwrapped(words, depth)
    if depth < _DEPTH:
        for inner in re.findall(r"\$\(([^()]*)\)|`([^`]*)`", command):
            yield from simple_commands(inner[0] or inner[1], depth + 1)


def _unwrapped(words: Words, depth: int) -> Iterator[Words]:
    while words and (words[0] in _KEYWORDS or _ASSIGNMENT.match(words[0])):
        words = words[1:]
    if not words:
        return
    program, rest = PurePosixPath(words[0]).name, words[1:]
    yield (program, *rest)
    if depth >= _DEPTH:
        return
    if program in _SHELLS and any(re.fullmatch(r"-\w*c", word) for word in rest):
        for word in rest:
            if not word.startswith("-"):
                yield from simple_commands(word, depth + 1)
    elif program == "eval":
        yield from simple_commands(" ".join(rest), depth + 1)
    elif program == "find":
        for i, word in enumerate(rest):
            if word in ("-exec", "-execdir", "-ok"):
                yield from _unwrapped(rest[i + 1 :], depth + 1)
    elif program in _WRAPPERS:
        yield from _unwrapped(_after_options(program, rest), depth + 1)


def _after_options(program: str, words: Words) -> Words:
    i = 0
    while i < len(words) and (words[i].startswith("-") or _ASSIGNMENT.match(words[i])):
        i += 2 if words[i] in _WRAPPERS[program] else 1
    if program == "timeout":
        i += 1
    return words[i:]


def _split(command: str) -> Iterator[Words]:
    """Words between separators, quotes and backslashes taken away."""
    words: list[str] = []
    word: list[str] | None = None
    quote = ""
    chars = iter(command)
    for char in chars:
        if quote:
            if char == quote:
                quote = ""
            elif char == "\\" and quote == '"':
                word = [*(word or []), next(chars, "")]
            else:
                assert word is not None
                word.append(char)
        elif char in "'\"":
            quote = char
            word = word or []
        elif char == "\\":
            following = next(chars, "")
            if following != "\n":
                word = word or []
                word.append(following)
        elif char in " \t" or char in _SEPARATORS:
            if word is not None:
                words.append("".join(word))
                word = None
            if char in _SEPARATORS and words:
                yield tuple(words)
                words = []
        else:
            word = word or []
            word.append(char)
    if word is not None:
        words.append("".join(word))
    if words:
        yield tuple(words)


def git_action(words: Words) -> tuple[str, Words]:
    """The git sub-command of `words` and what follows it; ("", ()) when it is not git."""
    if not words or words[0] != "git":
        return "", ()
    i = 1
    while i < len(words) and words[i].startswith("-"):
        i += 2 if words[i] in _GIT_VALUE_OPTIONS else 1
    return (words[i], words[i + 1 :]) if i < len(words) else ("", ())


def commits(command: str) -> bool:
    """Whether the command seems to make a git commit."""
    return any(git_action(words)[0] == "commit" for words in simple_commands(command))


def destroys(command: str) -> tuple[str, ...]:
    """The parts of the command that can destroy work that nothing else holds, by name."""
    found = dict.fromkeys(filter(None, map(_destroys, simple_commands(command))))
    return tuple(found)


def _destroys(words: Words) -> str:
    program, rest = words[0], words[1:]
    flags = "".join(word[1:] for word in rest if re.match(r"-\w", word))
    if program == "git":
        return _git_destroys(*git_action(words))
    if program == "rm" and (re.search("[rR]", flags) or "--recursive" in rest):
        return "rm -r"
    if program == "find" and "-delete" in rest:
        return "find -delete"
    if program in {"shred", "dd", "truncate", "wipefs", "srm"} or program.startswith("mkfs"):
        return program
    if program == "rsync" and any(word.startswith("--del") for word in rest):
        return "rsync --delete"
    return ""


def _git_destroys(action: str, rest: Words) -> str:
    short = "".join(word[1:] for word in rest if re.match(r"-\w", word))
    forced = "f" in short or "--force" in rest
    losing = {
        "reset": "--hard" in rest or "--merge" in rest or "--keep" in rest,
        "clean": forced,
        "checkout": not rest or rest[0] not in ("-b", "-B", "--orphan"),
        "restore": "--staged" not in rest or "--worktree" in rest,
        "switch": forced or "--discard-changes" in rest or "-C" in rest,
        "stash": rest[:1] in (("drop",), ("clear",), ("pop",)),
        "push": forced
        or "--mirror" in rest
        or "--delete" in rest
        or any(word.startswith(("+", "--force")) for word in rest),
        "branch": "D" in short or (forced and ("d" in short or "--delete" in rest)),
        "worktree": rest[:1] == ("remove",),
        "rm": True,
        "update-ref": "-d" in rest,
        "reflog": rest[:1] in (("expire",), ("delete",)),
        "gc": any(word.startswith("--prune") for word in rest),
        "filter-branch": True,
        "filter-repo": True,
        "rebase": True,
    }
    return f"git {action}" if losing.get(action, False) else ""


def normalised(command: str) -> str:
    """`command` with runs of blanks outside quotes made one, none at the ends."""
    out: list[str] = []
    quote = ""
    chars = iter(command.strip(" \t\n"))
    for char in chars:
        if char == "\\" and quote != "'":
            out.append(char + next(chars, ""))
            continue
        if quote:
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
        elif char in " \t":
            if out[-1] != " ":
                out.append(" ")
            continue
        out.append(char)
    return "".join(out)


def is_plain(command: str) -> bool:
    """Whether the command is words alone: no operator, quote, expansion or assignment."""
    return _META.search(command) is None


def may_contain(command: str, words: Words) -> bool:
    """Whether `words` seem to stand in a row in the command, wherever and however quoted."""
    pattern = tuple(words)
    candidates = [*simple_commands(command), *_split(re.sub(r"['\"\\]", "", command))]
    for found in candidates:
        named = tuple(PurePosixPath(word).name if word.startswith("/") else word for word in found)
        for start in range(len(found) - len(pattern) + 1):
            end = start + len(pattern)
            if pattern in (found[start:end], named[start:end]):
                return True
    return False


def is_opaque(command: str) -> bool:
    """Whether expansions could make the command run words that do not stand in it."""
    return re.search(r"[$`]|\b(?:eval|source|base64)\b", command) is not None
