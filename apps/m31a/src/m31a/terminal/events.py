"""What a person did at the keyboard or with the mouse, and what the terminal tells of itself."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Key:
    """One key press."""

    chord: str
    """Its name: `a`, `A`, `?`, `space`, `enter`, `ctrl+c`, `alt+enter`, `shift+tab`, `f1`."""
    text: str = ""
    """What it types; empty for keys that type nothing."""


@dataclass(frozen=True, slots=True)
class Paste:
    """Text put in as a whole; its line ends are newlines."""

    text: str
    complete: bool = True
    """False when the terminal never told where it ends."""


@dataclass(frozen=True, slots=True)
class Mouse:
    """A press, release, drag or turn of the wheel, at a cell counted from 0."""

    action: str
    """`press`, `release`, `drag`, `wheel_up`, `wheel_down`."""
    column: int
    row: int


@dataclass(frozen=True, slots=True)
class Focus:
    """The terminal's window came to the front or left it."""

    gained: bool


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole control sequence that is no key: an answer of the terminal, or something unknown."""

    text: str


InputEvent = Key | Paste | Mouse | Focus | Reply
