"""Which keys mean what, as tables: looked up by the loop, shown by help and footer.

A chord is a key's name (`ctrl+c`), or several with blanks between (`ctrl+x c`).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum


@dataclass(frozen=True, slots=True)
class Binding:
    """One action, the chords that mean it, and what it does in a few words."""

    action: str
    chords: tuple[str, ...]
    says: str
    hint: bool = False
    """Whether the footer shows it."""


KeyTable = tuple[Binding, ...]


def bind(action: str, chords: str, says: str, *, hint: bool = False) -> Binding:
    """A binding; `chords` separates alternatives by commas: `ctrl+c, ctrl+x c`."""
    return Binding(action, tuple(each.strip() for each in chords.split(",")), says, hint)


class Part(Enum):
    """What a sequence of keys is when it is no whole chord."""

    PREFIX = "prefix"
    NOTHING = "nothing"


def look_up(tables: Iterable[KeyTable], keys: Sequence[str]) -> str | Part:
    """The action of the keys pressed so far; earlier tables win."""
    chord = " ".join(keys)
    prefix = False
    for table in tables:
        for binding in table:
            if chord in binding.chords:
                return binding.action
            prefix = prefix or any(each.startswith(f"{chord} ") for each in binding.chords)
    return Part.PREFIX if prefix else Part.NOTHING


def clashes(tables: Sequence[KeyTable]) -> Iterator[tuple[str, str, str]]:
    """Chords that two actions of one table claim: the chord, who wins, who loses."""
    for table in tables:
        seen: dict[str, str] = {}
        for binding in table:
            for chord in binding.chords:
                if chord in seen:
                    yield chord, seen[chord], binding.action
                seen.setdefault(chord, binding.action)


SHOWN = {
    "escape": "esc",
    "up": "↑",
    "down": "↓",
    "left": "←",
    "right": "→",
    "wheelup": "wheel",
    "wheeldown": "wheel",
    "pageup": "pgup",
    "pagedown": "pgdn",
}


def shown(chord: str) -> str:
    """A chord as help and footer write it."""
    return " ".join(
        "+".join(SHOWN.get(part, part) for part in key.split("+")) if key != "+" else key
        for key in chord.split(" ")
    )


GLOBAL: KeyTable = (
    bind("app.interrupt", "ctrl+c", "stop; twice quits"),
    bind("app.back", "escape", "back"),
    bind("app.palette", "ctrl+p", "all commands", hint=True),
    bind("app.help", "f1", "the keys of this screen"),
    bind("app.redraw", "ctrl+l", "paint the screen anew"),
    bind("app.suspend", "ctrl+z", "stop the program, back to the shell"),
    bind("app.mouse", "alt+m", "mouse on or off"),
)
"""What keys mean on every screen that gives them no meaning of its own."""
