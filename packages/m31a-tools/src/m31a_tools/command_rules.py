r"""What the command of a rule covers.

A rule that *allows* is written in one of three ways:

- a whole command line, as it stands: `make test && make lint`. It covers that very text, runs of
  blanks outside quotes aside, whatever is in it.
- the words of one command: `git status`. It covers each command with exactly these words in a
  line, however they are quoted, and also one that destroys, unless the line changed folder.
- words and ` *`: `pytest *`. It covers each command that begins so and goes on with words that
  are written out (or file names that cannot be options), but none that destroys, none given
  variables of its own, no program text (`python -c …`), no git with settings of its own, and
  none that uses the network unless the words name what does (`npm install *`).

A rule that *asks* or *denies* covers a command that begins with its words, wherever it stands in
the line, whatever its options' order, with ` *` or without. A line that could run such a command
(a word that is not written out, a text for an interpreter, words in a row elsewhere) is asked
about; where a line cannot be judged, the words in a row in its text are enough to deny it.
"""

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache

from m31a_tools.shell.commands import Command, Kind, Word
from m31a_tools.shell.judge import Reading, read_command
from m31a_tools.shell.options import names

# Programs whose words are text or names, never a command.
_TAKES_DATA = names(
    "echo printf cat head tail less more wc ls grep egrep fgrep rg ag ack test [ cd pwd mkdir "
    "touch rm cp mv diff cmp sort uniq cut tr tee stat file basename dirname realpath readlink"
)
_GIT_TAKES_DATA = frozenset({"log", "grep", "show", "diff", "add", "rm", "mv", "blame", "commit"})


class Match(IntEnum):
    """Whether a command is one that a rule names."""

    NO = 0
    MAYBE = 1
    YES = 2


@dataclass(frozen=True, slots=True)
class Pattern:
    """The command of a rule."""

    whole: str
    words: tuple[str, ...] | None
    """The words of one command; None when it is another kind of text."""
    action: tuple[str, ...]
    """The same without the program's folder and git's general options."""
    begins: bool
    """It goes on: ` *` stands behind the words."""


@lru_cache(maxsize=512)
def pattern_of(command: str) -> Pattern:
    """A rule's command, read."""
    whole = normalised(command)
    begins = whole == "*" or whole.endswith(" *")
    text = whole.removesuffix("*").strip() if begins else whole
    if not text:
        return Pattern(whole=whole, words=() if begins else None, action=(), begins=begins)
    reading = read_command(text)
    first = next((each for each in reading.commands if normalised(each.shown) == text), None)
    fixed = first is not None and all(word.fixed for word in first.words)
    if first is None or not fixed or reading.unclear or reading.targets_of_redirections:
        return Pattern(whole=whole, words=None, action=tuple(text.split()), begins=begins)
    words = None if first.steered else tuple(word.text for word in first.words)
    action = tuple(word.text for word in first.action)
    return Pattern(whole=whole, words=words, action=action, begins=begins)


def allows(pattern: Pattern, command: Command) -> bool:
    """Whether a rule that allows covers this one command of a line."""
    if pattern.words is None or command.steered:
        return False
    if not pattern.begins:
        same = all(word.fixed for word in command.words) and pattern.words == tuple(
            word.text for word in command.words
        )
        return same and not (command.destroys and command.moved)
    size = len(pattern.words)
    begun, rest = command.words[:size], command.words[size:]
    if command.destroys or command.exact_only or len(begun) < size:
        return False
    if command.network and not set(command.network.split()) <= set(pattern.words):
        return False
    return all(
        word.fixed and word.text == expected
        for word, expected in zip(begun, pattern.words, strict=True)
    ) and all(map(_says_enough, rest))


def _says_enough(word: Word) -> bool:
    """Whether a word can be nothing but what its beginning says: an operand, no option."""
    return word.fixed or (word.kind is Kind.FILES and word.head[:1] not in ("", "-"))


def forbids(pattern: Pattern, reading: Reading, text: str) -> Match:
    """Whether a rule that asks or denies covers any command of a line."""
    if pattern.whole in ("*", normalised(text)):
        return Match.YES
    found = max((_names(pattern.action, each) for each in reading.commands), default=Match.NO)
    if not reading.unclear:
        return found
    return Match.YES if _stands_in(pattern.action, text) else max(found, Match.MAYBE)


def _stands_in(wanted: tuple[str, ...], text: str) -> bool:
    """Whether the words stand in a row in a text that cannot be judged: then deny still wins."""
    row = r"\s+".join(map(re.escape, wanted))
    return bool(wanted) and re.search(rf"(?<![\w-]){row}(?![\w-])", text) is not None


def _names(wanted: tuple[str, ...], command: Command) -> Match:
    if not wanted or not command.action:
        return Match.NO
    wanted = (posixpath.basename(wanted[0]).casefold(), *wanted[1:])
    begun = _begins(wanted, command.action)
    if begun is not Match.NO:
        return begun
    if _same_call(wanted, command.action):
        return Match.YES
    program = command.action[0].text
    takes_data = program in _TAKES_DATA or (
        program == "git" and command.action[1:] and command.action[1].text in _GIT_TAKES_DATA
    )
    if takes_data and not command.exact_only:
        return Match.NO
    named = re.compile(rf"(?<![\w-]){re.escape(wanted[0])}(?![\w-])")
    if command.exact_only and any(named.search(word.text) for word in command.words[1:]):
        return Match.MAYBE
    places = range(1, len(command.action))
    elsewhere = any(_begins(wanted, command.action[at:]) is not Match.NO for at in places)
    return Match.MAYBE if elsewhere else Match.NO


def _begins(wanted: tuple[str, ...], words: tuple[Word, ...]) -> Match:
    if len(words) < len(wanted) and all(word.fixed for word in words):
        return Match.NO
    for expected, word in zip(wanted, words, strict=False):
        if word.fixed:
            if word.text != expected and posixpath.basename(word.text) != expected:
                return Match.NO
        elif expected.startswith(word.head):
            # A word that begins nowhere is in itself no sign of the command.
            return Match.MAYBE if word.head or expected is not wanted[0] else Match.NO
        else:
            return Match.NO
    return Match.YES


def _same_call(wanted: tuple[str, ...], words: tuple[Word, ...]) -> bool:
    """Whether the operands begin as wanted and all wanted options are there, in any order."""
    operands, letters, options = _sorted(wanted)
    if not letters and not options and len(operands) < 2:
        return False
    given = _sorted(tuple(word.text for word in words))
    return given[0][: len(operands)] == operands and letters <= given[1] and options <= given[2]


def _sorted(words: tuple[str, ...]) -> tuple[tuple[str, ...], frozenset[str], frozenset[str]]:
    operands = tuple(word for word in words if word[:1] != "-")
    letters = frozenset("".join(word[1:] for word in words if re.match(r"-\w", word)))
    return operands, letters, frozenset(word for word in words if word.startswith("--"))


def operand_paths(reading: Reading) -> Iterator[str]:
    """Paths that the words of a line may name, for rules that ask or deny."""
    for command in reading.commands:
        for word in command.words[1:]:
            text = word.known.partition("=")[2] if word.text[:1] == "-" else word.known
            if text:
                yield posixpath.normpath(text)
    yield from map(posixpath.normpath, reading.reads)


def normalised(command: str) -> str:
    """`command` with runs of blanks outside quotes made one, none at the ends.

    With a here-document only the ends are touched: blanks in it have a meaning of their own.
    """
    if "<<" in command:
        return command.strip(" \t\n")
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
