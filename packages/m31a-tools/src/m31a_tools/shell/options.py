"""Options among the words of a command."""

from collections.abc import Iterable

from m31a_tools.shell.commands import Word


def names(text: str) -> frozenset[str]:
    """The words of a text, for tables of names."""
    return frozenset(text.split())


def short_flags(words: Iterable[Word]) -> frozenset[str]:
    """The letters of all one-dash options before `--`."""
    letters: set[str] = set()
    for word in words:
        if word.text == "--":
            break
        if word.known[:1] == "-" and word.known[:2] != "--":
            letters.update(word.known[1:])
    return frozenset(letters)


def has_long(words: Iterable[Word], option: str) -> bool:
    """Whether a long option is given, in full or as the beginning that programs accept."""
    for word in words:
        if word.text == "--":
            return False
        name = word.known.partition("=")[0]
        if len(name) > 2 and option.startswith(name):
            return True
    return False


def has_flag(words: Iterable[Word], letter: str, option: str) -> bool:
    """Whether an option is given, by its letter or its name."""
    kept = tuple(words)
    return letter in short_flags(kept) or has_long(kept, option)


def operands(words: Iterable[Word], valued: str = "") -> tuple[Word, ...]:
    """The words that are no options, nor values of the options in `valued` (`-t --target`)."""
    found: list[Word] = []
    takes = frozenset(valued.split())
    only = skip = False
    for word in words:
        if skip:
            skip = False
        elif only or word.known[:1] != "-" or word.text == "-":
            found.append(word)
        elif word.text == "--":
            only = True
        else:
            skip = word.text in takes
    return tuple(found)
