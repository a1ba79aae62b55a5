"""A command line taken apart: words, simple commands, and what they write."""

import posixpath
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Unclear(Exception):
    """The parser and a shell may read this text differently; the message says which text."""


class Kind(StrEnum):
    """How much of a word is known before the command runs."""

    FIXED = "fixed"
    """All of it."""
    FILES = "files"
    """Names of files that begin with `head`."""
    OPEN = "open"
    """Whatever begins with `head`; with an empty head also no word, or several."""


@dataclass(frozen=True, slots=True)
class Word:
    """One word of a command."""

    text: str
    """What the program gets; the source where that is not known."""
    kind: Kind = Kind.FIXED
    head: str = ""
    """The known beginning of a word that is not fixed."""

    @property
    def fixed(self) -> bool:
        """Whether the program gets exactly `text`."""
        return self.kind is Kind.FIXED

    @property
    def known(self) -> str:
        """What is known of it: all, or its beginning."""
        return self.text if self.fixed else self.head


OPEN_WORD = Word("…", Kind.OPEN)
"""Words that come from elsewhere: from input, or names that a program finds."""


def fixed_words(*texts: str) -> tuple[Word, ...]:
    """Words that are exactly these."""
    return tuple(Word(text) for text in texts)


@dataclass(frozen=True, slots=True)
class Target:
    """A file or folder that a command would write."""

    path: str
    """Seen from the root of the workspace, or absolute; as written, for links may stand in it."""
    loses: bool = True
    """What the file held may be lost."""
    redirected: bool = True
    """A redirection names it; else an operand of a program that is known to write it."""
    exact: bool = True
    """It is this path; else one that begins so, or one that cannot be told (an empty `path`)."""


@dataclass(frozen=True, slots=True)
class Command:
    """One command of a command line, wrappers and substitutions taken apart."""

    words: tuple[Word, ...]
    shown: str
    action: tuple[Word, ...]
    """The words that say what it does: general options of git, and the folder of the program,
    left out."""
    inert: bool = False
    """It does nothing that needs leave, or nothing besides what it runs, which is listed too."""
    exact_only: str = ""
    """Why its first words do not say what it does; empty when they do."""
    steered: bool = False
    """Variables are set for it, or it sets some: not even all its words say what it does."""
    moved: bool = False
    """It may run in another folder than the command line started in."""
    destroys: str = ""
    network: str = ""

    @property
    def runs_git(self) -> bool:
        """Whether it is a git command."""
        return bool(self.action) and self.action[0].text == "git"


@dataclass(frozen=True, slots=True)
class Simple:
    """A program or builtin with its words, as it stands in the command."""

    words: tuple[Word, ...]
    shown: str
    prefixed: bool = False
    """It is given variables of its own."""
    sets: bool = False
    """It is no program: it sets variables or calculates, which can steer what comes after it."""
    moved: bool = False
    """It may start in another folder than the command as a whole."""
    folders: tuple[str, ...] = (".",)
    """Where it may start; empty when that cannot be told."""
    data: str | None = None
    """What it reads from a here-document in which nothing is expanded."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A command line taken apart."""

    commands: tuple[Simple, ...] = ()
    targets: tuple[Target, ...] = ()
    unclear: tuple[str, ...] = ()
    sockets: bool = False
    """It opens a connection by a redirection."""
    reads: tuple[str, ...] = ()
    """Files that redirections read, as written."""


def targets_at(file: Word, folders: Iterable[str], *, loses: bool = True) -> tuple[Target, ...]:
    """The places a word names, seen from each folder the command may start in."""
    path = file.text if file.fixed else file.head
    if file.text.startswith("~") and not file.fixed:
        return (Target(path=file.text, loses=loses, exact=False),)
    seen = [path] if path.startswith("/") else [_below(each, path) for each in folders]
    if not file.fixed:
        seen = [place for place in seen if posixpath.normpath(place).startswith(("/", ".."))]
    places = tuple(Target(path=place, loses=loses, exact=file.fixed) for place in seen)
    return places or (Target(path="", loses=loses, exact=False),)


def _below(folder: str, path: str) -> str:
    return path if folder == "." else posixpath.join(folder, path)
